// The state of a deployment as metrics. Labels have few values that the code knows: no id of a user, run or model, so the
// number of series does not grow with the deployment. Numbers are of now or of a window of time (docs/operating.md).
import type { CapSettings } from "../config/caps.ts";
import type { Caps } from "../protocol/money/caps.ts";
import { NANO } from "../protocol/money/price.ts";
import { runErrorCodes, runStatuses } from "../protocol/run.ts";
import { checkedAs, type Overview, type Waiting } from "../store/monitor/overview.ts";
import type { Metric, Sample } from "./exposition.ts";
import type { DeploymentState } from "./state.ts";

const MINUTE_MS = 60_000;

export interface MetricsContext {
  version: string;
  caps: CapSettings;
  database_limit: number;
  now: number;
}

export function describeState(state: DeploymentState, context: MetricsContext): Metric[] {
  const { overview, backlogs, failed_queues, at, ms } = state;
  const up = [
    { labels: { part: "database" }, value: overview === null ? 0 : 1 },
    ...backlogs.map(({ queue }) => ({ labels: { part: `queue_${queue}` }, value: 1 })),
    ...failed_queues.map((queue) => ({ labels: { part: `queue_${queue}` }, value: 0 })),
  ];
  const ofQueues = (value: (backlog: (typeof backlogs)[number]) => number) =>
    backlogs.map((backlog) => ({ labels: { queue: backlog.queue }, value: value(backlog) }));
  const aged = backlogs.filter(({ oldest_ms }) => oldest_ms !== null);
  return [
    gauge("build_info", "The version of the server.", [{ labels: { version: context.version }, value: 1 }]),
    gauge("up", "Whether a part answered: 1 or 0.", up),
    ...(overview === null ? [] : describeOverview(overview, at, context)),
    gauge(
      "queue_messages",
      "Messages that wait in a queue.",
      ofQueues(({ messages }) => messages),
    ),
    gauge(
      "queue_bytes",
      "Their bytes.",
      ofQueues(({ bytes }) => bytes),
    ),
    gauge(
      "queue_oldest_seconds",
      "The age of the oldest message of a queue.",
      aged.map(({ queue, oldest_ms }) => ({ labels: { queue }, value: seconds(at - (oldest_ms ?? at)) })),
    ),
    gauge("state_age_seconds", "How old these numbers are.", [{ value: seconds(context.now - at) }]),
    gauge("state_read_seconds", "How long it took to read them.", [{ value: seconds(ms) }]),
  ];
}

function describeOverview(overview: Overview, at: number, { caps, database_limit }: MetricsContext): Metric[] {
  const { live, failed, recent, database_bytes, rows_read } = overview;
  const liveStatuses = ["queued", "running"] as const;
  const counts = new Map(failed.map(({ code, count }) => [code, count]));
  const known = new Set<string | null>(runErrorCodes);
  const others = failed.reduce((sum, { code, count }) => (known.has(code) ? sum : sum + count), 0);
  const total = (field: "input" | "cached" | "output" | "cost") => recent.reduce((sum, each) => sum + each[field], 0);
  return [
    gauge(
      "runs",
      "Runs that are not over, by status.",
      liveStatuses.map((status) => ({ labels: { status }, value: live[status]?.count ?? 0 })),
    ),
    gauge(
      "run_oldest_seconds",
      "How long ago the oldest of them was sent; 0 without any.",
      liveStatuses.map((status) => ({ labels: { status }, value: ageOf(live[status]?.oldest, at) })),
    ),
    gauge("runs_silent", "Runs that are not over and of which the database has had no news for 90 seconds.", [
      { value: liveStatuses.reduce((sum, status) => sum + (live[status]?.silent ?? 0), 0) },
    ]),
    gauge("failed_runs_hour", "Runs that failed in the last hour, by the code of their error.", [
      ...runErrorCodes.map((code) => ({ labels: { code }, value: counts.get(code) ?? 0 })),
      { labels: { code: "other" }, value: others },
    ]),
    gauge(
      "recent_runs",
      "Runs that were started in the last 15 minutes, by what became of them.",
      runStatuses.map((status) => ({
        labels: { status },
        value: recent.find((each) => each.status === status)?.count ?? 0,
      })),
    ),
    gauge("recent_tokens", "Tokens of these runs. Input includes what came from a cache.", [
      { labels: { kind: "input" }, value: total("input") },
      { labels: { kind: "cached_input" }, value: total("cached") },
      { labels: { kind: "output" }, value: total("output") },
    ]),
    gauge("recent_cost_usd", "What these runs cost so far, as far as prices are known.", [
      { value: total("cost") / NANO },
    ]),
    gauge(
      "recent_checked_tasks",
      "Tasks with checks as these runs ended, by what is known of them.",
      checkedAs.map((verification) => ({
        labels: { verification },
        value: recent.reduce((sum, each) => sum + (each[verification] ?? 0), 0),
      })),
    ),
    gauge("recent_complete", "1 if all of these runs were read, 0 if there were too many.", [
      { value: overview.is_recent_complete ? 1 : 0 },
    ]),
    ...describeBudgets(overview, at, caps),
    ...describeWaiting(
      "webhook_deliveries_due",
      "Webhook deliveries that should have been tried.",
      at,
      overview.deliveries,
    ),
    ...describeWaiting("schedules_due", "Schedules that should have fired.", at, overview.schedules),
    ...describeWaiting(
      "trigger_deliveries_waiting",
      "Firings of triggers that wait for a run before them or for room.",
      at,
      overview.trigger_deliveries,
    ),
    ...describeWaiting("leases_open", "Parts of caps that runs hold.", at, overview.leases),
    gauge("sandboxes_running", "Sandboxes that are known to run.", [{ value: overview.sandboxes.count }]),
    // None rather than 0 where D1 does not say it: an alarm would read that there is room.
    gauge("database_bytes", "The size of D1.", database_bytes > 0 ? [{ value: database_bytes }] : []),
    gauge("database_limit_bytes", "The most that D1 can hold.", [{ value: database_limit }]),
    gauge("state_rows_read", "Rows of D1 that were read for these numbers.", [{ value: rows_read }]),
  ];
}

/** Only where a cap holds: without one nothing is added up. */
function describeBudgets({ budgets }: Overview, at: number, { deployment }: CapSettings): Metric[] {
  const date = new Date(at).toISOString();
  const periods: [name: string, period: string, caps: Caps | null | undefined][] = [
    ["day", date.slice(0, "2026-11-28".length), deployment.day],
    ["month", date.slice(0, "2026-11".length), deployment.month],
  ];
  const spent: Sample[] = [];
  const limits: Sample[] = [];
  for (const [name, period, caps] of periods) {
    const { cost = 0, tokens = 0, ms = 0 } = budgets.find((each) => each.period === period) ?? {};
    const units: [unit: string, cap: number | null | undefined, used: number][] = [
      ["usd", caps?.max_cost_usd, cost / NANO],
      ["tokens", caps?.max_total_tokens, tokens],
      ["minutes", caps?.max_minutes, ms / MINUTE_MS],
    ];
    for (const [unit, cap, used] of units) {
      if (cap === null || cap === undefined) continue;
      spent.push({ labels: { period: name, unit }, value: used });
      limits.push({ labels: { period: name, unit }, value: cap });
    }
  }
  return [
    gauge("budget_used", "Spent of the deployment's caps, with what runs have reserved.", spent),
    gauge("budget_cap", "The deployment's caps.", limits),
  ];
}

function describeWaiting(name: string, help: string, at: number, { count, oldest }: Waiting): Metric[] {
  return [
    gauge(name, help, [{ value: count }]),
    gauge(`${name}_oldest_seconds`, "The age of the oldest of them; 0 without any.", [{ value: ageOf(oldest, at) }]),
  ];
}

function gauge(name: string, help: string, samples: Sample[]): Metric {
  return { name: `taskloom_${name}`, help, samples };
}

function ageOf(time: string | null | undefined, at: number): number {
  return time ? Math.max(0, seconds(at - Date.parse(time))) : 0;
}

function seconds(ms: number): number {
  return ms / 1000;
}
