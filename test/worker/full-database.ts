// D1 that is full: it refuses whatever inserts, in D1's words, and a batch with that as a whole. Reads, changes in
// place and deletions continue. The real one also takes inserts that need no new page.
import { env } from "cloudflare:test";

export function databaseFull(): Error {
  return new Error("D1_ERROR: Exceeded maximum DB size", { cause: new Error("Exceeded maximum DB size") });
}

/** `updates`: changes in place need a page, too, as those of texts that grow. */
export function fullDatabase({ updates = false } = {}): D1Database {
  const writes = updates
    ? /\b(insert|replace)\s+(or\s+\w+\s+)?into\b|\bupdate\b/i
    : /\b(insert|replace)\s+(or\s+\w+\s+)?into\b/i;
  const inner = new WeakMap<object, { statement: D1PreparedStatement; inserts: boolean }>();
  const wrap = (statement: D1PreparedStatement, inserts: boolean): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get: (target, name) => {
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values), inserts);
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return inserts ? () => Promise.reject(databaseFull()) : value.bind(target);
      },
    });
    inner.set(wrapped, { statement, inserts });
    return wrapped;
  };
  return new Proxy(env.DB, {
    get: (target, name) => {
      if (name === "prepare") {
        return (query: string) => wrap(target.prepare(query), writes.test(query));
      }
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          const known = statements.map((each) => inner.get(each));
          if (known.some((each) => each?.inserts)) throw databaseFull();
          return await target.batch(statements.map((each, place) => known[place]?.statement ?? each));
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
