// What a person's runs used, day by day. Runs lie by thread, so a time of all threads is found by an index of its own: read are the
// runs of the days that are asked for, each once in the index and once for its numbers, and nothing older.
import type { UsageDay } from "../protocol/usage.ts";

/** By the index `runs_by_creation`: by the key, which also begins with the user, every run of the person would be read. */
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

/** The days from `since` on that have runs, newest last. A day's cost is what is known of it, null where nothing is. */
export async function readUsage(db: D1Database, user_id: string, since: string): Promise<UsageDay[]> {
  const read = await db.prepare(READ_USAGE).bind(user_id, since).all<UsageDay>();
  return read.results;
}
