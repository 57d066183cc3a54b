// What runs used, day by day. Runs are stored by thread, so a time range over all threads has an index of its own. Only
// runs of the requested days are read, each once in an index and once for its numbers. Money is added in whole
// nanodollars.
import { FIRST_USER_ID } from "../protocol/ids.ts";
import { toUsd } from "../protocol/money/price.ts";
import type { Usage } from "../protocol/run.ts";
import type { UsageDay, UsageSum } from "../protocol/usage.ts";
import { prepareOwnCaps, toOwnCaps } from "./budgets/spent.ts";

/** A run that can't be read counts as one that used nothing: it must not refuse the sums of all others. */
const RUN = "iif(json_valid(run), run, '{}')";
const tokens = (path: string) => `sum(${RUN} ->> '${path}')`;
const nano = (path: string) => `sum(CAST(round((${RUN} ->> '${path}') * 1e9) AS INTEGER))`;

/** Of rows of `runs`. The names are columns of `usage_days`, which has the sums of threads that were deleted. */
const sums = {
  runs: "count(*)",
  input_tokens: `coalesce(${tokens("$.usage.input_tokens")}, 0)`,
  cached_input_tokens: `coalesce(${tokens("$.usage.cached_input_tokens")}, 0)`,
  output_tokens: `coalesce(${tokens("$.usage.output_tokens")}, 0)`,
  cost: nano("$.usage.cost_usd"),
  estimated_calls: tokens("$.usage.estimated.calls"),
  estimated_input: tokens("$.usage.estimated.input_tokens"),
  estimated_output: tokens("$.usage.estimated.output_tokens"),
  estimated_cost: nano("$.usage.estimated.cost_usd"),
};
const names = Object.keys(sums);
const SUMS = Object.entries(sums)
  .map(([name, sum]) => `${sum} AS ${name}`)
  .join(", ");
const TOTALS = names.map((name) => `sum(${name}) AS ${name}`).join(", ");

/**
 * Keeps what the runs of a thread used, for the batch that deletes them. In that one transaction: a repeat finds no runs
 * and adds nothing.
 */
export const KEEP_USAGE = `
INSERT INTO usage_days (user_id, date, project_id, ${names.join(", ")})
SELECT user_id, substr(created_at, 1, 10) AS date, coalesce(${RUN} ->> '$.project_id', '') AS project_id, ${SUMS}
FROM runs WHERE user_id = ?1 AND thread_id = ?2 GROUP BY user_id, date, project_id
ON CONFLICT (user_id, date, project_id) DO UPDATE SET
  ${names.map((name) => `${name} = coalesce(${name} + excluded.${name}, ${name}, excluded.${name})`).join(", ")}`;

interface Sums {
  runs: number;
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  cost: number | null;
  estimated_calls: number | null;
  estimated_input: number;
  estimated_output: number;
  estimated_cost: number | null;
}

/** `kept` is null where what deleted threads used does not count. */
const read = (where: string, kept: string | null) => {
  const ofRuns = `SELECT substr(created_at, 1, 10) AS date, ${SUMS}
    FROM runs WHERE user_id = ?1 AND created_at >= ?2 ${where} GROUP BY date`;
  if (kept === null) return `${ofRuns} ORDER BY date`;
  return `SELECT date, ${TOTALS} FROM (${ofRuns} UNION ALL SELECT date, ${names.join(", ")}
    FROM usage_days WHERE user_id = ?1 AND date >= substr(?2, 1, 10) ${kept}) GROUP BY date ORDER BY date`;
};

/**
 * Uses the index `runs_by_creation`. The primary key also begins with the user, but would read every run of that user.
 */
export const READ_USAGE = read("", "");
/** Reads the runs of all projects in these days: no index has the project. */
const READ_PROJECT = read(`AND ${RUN} ->> '$.project_id' = ?3`, "AND project_id = ?3");
/** Uses the index `runs_by_thread`. */
export const READ_THREAD = read("AND thread_id = ?3", null);
const READ_BOTH = read(`AND thread_id = ?3 AND ${RUN} ->> '$.project_id' = ?4`, null);

/** Of these two, runs of both if both are given. */
export interface UsageFilter {
  thread_id?: string | undefined;
  project_id?: string | undefined;
}

/**
 * The days since `since` that have runs, newest last. A day's cost is the sum of the known costs, or null if none is
 * known.
 */
export async function readUsage(...asked: Parameters<typeof prepareUsage>): Promise<UsageDay[]> {
  return toDays((await prepareUsage(...asked).all()).results);
}

/** The same, with the caps that the user and the project have of their own, in one trip. */
export async function readUsageAndCaps(
  db: D1Database,
  user_id: string,
  since: string,
  filter: UsageFilter,
): Promise<{ days: UsageDay[]; own: ReturnType<typeof toOwnCaps> }> {
  const caps = prepareOwnCaps(db, user_id, filter.project_id);
  const [days, own] = await db.batch([prepareUsage(db, user_id, since, filter), caps]);
  return { days: toDays(days?.results ?? []), own: toOwnCaps(own?.results) };
}

function prepareUsage(
  db: D1Database,
  user_id: string,
  since: string,
  { thread_id, project_id }: UsageFilter = {},
): D1PreparedStatement {
  const statement =
    thread_id === undefined
      ? project_id === undefined
        ? READ_USAGE
        : READ_PROJECT
      : project_id === undefined
        ? READ_THREAD
        : READ_BOTH;
  const wanted = [thread_id, project_id].filter((id) => id !== undefined);
  return db.prepare(statement).bind(user_id, since, ...wanted);
}

function toDays(rows: unknown[]): UsageDay[] {
  return (rows as (Sums & { date: string })[]).map(({ date, ...sums }) => ({ date, ...toSum(sums) }));
}

export interface UserUsage extends UsageSum {
  user_id: string;
  name: string | null;
}

/** One look in the index for each user, so that no run of other days is read. */
export const READ_USERS = `
SELECT user_id, (SELECT name FROM users WHERE users.user_id = sums.user_id) AS name, sums.* FROM (
  SELECT user_id, ${TOTALS} FROM (
    SELECT everybody.user_id, ${SUMS}
    FROM (SELECT user_id FROM users UNION SELECT '${FIRST_USER_ID}') AS everybody
    CROSS JOIN runs INDEXED BY runs_by_creation
    WHERE runs.user_id = everybody.user_id AND created_at >= ?1
    GROUP BY everybody.user_id
    UNION ALL
    SELECT everybody.user_id, ${names.map((name) => `usage_days.${name}`).join(", ")}
    FROM (SELECT user_id FROM users UNION SELECT '${FIRST_USER_ID}') AS everybody
    CROSS JOIN usage_days WHERE usage_days.user_id = everybody.user_id AND date >= substr(?1, 1, 10))
  GROUP BY user_id) AS sums
ORDER BY cost DESC NULLS LAST, input_tokens + output_tokens DESC, user_id LIMIT ?2`;

/** Users with runs since `since`, those first whose runs cost most. Reads each of these runs. */
export async function readUsageOfUsers(db: D1Database, since: string, limit: number): Promise<UserUsage[]> {
  const { results } = await db
    .prepare(READ_USERS)
    .bind(since, limit)
    .all<Sums & { user_id: string; name: string | null }>();
  return results.map(({ user_id, name, ...sums }) => ({ user_id, name, ...toSum(sums) }));
}

function toSum({ runs, input_tokens, cached_input_tokens, output_tokens, cost, ...sums }: Sums): UsageSum {
  const { estimated_calls: calls, estimated_input, estimated_output, estimated_cost } = sums;
  const usage: Usage = {
    input_tokens,
    cached_input_tokens,
    output_tokens,
    cost_usd: cost === null ? null : toUsd(cost),
  };
  if (calls === null) return { runs, ...usage };
  const cost_usd = estimated_cost === null ? null : toUsd(estimated_cost);
  return {
    ...{ runs, ...usage },
    estimated: { calls, input_tokens: estimated_input, output_tokens: estimated_output, cost_usd },
  };
}
