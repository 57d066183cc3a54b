// `npm start`: everything a person needs on one machine, in one command. The Worker runs in workerd as wrangler bundles
// it for a deployment (build.ts, runtime-options.ts). What would need an account runs beside it: a model,
// sandboxes and a search in this process, the cron clock in the Worker's process. `npm run dev` is the same with `--watch`.
//
// However this process ends, nothing that it started keeps running: see stopping.ts and guard.ts.
import { join, relative } from "node:path";
import { lockState } from "../daytona/lock.ts";
import { describeArgument, hideArguments, readSecretFile } from "../secrets.ts";
import { devUsage, readArguments, type StartArguments, usage } from "./arguments.ts";
import { type BuiltWorker, buildWorker } from "./build.ts";
import { Log } from "./log.ts";
import { applyMigrations } from "./migrations.ts";
import { buildPage, holdPage } from "./page.ts";
import { isPortFree } from "./port.ts";
import type { Place } from "./processes.ts";
import {
  checkKeys,
  describeSignInSettings,
  previewDomain,
  readSettings,
  type Settings,
  secretsOf,
} from "./settings.ts";
import { findSignInKey } from "./sign-in-key.ts";
import { type Backends, startBackends } from "./stand-ins.ts";
import {
  adminKeyPath,
  findUserKeyFile,
  isNewState,
  openState,
  readAdminKey,
  readEncryptionKey,
  removeAddress,
  type State,
  writeAddress,
} from "./state.ts";
import { Stopping } from "./stopping.ts";
import { listSources, serveChanges } from "./watch.ts";
import { startWorker } from "./worker.ts";

const root = join(import.meta.dirname, "../..");
const stopping = new Stopping();

async function start(options: StartArguments): Promise<void> {
  const { port } = options;
  const state = await openState(options.state);
  const lock = await lockState(state.folder).catch(() => {
    throw new Error(`${state.data} is already in use; choose another folder with --state`);
  });
  await stopping.add(() => lock.release());
  const given = await readSettings(root, process.env);
  const PREVIEW_DOMAIN = previewDomain(given, port);
  const isNew = await isNewState(state);
  const keys = await readKeys(options, given, state, isNew);
  const { ADMIN_API_KEY: adminKey, ENCRYPTION_KEY: encryptionKey } = keys;
  const notes = checkKeys(keys, isNew);
  if (options.apiKey !== null)
    notes.push(describeArgument("--api-key", "the variable ADMIN_API_KEY or --api-key-file"));
  const log = new Log(state.log, [...secretsOf(given), adminKey, encryptionKey]);
  await stopping.add(() => log.close());
  const place: Place = { root, log, stopping };

  // Before the first build: a source that changes during it, or as soon as the server is ready, is noticed.
  const sources = options.watched ? await listSources(root) : null;
  const build = (): Promise<BuiltWorker> => buildAll(place, options);
  const [{ settings: found, ...backends }, worker] = await Promise.all([
    startBackends(given, state, options.hostExecAllowed, stopping),
    build(),
  ]);
  const settings = { ...given, ...found, ...keys, PREVIEW_DOMAIN };
  const { inspectorPort } = options;
  const migrate = (worker: BuiltWorker) => applyMigrations(root, state, worker.options.d1Databases.DB.id);
  const serve = async (worker: BuiltWorker) => {
    const program = await startWorker(place, state, { root, worker, data: state.data, port, settings, inspectorPort });
    // The Worker's runtime reads the page's files when they are asked for.
    void program.ended.then(holdPage(worker.options.assets.directory));
    return program;
  };
  await migrate(worker);
  const program = await serve(worker);
  const url = `http://127.0.0.1:${port}`;
  const { key, notes: more } = await findSignInKey({ url, admin_key: adminKey, file: await findUserKeyFile(state) });
  log.hide(key);
  notes.push(...more);
  const isKept = options.apiKey === null && options.apiKeyFile === null && given.ADMIN_API_KEY === undefined;
  if (key !== adminKey && isKept) notes.push(`ADMIN_API_KEY, which manages users, is in ${adminKeyPath(state)}`);
  await writeAddress(state, { url, key, pid: process.pid });
  await stopping.add(() => removeAddress(state));
  const signIn = describeSignInSettings(settings);
  const warnings = [...backends.warnings, ...notes, ...(signIn?.warnings ?? [])];
  console.log(describe(options, key, state, { ...backends, warnings, signIn: signIn?.name ?? null }));
  console.log(`ready on http://localhost:${port}`);
  if (sources !== null) await serveChanges(place, sources, { worker, program }, { build, migrate, start: serve });
  else await program.ended;
  if (!stopping.signal.aborted) await fail(`The Worker stopped unexpectedly:\n${log.tail()}`);
}

async function readKeys(
  { apiKey, apiKeyFile }: StartArguments,
  given: Settings,
  state: State,
  isNew: boolean,
): Promise<{ ADMIN_API_KEY: string; ENCRYPTION_KEY: string }> {
  const inFile = apiKeyFile === null ? null : await readSecretFile("--api-key-file", apiKeyFile);
  return {
    ADMIN_API_KEY: apiKey ?? inFile ?? given.ADMIN_API_KEY ?? (await readAdminKey(state, isNew)),
    ENCRYPTION_KEY: given.ENCRYPTION_KEY ?? (await readEncryptionKey(state)),
  };
}

async function buildAll(place: Place, { watched }: StartArguments): Promise<BuiltWorker> {
  const [{ script, options }, directory] = await Promise.all([
    buildWorker(place, { minified: !watched }),
    buildPage(place),
  ]);
  return { script, options: { ...options, assets: { ...options.assets, directory } } };
}

function describe(
  { port, watched, inspectorPort }: StartArguments,
  key: string,
  state: State,
  backends: Omit<Backends, "settings"> & { signIn: string | null },
): string {
  const data = relative(process.cwd(), state.data) || ".";
  return [
    "",
    "  Taskloom",
    "",
    `  open     http://localhost:${port}/#key=${encodeURIComponent(key)}`,
    `  key      ${key}`,
    `  model    ${backends.model}`,
    `  sandbox  ${backends.sandbox}`,
    `  search   ${backends.search}`,
    ...(backends.signIn === null ? [] : [`  sign-in  ${backends.signIn}, at http://localhost:${port}/auth/sign-in`]),
    `  data     ${data.startsWith("..") ? state.data : data}`,
    ...backends.warnings.map((warning) => `  note     ${warning}`),
    ...(watched ? ["  note     for development: the server restarts whenever a source file changes."] : []),
    ...(inspectorPort === null
      ? []
      : [
          `  note     every page and program on this machine can read the Worker's memory and keys on port ${inspectorPort}.`,
        ]),
    "",
    `  In a second terminal: npm run ask -- "帮我做一个电商网站"`,
    "",
  ].join("\n");
}

async function fail(line: string): Promise<void> {
  // Errors while stopping are expected.
  if (!stopping.signal.aborted) {
    process.exitCode = 1;
    console.error(line);
  }
  await stopping.stop();
  process.exit();
}

function stopOnSignals(): void {
  // The reader of the banner may have gone; the server stays.
  process.stdout.on("error", () => {});
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      process.exitCode ??= 0;
      void stopping.stop().then(() => process.exit());
    });
  }
  // npm passes signals on, but when npm is killed this process gets none.
  const parent = process.ppid;
  if (!["start", "dev"].includes(process.env.npm_lifecycle_event ?? "")) return;
  const watch = setInterval(() => {
    if (process.ppid !== parent) void stopping.stop().then(() => process.exit());
  }, 1_000);
  watch.unref();
}

async function main(): Promise<void> {
  let options: StartArguments;
  const isWatched = process.argv.includes("--watch");
  try {
    options = readArguments(process.argv.slice(2), root);
    if (options.apiKey !== null) hideArguments("taskloom");
    if (!(await isPortFree(options.port))) throw new Error(`port ${options.port} is taken; choose another with --port`);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    console.error(
      code?.startsWith("ERR_PARSE_ARGS")
        ? `${message.split(". ")[0]}\nusage: ${isWatched ? devUsage : usage}`
        : message,
    );
    process.exitCode = 1;
    return;
  }
  stopOnSignals();
  await start(options).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
}

await main();
