// Two versions of the Worker over one database, one queue and one set of objects, as Cloudflare has them during a
// deploy: one version answers requests, and the objects are of the same version or of the other.
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { listReleases, readRelease } from "../../scripts/release/bundle.ts";
import { buildTestWorker } from "./build.ts";
import { root } from "./started-server.ts";
import { findTables } from "./tables.ts";

export type Version = "former" | "current";

export interface VersionPair {
  /** The Worker's current address: a switch changes it. */
  readonly url: string;
  /** Ends every life at once, like a crash, and continues with these versions over the same data. */
  switchTo(worker: Version, objects: Version): Promise<void>;
  /** A minute's tick of the clock, or one of another time. */
  tick(at?: Date): Promise<void>;
  /** Delivers jobs to the Worker's consumer, as the queue does. */
  deliver(queue: string, jobs: unknown[]): Promise<void>;
  /** The methods of the objects' class. */
  listMethods(): Promise<string[]>;
  /** What the objects' Worker can be called by: the names that its module exports, and the handlers of its default. */
  listEntrances(): Promise<{ exports: string[]; handlers: string[] }>;
  /** The events of warnings and errors in the logs so far. */
  events: string[];
  /** Which methods of objects were called so far, and how each ended: `ok`, a failure's code, or what was thrown. */
  calls: { method: string; end: string }[];
  database(): Promise<D1Database>;
  close(): Promise<void>;
}

/** Objects keep their rows under this name, as they do under `npm start`. */
const OBJECTS = "taskloom";
const FRONT = "front";

interface Bundle {
  script: string;
  /** Absent are those of this version's wrangler.toml. */
  compatibilityDate?: string;
  compatibilityFlags?: string[];
}

/** The Worker's bundle. */
export async function readScript(version: Version): Promise<string> {
  if (version === "current") return readFile((await buildTestWorker()).script, "utf8");
  const packed = await readFile(join(root, "test/fixtures/former-version/worker.js.br"));
  return brotliDecompressSync(packed).toString("utf8");
}

/** The newest release, which is what this version replaces when it is deployed. */
export async function readNewestRelease(): Promise<Bundle> {
  const [newest] = await listReleases(root);
  if (newest === undefined) throw new Error("test/releases is empty: npm run release -- --bundle-only");
  const { script, manifest } = await readRelease(root, newest);
  const { compatibility_date: compatibilityDate, compatibility_flags: compatibilityFlags } = manifest;
  return { script, compatibilityDate, compatibilityFlags };
}

/** This version's module keeps its answers behind a named entrypoint; the former one was bundled as it is deployed. */
const entrypoints: Record<Version, string | undefined> = { former: undefined, current: "publicEntrypoint" };

/** The export that has a Worker's handlers. */
const HANDLERS = "default";

/**
 * The objects' class with each method in a wrapper that logs how a call ended. Threads whose names begin with `behind`
 * say that D1 can't follow, so that the Worker reads from the object.
 */
const recorder = `
import * as worker from "./worker.js";
const Real = worker.ThreadObject;
const methods = Object.getOwnPropertyNames(Real.prototype).filter((name) => name !== "constructor");
export class ThreadObject extends Real {}
for (const method of methods) {
  ThreadObject.prototype[method] = async function (...args) {
    const note = (end) => console.log("rpc " + JSON.stringify({ method, end }));
    try {
      const answer = await Real.prototype[method].apply(this, args);
      note(answer?.ok === false ? answer.error.code : "ok");
      return method === "sync" && args[0].thread_id.startsWith("behind") ? { ok: true, value: false } : answer;
    } catch (error) {
      note("threw " + error);
      throw error;
    }
  };
}
const described = { methods, exports: Object.keys(worker), handlers: Object.keys(worker.default) };
const entry = { ...worker.default, fetch: () => Response.json(described) };
export { entry as ${HANDLERS} };
`;

/** `former` is what counts as the former version. `isRecorded` lists the calls of objects. */
export async function startVersionPair(
  settings: Record<string, string>,
  { former, isRecorded = false }: { former?: Bundle; isRecorded?: boolean } = {},
): Promise<VersionPair> {
  const state = await mkdtemp(join(tmpdir(), "taskloom-versions-"));
  await cp(await findTables(), state, { recursive: true });
  const { options } = await buildTestWorker();
  const bundles: Record<Version, Bundle> = {
    former: former ?? { script: await readScript("former") },
    current: { script: await readScript("current") },
  };
  const calls: VersionPair["calls"] = [];
  const events: string[] = [];
  const readLog = (line: string) => {
    const event = /^\{"level":"(?:warning|error)","event":"(\w+)"/.exec(line)?.[1];
    if (event !== undefined) events.push(event);
    if (line.startsWith("rpc ")) calls.push(JSON.parse(line.slice(4)) as VersionPair["calls"][number]);
  };

  const describe = (worker: Version, objects: Version): MiniflareOptions => {
    const { queueConsumers, assets: _, ...shared } = options;
    const moduleOf = (version: Version, before: string | null = null) => {
      const { script, ...compatibility } = bundles[version];
      const entry = before === null ? [] : [{ type: "ESModule" as const, path: "entry.js", contents: before }];
      return {
        ...compatibility,
        rootPath: root,
        modules: [...entry, { type: "ESModule" as const, path: "worker.js", contents: script }],
        bindings: { ...options.bindings, ...settings },
      };
    };
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
        { ...shared, ...moduleOf(objects, isRecorded ? recorder : null), name: OBJECTS },
      ],
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: join(state, "v3"),
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: ({ message }) => readLog(message),
      unsafeInspectDurableObjects: true,
    });
  };

  const runtime = new Miniflare(describe("former", "former"));
  const readUrl = async (worker: Version) => (await runtime.unsafeGetDirectURL(FRONT, entrypoints[worker])).origin;
  const readDescription = async () => {
    const answer = await (await runtime.getWorker(OBJECTS)).fetch("http://objects/");
    return (await answer.json()) as { methods: string[]; exports: string[]; handlers: string[] };
  };
  let url = await readUrl("former");
  return {
    get url() {
      return url;
    },
    switchTo: async (worker, objects) => {
      await runtime.setOptions(describe(worker, objects));
      url = await readUrl(worker);
    },
    tick: async (scheduledTime = new Date()) => {
      const { outcome } = await (await runtime.getWorker(FRONT)).scheduled({ cron: "* * * * *", scheduledTime });
      if (outcome !== "ok") throw new Error(`the tick ended as ${outcome}`);
    },
    deliver: async (queue, jobs) => {
      const messages = jobs.map((body, at) => ({ id: `job-${at}`, timestamp: new Date(), attempts: 1, body }));
      const { outcome } = await (await runtime.getWorker(FRONT)).queue(queue, messages);
      if (outcome !== "ok") throw new Error(`the jobs ended as ${outcome}`);
    },
    listMethods: async () => (await readDescription()).methods,
    listEntrances: readDescription,
    ...{ calls, events },
    database: () => runtime.getD1Database("DB", FRONT) as Promise<D1Database>,
    close: async () => {
      await runtime.dispose();
      await rm(state, { recursive: true, force: true });
    },
  };
}
