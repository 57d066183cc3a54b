// The deep look at what a deployment leans on: settings, tables, D1, the queue, model servers, sandboxes. Each check has
// its own time and words of ours: an answer never quotes what another server, a key or an address says.
import { SandboxError } from "../agent/sandbox.ts";
import { DEFAULT_SERVER } from "../config/model-servers.ts";
import type { Config } from "../config.ts";
import { type Timers, withinTime } from "../lib/time-limit.ts";
import { checkServer, findSettingProblem, type ServerCheck } from "../models/index.ts";
import { findProvider, nameMissing, type SandboxProvider } from "../sandboxes/index.ts";
import { reportSeals } from "../secrets/reseal.ts";
import {
  FORMER_DATABASE,
  isFormer,
  NEWEST_MIGRATION,
  readDatabaseSize,
  readMigrations,
} from "../store/monitor/schema-version.ts";
import { readJurisdiction } from "../store/server/deployment.ts";

/** All of them together: a probe gives up after ten seconds as a rule. */
export const CHECKS_MS = 5_000;

/** Of DATABASE_LIMIT_MB, from which on it is called nearly full: weeks are left to act. */
const FULL_SHARE = 0.9;

export interface Check {
  name: string;
  ok: boolean;
  ms: number;
  /** What is wrong, for the operator; absent if nothing is. */
  problem?: string;
  /** What was found, where that is worth a look. */
  details?: Record<string, string | number | string[]>;
}

export interface CheckPorts {
  config: Config;
  database: D1Database;
  queue: Pick<Queue<unknown>, "metrics">;
  timers: Timers;
  now: () => number;
  provider?: SandboxProvider | null;
  /** Lets a test stand between. */
  checkModel?: (server: ServerCheck, signal: AbortSignal) => Promise<string | null>;
}

type Finding = Omit<Check, "name" | "ok" | "ms">;
type Named = [name: string, find: () => Promise<Finding>];

export async function runChecks(ports: CheckPorts): Promise<Check[]> {
  const { config, database } = ports;
  const over = AbortSignal.timeout(CHECKS_MS);
  const provider = ports.provider === undefined ? findProvider(config) : ports.provider;
  const checkModel = ports.checkModel ?? checkServer;
  const work: Named[] = [
    ["settings", () => checkSettings(config, database)],
    ["database", () => checkDatabase(database, config.database_limit)],
    ["schema", () => checkSchema(database)],
    ["queue", () => checkQueue(ports.queue)],
    ...(config.encryption_keys.length === 0 ? [] : [checkOfSecrets(ports)]),
    ...serversOf(config).map(
      (server): Named => [`model:${server.name}`, async () => problemOf(await checkModel(server, over))],
    ),
  ];
  const check = provider?.check?.bind(provider);
  if (check) work.push(["sandbox", () => checkProvider(check, over)]);
  return await Promise.all(work.map(([name, find]) => runCheck(name, find, ports)));
}

/** Never rejects. What is thrown is D1's, the queue's or a bug: its text may hold anything, so only its kind is said. */
async function runCheck(name: string, find: () => Promise<Finding>, { timers, now }: CheckPorts): Promise<Check> {
  const began = now();
  const done = (finding: Finding): Check => ({
    ...{ name, ok: finding.problem === undefined, ms: now() - began },
    ...finding,
  });
  let isLate = true;
  try {
    const found = find().finally(() => {
      isLate = false;
    });
    return done(await withinTime(timers, CHECKS_MS, name, found));
  } catch {
    return done({ problem: isLate ? `There was no answer within ${CHECKS_MS / 1000} s.` : (FAILURES[name] ?? FAILED) });
  }
}

const FAILED = "The check failed.";

const FAILURES: Record<string, string> = {
  database: "D1 refused the question, or can't be reached.",
  schema: "D1 could not be asked for its migrations.",
  queue: "The queue does not answer.",
  secrets: "Stored secrets could not be counted.",
  sandbox: "The sandbox provider can't be reached.",
};

/** What the main job needs. A deployment without one of them works in part, and people find out one by one. */
async function checkSettings(config: Config, database: D1Database): Promise<Finding> {
  const { models, encryption_keys, admin_api_key } = config;
  const missing = [
    ...(admin_api_key === null ? ["ADMIN_API_KEY"] : []),
    ...(models.default_server === null && models.servers.size === 0 && models.problem === null
      ? ["OPENAI_API_KEY"]
      : []),
    ...(encryption_keys.length === 0 ? ["ENCRYPTION_KEY"] : []),
    ...(findProvider(config) === null ? [nameMissing()] : []),
  ];
  const wrong = findSettingProblem(models);
  const words = [
    ...(wrong === null ? [] : [wrong]),
    ...(await checkPlace(config, database)),
    ...(missing.length === 0 ? [] : [`Not set: ${missing.join(", ")}.`]),
  ];
  return words.length === 0 ? {} : { problem: words.join(" "), details: { missing } };
}

/** Threads are refused under another jurisdiction than the first one's. Another check says so if D1 does not answer. */
async function checkPlace({ place_problem, jurisdiction }: Config, database: D1Database): Promise<string[]> {
  if (place_problem !== null) return [`${place_problem}.`];
  const given = jurisdiction ?? "";
  const begun = await readJurisdiction(database, given).catch(() => given);
  return begun === given ? [] : ["JURISDICTION is not the one of the threads: GET /v1/server says what to set."];
}

async function checkDatabase(database: D1Database, limit_bytes: number): Promise<Finding> {
  const size_bytes = await readDatabaseSize(database);
  const percent = Math.floor((size_bytes / limit_bytes) * 100);
  const isFull = size_bytes > FULL_SHARE * limit_bytes;
  return { details: { size_bytes }, ...(isFull ? { problem: `D1 holds ${percent} % of what it can hold.` } : {}) };
}

async function checkSchema(database: D1Database): Promise<Finding> {
  const applied = await readMigrations(database);
  const details = { applied: applied.newest ?? "none", expected: NEWEST_MIGRATION };
  if (isFormer(applied)) return { details, problem: FORMER_DATABASE };
  // Migrations only add, so newer tables suit this code.
  if (applied.newest !== null && applied.newest >= NEWEST_MIGRATION) return { details };
  return { details, problem: "Tables are missing: run `npx wrangler d1 migrations apply taskloom --remote`." };
}

async function checkQueue(queue: CheckPorts["queue"]): Promise<Finding> {
  const { backlogCount } = await queue.metrics();
  return { details: { messages: backlogCount } };
}

/** Reads every secret's row, as `GET /v1/server` does. */
function checkOfSecrets({ database, config: { encryption_keys } }: CheckPorts): Named {
  const find = async (): Promise<Finding> => {
    const { waiting, unreadable } = await reportSeals({ database, encryption_keys });
    const details = { waiting, unreadable };
    if (unreadable === 0) return { details };
    return { details, problem: `ENCRYPTION_KEY opens not all stored secrets: ${unreadable} can't be read.` };
  };
  return ["secrets", find];
}

async function checkProvider(check: Required<SandboxProvider>["check"], signal: AbortSignal): Promise<Finding> {
  try {
    await check(signal);
    return {};
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    return { problem: error.message };
  }
}

function problemOf(problem: string | null): Finding {
  return problem === null ? {} : { problem };
}

function serversOf({ models }: Config): ServerCheck[] {
  const { default_server, servers } = models;
  const named = [...servers].map(([name, server]) => ({ name, server }));
  return default_server === null ? named : [{ name: DEFAULT_SERVER, server: default_server }, ...named];
}
