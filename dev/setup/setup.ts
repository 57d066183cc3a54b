// `npm run setup`: collects a deployment's settings, makes the keys of its own, checks the others, and keeps all in a file
// that git ignores. It changes nothing anywhere else, and a second run only adds what is missing.
import { randomBytes } from "node:crypto";
import type { SetupArguments } from "../deploy/arguments.ts";
import { Failure } from "../deploy/failure.ts";
import { lockPlace } from "../deploy/lock.ts";
import {
  commandFor,
  openPlace,
  type Place,
  PRODUCTION,
  preparePlace,
  readOptional,
  showPath,
  writeOwn,
} from "../deploy/place.ts";
import { type Report, runStep } from "../deploy/report.ts";
import {
  checkSizes,
  findUnknown,
  hashKey,
  readSecrets,
  type Secrets,
  type Settings,
  writeSecrets,
} from "../deploy/secrets.ts";
import { describeArgument, readSecretFile } from "../secrets.ts";
import { settingNames } from "../start/setting-names.ts";
import { checkSettings, checkKeys as findShortKeys } from "../start/settings.ts";
import { type Check, type CheckOptions, checkKeys } from "./checks.ts";
import { askForMissing } from "./questions.ts";
import type { Terminal } from "./terminal.ts";

export interface SetupHands {
  report: Report;
  environment: NodeJS.ProcessEnv;
  /** Null where nobody can be asked. */
  terminal: Terminal | null;
  checks?: CheckOptions;
}

export async function setUp(root: string, options: SetupArguments, hands: SetupHands): Promise<void> {
  const { report } = hands;
  const place = openPlace(root, options.environment, options.folder);
  const open = await runStep("folder", () => preparePlace(place));
  for (const path of open) report.note(`others could read ${showPath(place, path)}: now only you can`);
  const unlock = await runStep("folder", () => lockPlace(place));
  try {
    await collect(place, options, hands);
  } finally {
    unlock();
  }
}

async function collect(place: Place, options: SetupArguments, hands: SetupHands): Promise<void> {
  const { report, terminal } = hands;
  const kept = await runStep("settings", () => readSecrets(place));
  const secrets: Secrets = { settings: { ...kept?.settings }, made: { ...kept?.made } };
  const { settings } = secrets;
  await runStep("settings", () => takeGiven(settings, options, hands));
  if (terminal !== null) await runStep("questions", () => askForMissing(settings, terminal, !options.isUnchecked));
  await runStep("settings", async () => requireAll(settings, place));
  const made = makeKeys(secrets);
  await runStep("settings", async () => {
    checkSizes(settings);
    checkCharacters(settings);
    for (const name of findUnknown(secrets)) report.note(`${name} is no setting, and the server does not read it`);
    checkAll(settings, made, report);
  });
  if (options.isUnchecked) report.note("no key was asked about (--no-check)");
  else await runStep("keys", async () => showChecks(await checkKeys(settings, hands.checks), report));
  await warnOfSharedSandboxes(place, settings, options, report);
  await writeSecrets(place, secrets);
  await placeOwn(place);
  report.done(
    "settings",
    `${Object.keys(settings).length} in ${showPath(place, place.secrets)}, for you alone and ignored by git`,
  );
  if (made.length > 0)
    report.done("made", `${made.join(" and ")}: keep a copy of that file, nobody can make them again`);
  report.say("");
  report.say(`  your own lines of wrangler.toml (domain, vars): ${showPath(place, place.own)}`);
  const deploy = commandFor(place, "deploy");
  report.say(`  next: ${isSignedIn(hands.environment) ? deploy : `npx wrangler login, then ${deploy}`}`);
}

/** As wrangler reads it: with these it never asks anybody to sign in. */
function isSignedIn(environment: NodeJS.ProcessEnv): boolean {
  const has = (name: string): boolean => Boolean(environment[`CLOUDFLARE_${name}`] || environment[`CF_${name}`]);
  return has("API_TOKEN") || (has("API_KEY") && has("EMAIL"));
}

/** The environment over what is kept, and flags over both. */
async function takeGiven(
  settings: Settings,
  options: SetupArguments,
  { environment, report }: SetupHands,
): Promise<void> {
  const taken: string[] = [];
  const put = (name: string, value: string): void => {
    if (value.trim() === "") delete settings[name];
    else settings[name] = value.trim();
  };
  for (const name of settingNames) {
    const value = environment[name];
    if (value === undefined) continue;
    put(name, value);
    taken.push(name);
  }
  if (taken.length > 0) report.done("environment", taken.join(", "));
  for (const [name, value] of options.set) {
    put(known(name), value);
    if (/KEY|SECRET|TOKEN|MODEL_SERVERS|HEADERS/.test(name)) {
      report.note(describeArgument(`--set ${name}=…`, `--set-file ${name}=FILE, or the variable ${name}`));
    }
  }
  for (const [name, path] of options.setFiles) put(known(name), await readFileOf(name, path));
  for (const name of options.unset) delete settings[known(name)];
  if (options.unset.length > 0) report.note("what a deployment has already stays there: the next deploy names it.");
}

async function readFileOf(name: string, path: string): Promise<string> {
  try {
    // JSON has several lines.
    if (["MODEL_SERVERS", "MODEL_PRICES", "MODEL_HEADERS", "MODEL_EXTRA_BODY"].includes(name)) {
      const text = await readOptional(path);
      if (text === null) throw new Error(`--set-file ${name}: the file can't be read`);
      return text.trim();
    }
    return await readSecretFile(`--set-file ${name}`, path);
  } catch (error) {
    throw new Failure((error as Error).message, "Nothing was changed.");
  }
}

function known(name: string): string {
  if (settingNames.includes(name)) return name;
  throw new Failure(`there is no setting ${name.slice(0, 60)}`, "docs/settings.md lists them.");
}

function requireAll(settings: Settings, place: Place): void {
  const missing: string[] = [];
  if (!settings.OPENAI_API_KEY && !settings.MODEL_SERVERS) missing.push("OPENAI_API_KEY");
  if (!settings.DAYTONA_API_KEY) missing.push("DAYTONA_API_KEY");
  if (missing.length === 0) return;
  throw new Failure(
    `there is no ${missing.join(" and no ")}`,
    `Set it in the environment, or: ${commandFor(place, "setup")}${place.environment === PRODUCTION ? " --" : ""} --set-file ${missing[0]}=FILE. On a terminal, setup asks without --yes.`,
  );
}

/** Those that are missing. Their hashes say later that nobody has chosen them. */
function makeKeys({ settings, made }: Secrets): string[] {
  const makers: [string, () => string][] = [
    ["ADMIN_API_KEY", () => `tl_${randomBytes(32).toString("base64url")}`],
    ["ENCRYPTION_KEY", () => randomBytes(32).toString("base64url")],
  ];
  const missing = makers.filter(([name]) => !settings[name]);
  for (const [name, make] of missing) {
    const key = make();
    settings[name] = key;
    made[name] = hashKey(key);
  }
  return missing.map(([name]) => name);
}

function checkAll(settings: Settings, made: string[], report: Report): void {
  try {
    checkSettings(settings);
    const { ADMIN_API_KEY = "", ENCRYPTION_KEY = "" } = settings;
    // A key that somebody brings may be in use for long.
    for (const note of findShortKeys({ ADMIN_API_KEY, ENCRYPTION_KEY }, made.length === 2)) report.note(note);
  } catch (error) {
    throw new Failure((error as Error).message, "Nothing was changed. docs/settings.md says what it takes.");
  }
}

/** They are sent in headers. */
function checkCharacters(settings: Settings): void {
  const wrong = Object.entries(settings).find(
    ([name, value]) => /_API_KEY$|_TOKEN$/.test(name) && !/^[\x20-\x7e]*$/.test(value),
  );
  if (wrong === undefined) return;
  throw new Failure(
    `${wrong[0]} has a line break, or a character that no key has`,
    "Nothing was changed. Copy the key again: one line of visible ASCII.",
  );
}

function showChecks(checks: Check[], report: Report): void {
  const wrong = checks.filter(({ outcome }) => outcome === "refused" || outcome === "unreachable");
  for (const { name, text, outcome } of checks) {
    if (outcome === "accepted") report.done("key", `${name}: ${text}`);
    if (outcome === "unknown") report.note(`${name}: ${text}`);
  }
  if (wrong.length === 0) return;
  const lines = wrong.map(({ name, setting, text }) => `${name} (${setting}): ${text}`);
  throw new Failure(
    lines.join("\n"),
    "Nothing was changed. Correct them, or leave them unchecked with --no-check if this machine can't reach them.",
  );
}

/** Sandboxes are named after user and project: two deployments with one Daytona organization would share some. */
async function warnOfSharedSandboxes(
  place: Place,
  { DAYTONA_API_KEY }: Settings,
  options: SetupArguments,
  report: Report,
): Promise<void> {
  if (place.environment === PRODUCTION) return;
  const other = await readSecrets(openPlace(place.root, PRODUCTION, options.folder)).catch(() => null);
  if (other?.settings.DAYTONA_API_KEY !== DAYTONA_API_KEY) return;
  report.note("production has the same DAYTONA_API_KEY. Give each deployment a Daytona organization of its own:");
  report.note("with the same ids, both would use one sandbox, and a deletion in one deletes it.");
}

const ownTemplate = `# What this deployment adds to wrangler.toml, or has instead of it. Git ignores this file, and updates never touch it.
# Entries of lists replace those with the same binding, name or queue; vars are added. Top-level keys come first.

# account_id = "…"
# routes = [{ pattern = "agent.example.com", custom_domain = true }]
# workers_dev = false

# Settings that are no secrets may stand here instead of in secrets.json (docs/settings.md).
# [vars]
# OPENAI_MODEL = "gpt-5"
`;

/** Once: what is in it belongs to the operator. */
async function placeOwn({ own }: Place): Promise<void> {
  if ((await readOptional(own)) === null) await writeOwn(own, ownTemplate);
}
