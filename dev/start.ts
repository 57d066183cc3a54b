// `npm start`: everything a person needs on one machine, in one command. The Worker runs under `wrangler dev` exactly as it
// would be deployed; what it can't have without an account (a model, sandboxes, the clock of its cron) runs in this process.
// However this ends, nothing that it started stays behind: see start/stopping.ts and start/guard.ts.
import { join, relative } from "node:path";
import { lockState } from "./daytona/lock.ts";
import { readArguments, type StartArguments, usage } from "./start/arguments.ts";
import { Log } from "./start/log.ts";
import { buildPage } from "./start/page.ts";
import { isPortFree } from "./start/port.ts";
import type { Place } from "./start/processes.ts";
import { previewDomain, readSettings, secretsOf } from "./start/settings.ts";
import { type Backends, startBackends } from "./start/stand-ins.ts";
import { openState, readEncryptionKey, readKey, removeAddress, type State, writeAddress } from "./start/state.ts";
import { Stopping } from "./start/stopping.ts";
import { applyMigrations, driveCron, startWorker } from "./start/worker.ts";

const root = join(import.meta.dirname, "..");
const stopping = new Stopping();

async function start(options: StartArguments): Promise<void> {
  const { port } = options;
  const state = await openState(options.state);
  const lock = await lockState(state.folder).catch(() => {
    throw new Error(`${state.data} is in use by another start; choose another folder with --state`);
  });
  await stopping.add(() => lock.release());
  const given = await readSettings(root, process.env);
  const PREVIEW_DOMAIN = previewDomain(given, port);
  const key = options.apiKey ?? given.ADMIN_API_KEY ?? (await readKey(state));
  const encryptionKey = given.ENCRYPTION_KEY ?? (await readEncryptionKey(state));
  const log = new Log(state.log, [...secretsOf(given), key, encryptionKey]);
  await stopping.add(() => log.close());
  const place: Place = { root, log, stopping };

  const [backends] = await Promise.all([
    startBackends(given, state, options.hostExecAllowed, stopping),
    buildPage(place),
    applyMigrations(place, state),
  ]);
  const secrets = { ADMIN_API_KEY: key, ENCRYPTION_KEY: encryptionKey };
  const settings = { ...given, ...backends.settings, ...secrets, PREVIEW_DOMAIN };
  const worker = await startWorker(place, state, port, settings);
  await driveCron(place, port);
  await writeAddress(state, { url: `http://127.0.0.1:${port}`, key, pid: process.pid });
  await stopping.add(() => removeAddress(state));
  console.log(describe(port, key, state, backends));
  console.log(`ready on http://localhost:${port}`);

  await worker.ended;
  if (!stopping.signal.aborted) await fail(`The Worker stopped by itself:\n${log.tail()}`);
}

function describe(port: number, key: string, state: State, backends: Backends): string {
  const data = relative(process.cwd(), state.data) || ".";
  return [
    "",
    "  Taskloom",
    "",
    `  open     http://localhost:${port}/#key=${encodeURIComponent(key)}`,
    `  key      ${key}`,
    `  model    ${backends.model}`,
    `  sandbox  ${backends.sandbox}`,
    `  data     ${data.startsWith("..") ? state.data : data}`,
    ...backends.warnings.map((warning) => `  note     ${warning}`),
    "",
    `  In a second terminal: npm run ask -- "帮我做一个电商网站"`,
    "",
  ].join("\n");
}

async function fail(line: string): Promise<void> {
  // What fails because we stop is no failure.
  if (!stopping.signal.aborted) {
    process.exitCode = 1;
    console.error(line);
  }
  await stopping.stop();
  process.exit();
}

function stopOnSignals(): void {
  // Whoever read the banner may have gone; the server stays.
  process.stdout.on("error", () => {});
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      process.exitCode ??= 0;
      void stopping.stop().then(() => process.exit());
    });
  }
  // npm passes signals on, but not its own sudden death.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event !== "start") return;
  const watch = setInterval(() => {
    if (process.ppid !== parent) void stopping.stop().then(() => process.exit());
  }, 1_000);
  watch.unref();
}

async function main(): Promise<void> {
  let options: StartArguments;
  try {
    options = readArguments(process.argv.slice(2), root);
    if (!(await isPortFree(options.port))) throw new Error(`port ${options.port} is taken; choose another with --port`);
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    console.error(code?.startsWith("ERR_PARSE_ARGS") ? `${message.split(". ")[0]}\nusage: ${usage}` : message);
    process.exitCode = 1;
    return;
  }
  stopOnSignals();
  await start(options).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
}

await main();
