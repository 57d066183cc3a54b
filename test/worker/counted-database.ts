// D1 that counts the statements that would write.
import { env } from "cloudflare:test";

export interface CountedDatabase {
  binding: D1Database;
  /** The statements that were prepared to write, in order. */
  writes: string[];
}

export function countedDatabase(): CountedDatabase {
  const writes: string[] = [];
  const binding = new Proxy(env.DB, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
      return (query: string) => {
        if (/^\s*(insert|update|delete|replace)/i.test(query)) writes.push(query);
        return target.prepare(query);
      };
    },
  });
  return { binding, writes };
}
