// Deletes what is too old to be asked for: closed leases, and the budgets of days and months. A month goes as a whole.
// The rows of a project's budget are for all time; they go when the project is gone and none of its leases is open.

/** Longer than a year, so that a month can be compared with the same one a year ago. */
const KEPT_MS = 400 * 24 * 3_600_000;

const DELETE_LEASES = `
DELETE FROM leases WHERE (user_id, thread_id, lease_id, scope, period) IN (
  SELECT user_id, thread_id, lease_id, scope, period FROM leases INDEXED BY leases_by_time
  WHERE closed_at < ?1 ORDER BY closed_at LIMIT ?2)`;

/** `all` sorts after every time. */
const DELETE_BUDGETS = `
DELETE FROM budgets WHERE (scope, id, period) IN (
  SELECT scope, id, period FROM budgets INDEXED BY budgets_by_period WHERE period < ?1 ORDER BY period LIMIT ?2)`;

const DELETE_LOST_PROJECTS = `
DELETE FROM budgets WHERE (scope, id, period) IN (
  SELECT scope, id, period FROM budgets AS b INDEXED BY budgets_by_period
  WHERE period = 'all' AND open_cost = 0 AND open_tokens = 0 AND open_ms = 0 AND NOT EXISTS (
    SELECT 1 FROM projects WHERE projects.user_id = substr(b.id, 1, instr(b.id, '/') - 1)
      AND projects.project_id = substr(b.id, instr(b.id, '/') + 1))
  LIMIT ?1)`;

/** Returns how many rows of each went, at most `limit`. Nothing to delete costs two row reads. */
export async function deleteOldBudgets(db: D1Database, now: number, limit: number): Promise<number> {
  const before = new Date(now - KEPT_MS).toISOString().slice(0, "2026-11".length);
  const deleted = await db.batch([DELETE_LEASES, DELETE_BUDGETS].map((query) => db.prepare(query).bind(before, limit)));
  return Math.max(...deleted.map(({ meta }) => meta.changes));
}

/** Reads the row of every project with a budget. */
export async function deleteBudgetsOfLostProjects(db: D1Database, limit: number): Promise<void> {
  await db.prepare(DELETE_LOST_PROJECTS).bind(limit).run();
}
