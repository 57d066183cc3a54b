// The process that runs the Worker's runtime and its cron clock. Its one argument is a file with the options; the file
// contains secrets and is removed once it is read. The process that started it ends it, through the guard.
import { readFile, rm } from "node:fs/promises";
import { Miniflare } from "miniflare";
import { startClock } from "./clock.ts";
import { patchLoopback } from "./loopback.ts";
import { describeRuntime, type RuntimeSettings } from "./runtime-options.ts";

/** The cron of wrangler.toml. */
const CRON = "* * * * *";

/** Locally no cron fires by itself. */
async function fireCron(runtime: Miniflare, name: string): Promise<void> {
  try {
    const worker = await runtime.getWorker(name);
    const { outcome } = await worker.scheduled({ cron: CRON, scheduledTime: new Date() });
    if (outcome !== "ok") console.error(`cron: ${outcome}`);
  } catch (error) {
    console.error(`cron: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function run(path: string): Promise<void> {
  const settings = JSON.parse(await readFile(path, "utf8")) as RuntimeSettings;
  await rm(path, { force: true });
  const runtime = new Miniflare(describeRuntime(settings, (line) => console.log(line)));
  const stop = (): void => void runtime.dispose().finally(() => process.exit());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  await runtime.ready;
  // The guard passes it on. An answer on the port would prove nothing: another program may be listening there.
  process.send?.("ready");
  startClock(() => void fireCron(runtime, settings.worker.options.name));
}

// An unhandled rejection in Miniflare must not end the Worker.
process.on("unhandledRejection", (error) => {
  console.error(`runtime: ${error instanceof Error ? error.message : String(error)}`);
});

patchLoopback();
const [, , path = ""] = process.argv;
await run(path).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
