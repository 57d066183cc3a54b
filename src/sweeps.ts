// The work of the clock, each minute. `sweepRuns` calls the threads of silent runs. The call asks the object to send
// the state of these runs to D1, and like any call it wakes an object that has work. A healthy object loses nothing.
// `createKeySweep` sees to the keys of the settings.

import { findWarnings } from "./config/warnings.ts";
import { configOf, type Env } from "./config.ts";
import { logError, logWarning } from "./lib/log.ts";
import type { ThreadKey } from "./protocol/thread.ts";
import { createResealer } from "./secrets/reseal.ts";
import { deleteAuditEntries } from "./store/people/audit.ts";
import { deleteExpiredSessions } from "./store/people/sessions.ts";
import { endLostRuns, takeSilentRuns } from "./store/runs.ts";
import { databaseSize } from "./store/server/size.ts";
import { SILENT_MS } from "./store/signs.ts";
import { callThread } from "./thread/stub.ts";

// Limits of one sweep. Runs left over have waited longest in the next one.
const RUNS_PER_SWEEP = 500;
const THREADS_AT_ONCE = 20;

/**
 * Objects continue for half an hour after a deploy (`max_delay` of wrangler.toml), with the keys that they began with.
 * Until they have ended, no secret is sealed with a key that they lack.
 */
export const VERSION_MS = 40 * 60_000;

const DAY_MS = 24 * 3_600_000;
/** D1's clock refuses to delete the last day's entries, and may be behind. */
const CLOCKS_MS = 3_600_000;
/** A transaction of some milliseconds. A day's sweeps delete seven million, more than anybody writes. */
const ENTRIES_AT_ONCE = 500;
const AUDIT_STEPS = 10;

/** Deletes entries of the audit that are older than the setting says. Nothing to delete costs one row read. */
export async function sweepAudit(env: Env, now: number): Promise<void> {
  try {
    const before = now - configOf(env).audit_days * DAY_MS - CLOCKS_MS;
    for (let step = 0; step < AUDIT_STEPS; step++) {
      if ((await deleteAuditEntries(env.DB, before, ENTRIES_AT_ONCE)) < ENTRIES_AT_ONCE) return;
    }
  } catch (error) {
    logError("audit_sweep_failed", error, {});
  }
}

interface SilentThread {
  key: ThreadKey;
  invocation_ids: string[];
}

export async function sweepRuns(env: Env, now: number): Promise<void> {
  try {
    const silent = new Map<string, SilentThread>();
    for (const run of await takeSilentRuns(env.DB, now - SILENT_MS, now, RUNS_PER_SWEEP)) {
      const { user_id, thread_id, invocation_id } = run;
      const name = `${user_id}/${thread_id}`;
      const thread = silent.get(name) ?? { key: { user_id, thread_id }, invocation_ids: [] };
      thread.invocation_ids.push(invocation_id);
      silent.set(name, thread);
    }
    const threads = [...silent.values()];
    for (let index = 0; index < threads.length; index += THREADS_AT_ONCE) {
      await Promise.all(
        threads.slice(index, index + THREADS_AT_ONCE).map((thread) => resumeStaleThread(env, thread, now)),
      );
    }
  } catch (error) {
    logError("sweep_failed", error, {});
  }
}

async function resumeStaleThread(env: Env, { key, invocation_ids }: SilentThread, now: number): Promise<void> {
  try {
    const answer = await callThread(env, key, (stub) => stub.resumeStaleRuns(key, invocation_ids));
    // The settings lead to other objects, so nothing is known of these runs.
    if (!answer.ok && answer.error.code === "not_configured") return;
    const lost = answer.ok ? answer.value : invocation_ids;
    if (lost.length === 0) return;
    logWarning("runs_lost", { ...key, runs: lost.length });
    await endLostRuns(env.DB, key, lost, now);
  } catch (error) {
    logError("resume_failed", error, { ...key });
  }
}

/** A warning an hour is seen, and sixty are not read. */
const SIZE_SAID_AT = 23;

/** Warns while the database is filling up. What is known of its size came with another answer of this minute. */
export function warnOfSize(env: Env, now: number): void {
  const size = databaseSize(configOf(env).database_limit);
  if (size === null || !size.is_filling || new Date(now).getUTCMinutes() !== SIZE_SAID_AT) return;
  const { bytes, limit_bytes, share } = size;
  logWarning("d1_filling", { bytes, limit_bytes, percent: Math.floor(share * 100) });
}

/** At one minute of the hour: what it ends holds for nobody already. */
const SESSIONS_SWEPT_AT = 17;

/** Ends sessions that have expired, of people who did not come back. A sign-in ends those of its user. */
export async function sweepSessions(env: Env, now: number): Promise<void> {
  if (new Date(now).getUTCMinutes() !== SESSIONS_SWEPT_AT) return;
  try {
    await deleteExpiredSessions(env.DB, now);
  } catch (error) {
    logError("session_sweep_failed", error, {});
  }
}

/** Seals secrets with a new ENCRYPTION_KEY, and logs once in an isolate's life what an operator should fix. */
export function createKeySweep(): (env: Env, now: number) => Promise<void> {
  const resealer = createResealer();
  let hasWarned = false;
  return async (env, now) => {
    try {
      const config = configOf(env);
      if (!hasWarned) for (const detail of findWarnings(config)) logWarning("setting_warning", { detail });
      hasWarned = true;
      if (now - Date.parse(env.VERSION?.timestamp ?? "") < VERSION_MS) return;
      await resealer.tick({ database: env.DB, encryption_keys: config.encryption_keys }, now);
    } catch (error) {
      logError("key_sweep_failed", error, {});
    }
  };
}
