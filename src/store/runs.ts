// Reads runs for the routes, and finds silent runs for the sweeper.
import { and, eq } from "drizzle-orm";
import type { Run, RunStatus } from "../protocol/run.ts";
import type { ThreadKey } from "../protocol/thread.ts";
import { open } from "./database.ts";
import { runs } from "./schema.ts";
import { noteSize } from "./server/size.ts";
import { toRun } from "./shapes/run.ts";
import { readStored } from "./shapes/stored.ts";
import { insertLostRunDeliveries } from "./webhooks/event-deliveries.ts";

export async function readRun(db: D1Database, key: ThreadKey, invocation_id: string): Promise<Run | null> {
  const row = await open(db)
    .select({ run: runs.run, invocation_id: runs.invocation_id })
    .from(runs)
    .where(and(isOfThread(key), eq(runs.invocation_id, invocation_id)))
    .get();
  return (row && toStoredRun(row)) ?? null;
}

/** Null if D1 has no such run, or knows that it is over. */
export async function readLiveStatus(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  invocation_id: string,
): Promise<RunStatus | null> {
  const query = `SELECT status FROM runs
    WHERE user_id = ?1 AND thread_id = ?2 AND invocation_id = ?3 AND status IN ('queued', 'running')`;
  return await db.prepare(query).bind(user_id, thread_id, invocation_id).first<RunStatus>("status");
}

/** Reads only the index over the live runs of all users, whose entries hold the key. */
const COUNT_LIVE_RUNS = `
SELECT count(*) AS runs FROM runs INDEXED BY runs_live WHERE status IN ('queued', 'running') AND user_id = ?1`;

export async function countLiveRuns(db: D1Database, user_id: string): Promise<number> {
  return (await db.prepare(COUNT_LIVE_RUNS).bind(user_id).first<number>("runs")) ?? 0;
}

export interface SilentRun extends ThreadKey {
  invocation_id: string;
}

/**
 * The statuses are literals and not bound values: SQLite uses the partial index `runs_live` only if the statement
 * itself implies the index's condition.
 */
export const TAKE_SILENT_RUNS = `
UPDATE runs SET updated_at = ?2
WHERE (user_id, thread_id, invocation_id) IN (
  SELECT user_id, thread_id, invocation_id FROM (
    SELECT user_id, thread_id, invocation_id, updated_at, row_number() OVER (PARTITION BY user_id ORDER BY updated_at) AS turn
    FROM runs WHERE status IN ('queued', 'running') AND updated_at < ?1)
  ORDER BY turn, updated_at LIMIT ?3)
RETURNING user_id, thread_id, invocation_id`;

/**
 * Takes up to `limit` live runs that D1 has no news of since `before`, and marks them as seen now, so two concurrent
 * sweeps take different runs. Users take turns; of each, the longest silent comes first.
 */
export async function takeSilentRuns(db: D1Database, before: number, now: number, limit: number): Promise<SilentRun[]> {
  const times = [before, now].map((time) => new Date(time).toISOString());
  const taken = await db
    .prepare(TAKE_SILENT_RUNS)
    .bind(...times, limit)
    .all<SilentRun>();
  noteSize(taken.meta);
  return taken.results;
}

/**
 * Ends runs in D1 that their thread's object does not know. This happens if D1 is restored from a backup older than a
 * removal; nothing else would ever end them.
 */
export async function endLostRuns(db: D1Database, key: ThreadKey, ids: string[], now: number): Promise<void> {
  const at = new Date(now).toISOString();
  const error = { code: "internal", message: "The thread of this run knows nothing of it." };
  const end = db
    .prepare(
      `UPDATE runs SET status = 'failed', version = version + 1, updated_at = ?4,
         run = json_set(run, '$.status', 'failed', '$.finished_at', ?4, '$.error', json(?5))
       WHERE user_id = ?1 AND thread_id = ?2 AND status IN ('queued', 'running')
         AND invocation_id IN (SELECT value FROM json_each(?3))`,
    )
    .bind(key.user_id, key.thread_id, JSON.stringify(ids), at, JSON.stringify(error));
  await db.batch([insertLostRunDeliveries(db, key, ids, now), end]);
}

function toStoredRun({ run, invocation_id }: { run: string; invocation_id: string }): Run | undefined {
  return readStored(toRun, run, "run", invocation_id);
}

function isOfThread(key: ThreadKey) {
  return and(eq(runs.user_id, key.user_id), eq(runs.thread_id, key.thread_id));
}
