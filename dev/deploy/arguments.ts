// The flags of `npm run setup` and `npm run deploy`.
import { parseArgs } from "node:util";
import { Failure } from "./failure.ts";
import { PRODUCTION } from "./place.ts";

export const deployUsage =
  "npm run deploy -- [--env NAME] [--dry-run] [--force] [--rollback [VERSION]] [--url URL] [--location NAME] [--renamed]";
export const setupUsage =
  "npm run setup -- [--env NAME] [--yes] [--set NAME=VALUE] [--set-file NAME=FILE] [--unset NAME] [--no-check]";

interface Common {
  environment: string;
  /** Where the environments' folders are. */
  folder: string;
}

export interface DeployArguments extends Common {
  isDry: boolean;
  /** Uploads also what has not changed. */
  isForced: boolean;
  /** To the version before, or to this one. */
  rollback: { version: string | null } | null;
  /** Asked in place of the address that wrangler prints. */
  url: string | null;
  /** A hint for the database that is made. */
  location: string | null;
  /** A new Worker beside the former one is meant. */
  isRenamed: boolean;
}

export interface SetupArguments extends Common {
  /** Never asks. */
  isSilent: boolean;
  isUnchecked: boolean;
  set: [name: string, value: string][];
  /** The value is in a file, `-` is standard input. */
  setFiles: [name: string, path: string][];
  unset: string[];
}

/** What D1 knows of the places that objects may be hinted to. */
export const databaseLocations = ["weur", "eeur", "apac", "oc", "wnam", "enam"];

const common = {
  env: { type: "string", default: PRODUCTION },
  folder: { type: "string", default: ".deploy" },
} as const;

export function readDeployArguments(args: string[]): DeployArguments {
  const { values, positionals } = parse(deployUsage, () =>
    parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...common,
        "dry-run": { type: "boolean", default: false },
        force: { type: "boolean", default: false },
        rollback: { type: "boolean", default: false },
        url: { type: "string" },
        location: { type: "string" },
        renamed: { type: "boolean", default: false },
      },
    }),
  );
  const [version = null, ...more] = positionals;
  if (more.length > 0 || (version !== null && !values.rollback)) fail(deployUsage, "there is an argument too many");
  const url = values.url?.replace(/\/+$/, "") ?? null;
  if (values.location !== undefined && !databaseLocations.includes(values.location))
    fail(deployUsage, `--location must be one of ${databaseLocations.join(", ")}`);
  if (url !== null && !/^https?:$/.test(URL.parse(url)?.protocol ?? "")) fail(deployUsage, "--url must be an address");
  return {
    ...{ environment: values.env, folder: values.folder, url, location: values.location ?? null },
    ...{ isDry: values["dry-run"], isForced: values.force, isRenamed: values.renamed },
    rollback: values.rollback ? { version } : null,
  };
}

export function readSetupArguments(args: string[]): SetupArguments {
  const { values } = parse(setupUsage, () =>
    parseArgs({
      args,
      options: {
        ...common,
        yes: { type: "boolean", default: false },
        "no-check": { type: "boolean", default: false },
        set: { type: "string", multiple: true, default: [] },
        "set-file": { type: "string", multiple: true, default: [] },
        unset: { type: "string", multiple: true, default: [] },
      },
    }),
  );
  return {
    ...{ environment: values.env, folder: values.folder },
    ...{ isSilent: values.yes, isUnchecked: values["no-check"], unset: values.unset },
    set: values.set.map((pair) => split("--set", pair)),
    setFiles: values["set-file"].map((pair) => split("--set-file", pair)),
  };
}

/** Quotes no value: it may be a secret. */
function split(flag: string, pair: string): [string, string] {
  const place = pair.indexOf("=");
  if (place < 1) fail(setupUsage, `${flag} needs NAME=… behind it`);
  return [pair.slice(0, place), pair.slice(place + 1)];
}

function parse<T>(usage: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return fail(usage, (error as Error).message.split(". ")[0] ?? "");
  }
}

function fail(usage: string, message: string): never {
  throw new Failure(message, `usage: ${usage}`);
}
