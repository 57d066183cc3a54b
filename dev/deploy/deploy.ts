// `npm run deploy`: build, database, tables, Worker with its secrets, health, and where people sign in.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPlaceSettings } from "../../src/config/place.ts";
import { Log } from "../start/log.ts";
import { listMigrations } from "../start/migrations.ts";
import { buildPage } from "../start/page.ts";
import { settingNames } from "../start/setting-names.ts";
import { Stopping } from "../start/stopping.ts";
import type { DeployArguments } from "./arguments.ts";
import { askWorkerFirst, makeConfig } from "./config.ts";
import { type Deployed, readDeployed, writeDeployed } from "./deployed.ts";
import { Failure } from "./failure.ts";
import { fingerprint } from "./fingerprint.ts";
import { greet, type Made } from "./greet.ts";
import { type HealthTimes, usualTimes } from "./health.ts";
import { lockPlace } from "./lock.ts";
import { openPlace, type Place, preparePlace, showPath, writeOwn } from "./place.ts";
import { type Report, runStep } from "./report.ts";
import { rollBack } from "./rollback.ts";
import { findUnknown, hideSecrets, readSecrets, type Secrets, type Settings } from "./secrets.ts";
import {
  checkOwner,
  checkSecrets,
  findDatabase,
  findPending,
  findRunning,
  listSecrets,
  makeDatabase,
  migrate,
  type Run,
  readToml,
  showConfig,
  upload,
} from "./steps.ts";
import { openWrangler, type Wrangler } from "./wrangler.ts";

export interface DeployHands {
  report: Report;
  /** Called with what ends a program that runs. */
  onStart?(wrangler: Wrangler): void;
  /** Gets what has to be removed if the process ends before its time. */
  leftovers?: Set<string>;
  times?: HealthTimes;
}

export async function deploy(root: string, options: DeployArguments, hands: DeployHands): Promise<void> {
  const { report } = hands;
  const place = openPlace(root, options.environment, options.folder);
  const scratch = options.isDry ? await mkdtemp(join(tmpdir(), "taskloom-deploy-")) : null;
  if (scratch !== null) hands.leftovers?.add(scratch);
  let unlock = (): void => {};
  try {
    const open = scratch === null ? await runStep("folder", () => preparePlace(place)) : [];
    for (const path of open) report.note(`others could read ${showPath(place, path)}: now only you can`);
    if (scratch === null) unlock = await runStep("folder", () => lockPlace(place));
    const secrets = await runStep("settings", () => readSecrets(place));
    const cache = join(scratch ?? place.folder, ".wrangler/cache");
    await rm(cache, { recursive: true, force: true });
    const wrangler = openWrangler(root, cache, hideSecrets(secrets));
    hands.onStart?.(wrangler);
    const run = await prepare(place, options, report, wrangler, scratch, secrets);
    const { name } = run.deployment;
    const where = showPath(place, place.secrets);
    // As in CI, where the Worker has them.
    const kept =
      secrets === null ? `none here, ${where} is not there` : `${Object.keys(secrets.settings).length} in ${where}`;
    report.done("settings", `${name}: ${kept}`);
    for (const unknown of secrets === null ? [] : findUnknown(secrets))
      report.note(`${unknown} is no setting, and the server does not read it`);
    const former = await readDeployed(place);
    checkName(place, former, name, options);
    if (options.rollback !== null) return await rollBack(run, former, options.rollback.version, secrets, hands.times);
    const made = await make(run, secrets, former, scratch, hands.leftovers);
    if (made !== null) await greet(run, made, secrets, hands.times ?? usualTimes);
  } finally {
    if (scratch !== null) await rm(scratch, { recursive: true, force: true });
    unlock();
  }
}

async function prepare(
  place: Place,
  options: DeployArguments,
  report: Report,
  wrangler: Wrangler,
  scratch: string | null,
  secrets: Secrets | null,
): Promise<Run> {
  const { root, environment } = place;
  const [base, own] = await runStep("settings", () =>
    Promise.all([readToml(join(root, "wrangler.toml")), readToml(place.own)]),
  );
  const assets = options.rollback === null ? await runStep("page", () => build(root)) : join(root, "dist/web");
  if (options.rollback === null) report.done("page", "built");
  const hasPreviews = secrets?.settings.PREVIEW_DOMAIN !== undefined;
  const choice = { root, environment, assets, hasPreviews };
  const deployment = await runStep("settings", async () => makeConfig(base, own, choice));
  const configPath = scratch === null ? place.config : join(scratch, "wrangler.json");
  await writeConfig(configPath, deployment.config);
  const texts = Object.entries(deployment.vars).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const settings = { ...secrets?.settings, ...Object.fromEntries(texts) };
  const { place_problem } = readPlaceSettings(settings);
  if (place_problem !== null) throw atSettings(place_problem);
  return { place, options, report, wrangler, deployment, settings, configPath };
}

/** Threads can't move: a wrong place must not become the one of the first. */
function atSettings(problem: string): Failure {
  const failure = new Failure(problem, "Correct own.toml, or run setup again. Nothing was changed.");
  failure.step = "settings";
  return failure;
}

async function writeConfig(path: string, config: object): Promise<void> {
  await writeOwn(path, `${JSON.stringify(config, null, 2)}\n`);
}

/** As `npm start` builds it, into a folder that no other build empties. */
async function build(root: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-page-"));
  const log = new Log(join(folder, "log"));
  const stopping = new Stopping();
  try {
    return await buildPage({ root, log, stopping });
  } catch (error) {
    throw new Failure(`the page can't be built:\n${(error as Error).message}`, "Run `npm run check`.");
  } finally {
    await stopping.stop();
    log.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Another name is another Worker: threads belong to the former one for ever. */
function checkName(place: Place, former: Deployed | null, name: string, { isRenamed }: DeployArguments): void {
  if (former === null || former.name === name || isRenamed) return;
  throw new Failure(
    `${place.environment} was deployed as ${former.name}, and its configuration says ${name}`,
    `That makes a new, empty deployment beside ${former.name}, which keeps running and keeps its threads, database and secrets. If that is what you want, run it with --renamed.`,
  );
}

/** Null in a dry run. */
async function make(
  run: Run,
  secrets: Secrets | null,
  former: Deployed | null,
  scratch: string | null,
  leftovers?: Set<string>,
): Promise<Made | null> {
  const { deployment, report, place, options } = run;
  // All is looked at before anything is made.
  const isThere = await runStep("database", () => findDatabase(run));
  const all = await listMigrations(place.root);
  const pending = isThere ? await runStep("tables", () => findPending(run, all)) : all;
  const { remote, chosen } = await runStep("secrets", async () => {
    const remote = options.isDry ? await listSecrets(run).catch(() => null) : await listSecrets(run);
    checkOwner(run, remote);
    return { remote, chosen: checkSecrets(run, secrets, remote) };
  });
  await makeTables(run, isThere, pending);
  const names = Object.keys(chosen);
  report.done(
    "secrets",
    remote === null ? `${names.length} for a new Worker` : `${names.length} to send, ${remote.length} are there`,
  );
  if (secrets !== null) noteLeft(run, secrets, remote ?? []);
  // A clone that was never set up, such as one of CI, knows it from there alone.
  if (remote?.includes("PREVIEW_DOMAIN")) {
    askWorkerFirst(deployment.config);
    await writeConfig(run.configPath, deployment.config);
  }
  const whole = await fingerprint(place.root, deployment.config, secrets?.settings ?? {});
  const isSame = former?.fingerprint === whole && former.version_id !== null && !options.isForced;
  if (isSame && (await findRunning(run)) === former.version_id) {
    report.done(
      "worker",
      `${deployment.name} already runs this version (${former.version_id}); --force uploads it again`,
    );
    return options.isDry ? null : { url: former.url };
  }
  if (scratch !== null) {
    await showUpload(run, scratch, names);
    return null;
  }
  return await runStep("worker", () => uploadAll(run, chosen, whole, former, leftovers));
}

async function makeTables(run: Run, isThere: boolean | null, pending: string[]): Promise<void> {
  const { report, deployment, options } = run;
  const { database } = deployment;
  if (isThere) report.done("database", `${database} is there`);
  else if (options.isDry) report.would("database", `would make ${database}: wrangler d1 create ${database}`);
  else {
    await runStep("database", () => makeDatabase(run));
    report.done("database", `${database} made`);
  }
  const names = pending.join(", ");
  if (pending.length === 0) report.done("tables", "up to date");
  else if (options.isDry) report.would("tables", `would apply ${names}`);
  else {
    await runStep("tables", () => migrate(run));
    report.done("tables", `applied ${names}`);
  }
}

async function showUpload(
  { report, deployment, wrangler, configPath }: Run,
  scratch: string,
  names: string[],
): Promise<void> {
  const outfolder = join(scratch, "bundle");
  await mkdir(outfolder);
  const args = ["deploy", "--dry-run", "--outdir", outfolder, "--config", configPath];
  const built = await wrangler.run(args);
  if (built.code !== 0) throw new Failure(`the Worker can't be bundled:\n${built.tail}`, "Run `npm run check`.");
  const size = /Total Upload: .*/.exec(built.stdout)?.[0] ?? "";
  report.would(
    "worker",
    `would deploy ${deployment.name} with the secrets ${names.join(", ") || "that are there"}\n${size}`,
  );
  report.say(`\n${showConfig(deployment.config)}\n`);
  report.say("  Nothing was changed. wrangler.json as above; vars are shown by name.");
}

/** An upload adds secrets and takes none away. */
function noteLeft({ deployment, report, place }: Run, { settings }: Secrets, remote: string[]): void {
  const left = remote.filter((name) => settingNames.includes(name) && settings[name] === undefined);
  if (left.length === 0) return;
  report.note(`the Worker has ${left.join(", ")}, which ${showPath(place, place.secrets)} has not: it stays.`);
  report.note(`\`npx wrangler secret delete NAME --name ${deployment.name}\` takes one away.`);
}

async function uploadAll(
  run: Run,
  chosen: Settings,
  whole: string,
  former: Deployed | null,
  leftovers?: Set<string>,
): Promise<Made> {
  const { report, place, deployment, options } = run;
  report.begins("worker", `${deployment.name}: bundling and uploading`);
  // Until all of it is there, with its triggers, nothing may count as deployed.
  const { name } = deployment;
  await writeDeployed(place, { name, url: former?.url ?? null, version_id: null, fingerprint: null });
  const path = join(place.folder, "sending.json");
  leftovers?.add(path);
  await writeOwn(path, JSON.stringify(chosen));
  try {
    const { url, version_id } = await upload(run, Object.keys(chosen).length === 0 ? null : path);
    await writeDeployed(place, { name, url: options.url ?? url, version_id, fingerprint: whole });
    report.done("worker", `${name} deployed, version ${version_id}`);
    return { url };
  } finally {
    await rm(path, { force: true });
  }
}
