// A real object on its real storage whose D1 and queue fail as a test wants. The platform's own instance exists beside
// it. The next life is that instance, with the real bindings.
import { env, runInDurableObject } from "cloudflare:test";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { ThreadObject } from "../../src/thread/object.ts";
import { databaseFull } from "./full-database.ts";

/** `lost`: the work is done, and its answer does not arrive. `full`: as D1 says that it is full. */
export type Fault = "none" | "rejects" | "hangs" | "lost" | "full";

export interface FaultyObject {
  object: ThreadObject;
  faults: { d1: Fault; queue: Fault };
  /** Jobs that reached the queue. None is delivered. */
  jobs: unknown[];
}

export function objectOf(key: ThreadKey): DurableObjectStub {
  return env.THREADS.get(env.THREADS.idFromName(`${key.user_id}/${key.thread_id}`)) as unknown as DurableObjectStub;
}

/** Ends all lives as a crash does, without waiting for anything. */
export async function killObject(key: ThreadKey): Promise<void> {
  await runInDurableObject(objectOf(key), (_instance, state) => state.abort("killed by the test")).catch(() => {});
}

export function withFaultyObject<T>(key: ThreadKey, use: (faulty: FaultyObject) => Promise<T>): Promise<T> {
  return runInDurableObject(objectOf(key), async (_instance, state) => {
    const faults: FaultyObject["faults"] = { d1: "none", queue: "none" };
    const jobs: unknown[] = [];
    const DB = faultyD1(() => faults.d1);
    const JOBS = { send: (job: unknown) => under(faults.queue, "the queue", async () => void jobs.push(job)) };
    const object = new ThreadObject(state, { ...env, DB, JOBS } as unknown as ConstructorParameters<
      typeof ThreadObject
    >[1]);
    return use({ object, faults, jobs });
  });
}

/** Batches fail, and single statements whose rows are read as objects. */
function faultyD1(fault: () => Fault): D1Database {
  const inner = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = proxyOf(statement, {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => under(fault(), "D1", () => statement.all()),
    });
    inner.set(wrapped, statement);
    return wrapped;
  };
  return proxyOf(env.DB, {
    prepare: (query: string) => wrap(env.DB.prepare(query)),
    batch: (statements: D1PreparedStatement[]) =>
      under(fault(), "D1", () => env.DB.batch(statements.map((each) => inner.get(each) ?? each))),
  });
}

function proxyOf<T extends object>(target: T, own: Record<string, unknown>): T {
  return new Proxy(target, {
    get: (_target, name) => {
      if (typeof name === "string" && name in own) return own[name];
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function under<T>(fault: Fault, what: string, work: () => Promise<T>): Promise<T> {
  if (fault === "rejects") throw new Error(`${what} is down`);
  if (fault === "full") throw databaseFull();
  if (fault === "hangs") return new Promise(() => {});
  const value = await work();
  if (fault === "lost") throw new Error(`the connection to ${what} was lost`);
  return value;
}
