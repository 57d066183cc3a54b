// The product's Worker with a counter around its databases: how many rows a turn and a tool step write, and in how many
// statements. Cloudflare bills rows. Not for timing: counting costs time.
import type { Env } from "../src/config.ts";
import worker, { ThreadObject as Product } from "../src/index.ts";
import type { RowCounts } from "./targets.ts";

// The Worker and the objects of one process share module scope.
const counts: RowCounts = { object_rows: 0, object_writes: 0, database_rows: 0, database_calls: 0 };

function countSql(sql: SqlStorage): SqlStorage {
  return new Proxy(sql, {
    get(target, name) {
      if (name !== "exec") return Reflect.get(target, name, target);
      return (query: string, ...bindings: unknown[]) => {
        const cursor = target.exec(query, ...bindings);
        counts.object_rows += cursor.rowsWritten;
        if (cursor.rowsWritten > 0) counts.object_writes += 1;
        return cursor;
      };
    },
  });
}

/** Methods of the platform's objects must be called on the objects themselves: a proxy as `this` is rejected. */
function wrap<T extends object>(whole: T, replaced: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name in replaced) return Reflect.get(replaced, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export class ThreadObject extends Product {
  constructor(ctx: DurableObjectState, env: Env) {
    const batch = async <T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> => {
      const results = await env.DB.batch<T>(statements);
      counts.database_calls += 1;
      for (const { meta } of results) counts.database_rows += meta.rows_written;
      return results;
    };
    // The platform accepts no other state than its own, so the members that the product reads are overridden on it.
    const storage = wrap(ctx.storage, { sql: countSql(ctx.storage.sql) });
    Object.defineProperty(ctx, "storage", { value: storage });
    super(ctx, { ...env, DB: wrap(env.DB, { batch }) });
  }
}

export const publicEntrypoint = {
  ...worker,
  async fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/row-counts") return worker.fetch(request, env, context);
    const answer = Response.json(counts);
    Object.assign(counts, { object_rows: 0, object_writes: 0, database_rows: 0, database_calls: 0 });
    return answer;
  },
} satisfies ExportedHandler<Env>;
