// Quotas: how much of each thing a user may have or do, so that no user takes the others' share. An operator sets the
// eight `quotas`; the `fixedLimits` are constants, or follow from one of the eight. Both tables say why each number, and
// `docs/operating.md` is made from them. Tokens and money a day are caps (`caps.ts`), not quotas.
import type { Failure } from "../error.ts";

export interface Limit {
  /** What people get without a setting. */
  usual: number;
  /** What is counted, for documents and refusals: `runs started in a minute`. */
  counts: string;
  /**
   * Where it is counted. `D1` is exact, as far as D1 has heard. `location`: by Cloudflare's rate limits, for each
   * location and approximately. `isolate`: in memory of each isolate of the Worker.
   */
  counted: "D1" | "location" | "isolate";
  /** Refused with 429 and `Retry-After`, since time helps; else with 409. */
  is_rate: boolean;
  /** What is more is not refused, and comes later. */
  waits?: boolean;
  /** What it is counted over, if that is not a minute. Days are those of UTC. */
  period?: "day";
  /** What makes room, where that is not to delete something, or to wait. */
  helps?: string;
  /** The quota of which this is a part: it grows and shrinks with it, and is 0 only with it. */
  of?: "things" | "sandboxes";
  /** `QUOTAS=off` ends it, as it ends the quotas. */
  can_be_off?: boolean;
  /** Why this number. */
  reason: string;
}

/** Time helps: what is more is refused with 429. */
const rate = (
  counted: Limit["counted"],
  usual: number,
  counts: string,
  reason: string,
  more: Partial<Limit> = {},
): Limit => ({
  ...{ usual, counts, counted, is_rate: true, reason, ...more },
});

/** What the operator is billed for. A use is counted before what it is for: one that fails counts too. */
const daily = (usual: number, counts: string, reason: string) => rate("D1", usual, counts, reason, { period: "day" });

/** Deleting something helps. What exists stays where a limit becomes smaller. */
const held = (usual: number, counts: string, reason: string, more: Partial<Limit> = {}): Limit => ({
  ...{ usual, counts, counted: "D1", is_rate: false, reason, ...more },
});

/** What people make. */
const thing = (usual: number, counts: string, reason: string, counted: Limit["counted"] = "D1") =>
  held(usual, counts, reason, { of: "things", counted });

/** What an operator may set, for all with QUOTAS and for one user. */
export const quotas = {
  runs_per_minute: rate(
    "location",
    120,
    "runs started in a minute",
    "A busy bot starts one a second. Webhooks that loop would start thousands.",
  ),
  runs_at_once: rate(
    "D1",
    200,
    "runs that are queued or running",
    "Two threads whose queues are full. Each run keeps an object awake and calls a model's server.",
  ),
  requests_per_minute: rate(
    "isolate",
    1_200,
    "requests in a minute",
    "Ten for each run, and a page sends ten when it opens. Each takes 1 to 2 ms of the Worker, and 1 ms of D1.",
  ),
  stored_bytes: held(2e9, "bytes in messages, receipts and agents", "A fifth of the 10 GB that a D1 database holds.", {
    counted: "isolate",
  }),
  sandboxes: held(200, "sandboxes", "One for each project of some months. A stopped one still has a disk."),
  sandbox_hours_per_day: daily(
    480,
    "hours in which sandboxes run, in a day",
    "Twenty that never stop. One that runs is billed, whether somebody uses it or not. The clock looks every ten minutes.",
  ),
  lookups_per_day: daily(
    6_000,
    "searches, pages read by fetch_url and addresses asked by checks, together in a day",
    "Thirty thorough pieces of research: 1,000 searches, and five pages for each. Services charge for searches; pages come from somebody's site, under the server's name.",
  ),
  things: held(
    10_000,
    "threads, as many projects, and a part of it of other things",
    "Thirty threads a day for a year.",
    { counted: "isolate" },
  ),
} satisfies Record<string, Limit>;

/** What no setting and no admin changes by name. */
export const fixedLimits = {
  changes_per_minute: rate(
    "location",
    300,
    "requests in a minute that change something",
    "A script that sets up an account sends five a second. Each writes to the D1 that all users share.",
    { can_be_off: true },
  ),
  sums_per_minute: rate(
    "location",
    30,
    "requests in a minute for sums of usage",
    "The page asks when it is opened. D1 reads each run of the period: a second for a hundred thousand.",
    { can_be_off: true },
  ),
  agent_versions_per_minute: rate(
    "location",
    60,
    "requests in a minute that make or change an agent",
    "A script that changes all agents of a team.",
    { can_be_off: true },
  ),
  streams: rate(
    "isolate",
    1_000,
    "open streams of events",
    "Two threads with all the streams that a thread may have. Each is a connection, and may keep an object awake.",
    { helps: "Close some, or wait until some end." },
  ),
  transfers: rate(
    "isolate",
    20,
    "uploads and downloads under way",
    "A browser opens six. Each may have 100 MiB, and passes through an isolate that serves others, too.",
    { helps: "Close some, or wait until some end." },
  ),
  deliveries_per_minute: rate(
    "location",
    600,
    "signed deliveries to triggers in a minute",
    "Two triggers at their own limit of 300. A delivery without a run is still a row in the trigger's log.",
  ),
  logged_refusals_per_minute: rate(
    "location",
    120,
    "refused deliveries to triggers that are logged in a minute; more are only answered",
    "Four triggers at their own limit of 30. Each is a row, and a stranger can cause it.",
  ),
  pings_per_minute: rate(
    "location",
    20,
    "pings of webhooks caused in a minute",
    "One for each of twenty webhooks. A ping goes to a server that has not agreed to get any.",
  ),
  schedules_per_minute: rate(
    "D1",
    2_000,
    "schedules that the clock sends in a minute",
    "A fifth of what the clock sends in a minute for all users, who take turns.",
    { waits: true },
  ),
  webhook_attempts_per_minute: rate(
    "D1",
    1_200,
    "attempts to deliver webhooks in a minute, with those that repeat one",
    "Ten webhooks at their own limit of 120. Each is a request to others, and three rows.",
    { waits: true },
  ),
  image_builds_per_day: daily(
    50,
    "builds of sandbox images in a day",
    "An afternoon's work on a Dockerfile. A build takes minutes of the provider's cores.",
  ),
  agent_versions: held(1_000, "versions of one agent", "Three a day for a year.", {
    helps: "Versions stay as long as their agent: continue with a new agent.",
  }),
  tickets: held(300, "unused tickets for terminals, downloads and streams", "One lives for a minute: five a second.", {
    helps: "One that nobody uses ends after a minute: try again then.",
  }),
  sandbox_cpus: held(
    800,
    "cores of all sandboxes together",
    "Four for each, as SANDBOX_LIMITS usually permits. Stopped ones may start.",
    { of: "sandboxes" },
  ),
  webhooks: held(20, "webhooks", "The end of each run writes a row for each."),
  slack_workspaces: held(20, "Slack workspaces", "An organization has a few."),
  threads: thing(10_000, "threads", "Thirty a day for a year.", "isolate"),
  projects: thing(10_000, "projects", "As many as threads: a thread makes one if none is named.", "isolate"),
  triggers: thing(1_000, "triggers", "One for each customer or report."),
  sandbox_secrets: thing(1_000, "secrets of sandboxes", "A hundred for each of ten projects."),
  agents: thing(200, "agents", "Enough for a team. Each may have many versions."),
  api_keys: thing(100, "API keys", "One for each device and program."),
  git_credentials: thing(100, "git hosts with a credential", "Few people use ten."),
} satisfies Record<string, Limit>;

export const limits = { ...quotas, ...fixedLimits };

export type QuotaName = keyof typeof quotas;
export type LimitName = keyof typeof limits;

/** Those that are counted over a day. */
export type DailyName = "sandbox_hours_per_day" | "lookups_per_day" | "image_builds_per_day";

const DAY_MS = 24 * 3_600_000;

/** The day in UTC. */
export function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, "2026-11-28".length);
}

/** Until the next day begins. */
export function secondsOfDay(now: number): number {
  return Math.ceil((DAY_MS - (now % DAY_MS)) / 1000);
}

/** Whether a setting or an admin may name it. */
export function isQuotaName(name: string): name is QuotaName {
  return Object.hasOwn(quotas, name);
}

/** What took the place of a name that was a quota. */
const replaced: Record<string, string> = {
  searches_per_day: "set lookups_per_day",
  pages_per_day: "set lookups_per_day",
  sandbox_cpu: "the setting SANDBOX_LIMITS bounds each sandbox",
  sandbox_memory: "the setting SANDBOX_LIMITS bounds each sandbox",
  sandbox_disk: "the setting SANDBOX_LIMITS bounds each sandbox",
};

/** Why `name` can't be set, and what to set in its place: `is fixed at 20`. Null for a name that never was a quota. */
export function describeFixed(name: string): string | null {
  if (Object.hasOwn(replaced, name)) return `is no quota: ${replaced[name]}`;
  if (!Object.hasOwn(fixedLimits, name)) return null;
  const { usual, of } = limits[name as LimitName];
  return of === undefined ? `is fixed at ${format(usual)}` : `is a part of ${of}: set that`;
}

/** What differs for one user, or by setting. */
export type Quotas = Record<string, number>;

/** As much as a quota may be. */
export const MAX_QUOTA = 1_000_000_000_000;

/** What QUOTAS=off sets: no quota, and none of the fixed limits that one person at home would meet. */
export const offQuotas: Quotas = Object.fromEntries(
  Object.entries(limits).flatMap(([name, { can_be_off }]) =>
    isQuotaName(name) || can_be_off ? [[name, MAX_QUOTA]] : [],
  ),
);

/** A user's own number, else the setting's, else the usual one. */
export function quotaOf(config: { quotas: Quotas }, own: Quotas | null | undefined, name: LimitName): number {
  const { usual, of } = limits[name];
  if (of !== undefined) {
    const whole = quotaOf(config, own, of);
    return Math.max(Math.min(whole, 1), Math.floor((whole * usual) / quotas[of].usual));
  }
  return (isQuotaName(name) ? own?.[name] : undefined) ?? config.quotas[name] ?? usual;
}

/** As `toLocaleString`, which makes a formatter each time: that took a third of what a refused request costs. */
const format = (limit: number): string => {
  grouping ??= new Intl.NumberFormat("en-US");
  return grouping.format(limit);
};
let grouping: Intl.NumberFormat | undefined;

/** The refusal. With `retry_after_s` it is 429, without it 409. */
export function exceeded(name: LimitName, limit: number, retry_after_s?: number): Failure {
  const { counts, is_rate, period, of, helps } = limits[name];
  const set = of ?? (isQuotaName(name) ? name : null);
  const isDaily = period !== undefined && retry_after_s !== undefined;
  const more =
    set === null
      ? "Delete what you no longer need."
      : "Delete what you no longer need, or ask whoever runs this server for more.";
  const advice = isDaily
    ? `It begins again at 00:00 UTC, ${describeWait(retry_after_s)}.`
    : (helps ?? (is_rate ? "" : more));
  const whose = set === null ? "The limit" : "Your quota";
  const detail = `${whose} of ${format(limit)} ${counts} (${set ?? name}) is used up.${advice && ` ${advice}`}`;
  return { code: "quota_exceeded", detail, ...(retry_after_s === undefined ? {} : { retry_after_s }) };
}

/** Without a full stop. */
export function lookupsUsedUp(seconds: number): string {
  return `The searches and pages of this user for today are used up (the quota lookups_per_day). They begin again at 00:00 UTC, ${describeWait(seconds)}`;
}

/** `in 5 hours`. */
function describeWait(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  const [count, unit] = minutes < 100 ? [minutes, "minute"] : [Math.round(minutes / 60), "hour"];
  return `in ${count} ${unit}${count === 1 ? "" : "s"}`;
}
