// Quotas: how much of each thing a user may have or do, so that no user takes the others' share. One table, with the
// reason of each number. `docs/operating.md` is made from it. Tokens and money a day are caps (`caps.ts`), not quotas.
import { z } from "zod";
import type { Failure } from "../error.ts";

export interface Quota {
  /** What people get without a setting. */
  usual: number;
  /** What is counted, for documents and refusals: `runs started in a minute`. */
  counts: string;
  /**
   * Where it is counted. `D1` and `object` are exact, as far as D1 has heard. `location`: by Cloudflare's rate limits,
   * for each location and approximately. `isolate`: in memory of each isolate of the Worker. `clock`: in D1, by what
   * the clock sees every ten minutes.
   */
  counted: "D1" | "object" | "location" | "isolate" | "clock";
  /** Refused with 429 and `Retry-After`, since time helps; else with 409. */
  is_rate: boolean;
  /** What is more is not refused, and comes later. */
  waits?: boolean;
  /** What it is counted over, if that is not a minute. Days are those of UTC. */
  period?: "day";
  /** It bounds each one, and is not used up. */
  is_of_one?: boolean;
  /** What makes room, where that is not to delete something, or to wait. */
  helps?: string;
  /** Why this number. */
  reason: string;
}

/** Deleting something helps, or an admin who gives the user more. What exists stays where a quota becomes smaller. */
const held = (usual: number, counts: string, reason: string, counted: Quota["counted"] = "D1"): Quota => ({
  ...{ usual, counts, counted, is_rate: false, reason },
});

const ofOne = (usual: number, counts: string): Quota => ({
  ...held(usual, counts, "SANDBOX_LIMITS bounds everybody; this bounds one user."),
  is_of_one: true,
  helps: "Ask for less, or",
});

/**
 * What the operator is billed for, or pays for in other ways. It is counted where it is used, and a use is there before
 * what it is for: one that fails counts too.
 */
const daily = (usual: number, counts: string, reason: string, counted: Quota["counted"] = "D1") => ({
  ...{ usual, counts, counted, is_rate: true, period: "day" as const, reason },
});

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
  changes_per_minute: {
    usual: 300,
    counts: "requests in a minute that change something",
    counted: "location",
    is_rate: true,
    reason: "A script that sets up an account sends five a second. Each writes to the D1 that all users share.",
  },
  sums_per_minute: {
    usual: 30,
    counts: "requests in a minute for sums of usage",
    counted: "location",
    is_rate: true,
    reason: "The page asks when it is opened. D1 reads each run of the period: a second for a hundred thousand.",
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
  searches_per_day: daily(
    1_000,
    "searches in a day",
    "Thirty thorough pieces of research. Services charge for each. Those of SEARCH_MODEL are tokens, and not counted.",
  ),
  pages_per_day: daily(
    5_000,
    "pages read by fetch_url and addresses asked by checks in a day",
    "Five for each search. Each comes from somebody's site, under the server's name.",
  ),
  sandbox_hours_per_day: daily(
    480,
    "hours in which sandboxes run, in a day",
    "Twenty that never stop. One that runs is billed, whether somebody uses it or not.",
    "clock",
  ),
  image_builds_per_day: daily(
    50,
    "builds of sandbox images in a day",
    "An afternoon's work on a Dockerfile. A build takes minutes of the provider's cores.",
  ),
  // What a user has.
  sandboxes: held(200, "sandboxes", "One for each project of some months. A stopped one still has a disk."),
  sandbox_cpus: held(400, "cores of all sandboxes together", "Two for each. Stopped ones count, since they may start."),
  sandbox_cpu: ofOne(1024, "cores of one sandbox"),
  sandbox_memory: ofOne(4096, "GiB of memory of one sandbox"),
  sandbox_disk: ofOne(65_536, "GiB of disk of one sandbox"),
  stored_bytes: held(2e9, "bytes in messages and agents", "A fifth of the 10 GB that a D1 database holds.", "isolate"),
  threads: held(10_000, "threads", "Thirty a day for a year.", "isolate"),
  projects: held(10_000, "projects", "As many as threads: a thread makes one if none is named.", "isolate"),
  agents: held(200, "agents", "Enough for a team. Each may have many versions."),
  agent_versions: {
    ...held(1_000, "versions of one agent", "Three a day for a year."),
    helps: "Versions stay as long as their agent: continue with a new agent, or",
  },
  agent_versions_per_minute: {
    ...held(60, "versions of agents made in a minute", "A script that changes all agents of a team."),
    is_rate: true,
  },
  api_keys: held(100, "API keys", "One for each device and program."),
  triggers: held(1_000, "triggers", "One for each customer or report."),
  webhooks: held(20, "webhooks", "The end of each run writes a row for each."),
  git_credentials: held(100, "git hosts with a credential", "Few people use ten."),
  sandbox_secrets: held(1_000, "secrets of sandboxes", "A hundred for each of ten projects."),
  slack_workspaces: held(20, "Slack workspaces", "An organization has a few."),
  tickets: {
    ...held(300, "unused tickets for terminals, downloads and streams", "One lives for a minute: five a second."),
    helps: "One that nobody uses ends after a minute: try again then, or",
  },
} as const satisfies Record<string, Quota>;

export type QuotaName = keyof typeof quotas & string;

/** Those that are counted over a day. */
export type DailyName = {
  [Name in QuotaName]: (typeof quotas)[Name] extends { period: "day" } ? Name : never;
}[QuotaName];

export const dailyNames = Object.entries(quotas).flatMap(([name, quota]) =>
  "period" in quota ? [name as DailyName] : [],
);

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

const given = z.record(z.string(), z.number().min(0).max(1_000_000_000_000));
/** What differs for one user, or by setting. */
export type Quotas = z.infer<typeof given>;

/** A user's own number, else the setting's, else the usual one. */
export function quotaOf(config: { quotas: Quotas }, own: Quotas | null | undefined, name: QuotaName): number {
  return own?.[name] ?? config.quotas[name] ?? quotas[name].usual;
}

/** As `toLocaleString`, which makes a formatter each time: that took a third of what a refused request costs. */
const format = (limit: number): string => {
  grouping ??= new Intl.NumberFormat("en-US");
  return grouping.format(limit);
};
let grouping: Intl.NumberFormat | undefined;

/** The refusal. With `retry_after_s` it is 429, without it 409. */
export function exceeded(name: QuotaName, limit: number, retry_after_s?: number): Failure {
  const quota: Quota = quotas[name];
  const { counts, is_rate, is_of_one, period, helps = is_rate ? "" : "Delete what you no longer need, or" } = quota;
  const state = is_of_one ? "less than that" : "used up";
  const isDaily = period !== undefined && retry_after_s !== undefined;
  const advice = isDaily
    ? `It begins anew at 00:00 UTC, ${describeWait(retry_after_s)}.`
    : is_rate
      ? helps
      : `${helps} ask whoever runs this server for more.`;
  const detail = `Your quota of ${format(limit)} ${counts} (${name}) is ${state}.${advice && ` ${advice}`}`;
  return { code: "quota_exceeded", detail, ...(retry_after_s === undefined ? {} : { retry_after_s }) };
}

/** `in 5 hours`. */
export function describeWait(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  const [count, unit] = minutes < 100 ? [minutes, "minute"] : [Math.round(minutes / 60), "hour"];
  return `in ${count} ${unit}${count === 1 ? "" : "s"}`;
}
