// A budget counts nothing while no cap holds. When one is set again, what the runs of its time have used by then is
// counted, as for a new budget. Never lowers a budget: it also has what was spent in threads that were deleted since.
import type { BudgetScope } from "../../protocol/money/lease.ts";
import { toRow, USED } from "./grant.ts";

/** Runs at work count by their leases. */
const IS_DONE = `NOT EXISTS (SELECT 1 FROM leases WHERE leases.user_id = runs.user_id
  AND leases.thread_id = runs.thread_id AND leases.invocation_id = runs.invocation_id AND leases.closed_at IS NULL)`;

const CATCH_UP = `
WITH known AS MATERIALIZED (
  SELECT b.scope, b.id, b.period, CASE asked.value ->> 'scope'
    WHEN 'user' THEN (SELECT ${USED} FROM runs INDEXED BY runs_by_creation
      WHERE user_id = ?1 AND created_at >= asked.value ->> 'period' AND ${IS_DONE})
    ELSE (SELECT ${USED} FROM threads CROSS JOIN runs USING (user_id, thread_id) WHERE threads.user_id = ?1
      AND threads.deleted_at IS NULL AND threads.project_id = asked.value ->> 'project_id' AND ${IS_DONE}) END AS used
  FROM json_each(?2) AS asked JOIN budgets AS b ON b.scope = asked.value ->> 'scope'
    AND b.id = asked.value ->> 'id' AND b.period = asked.value ->> 'period')
UPDATE budgets SET cost = max(budgets.cost, budgets.open_cost + (known.used ->> 0)),
  tokens = max(budgets.tokens, budgets.open_tokens + (known.used ->> 1)),
  ms = max(budgets.ms, budgets.open_ms + (known.used ->> 2))
FROM known WHERE budgets.scope = known.scope AND budgets.id = known.id AND budgets.period = known.period`;

/** `scopes` of one user and its projects: those that have a cap again. */
export async function catchUpBudgets(db: D1Database, user_id: string, scopes: BudgetScope[]): Promise<void> {
  if (scopes.length === 0) return;
  const rows = JSON.stringify(scopes.map((scope) => toRow(user_id, scope)));
  await db.prepare(CATCH_UP).bind(user_id, rows).run();
}
