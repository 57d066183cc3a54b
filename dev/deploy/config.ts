// The configuration of one deployment: wrangler.toml, with the names of its environment, and over it what the operator's
// own file says. It is a file of its own for wrangler, since `[env.*]` inherits no bindings, and an edited wrangler.toml
// would meet each update of the repository.
import { createHash } from "node:crypto";
import { isAbsolute, join } from "node:path";
import { Failure } from "./failure.ts";
import { PRODUCTION } from "./place.ts";

type Table = Record<string, unknown>;

export interface DeploymentConfig {
  /** What wrangler gets. */
  config: Table;
  /** The Worker's name, from which the others are made. */
  name: string;
  database: string;
  /** Null if it may be anywhere. */
  jurisdiction: string | null;
  /** Of jobs, and of dead letters. */
  queues: [jobs: string, dead: string];
  /** Texts, or what a setting in JSON holds. */
  vars: Table;
}

export interface ConfigChoice {
  root: string;
  environment: string;
  /** The folder of the page's files. */
  assets: string;
  /** Whether the settings of the deployment name a domain of previews. One in own.toml counts anyway. */
  hasPreviews?: boolean;
}

/** By which of its keys an entry of the operator's file replaces one of wrangler.toml. Other lists are replaced. */
const identities: Record<string, string> = {
  d1_databases: "binding",
  "durable_objects.bindings": "name",
  "queues.consumers": "queue",
  "queues.producers": "binding",
  ratelimits: "name",
};

/** Would break the deployment, or be without effect. */
const refused: Record<string, string> = {
  env: "an environment has a file of its own: use --env",
  main: "the Worker is this repository's",
  migrations: "classes of objects belong to the code",
};

/** Of a DNS label, which names of Workers and of queues are, too. */
const labelShape = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function makeConfig(base: Table, own: Table, choice: ConfigChoice): DeploymentConfig {
  const wrong = Object.keys(refused).find((key) => key in own);
  if (wrong !== undefined) throw new Failure(`own.toml may not set \`${wrong}\``, `${refused[wrong]}.`);
  const usual = asText(base.name, "name in wrangler.toml");
  const name = asText(
    own.name ?? (choice.environment === PRODUCTION ? usual : `${usual}-${choice.environment}`),
    "name",
  );
  if (!labelShape.test(name)) {
    throw new Failure(
      `\`${name}\` can't be the Worker's name`,
      "Use at most 63 lower-case letters, digits and dashes, without a dash at an end.",
    );
  }
  const named = name === usual ? base : rename(base, usual, name);
  const merged = merge(placePaths(named, choice), own, "") as Table;
  const { preview_database_id: _, ...database } = findBinding(merged.d1_databases, "DB");
  merged.d1_databases = listOf(merged.d1_databases).map((each) => (each.binding === "DB" ? database : each));
  merged.name = name;
  const queues = nameQueues(merged);
  const vars: Table = { ...readVars(merged.vars), DEAD_QUEUE: queues[1] };
  merged.vars = vars;
  // Rules for files know paths and no hosts: a preview's host answers for its program alone.
  if (choice.hasPreviews === true || vars.PREVIEW_DOMAIN !== undefined) {
    askWorkerFirst(merged);
  }
  return {
    ...{ config: merged, name, queues, vars },
    database: asText(database.database_name, "the name of the database DB"),
    jurisdiction: typeof database.jurisdiction === "string" ? database.jurisdiction : null,
  };
}

/** For files, too. */
export function askWorkerFirst(config: Table): void {
  config.assets = { ...(isTable(config.assets) ? config.assets : {}), run_worker_first: true };
}

/** What the account knows by name gets the Worker's name: two deployments of an account share nothing. */
function rename(base: Table, usual: string, name: string): Table {
  const renamed = (value: unknown): unknown => {
    if (typeof value === "string")
      return value === usual || value.startsWith(`${usual}-`) ? name + value.slice(usual.length) : value;
    if (Array.isArray(value)) return value.map(renamed);
    return isTable(value) ? mapValues(value, renamed) : value;
  };
  const { d1_databases, queues, ratelimits } = base;
  return {
    ...base,
    d1_databases: listOf(d1_databases).map((each) => ({ ...each, database_name: renamed(each.database_name) })),
    queues: renamed(queues),
    ratelimits: listOf(ratelimits).map((each) => ({ ...each, namespace_id: shiftNamespace(each.namespace_id, name) })),
  };
}

/** Rate limits count by an id of the account, a positive integer. Those of another name are far from those of wrangler.toml. */
function shiftNamespace(id: unknown, name: string): string {
  const place = createHash("sha256").update(name).digest().readUInt32BE(0) % 200_000;
  return String(Number(id) + (place + 1) * 10_000);
}

/** wrangler reads paths from the folder of its configuration. */
function placePaths(base: Table, { root, assets }: ConfigChoice): Table {
  const absolute = (path: unknown): unknown =>
    typeof path === "string" && !isAbsolute(path) ? join(root, path) : path;
  const alias = isTable(base.alias) ? mapValues(base.alias, absolute) : {};
  return {
    ...base,
    main: absolute(base.main),
    alias,
    assets: { ...(isTable(base.assets) ? base.assets : {}), directory: assets },
    d1_databases: listOf(base.d1_databases).map((each) => ({ ...each, migrations_dir: absolute(each.migrations_dir) })),
  };
}

function merge(base: unknown, own: unknown, path: string): unknown {
  const identity = identities[path];
  if (identity !== undefined && Array.isArray(base) && Array.isArray(own)) {
    const mine = listOf(own);
    const kept = listOf(base).map((each) => {
      const replacing = mine.find((other) => other[identity] === each[identity]);
      return replacing === undefined ? each : merge(each, replacing, `${path}.*`);
    });
    return [...kept, ...mine.filter((other) => !listOf(base).some((each) => each[identity] === other[identity]))];
  }
  if (!isTable(base) || !isTable(own)) return own;
  const merged: Table = { ...base };
  for (const [key, value] of Object.entries(own)) {
    merged[key] = key in base ? merge(base[key], value, path === "" ? key : `${path}.${key}`) : value;
  }
  return merged;
}

/** The queue of jobs, and the one that its consumer names for dead letters. */
function nameQueues(config: Table): [string, string] {
  const queues = isTable(config.queues) ? config.queues : {};
  const jobs = asText(findBinding(queues.producers, "JOBS").queue, "the queue of JOBS");
  const consumer = listOf(queues.consumers).find(({ queue }) => queue === jobs);
  const dead = asText(consumer?.dead_letter_queue, `dead_letter_queue of the consumer of ${jobs}`);
  const wrong = [jobs, dead].find((queue) => !labelShape.test(queue));
  if (wrong !== undefined) {
    throw new Failure(
      `\`${wrong}\` can't be a queue's name`,
      "It has more than 63 characters, or others than lower-case letters, digits and dashes. Take a shorter name.",
    );
  }
  for (const [what, list] of [
    ["consumer", queues.consumers],
    ["producer", queues.producers],
  ] as const) {
    if (listOf(list).some(({ queue }) => queue === dead)) continue;
    throw new Failure(`the queue ${dead} has no ${what}`, "own.toml must name one queue of dead letters everywhere.");
  }
  return [jobs, dead];
}

function findBinding(list: unknown, binding: string): Table {
  const found = listOf(list).find((each) => each.binding === binding);
  if (found === undefined) throw new Failure(`there is no binding ${binding}`, "wrangler.toml or own.toml lacks it.");
  return found;
}

function readVars(vars: unknown): Table {
  if (vars === undefined || isTable(vars)) return vars ?? {};
  throw new Failure("`vars` must be a table", 'Write `[vars]` and below it `NAME = "value"`.');
}

function asText(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new Failure(`${what} is missing`, "Look at wrangler.toml and your own.toml.");
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): Table[] {
  return Array.isArray(value) ? value.filter(isTable) : [];
}

function mapValues(table: Table, change: (value: unknown) => unknown): Table {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, change(value)]));
}
