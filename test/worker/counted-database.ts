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
