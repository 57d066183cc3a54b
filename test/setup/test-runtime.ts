// The Worker's runtime in the test's own process, configured as `npm start` configures it: a test can inspect it, end
// every life at once and start it again.
import { Miniflare, type MiniflareOptions } from "miniflare";
import type { BuiltWorker } from "../../dev/start/build.ts";
import { PUBLIC_ENTRYPOINT } from "../../dev/start/entrypoints.ts";
import { describeRuntime } from "../../dev/start/runtime-options.ts";
import { findFreePort, root } from "./started-server.ts";

export interface TestRuntime {
  url: string;
  /** What the Worker has logged so far, by line. */
  logs: string[];
  /** Kills the runtime, like a crash, and starts it on the same port and storage, with other settings where given. */
  restart(settings?: Record<string, string>): Promise<void>;
  /** Runs the Worker's cron as if it were that time. */
  fireCron(at: Date): Promise<void>;
  database(): Promise<D1Database>;
  /** Rows of a thread's object; `name` is `user/thread`. */
  queryObject(name: string, sql: string): Promise<unknown[]>;
  /** Takes an object out of memory; refused while anything holds it. */
  evictObject(name: string): Promise<void>;
  close(): Promise<void>;
}

/** `change` alters what `npm start` would configure. */
export async function startRuntime(
  worker: BuiltWorker,
  data: string,
  settings: Record<string, string>,
  change: (options: MiniflareOptions) => MiniflareOptions = (options) => options,
): Promise<TestRuntime> {
  const logs: string[] = [];
  const port = await findFreePort();
  const describe = (own: Record<string, string>) => ({
    ...change(
      describeRuntime({ root, worker, data, port, settings: own, inspectorPort: null }, (line) => logs.push(line)),
    ),
    unsafeInspectDurableObjects: true,
  });
  const { name } = worker.options;
  const runtime = new Miniflare(describe(settings));
  const { origin } = await runtime.unsafeGetDirectURL(name, PUBLIC_ENTRYPOINT);
  return {
    url: origin,
    logs,
    restart: (own = settings) => runtime.setOptions(describe(own)),
    fireCron: async (scheduledTime) => {
      await (await runtime.getWorker(name)).scheduled({ cron: "* * * * *", scheduledTime });
    },
    database: () => runtime.getD1Database("DB", name) as Promise<D1Database>,
    queryObject: async (object, sql) => {
      const storage = await runtime.unsafeGetDurableObjectStorage(name, "ThreadObject", { name: object });
      return storage.exec(sql);
    },
    evictObject: (object) => runtime.unsafeEvictDurableObject(name, "ThreadObject", { name: object }),
    close: () => runtime.dispose(),
  };
}
