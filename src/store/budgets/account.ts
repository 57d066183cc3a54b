// What a deleted account had of leases and budgets. The deployment's budget keeps what was spent of it: an open lease
// counts in full then.
import { deletionOf } from "../people/account-rows.ts";

const ROWS_AT_ONCE = 500;

/** A project's id begins with its user's and a slash, after which `0` comes next. */
const DELETE_BUDGETS = `
DELETE FROM budgets WHERE (scope, id, period) IN (
  SELECT scope, id, period FROM budgets WHERE scope = 'user' AND id = ?1
  UNION ALL SELECT scope, id, period FROM budgets WHERE scope = 'project' AND id > ?1 || '/' AND id < ?1 || '0'
  LIMIT ${ROWS_AT_ONCE}) AND NOT EXISTS (SELECT 1 FROM leases WHERE user_id = ?1)`;

/**
 * Leases first: one that ends later would change a budget. In one transaction, since a budget is the sum of its leases,
 * and the server may end after each.
 */
export async function deleteAccountBudgets(db: D1Database, user_id: string): Promise<"done" | "more"> {
  const deletions = [deletionOf(db, user_id, "leases"), db.prepare(DELETE_BUDGETS).bind(user_id)];
  const [leases, budgets] = await db.batch(deletions);
  return leases?.results.length || budgets?.meta.changes ? "more" : "done";
}
