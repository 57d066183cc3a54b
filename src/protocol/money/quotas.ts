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
  /** The quota of which this is a part: it grows and shrinks with it. */
  of?: "things" | "sandboxes";
  /** `QUOTAS=off` ends it, as it ends the quotas. */
  can_be_off?: boolean;
  /** Why this number. */
  reason: string;
}

/** What the operator is billed for. A use is counted before what it is for: one that fails counts too. */
const daily = { counted: "D1", is_rate: true, period: "day" } as const;

/** Deleting something helps. What exists stays where a limit becomes smaller. */
const held = (usual: number, counts: string, reason: string, of?: Limit["of"]): Limit => ({
  ...{ usual, counts, counted: "D1", is_rate: false, reason },
  ...(of && { of }),
});

/** What an operator may set, for all with QUOTAS and for one user. */
export const quotas = {
  runs_per_minute: {
    usual: 120,
    counts: "runs started in a minute",
    counted: "location",
    is_rate: true,
    reason: "A busy bot starts one a second. Webhooks that loop would start thousands.",
  },
  runs_at_once: {
    usual: 200,
    counts: "runs that are queued or running",
    counted: "D1",
    is_rate: true,
    reason: "Two threads whose queues are full. Each run keeps an object awake and calls a model's server.",
  },
  requests_per_minute: {
    usual: 1_200,
    counts: "requests in a minute",
    counted: "isolate",
    is_rate: true,
    reason: "Ten for each run, and a page sends ten when it opens. Each takes 1 to 2 ms of the Worker, and 1 ms of D1.",
  },
  stored_bytes: {
    ...held(2e9, "bytes in messages, receipts and agents", "A fifth of the 10 GB that a D1 database holds."),
    counted: "isolate",
  },
  sandboxes: held(200, "sandboxes", "One for each project of some months. A stopped one still has a disk."),
  sandbox_hours_per_day: {
    ...daily,
    usual: 480,
    counts: "hours in which sandboxes run, in a day",
    reason: "Twenty that never stop. One that runs is billed, whether somebody uses it or not.",
  },
  lookups_per_day: {
    ...daily,
    usual: 6_000,
    counts: "searches, pages read by fetch_url and addresses asked by checks, together in a day",
    reason:
      "Thirty thorough pieces of research: 1,000 searches, and five pages for each. Services charge for searches; pages come from somebody's site, under the server's name.",
  },
  things: {
    ...held(10_000, "threads, as many projects, and a part of it of other things", "Thirty threads a day for a year."),
    counted: "isolate",
  },
} as const satisfies Record<string, Limit>;

/** What no setting and no admin changes by name. */
export const fixedLimits = {
  changes_per_minute: {
    usual: 300,
    counts: "requests in a minute that change something",
    counted: "location",
    is_rate: true,
    can_be_off: true,
    reason: "A script that sets up an account sends five a second. Each writes to the D1 that all users share.",
  },
  sums_per_minute: {
    usual: 30,
    counts: "requests in a minute for sums of usage",
    counted: "location",
    is_rate: true,
    can_be_off: true,
    reason: "The page asks when it is opened. D1 reads each run of the period: a second for a hundred thousand.",
  },
  agent_versions_per_minute: {
    ...held(60, "versions of agents made in a minute", "A script that changes all agents of a team."),
    is_rate: true,
    can_be_off: true,
  },
  streams: {
    usual: 1_000,
    counts: "open streams of events",
    counted: "isolate",
    is_rate: true,
    helps: "Close some, or wait until some end.",
    reason:
      "Two threads with all the streams that a thread may have. Each is a connection, and may keep an object awake.",
  },
  transfers: {
    usual: 20,
    counts: "uploads and downloads under way",
    counted: "isolate",
    is_rate: true,
    helps: "Close some, or wait until some end.",
    reason: "A browser opens six. Each may have 100 MiB, and passes through an isolate that serves others, too.",
  },
  deliveries_per_minute: {
    usual: 600,
    counts: "signed deliveries to triggers in a minute",
    counted: "location",
    is_rate: true,
    reason: "Two triggers at their own limit of 300. A delivery without a run is still a row in the trigger's log.",
  },
  logged_refusals_per_minute: {
    usual: 120,
    counts: "refused deliveries to triggers that are logged in a minute; more are only answered",
    counted: "location",
    is_rate: true,
    reason: "Four triggers at their own limit of 30. Each is a row, and a stranger can cause it.",
  },
  pings_per_minute: {
    usual: 20,
    counts: "pings of webhooks caused in a minute",
    counted: "location",
    is_rate: true,
    reason: "One for each of twenty webhooks. A ping goes to a server that has not agreed to get any.",
  },
  schedules_per_minute: {
    usual: 2_000,
    counts: "schedules that the clock sends in a minute",
    counted: "D1",
    is_rate: true,
    waits: true,
    reason: "A fifth of what the clock sends in a minute for all users, who take turns.",
  },
  webhook_attempts_per_minute: {
    usual: 1_200,
    counts: "attempts to deliver webhooks in a minute, with those that repeat one",
    counted: "D1",
    is_rate: true,
    waits: true,
    reason: "Ten webhooks at their own limit of 120. Each is a request to others, and three rows.",
  },
  image_builds_per_day: {
    ...daily,
    usual: 50,
    counts: "builds of sandbox images in a day",
    reason: "An afternoon's work on a Dockerfile. A build takes minutes of the provider's cores.",
  },
  agent_versions: {
    ...held(1_000, "versions of one agent", "Three a day for a year."),
    helps: "Versions stay as long as their agent: continue with a new agent.",
  },
  tickets: {
    ...held(300, "unused tickets for terminals, downloads and streams", "One lives for a minute: five a second."),
    helps: "One that nobody uses ends after a minute: try again then.",
  },
  sandbox_cpus: held(400, "cores of all sandboxes together", "Two for each. Stopped ones may start.", "sandboxes"),
  threads: { ...held(10_000, "threads", "Thirty a day for a year.", "things"), counted: "isolate" },
  projects: {
    ...held(10_000, "projects", "As many as threads: a thread makes one if none is named.", "things"),
    counted: "isolate",
  },
  triggers: held(1_000, "triggers", "One for each customer or report.", "things"),
  sandbox_secrets: held(1_000, "secrets of sandboxes", "A hundred for each of ten projects.", "things"),
  agents: held(200, "agents", "Enough for a team. Each may have many versions.", "things"),
  api_keys: held(100, "API keys", "One for each device and program.", "things"),
  git_credentials: held(100, "git hosts with a credential", "Few people use ten.", "things"),
  webhooks: held(20, "webhooks", "The end of each run writes a row for each.", "things"),
  slack_workspaces: held(20, "Slack workspaces", "An organization has a few.", "things"),
} as const satisfies Record<string, Limit>;

const limits = { ...quotas, ...fixedLimits };

export type QuotaName = keyof typeof quotas & string;
export type LimitName = keyof typeof limits & string;

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
  const { usual, of } = limitFor(name as LimitName);
  return of === undefined ? `is fixed at ${format(usual)}` : `is a part of ${of}: set that`;
}

/** The limit in full; `limits` knows only which fields each of them has. */
export function limitFor(name: LimitName): Limit {
  return limits[name];
}

/** What differs for one user, or by setting. */
export type Quotas = Record<string, number>;

/** As much as a quota may be. */
export const MAX_QUOTA = 1_000_000_000_000;

/** What QUOTAS=off sets: no quota, and none of the fixed limits that one person at home would meet. */
export const offQuotas: Quotas = Object.fromEntries(
  Object.entries<Limit>(limits).flatMap(([name, { can_be_off }]) =>
    isQuotaName(name) || can_be_off ? [[name, MAX_QUOTA]] : [],
  ),
);

/** A user's own number, else the setting's, else the usual one. */
export function quotaOf(config: { quotas: Quotas }, own: Quotas | null | undefined, name: LimitName): number {
  const { usual, of } = limitFor(name);
  if (of !== undefined) return Math.floor((quotaOf(config, own, of) * usual) / quotas[of].usual);
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
  const { counts, is_rate, period, of, helps } = limitFor(name);
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
