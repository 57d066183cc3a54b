// The live runs of all users, for an operator who looks for one that hangs: by ids, without a word of them.
import type { RunStatus } from "../../protocol/run.ts";

/** Of more than these the newest heard of are not looked at. A run that hangs is silent. */
const MAX_LOOKED_AT = 10_000;

export interface LiveRun {
  user_id: string;
  thread_id: string;
  invocation_id: string;
  status: RunStatus;
  created_at: string;
  /** D1's last news of it. */
  updated_at: string;
}

export const OLDEST_RUNS = `SELECT user_id, thread_id, invocation_id, status, created_at, min(updated_at, ?2) AS updated_at
FROM (SELECT user_id, thread_id, invocation_id, status, created_at, updated_at
  FROM runs INDEXED BY runs_live WHERE status IN ('queued', 'running') ORDER BY updated_at LIMIT ${MAX_LOOKED_AT})
ORDER BY created_at, invocation_id LIMIT ?1`;

/** The oldest first. A healthy run is marked until its next sign of life is due, which is no news of it: `now` bounds it. */
export async function listOldestRuns(db: D1Database, limit: number, now: number): Promise<LiveRun[]> {
  const found = await db.prepare(OLDEST_RUNS).bind(limit, new Date(now).toISOString()).all<LiveRun>();
  return found.results;
}
