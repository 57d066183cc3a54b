// The clock's work on old threads, each minute: it looks at some thousand threads, and asks the objects of those that are too
// old to remove them. Every step may be the last one before the server dies: where it was is stored after what it did, and
// what it did twice changes nothing.
import { configOf, type Env } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { closeAuditEntry, type OpenAuditEntry, openAuditEntry } from "../../store/people/audit.ts";
import { deleteThread } from "../../store/retention/removal.ts";
import {
  findOldThreads,
  hasOwnRetention,
  type OldThread,
  readScanState,
  type ScanPlace,
  writeScanState,
} from "../../store/retention/scan.ts";
import { isDatabaseFull } from "../../store/server/full.ts";
import { findMisplacement } from "../../thread/place.ts";
import { clock } from "../../thread/ports.ts";
import { callThread } from "../../thread/stub.ts";

/** A million threads are looked at within nine hours, and a row in an index costs nothing worth mentioning. */
const THREADS_PER_TICK = 2_000;
/**
 * Each wakes an object and is a transaction in D1: with these a day has room for 860,000, where D1 is quick. The next tick
 * may come while one is late, so it ends early.
 */
const USUAL: Bounds = { threads: 600, ms: 30_000 };
const AT_ONCE = 20;
/** Of one thread, so that an object that never answers does not make the tick much longer. */
const THREAD_MS = 15_000;
/** How soon all threads are looked at again. Retention counts in days. */
const REST_MS = 3_600_000;

interface Bounds {
  threads: number;
  ms: number;
}

export async function sweepOldThreads(env: Env, now: number, bounds: Bounds = USUAL): Promise<void> {
  try {
    const { retention_days } = configOf(env);
    if (retention_days === null && !(await hasOwnRetention(env.DB))) return;
    // Objects are elsewhere then, and would look as if they had no thread. If D1 can't say, nothing is deleted.
    if ((await findMisplacement(configOf(env), env.DB)) !== null) return;
    const state = await readScanState(env.DB);
    // One that lies ahead is of a clock that was wrong, and must not hold up the walk until then.
    if (state?.after === null && now >= state.begun_at && now - state.begun_at < REST_MS) return;
    const after = state?.after ?? null;
    const found = await findOldThreads(env.DB, after, { limit: THREADS_PER_TICK, days: retention_days, now });
    const due = found.old.slice(0, bounds.threads);
    const done = due.length === 0 ? 0 : await expireAudited(env, due, now, bounds.ms);
    const next = done < found.old.length ? toPlace(due[done - 1]) : found.last;
    await writeScanState(env.DB, { begun_at: after === null ? now : (state?.begun_at ?? now), after: next });
  } catch (error) {
    logError("retention_failed", error, {});
  }
}

function toPlace(thread: OldThread | undefined): ScanPlace | null {
  if (thread === undefined) return null;
  const { user_id, created_at, thread_id } = thread;
  return { user_id, created_at, thread_id };
}

/**
 * Returns how many it came to. One entry a minute and not one a thread, which would be kept for longer than most threads
 * and be as large as a short one.
 */
async function expireAudited(env: Env, due: OldThread[], now: number, ms: number): Promise<number> {
  const begun = Date.now();
  const entry = await openEntry(env, due.length, now);
  const outcomes: Outcome[] = [];
  do {
    const next = due.slice(outcomes.length, outcomes.length + AT_ONCE);
    outcomes.push(...(await Promise.all(next.map((thread) => expire(env, thread, now)))));
  } while (outcomes.length < due.length && Date.now() - begun < ms);
  const count = (outcome: Outcome) => outcomes.filter((each) => each === outcome).length;
  const counts = { deleted: count("deleted"), kept: count("kept"), failed: count("failed") };
  logWarning("threads_expired", counts);
  if (entry !== null) await closeAuditEntry(env.DB, entry, { outcome: "done", details: counts });
  return outcomes.length;
}

/** Null in a database that is full: this makes the room that the entry lacks. */
async function openEntry(env: Env, threads: number, now: number): Promise<OpenAuditEntry | null> {
  const nobody = { user_id: null, actor_id: null, key_id: null, target: null, source: { type: "server" } } as const;
  try {
    return await openAuditEntry(env.DB, { ...nobody, action: "thread.expire", details: { threads } }, now);
  } catch (error) {
    if (!isDatabaseFull(error)) throw error;
    logWarning("audit_without_room", { action: "thread.expire", threads });
    return null;
  }
}

type Outcome = "deleted" | "kept" | "failed";

/** A thread that can't be deleted now is found again when all have been looked at. */
async function expire(env: Env, { user_id, thread_id, before }: OldThread, now: number): Promise<Outcome> {
  const key = { user_id, thread_id };
  try {
    const asked = callThread(env, key, (stub) => stub.expire(key, before, now));
    const expired = await withinTime(clock, THREAD_MS, "A thread", asked);
    if (expired.ok) return expired.value ? "deleted" : "kept";
    // Another failure says nothing of the thread: under another JURISDICTION its object is elsewhere, and whole.
    if (expired.error.code !== "not_found") throw new Error(expired.error.detail);
    // Only D1 knows it, as after a restore.
    await deleteThread(env.DB, key, Date.now(), [], { is_expired: true });
    return "deleted";
  } catch (error) {
    logWarning("thread_not_expired", { ...key, error: describeError(error) });
    return "failed";
  }
}
