// One Worker in its own workerd, through Miniflare: a process of the bench. Sends its address to its parent and runs
// until it is stopped.
import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { migrate } from "../dev/start/migrations.ts";
import { API_KEY } from "./targets.ts";

const root = join(import.meta.dirname, "..");
const platform = {
  compatibilityDate: "2026-11-01",
  compatibilityFlags: ["nodejs_compat", "queue_consumer_no_wait_for_wait_until"],
};

/**
 * The product as wrangler bundles it, with the bindings of wrangler.toml except assets, which have no part in a turn.
 * With `counted`, requests go through the counter.
 */
async function describeProduct(bundle: string, modelUrl: string, counted: boolean): Promise<V4WorkerOptions> {
  const product = { type: "ESModule" as const, path: "src/index.ts", contents: await readFile(bundle, "utf8") };
  return {
    ...platform,
    name: "taskloom",
    // Named as in the repository, so that the counter's import of the product finds it.
    modules: counted ? [await readBare("row-counter"), product] : [product],
    durableObjects: { THREADS: { className: "ThreadObject", useSQLite: true } },
    d1Databases: ["DB"],
    queueProducers: { JOBS: "taskloom-jobs" },
    queueConsumers: { "taskloom-jobs": { maxBatchTimeout: 0 } },
    bindings: {
      ADMIN_API_KEY: API_KEY,
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: modelUrl,
      OPENAI_MODEL: "bench",
    },
  };
}

async function describeBare(name: string, modelUrl: string): Promise<V4WorkerOptions> {
  return {
    ...platform,
    name: "bare",
    modules: [await readBare(name)],
    durableObjects: { OBJECTS: { className: name === "loop" ? "Loop" : "PassThrough", useSQLite: true } },
    bindings: { MODEL_URL: modelUrl },
  };
}

/** A Worker of one file, with its types removed. */
async function readBare(name: string): Promise<{ type: "ESModule"; path: string; contents: string }> {
  const path = `bench/${name}.ts`;
  return { type: "ESModule", path, contents: stripTypeScriptTypes(await readFile(join(root, path), "utf8")) };
}

async function start(name: string, modelUrl: string, bundle: string): Promise<void> {
  const counted = name === "counted";
  const isProduct = name === "taskloom" || counted;
  const worker = isProduct ? await describeProduct(bundle, modelUrl, counted) : await describeBare(name, modelUrl);
  const entrypoint = name === "taskloom" ? undefined : "publicEntrypoint";
  // Requested at its own socket: Miniflare's entry before it exists in no deployment.
  worker.unsafeDirectSockets = [{ host: "127.0.0.1", port: 0, entrypoint }];
  const server = new Miniflare(
    convertV4MiniflareOptions({
      workers: [worker],
      cf: false,
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
    }),
  );
  await server.ready;
  if (isProduct) await migrate(await server.getD1Database("DB"), root);
  const { origin } = await server.unsafeGetDirectURL(worker.name, entrypoint);
  process.send?.({ url: origin });
  process.on("disconnect", () => void server.dispose().finally(() => process.exit()));
}

const [name = "", modelUrl = "", bundle = ""] = process.argv.slice(2);
await start(name, modelUrl, bundle);
