// D1, with a list of the statements that write.
import { env } from "cloudflare:test";

export function countedDatabase(): { db: D1Database; written: string[] } {
  const written: string[] = [];
  // Statements are prepared to be run: no route prepares one in vain.
  const note = (query: string) => {
    const isRead = /^\s*(select|with)\b/i.test(query) && !/\b(insert|update|delete)\b/i.test(query);
    if (!isRead) written.push(query);
  };
  const db = new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name === "prepare" || name === "exec") {
        return (query: string) => {
          note(query);
          return target[name](query);
        };
      }
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { db, written };
}

/** Wraps the database and counts the rows that its batches change. */
export function countChanges(): { db: D1Database; changes: () => number } {
  let changes = 0;
  const db = new Proxy(env.DB, {
    get(target, name) {
      if (name !== "batch") return Reflect.get(target, name).bind(target);
      return async (statements: D1PreparedStatement[]) => {
        const results = await target.batch(statements);
        for (const result of results) changes += result.meta.changes;
        return results;
      };
    },
  });
  return { db, changes: () => changes };
}
