// D1, with a count of the round trips to it: a batch is one, however many statements it has, and so is each statement
// that is sent alone.
import { env } from "cloudflare:test";

export interface CountedTrips {
  db: D1Database;
  /** How many trips there were so far. */
  count(): number;
  /** How many of them asked the replica that is near, and not the primary. */
  countNear(): number;
}

const senders = new Set(["first", "run", "all", "raw"]);

export function countedTrips(): CountedTrips {
  let trips = 0;
  let near = 0;
  const inner = new WeakMap<object, D1PreparedStatement>();
  const wrapStatement = (statement: D1PreparedStatement, note: () => void): D1PreparedStatement => {
    const wrapped = proxyOf(statement, (name, value) => {
      if (name === "bind") return (...values: unknown[]) => wrapStatement(statement.bind(...values), note);
      if (!senders.has(name)) return value;
      return (...values: unknown[]) => {
        note();
        return value(...values);
      };
    });
    inner.set(wrapped, statement);
    return wrapped;
  };
  const wrap = <T extends D1Database | D1DatabaseSession>(target: T, note: () => void): T =>
    proxyOf(target, (name, value) => {
      if (name === "prepare") return (query: string) => wrapStatement(target.prepare(query), note);
      if (name === "batch" || name === "exec") {
        return (given: D1PreparedStatement[] | string) => {
          note();
          return value(typeof given === "string" ? given : given.map((each) => inner.get(each) ?? each));
        };
      }
      if (name !== "withSession") return value;
      return (from?: string) => {
        const session = env.DB.withSession(from);
        const isNear = from !== undefined && from !== "first-primary";
        return wrap(session, () => {
          note();
          if (isNear) near += 1;
        });
      };
    });
  const note = (): void => {
    trips += 1;
  };
  return { db: wrap(env.DB, note), count: () => trips, countNear: () => near };
}

function proxyOf<T extends object>(
  target: T,
  change: (name: string, value: (...values: unknown[]) => unknown) => unknown,
): T {
  return new Proxy(target, {
    get(_target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof name !== "string" || typeof value !== "function") return value;
      return change(name, value.bind(target) as (...values: unknown[]) => unknown);
    },
  });
}
