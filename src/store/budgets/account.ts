// What a deleted account had of leases and budgets. The deployment's budget keeps what was spent of it: an open lease
// counts in full then.
import { deleteAccountRows } from "../people/account-rows.ts";

const ROWS_AT_ONCE = 500;

/** A project's id begins with its user's and a slash, after which `0` comes next. */
const DELETE_BUDGETS = `
DELETE FROM budgets WHERE (scope, id, period) IN (
  SELECT scope, id, period FROM budgets WHERE scope = 'user' AND id = ?1
  UNION ALL SELECT scope, id, period FROM budgets WHERE scope = 'project' AND id > ?1 || '/' AND id < ?1 || '0'
  LIMIT ${ROWS_AT_ONCE})`;

/** Leases first: one that ends later would change a budget. */
export async function deleteAccountBudgets(db: D1Database, user_id: string): Promise<"done" | "more"> {
  if ((await deleteAccountRows(db, user_id, ["leases"])) === "more") return "more";
  const { meta } = await db.prepare(DELETE_BUDGETS).bind(user_id).run();
  return meta.changes > 0 ? "more" : "done";
}
