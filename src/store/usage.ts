// What a user's runs used, day by day. Runs are stored by thread, so a time range over all threads has an index of its
// own. Only runs of the requested days are read, each once in the index and once for its numbers.
import type { UsageDay } from "../protocol/usage.ts";

/**
 * Uses the index `runs_by_creation`. The primary key also begins with the user, but would read every run of that user.
 */
export const READ_USAGE = `
SELECT substr(created_at, 1, 10) AS date,
  count(*) AS runs,
  sum(coalesce(run ->> '$.usage.input_tokens', 0)) AS input_tokens,
  sum(coalesce(run ->> '$.usage.cached_input_tokens', 0)) AS cached_input_tokens,
  sum(coalesce(run ->> '$.usage.output_tokens', 0)) AS output_tokens,
  sum(run ->> '$.usage.cost_usd') AS cost_usd
FROM runs
WHERE user_id = ?1 AND created_at >= ?2
GROUP BY date ORDER BY date`;

/**
 * The days since `since` that have runs, newest last. A day's cost is the sum of the known costs, or null if none is
 * known.
 */
export async function readUsage(db: D1Database, user_id: string, since: string): Promise<UsageDay[]> {
  const read = await db.prepare(READ_USAGE).bind(user_id, since).all<UsageDay>();
  return read.results;
}
