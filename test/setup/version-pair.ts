// Two versions of the Worker over one database, one queue and one set of objects, as Cloudflare has them during a
// deploy: one version answers requests, and the objects are of the same version or of the other.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { buildTestWorker } from "./build.ts";
import { root } from "./started-server.ts";
import { findTables } from "./tables.ts";

export type Version = "former" | "current";

export interface VersionPair {
  /** The Worker's current address: a switch changes it. */
  readonly url: string;
  /** Ends every life at once, like a crash, and continues with these versions over the same data. */
  switchTo(worker: Version, objects: Version): Promise<void>;
  /** A minute's tick of the clock. */
  tick(): Promise<void>;
  /** Delivers jobs to the Worker's consumer, as the queue does. */
  deliver(queue: string, jobs: unknown[]): Promise<void>;
  close(): Promise<void>;
}

/** Objects keep their rows under this name, as they do under `npm start`. */
const OBJECTS = "taskloom";
const FRONT = "front";

/** The Worker's bundle. */
export async function readScript(version: Version): Promise<string> {
  if (version === "current") return readFile((await buildTestWorker()).script, "utf8");
  const packed = await readFile(join(root, "test/fixtures/former-version/worker.js.br"));
  return brotliDecompressSync(packed).toString("utf8");
}

/** This version's module keeps its answers behind a named entrypoint; the former one was bundled as it is deployed. */
const entrypoints: Record<Version, string | undefined> = { former: undefined, current: "publicEntrypoint" };

export async function startVersionPair(settings: Record<string, string>): Promise<VersionPair> {
  const state = await mkdtemp(join(tmpdir(), "taskloom-versions-"));
  await cp(await findTables(), state, { recursive: true });
  const { options } = await buildTestWorker();
  const scripts = { former: await readScript("former"), current: await readScript("current") };

  const describe = (worker: Version, objects: Version): MiniflareOptions => {
    const { queueConsumers, assets: _, ...shared } = options;
    const moduleOf = (version: Version) => ({
      rootPath: root,
      modules: [{ type: "ESModule" as const, path: "worker.js", contents: scripts[version] }],
      bindings: { ...options.bindings, ...settings },
    });
    return convertV4MiniflareOptions({
      workers: [
        {
          ...shared,
          ...moduleOf(worker),
          name: FRONT,
          queueConsumers,
          durableObjects: { THREADS: { className: "ThreadObject", scriptName: OBJECTS, useSQLite: true } },
          unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, entrypoint: entrypoints[worker] }],
        },
        { ...shared, ...moduleOf(objects), name: OBJECTS },
      ],
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: join(state, "v3"),
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: () => {},
      unsafeInspectDurableObjects: true,
    });
  };

  const runtime = new Miniflare(describe("former", "former"));
  const readUrl = async (worker: Version) => (await runtime.unsafeGetDirectURL(FRONT, entrypoints[worker])).origin;
  let url = await readUrl("former");
  return {
    get url() {
      return url;
    },
    switchTo: async (worker, objects) => {
      await runtime.setOptions(describe(worker, objects));
      url = await readUrl(worker);
    },
    tick: async () => {
      const { outcome } = await (await runtime.getWorker(FRONT)).scheduled({ cron: "* * * * *" });
      if (outcome !== "ok") throw new Error(`the tick ended as ${outcome}`);
    },
    deliver: async (queue, jobs) => {
      const messages = jobs.map((body, at) => ({ id: `job-${at}`, timestamp: new Date(), attempts: 1, body }));
      const { outcome } = await (await runtime.getWorker(FRONT)).queue(queue, messages);
      if (outcome !== "ok") throw new Error(`the jobs ended as ${outcome}`);
    },
    close: async () => {
      await runtime.dispose();
      await rm(state, { recursive: true, force: true });
    },
  };
}
