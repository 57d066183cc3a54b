// Runs every minute and calls the threads of silent runs. The call asks the object to send the state of these runs to
// D1, and like any call it wakes an object that has work. A healthy object loses nothing.
import type { Env } from "./config.ts";
import { logError, logWarning } from "./lib/log.ts";
import type { ThreadKey } from "./protocol/thread.ts";
import { endLostRuns, takeSilentRuns } from "./store/runs.ts";
import { callThread } from "./thread/stub.ts";

// Objects wake by their own alarm at least every 30 s; after twice that time one has probably failed to.
const SILENT_MS = 60_000;

// Limits of one sweep. Runs left over have waited longest in the next one.
const RUNS_PER_SWEEP = 500;
const THREADS_AT_ONCE = 20;

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
    const answer = await callThread(env, key, (stub) => stub.poke(key, invocation_ids));
    const lost = answer.ok ? answer.value : invocation_ids;
    if (lost.length === 0) return;
    logWarning("runs_lost", { ...key, runs: lost.length });
    await endLostRuns(env.DB, key, lost, now);
  } catch (error) {
    logError("poke_failed", error, { ...key });
  }
}
