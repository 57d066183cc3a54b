// An object that asks whether its thread may go, and what happens in that moment.
import { env, runInDurableObject } from "cloudflare:test";
import { ThreadObject } from "../../src/thread/object.ts";
import { objectOf } from "./faulty-object.ts";
import { later } from "./old-threads.ts";
import type { ThreadClient } from "./thread-client.ts";

export type Moment = (object: ThreadObject) => Promise<unknown>;

/**
 * D1 in which something happens right before the thread's question about the rules is answered, or its rows are
 * deleted.
 */
function databaseWith(happens: { asked?: () => Promise<unknown>; deleted?: () => Promise<unknown> }): D1Database {
  const inner = new WeakMap<D1PreparedStatement, { statement: D1PreparedStatement; query: string }>();
  const wrap = (statement: D1PreparedStatement, query: string): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get: (target, name) => {
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values), query);
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          if (query.includes("AS cutoff")) await happens.asked?.();
          return value.apply(target, given);
        };
      },
    });
    inner.set(wrapped, { statement, query });
    return wrapped;
  };
  return new Proxy(env.DB, {
    get: (target, name) => {
      if (name === "prepare") return (query: string) => wrap(target.prepare(query), query);
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          const known = statements.map((each) => inner.get(each));
          if (known.some((each) => each?.query.startsWith("DELETE FROM messages"))) await happens.deleted?.();
          return await target.batch(statements.map((each, place) => known[place]?.statement ?? each));
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Whether the thread went when something happened in between. */
export async function expireWhile(
  client: ThreadClient,
  happens: { asked?: Moment; deleted?: Moment },
  after: Moment = async () => {},
): Promise<boolean | null> {
  return runInDurableObject(objectOf(client.key), async (_instance, state) => {
    const DB = databaseWith({
      asked: async () => happens.asked?.(object),
      deleted: async () => happens.deleted?.(object),
    });
    const object: ThreadObject = new ThreadObject(state, { ...env, DB } as never);
    const expired = await object.expire(client.key, new Date(later()).toISOString(), later());
    await after(object);
    return expired.ok ? expired.value : null;
  });
}
