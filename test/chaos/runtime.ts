// One life of the runtime: the product's Worker in its own workerd, on a state folder. The process leads its own group,
// so that it is killed with everything it started. Without its parent it ends by itself.
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { migrate } from "../../dev/start/migrations.ts";

export interface RuntimeSettings {
  /** The product as wrangler bundles it: one module. */
  bundle: string;
  state: string;
  /** The folder for files that Miniflare leaves behind when it is killed. */
  temporary: string;
  port: number;
  /** The first life creates the tables. */
  migrate: boolean;
  variables: Record<string, string>;
}

const ENTRY = 'export { publicEntrypoint as default, ThreadObject } from "./worker.ts";';

/** The bindings of wrangler.toml except assets, which no run needs. */
async function describeWorker({ bundle, port, variables }: RuntimeSettings): Promise<V4WorkerOptions> {
  const wrapper = await readFile(join(import.meta.dirname, "worker.ts"), "utf8");
  return {
    name: "taskloom",
    compatibilityDate: "2026-11-01",
    compatibilityFlags: ["nodejs_compat", "queue_consumer_no_wait_for_wait_until"],
    // Named as in the repository, so that the wrapper's import of the product finds it. The default export handles
    // jobs.
    modules: [
      { type: "ESModule", path: "test/chaos/entry.js", contents: ENTRY },
      { type: "ESModule", path: "test/chaos/worker.ts", contents: stripTypeScriptTypes(wrapper) },
      { type: "ESModule", path: "src/index.ts", contents: await readFile(bundle, "utf8") },
    ],
    durableObjects: { THREADS: { className: "ThreadObject", useSQLite: true } },
    d1Databases: ["DB"],
    queueProducers: { JOBS: "taskloom-jobs" },
    queueConsumers: { "taskloom-jobs": { maxBatchTimeout: 0 } },
    bindings: variables,
    // Requested at its own socket: Miniflare's entry before it exists in no deployment.
    unsafeDirectSockets: [{ host: "127.0.0.1", port }],
  };
}

async function main(settings: RuntimeSettings): Promise<void> {
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      workers: [await describeWorker(settings)],
      cf: false,
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
      resourcePersistencePath: settings.state,
      isolatedResourcePersistencePath: settings.state,
    }),
  );
  process.on("disconnect", () => void runtime.dispose().finally(() => process.exit()));
  await runtime.ready;
  if (settings.migrate) await migrate(await runtime.getD1Database("DB"), join(import.meta.dirname, "../.."));
  // Locally no cron fires by itself.
  process.on("message", async ({ tick }: { tick: number }) => {
    const worker = await runtime.getWorker();
    await worker.scheduled({ cron: "* * * * *", scheduledTime: new Date(tick) });
    process.send?.({ ticked: tick });
  });
  process.send?.({ ready: true });
}

if (process.argv[2] !== undefined) await main(JSON.parse(process.argv[2]) as RuntimeSettings);
