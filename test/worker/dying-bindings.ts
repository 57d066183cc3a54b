// Bindings of a Worker that is killed: whatever it asks after that never happens.
import { env } from "cloudflare:test";
import { recordingQueue } from "./account-client.ts";

/** Bindings whose calls are counted, and end with the `last`: what was asked is done, and nothing after it. */
export function dyingAfter(last: number) {
  const { sent, JOBS } = recordingQueue();
  let calls = 0;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (calls >= last) throw new Error("killed");
    calls += 1;
    const value = await work();
    if (calls >= last) throw new Error("killed");
    return value;
  };
  const proxyOf = <T extends object>(target: T, own: Record<string, unknown>): T =>
    new Proxy(target, {
      get: (_target, name) => {
        if (typeof name === "string" && name in own) return own[name];
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = proxyOf(statement, {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => step(() => statement.all()),
      run: () => step(() => statement.run()),
      raw: () => step(() => statement.raw()),
      first: () => step(() => statement.first()),
    });
    inner.set(wrapped, statement);
    return wrapped;
  };
  const DB = proxyOf(env.DB, {
    prepare: (query: string) => wrap(env.DB.prepare(query)),
    batch: (statements: D1PreparedStatement[]) =>
      step(() => env.DB.batch(statements.map((each) => inner.get(each) ?? each))),
  });
  const THREADS = proxyOf(env.THREADS, {
    get: (id: DurableObjectId) => {
      const stub = env.THREADS.get(id) as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
      return new Proxy(stub, {
        get:
          (target, name) =>
          (...given: unknown[]) =>
            step(() => target[String(name)]?.(...given) as Promise<unknown>),
      });
    },
  });
  const queue = proxyOf(JOBS, {
    send: (job: unknown, options: QueueSendOptions) => step(() => JOBS.send(job, options)),
  });
  return { sent, settings: { DB, THREADS, JOBS: queue }, calls: () => calls };
}
