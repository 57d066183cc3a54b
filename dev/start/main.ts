// `npm start`: everything a person needs on one machine, in one command. The Worker runs in workerd as wrangler bundles
// it for a deployment (build.ts, runtime-options.ts). What would need an account runs beside it: a model,
// sandboxes and a search in this process, the cron clock in the Worker's process. `npm run dev` is the same with `--watch`.
//
// What takes long is begun first and at once: the Worker's process loads Miniflare, builds are looked for, and this
// process loads the rest of itself (serve.ts).
//
// However this process ends, nothing that it started keeps running: see stopping.ts and guard.ts.
import { join } from "node:path";
import { lockState } from "../daytona/lock.ts";
import { outliveReader } from "../reader.ts";
import { devUsage, readArguments, type StartArguments, usage } from "./arguments.ts";
import { type BuiltWorker, buildWorker } from "./build.ts";
import { Log } from "./log.ts";
import { buildPage } from "./page.ts";
import { isPortFree } from "./port.ts";
import type { Place } from "./processes.ts";
import { openState } from "./state.ts";
import { Stopping } from "./stopping.ts";
import { listSources } from "./watch.ts";
import { beginRuntime } from "./worker.ts";

const root = join(import.meta.dirname, "../..");
const stopping = new Stopping();

async function start(options: StartArguments): Promise<void> {
  const state = await openState(options.state);
  const lock = await lockState(state.folder).catch(() => {
    throw new Error(`${state.data} is already in use; choose another folder with --state`);
  });
  await stopping.add(() => lock.release());
  const log = new Log(state.log);
  await stopping.add(() => log.close());
  const place: Place = { root, log, stopping };
  const runtime = await beginRuntime(place, state);
  // Before the first build: a source that changes during it, or as soon as the server is ready, is noticed.
  const sources = options.watched ? await listSources(root) : null;
  const build = (): Promise<BuiltWorker> => buildAll(place, options);
  const built = build();
  // Wrong settings are said first.
  built.catch(() => {});
  const { serve } = await import("./serve.ts");
  await serve(place, state, options, { runtime, sources, build, built });
  if (!stopping.signal.aborted) await fail(`The Worker stopped unexpectedly:\n${log.tail()}`);
}

async function buildAll(place: Place, { watched }: StartArguments): Promise<BuiltWorker> {
  const [{ script, options }, directory] = await Promise.all([
    buildWorker(place, { minified: !watched }),
    buildPage(place),
  ]);
  return { script, options: { ...options, assets: { ...options.assets, directory } } };
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
  outliveReader();
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
