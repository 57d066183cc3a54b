// Whether other threads of a project work, which share its sandbox.
import type { ThreadKey } from "../../protocol/thread.ts";

/** A run that began before that and ended since is not found. */
const LOOK_BACK_MS = 24 * 60 * 60 * 1000;

/** Live runs have an index of their own; of those that have ended, the runs of a day are read. */
export const OTHERS_AT_WORK = `
SELECT EXISTS (SELECT 1 FROM runs INDEXED BY runs_live CROSS JOIN threads USING (user_id, thread_id)
  WHERE runs.status IN ('queued', 'running') AND runs.status = 'running' AND runs.user_id = ?1 AND runs.thread_id <> ?2
    AND threads.project_id = ?3)
OR EXISTS (SELECT 1 FROM runs INDEXED BY runs_by_creation CROSS JOIN threads USING (user_id, thread_id)
  WHERE runs.user_id = ?1 AND runs.created_at >= ?4 AND runs.thread_id <> ?2 AND runs.updated_at >= ?5
    AND runs.status NOT IN ('queued', 'running') AND threads.project_id = ?3) AS found`;

/** D1 has a run's row within a second of its start, and of its end. */
export async function hasOthersAtWork(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  project_id: string,
  since: number,
): Promise<boolean> {
  const [began, ended] = [since - LOOK_BACK_MS, since].map((time) => new Date(time).toISOString());
  const found = await db
    .prepare(OTHERS_AT_WORK)
    .bind(user_id, thread_id, project_id, began, ended)
    .first<number>("found");
  return found === 1;
}
