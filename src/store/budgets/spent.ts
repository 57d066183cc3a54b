// What is spent of caps over many threads, for whoever they hold for. A scope and period that no run has asked for yet
// has no row. Its row would begin with what its runs have used, so that is what counts as spent.
import type { Caps, PeriodCaps } from "../../protocol/money/caps.ts";
import type { Amount, BudgetScope } from "../../protocol/money/lease.ts";
import { type SpentCap, startOfNext } from "../../protocol/money/spent.ts";
import { readCaps, toCaps, toPeriodCaps } from "../shapes/caps.ts";
import { amountNames, toRow, USED, units } from "./grant.ts";

const READ_OWN = `
SELECT (SELECT caps FROM users WHERE user_id = ?1) AS user_caps,
  (SELECT caps FROM projects WHERE user_id = ?1 AND project_id = ?2) AS project_caps`;

/** The caps that a user and one of its projects have of their own. For a batch, whose result `toOwnCaps` reads. */
export function prepareOwnCaps(db: D1Database, user_id: string, project_id: string | undefined): D1PreparedStatement {
  return db.prepare(READ_OWN).bind(user_id, project_id ?? null);
}

/** Throws where they can't be read, as a run does: they must not look like none. */
export function toOwnCaps(results: unknown[] | undefined): { user: PeriodCaps | null; project: Caps | null } {
  const [row] = (results ?? []) as { user_caps: string | null; project_caps: string | null }[];
  return {
    user: readCaps(toPeriodCaps, row?.user_caps, "user"),
    project: readCaps(toCaps, row?.project_caps, "project"),
  };
}

const READ_SPENT = `
SELECT ${amountNames.map((name) => `b.${name}, b.open_${name}`).join(", ")},
  CASE WHEN b.scope IS NOT NULL THEN NULL WHEN asked.value ->> 'scope' = 'user'
    THEN (SELECT ${USED} FROM runs INDEXED BY runs_by_creation
      WHERE user_id = ?1 AND created_at >= asked.value ->> 'period')
    ELSE (SELECT ${USED} FROM threads CROSS JOIN runs USING (user_id, thread_id)
      WHERE threads.user_id = ?1 AND threads.deleted_at IS NULL AND threads.project_id = asked.value ->> 'project_id')
  END AS before
FROM json_each(?2) AS asked LEFT JOIN budgets AS b ON b.scope = asked.value ->> 'scope'
  AND b.id = asked.value ->> 'id' AND b.period = asked.value ->> 'period' ORDER BY asked.key`;

type SpentRow = Amount & Record<`open_${keyof Amount}`, number> & { before: string | null };

/** `scopes` of one user and its projects. Reads runs only for a cap that none has met in its period. */
export async function readSpent(db: D1Database, user_id: string, scopes: BudgetScope[]): Promise<SpentCap[]> {
  if (scopes.length === 0) return [];
  const rows = JSON.stringify(scopes.map((scope) => toRow(user_id, scope)));
  const { results } = await db.prepare(READ_SPENT).bind(user_id, rows).all<SpentRow>();
  return scopes.flatMap((scope, place) => spentOf(scope, results[place]));
}

function spentOf({ scope, period, caps }: BudgetScope, row: SpentRow | undefined): SpentCap[] {
  const before = row?.before == null ? null : (JSON.parse(row.before) as number[]);
  return amountNames.flatMap((name, place) => {
    const { cap, toCap } = units[name];
    const limit = caps[cap];
    if (limit == null || row === undefined) return [];
    const used = before === null ? row[name] - row[`open_${name}`] : (before[place] ?? 0);
    const reserved = before === null ? row[`open_${name}`] : 0;
    const resets_at = startOfNext(period);
    const when = { period: resets_at === null ? null : period, resets_at };
    return [{ scope, name: cap, limit, used: toCap(used), reserved: toCap(reserved), ...when }];
  });
}
