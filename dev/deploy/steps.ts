// The steps of a deploy. Each looks at what is there and makes what is missing, so a deploy that was ended anywhere
// goes on when it is run again. A dry run looks only, and says what it would make.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { readPlaceSettings } from "../../src/config/place.ts";
import { findFormer } from "../start/migrations.ts";
import { type DeployArguments, databaseLocations } from "./arguments.ts";
import type { DeploymentConfig } from "./config.ts";
import { Failure } from "./failure.ts";
import { commandFor, type Place, PRODUCTION, readOptional } from "./place.ts";
import type { Report } from "./report.ts";
import { chooseSecrets, ownKeys, type Secrets, type Settings } from "./secrets.ts";
import type { Wrangler, WranglerRun } from "./wrangler.ts";

export interface Run {
  place: Place;
  options: DeployArguments;
  report: Report;
  wrangler: Wrangler;
  deployment: DeploymentConfig;
  /** Of the operator: vars and secrets. */
  settings: Settings;
  /** What wrangler reads; a dry run has it in a folder that it removes. */
  configPath: string;
}

/** Null in a dry run that may not look at the account. */
export async function findDatabase(run: Run): Promise<boolean | null> {
  const { wrangler, deployment, options, report, configPath } = run;
  const listed = await wrangler.run(["d1", "list", "--json", "--config", configPath]);
  if (listed.code !== 0) {
    const failure = describeRefusal(listed, "the databases of the account can't be listed");
    if (!options.isDry) throw failure;
    report.note(`${failure.message}\nWhat follows is what a first deploy would make.`);
    return null;
  }
  const list = readJson(listed.stdout) as { name?: string; jurisdiction?: string | null }[];
  const found = list.find(({ name }) => name === deployment.database);
  if (found === undefined) return false;
  checkJurisdiction(run, found.jurisdiction ?? null);
  return true;
}

/** Objects that may only be in one jurisdiction have their database there, too. */
function checkJurisdiction({ deployment, settings, report }: Run, actual: string | null): void {
  const { jurisdiction, database } = deployment;
  const said = `the database ${database} is in the jurisdiction ${actual ?? "default"}`;
  if (jurisdiction !== null && actual !== jurisdiction) {
    throw new Failure(
      `${said}, not in ${jurisdiction}`,
      "A database can't be moved. Correct own.toml, or choose another database_name there for a new, empty one.",
    );
  }
  const wanted = readPlaceSettings(settings).jurisdiction;
  if (wanted !== null && jurisdiction === null && actual !== wanted)
    report.note(`${said}, and JURISDICTION is ${wanted}: a database can't be moved.`);
}

export async function makeDatabase({ wrangler, deployment, options, settings, configPath }: Run): Promise<void> {
  const { database } = deployment;
  const choice = readPlaceSettings(settings);
  const jurisdiction = deployment.jurisdiction ?? choice.jurisdiction;
  if (jurisdiction === "fedramp-high") {
    throw new Failure(
      "D1 has no jurisdiction fedramp-high, and JURISDICTION asks for it",
      'Say in own.toml where the database may be: `[[d1_databases]]`, `binding = "DB"`, `jurisdiction = "fedramp"`.',
    );
  }
  const place = jurisdiction === null ? [] : ["--jurisdiction", jurisdiction];
  const near = choice.location_hint ?? "";
  const location = options.location ?? (databaseLocations.includes(near) ? near : null);
  const hint = location === null || place.length > 0 ? [] : ["--location", location];
  const made = await wrangler.run(["d1", "create", database, ...place, ...hint, "--config", configPath]);
  if (made.code !== 0) throw describeRefusal(made, `the database ${database} can't be made`);
}

export async function migrate({ wrangler, deployment, configPath }: Run): Promise<void> {
  const args = ["d1", "migrations", "apply", deployment.database, "--remote", "--config", configPath];
  const applied = await wrangler.run(args);
  if (applied.code !== 0) {
    throw describeRefusal(applied, "the tables can't be brought up to date; what was applied before stays");
  }
}

/**
 * Without changing anything: wrangler's own list of migrations makes a table. Throws a failure if a version before 0.2.0
 * has made the database.
 */
export async function findPending(run: Run, all: string[]): Promise<string[]> {
  const { wrangler, configPath, place, deployment } = run;
  const { database } = deployment;
  const sql = "SELECT name FROM d1_migrations";
  const args = ["d1", "execute", database, "--remote", "--json", "--command", sql, "--config", configPath];
  const asked = await wrangler.run(args);
  if (/no such table/.test(asked.tail)) return all;
  if (asked.code !== 0) throw describeRefusal(asked, `the migrations of ${database} can't be listed`);
  const [{ results = [] } = {}] = readJson(asked.stdout) as { results?: { name: string }[] }[];
  const applied = results.map(({ name }) => name);
  const former = findFormer(applied, all);
  if (former !== null) {
    throw new Failure(
      `the database ${database} is of a version before 0.2.0: it records ${former}`,
      `Nothing was changed. Make a new deployment beside it: in own.toml set another \`name\` (and another database_name if it is there), then \`${commandFor(place, "deploy")} ${place.environment === PRODUCTION ? "-- " : ""}--renamed\`. docs/deploy.md says what happens to the old one.`,
    );
  }
  return all.filter((name) => !applied.includes(name));
}

/** The names of the Worker's secrets; null if there is no such Worker. */
export async function listSecrets({ wrangler, deployment, configPath }: Run): Promise<string[] | null> {
  const listed = await wrangler.run(["secret", "list", "--format", "json", "--config", configPath]);
  if (listed.code === 0) return (readJson(listed.stdout) as { name: string }[]).map(({ name }) => name);
  if (/Worker "[^"]*" .*not found|Worker "[^"]*" not found/.test(listed.tail)) return null;
  throw describeRefusal(listed, `the secrets of ${deployment.name} can't be listed`);
}

/**
 * A Worker of this name may be somebody's other program, which an upload would replace. Each of ours has this secret.
 */
export function checkOwner({ deployment }: Run, remote: string[] | null): void {
  const { name } = deployment;
  if (remote === null || remote.includes("ADMIN_API_KEY")) return;
  throw new Failure(
    `the account has a Worker ${name} without ADMIN_API_KEY: it may be another program`,
    `Give this deployment another name, \`name = "…"\` in own.toml. If that Worker is Taskloom, run \`npx wrangler secret put ADMIN_API_KEY --name ${name}\` first.`,
  );
}

/** What is to be sent. Throws a failure if the deployment would lack something, or have two values for one name. */
export function checkSecrets({ place, deployment }: Run, secrets: Secrets | null, remote: string[] | null): Settings {
  const chosen = secrets === null ? {} : chooseSecrets(secrets, remote);
  const known = new Set([...Object.keys(chosen), ...(remote ?? [])]);
  const missing = ownKeys.filter((name) => !known.has(name));
  if (missing.length > 0) {
    throw new Failure(`there is no ${missing.join(" and no ")}`, `Run \`${commandFor(place, "setup")}\` first.`);
  }
  const twice = Object.keys(deployment.vars).find((name) => known.has(name));
  if (twice !== undefined) {
    throw new Failure(
      `${twice} is a var of own.toml and a secret`,
      `Take one away: out of own.toml, or with \`${commandFor(place, "setup")} ${place.environment === "production" ? "-- " : ""}--unset ${twice}\` and \`npx wrangler secret delete ${twice} --name ${deployment.name}\`.`,
    );
  }
  return chosen;
}

/** The version that serves all requests; null if there is none. */
export async function findRunning({ wrangler, configPath }: Run): Promise<string | null> {
  const status = await wrangler.run(["deployments", "status", "--json", "--config", configPath]);
  if (status.code !== 0) return null;
  const { versions = [] } = readJson(status.stdout) as { versions?: { version_id: string; percentage: number }[] };
  return versions.find(({ percentage }) => percentage === 100)?.version_id ?? null;
}

export interface Uploaded {
  url: string | null;
  version_id: string | null;
}

/** `secretsPath`: null if there are none to send. */
export async function upload(run: Run, secretsPath: string | null): Promise<Uploaded> {
  const { wrangler, place, deployment, configPath } = run;
  const output = join(place.folder, "wrangler-output.ndjson");
  await rm(output, { force: true });
  const args = ["deploy", "--config", configPath, ...(secretsPath === null ? [] : ["--secrets-file", secretsPath])];
  const uploaded = await wrangler.run(args, { isAsking: isAtTerminal(), output });
  const made = readUpload((await readOptional(output)) ?? "");
  await rm(output, { force: true });
  if (uploaded.code !== 0) throw describeRefusal(uploaded, `${deployment.name} can't be deployed`);
  if (made === null)
    throw new Failure("wrangler stopped before it deployed", "Read what it said above, and run it again.");
  return made;
}

/** It may ask about DNS records and subdomains then. Elsewhere it takes over a record that is in its way. */
export function isAtTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true && !process.env.CI;
}

/** From the lines that wrangler writes for programs. */
export function readUpload(lines: string): Uploaded | null {
  const entries = lines
    .split("\n")
    .flatMap((line) => (line.trim() === "" ? [] : [readJson(line) as Record<string, unknown>]));
  const deploy = entries.find(({ type }) => type === "deploy");
  if (deploy === undefined) return null;
  const targets = Array.isArray(deploy.targets) ? deploy.targets.map(String) : [];
  const domain = targets.map((target) => /^(\S+) \(custom domain/.exec(target)?.[1]).find((name) => name !== undefined);
  const address = targets.find((target) => /^https:\/\/\S+$/.test(target));
  const version = deploy.version_id;
  return {
    url: domain === undefined ? (address ?? null) : `https://${domain}`,
    version_id: typeof version === "string" ? version : null,
  };
}

const remedies: [pattern: RegExp, remedy: string][] = [
  [/more than one account/i, 'Choose one: `account_id = "…"` at the top of own.toml, or CLOUDFLARE_ACCOUNT_ID.'],
  [
    /authentication error|invalid access token|invalid api token|code: (?:10000|9109|1000)\]/i,
    "The token is wrong, has expired or lacks a permission (docs/deploy.md lists them). Make one at https://dash.cloudflare.com/profile/api-tokens, and run the same command again.",
  ],
  [
    /not logged in|no credentials|CLOUDFLARE_API_TOKEN environment variable|wrangler login|not authenticated/i,
    "Sign in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN. Then run the same command again.",
  ],
  [
    /workers\.dev subdomain/i,
    "Register one in the dashboard (Workers, once for an account), and run the same command again.",
  ],
  [
    /Retry-After|throttl|too many requests|unknown error|internal|unavailable|fetch failed|ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|malformed response|terminated/i,
    "Cloudflare can't be reached, or is busy. Wait a minute, and run the same command again: it continues from here.",
  ],
  [
    /already has a consumer/i,
    "Another Worker reads this queue. Give this deployment another `name` in own.toml, or take that consumer away: `npx wrangler queues consumer remove QUEUE WORKER`.",
  ],
  [
    /queue "[^"]*"[^\n]* does not exist/i,
    "Either somebody has deleted it, and `npx wrangler queues create NAME` makes it again, or the token lacks Queues: Edit. Then run the same command again.",
  ],
  [
    /table `?\w+`? already exists/i,
    'The database has tables of another program. Name another one in own.toml: `[[d1_databases]]`, `binding = "DB"`, `database_name = "…"`.',
  ],
  [/version not found/i, "`npx wrangler versions list` with `--name` and the Worker's name shows what there is."],
  [/maximum number of D1 databases/i, "Delete a database, or raise the limit. Then run the same command again."],
];

export function describeRefusal({ tail }: WranglerRun, what: string): Failure {
  const remedy = remedies.find(([pattern]) => pattern.test(tail))?.[1];
  const usual = "Fix what wrangler reports, and run the same command again: it continues from here.";
  return new Failure(tail === "" ? what : `${what}:\n${tail}`, remedy ?? usual);
}

/** Of a program that may print a line before it. */
export function readJson(text: string): unknown {
  const start = text.search(/[[{]/);
  try {
    return JSON.parse(start < 0 ? text : text.slice(start));
  } catch {
    throw new Failure("wrangler answered something else than JSON", "Run the same command again.");
  }
}

export async function readToml(path: string): Promise<Record<string, unknown>> {
  const { experimental_readRawConfig } = await import("wrangler");
  if ((await readOptional(path)) === null) return {};
  try {
    return experimental_readRawConfig({ config: path }).rawConfig as Record<string, unknown>;
  } catch (error) {
    throw new Failure(`${path} is no TOML: ${(error as Error).message.split("\n")[0]}`, "Fix it.");
  }
}

/** A configuration as people should see it: without what only builds, and vars by name. */
export function showConfig(config: Record<string, unknown>): string {
  const { alias: _, vars, ...shown } = config;
  return JSON.stringify({ ...shown, vars: Object.keys((vars as object | undefined) ?? {}) }, null, 2);
}
