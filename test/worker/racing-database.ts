// D1 in which something else happens in the very moment of a write.
import { env } from "cloudflare:test";

/** D1, where `happen` happens once, right before a statement that matches is the first to write. */
export function racing(written: RegExp, happen: () => Promise<unknown>): D1Database {
  let hasHappened = false;
  /** The statements that match, and what they wrap. */
  const wrapped = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const happenOnce = async () => {
    const isFirst = !hasHappened;
    hasHappened = true;
    if (isFirst) await happen();
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get(target, name) {
        const value = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        if (name === "bind") return (...values: unknown[]) => wrap(target.bind(...values));
        if (typeof value !== "function") return value;
        return async (...given: unknown[]) => {
          await happenOnce();
          return value.apply(target, given);
        };
      },
    });
    wrapped.set(proxy, statement);
    return proxy;
  };
  return new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name === "prepare") {
        return (query: string) =>
          /^(insert|update|delete)/i.test(query) && written.test(query)
            ? wrap(target.prepare(query))
            : target.prepare(query);
      }
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          if (statements.some((statement) => wrapped.has(statement))) await happenOnce();
          return await target.batch(statements.map((statement) => wrapped.get(statement) ?? statement));
        };
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
