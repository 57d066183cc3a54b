// What D1 knows of the whole deployment at a moment: one trip, and only entries of small indexes and of a time window.
// Every number is bounded: a scrape must not become what slows D1 down.
import { FIRST_USER_ID } from "../../protocol/ids.ts";
import { NANO } from "../../protocol/money/price.ts";
import { type Verification, verifications } from "../../protocol/plan/check.ts";
import type { RunStatus } from "../../protocol/run.ts";

/** More of one kind is an incident whatever their number. */
const MAX_COUNTED = 10_000;
/** Each is one look into the index of runs. */
const MAX_USERS = 20_000;
/** Runs that a deployment starts in a quarter of an hour at half a million a day. */
const MAX_RECENT = 5_000;

const RECENT_MS = 15 * 60_000;
const FAILED_MS = 60 * 60_000;
/** Live runs are marked until their next sign of life is due; the sweep wakes what is overdue by a minute. */
export const SILENT_MS = 90_000;

const counted = (columns: string, from: string) => `(SELECT ${columns} FROM ${from} LIMIT ${MAX_COUNTED})`;

/** The statuses are literals: a partial index is only used where the statement implies its condition. */
export const LIVE = `SELECT status, count(*) AS count, min(created_at) AS oldest, sum(updated_at < ?1) AS silent
FROM ${counted("status, created_at, updated_at", "runs INDEXED BY runs_live WHERE status IN ('queued', 'running')")}
GROUP BY status`;

export const FAILED = `SELECT iif(json_valid(run), run ->> '$.error.code', NULL) AS code, count(*) AS count
FROM ${counted("run", "runs INDEXED BY runs_failed WHERE status = 'failed' AND updated_at >= ?1")}
GROUP BY code`;

const RUN = "iif(json_valid(run), run, '{}')";
const sum = (path: string) => `coalesce(sum(${RUN} ->> '$.usage.${path}'), 0)`;

/**
 * What a run says that its tasks with checks were as it ended. `not_run` are those that could not be checked: a task
 * that is open, or waits for a person, is nothing to look at.
 */
export const checkedAs = verifications.filter((verification) => verification !== "none");
const placeOf = (name: Verification) => (name === "not_run" ? "uncheckable_tasks" : `checked_tasks.${name}`);
const checked = checkedAs.map((name) => `coalesce(sum(${RUN} ->> '$.${placeOf(name)}'), 0) AS ${name}`);

export const RECENT = `SELECT status, count(*) AS count, ${sum("input_tokens")} AS input,
  ${sum("cached_input_tokens")} AS cached, ${sum("output_tokens")} AS output,
  coalesce(sum(CAST(round((${RUN} ->> '$.usage.cost_usd') * ${NANO}) AS INTEGER)), 0) AS cost,
  ${checked.join(", ")}
FROM (SELECT status, run
  FROM (SELECT user_id FROM users UNION SELECT '${FIRST_USER_ID}' LIMIT ${MAX_USERS}) AS everybody
  CROSS JOIN runs INDEXED BY runs_by_creation
  WHERE runs.user_id = everybody.user_id AND created_at >= ?1 LIMIT ${MAX_RECENT})
GROUP BY status`;

/** Whether there are users whom the statement before does not look at. */
const USERS = `SELECT count(*) AS count FROM (SELECT 1 FROM users LIMIT ${MAX_USERS})`;

const due = (table: string, index: string, column: string) => `SELECT count(*) AS count, min(${column}) AS oldest
FROM ${counted(column, `${table} INDEXED BY ${index} WHERE ${column} IS NOT NULL AND ${column} <= ?1`)}`;

export const DELIVERIES = due("deliveries", "deliveries_due", "next_attempt_at");
export const SCHEDULES = due("triggers", "triggers_due", "next_at");

export const WAITING = `SELECT count(*) AS count, min(created_at) AS oldest
FROM ${counted("created_at", "trigger_deliveries INDEXED BY trigger_deliveries_waiting WHERE status = 'waiting'")}`;

export const LEASES = `SELECT count(*) AS count, min(granted_at) AS oldest
FROM ${counted("granted_at", "leases INDEXED BY leases_by_time WHERE closed_at IS NULL")}`;

export const SANDBOXES = `SELECT count(*) AS count, NULL AS oldest
FROM ${counted("running_at", "sandboxes INDEXED BY sandboxes_running WHERE running_at IS NOT NULL")}`;

export const BUDGETS = `SELECT period, cost, tokens, ms FROM budgets
WHERE scope = 'deployment' AND id = '' AND period IN (?1, ?2)`;

export interface LiveRuns {
  count: number;
  /** When the oldest was made. */
  oldest: string | null;
  /** Of how many D1 has had no news for a while. */
  silent: number;
}

export interface Waiting {
  count: number;
  oldest: string | null;
}

/** With tasks by their verification. */
export interface RecentRuns extends Partial<Record<Verification, number>> {
  status: RunStatus;
  count: number;
  input: number;
  cached: number;
  output: number;
  /** In nanodollars. */
  cost: number;
}

export interface Overview {
  live: Partial<Record<RunStatus, LiveRuns>>;
  /** Runs that failed in the last hour, by the code of their error. */
  failed: { code: string | null; count: number }[];
  /** Runs that were started in the last quarter of an hour. */
  recent: RecentRuns[];
  /** False if there were more than are read. */
  is_recent_complete: boolean;
  deliveries: Waiting;
  schedules: Waiting;
  trigger_deliveries: Waiting;
  leases: Waiting;
  sandboxes: Waiting;
  /** Of the deployment, in nanodollars, tokens and milliseconds. Only periods in which a cap held. */
  budgets: { period: string; cost: number; tokens: number; ms: number }[];
  database_bytes: number;
  rows_read: number;
}

export async function readOverview(db: D1Database, now: number): Promise<Overview> {
  const ago = (ms: number) => new Date(now - ms).toISOString();
  const at = ago(0);
  const all = await db.batch([
    db.prepare(LIVE).bind(ago(SILENT_MS)),
    db.prepare(FAILED).bind(ago(FAILED_MS)),
    db.prepare(RECENT).bind(ago(RECENT_MS)),
    db.prepare(DELIVERIES).bind(at),
    db.prepare(SCHEDULES).bind(at),
    db.prepare(WAITING),
    db.prepare(LEASES),
    db.prepare(SANDBOXES),
    db.prepare(BUDGETS).bind(at.slice(0, "2026-11-28".length), at.slice(0, "2026-11".length)),
    db.prepare(USERS),
  ]);
  const [live = [], failed = [], recent = [], ...rest] = all.map(({ results }) => results as unknown[]);
  const [deliveries, schedules, trigger_deliveries, leases, sandboxes] = rest.slice(0, 5).map(readWaiting);
  const runs = recent as RecentRuns[];
  const [{ count: users } = nobody] = (rest[6] ?? []) as { count: number }[];
  return {
    live: Object.fromEntries((live as (LiveRuns & { status: string })[]).map(({ status, ...rest }) => [status, rest])),
    failed: failed as Overview["failed"],
    recent: runs,
    is_recent_complete: users < MAX_USERS && runs.reduce((count, { count: more }) => count + more, 0) < MAX_RECENT,
    deliveries: deliveries ?? nobody,
    schedules: schedules ?? nobody,
    trigger_deliveries: trigger_deliveries ?? nobody,
    leases: leases ?? nobody,
    sandboxes: sandboxes ?? nobody,
    budgets: (rest[5] ?? []) as Overview["budgets"],
    database_bytes: all.at(-1)?.meta.size_after ?? 0,
    rows_read: all.reduce((count, { meta }) => count + (meta.rows_read ?? 0), 0),
  };
}

const nobody: Waiting = { count: 0, oldest: null };

function readWaiting([row]: unknown[]): Waiting {
  return (row as Waiting | undefined) ?? nobody;
}
