// The process that runs the Worker's runtime and its cron clock. It is started before there is a Worker and loads
// Miniflare meanwhile; the process that started it sends it the options, which contain secrets, and ends it, both through
// the guard. Its one argument is its folder for temporary files, which also says whose it is.
import type { Miniflare as Runtime } from "miniflare";
import { startClock } from "./clock.ts";
import { patchLoopback } from "./loopback.ts";
import { Miniflare } from "./miniflare.ts";
import { describeRuntime, type RuntimeSettings } from "./runtime-options.ts";

/** The cron of wrangler.toml. */
const CRON = "* * * * *";

/** Locally no cron fires by itself. */
async function fireCron(runtime: Runtime, name: string): Promise<void> {
  try {
    const worker = await runtime.getWorker(name);
    const { outcome } = await worker.scheduled({ cron: CRON, scheduledTime: new Date() });
    if (outcome !== "ok") console.error(`cron: ${outcome}`);
  } catch (error) {
    console.error(`cron: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function serve(run: RuntimeSettings): Promise<void> {
  const runtime = new Miniflare(describeRuntime(run, (line) => console.log(line)));
  const stop = (): void => void runtime.dispose().finally(() => process.exit());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  await runtime.ready;
  // The guard passes it on. An answer on the port would prove nothing: another program may be listening there.
  process.send?.("ready");
  startClock(() => void fireCron(runtime, run.worker.options.name));
}

// An unhandled rejection in Miniflare must not end the Worker.
process.on("unhandledRejection", (error) => {
  console.error(`runtime: ${error instanceof Error ? error.message : String(error)}`);
});

patchLoopback();
const [, , temporary] = process.argv;
process.env.TMPDIR = temporary;
process.once("message", (run: RuntimeSettings) => {
  serve(run).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  });
});
