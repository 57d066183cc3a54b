// The Worker with a D1 and a queue that refuse where an incident wants it, for its objects too. The state is that of the
// isolate, which a local runtime has one of.
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Whole } from "../../src/index.ts";

/** `full`: reads work, and a write is refused in D1's own words. */
const faults = { database: "none", queue: "none" };

function refuse(query: string): void {
  if (faults.database === "refuse") throw new Error("D1_ERROR: Network connection lost.");
  const writes = /^\s*(?:insert|update|delete|with)\b/i.test(query) && /\b(?:insert|update)\b/i.test(query);
  if (faults.database === "full" && writes) throw new Error("D1_ERROR: Exceeded maximum DB size.");
}

type Call = (...given: unknown[]) => unknown;
const queries = new WeakMap<object, string>();

function watchStatement(statement: D1PreparedStatement, query: string): D1PreparedStatement {
  const watched = new Proxy(statement, {
    get(target, name) {
      const call = Reflect.get(target, name, target) as Call;
      if (typeof call !== "function") return call;
      if (name === "bind") return (...given: unknown[]) => watchStatement(call.apply(target, given) as never, query);
      return async (...given: unknown[]) => {
        refuse(query);
        return await call.apply(target, given);
      };
    },
  });
  queries.set(watched, query);
  inner.set(watched, statement);
  return watched;
}

const inner = new WeakMap<object, D1PreparedStatement>();

function watchDatabase(database: D1Database): D1Database {
  return new Proxy(database, {
    get(target, name) {
      if (name === "prepare") return (query: string) => watchStatement(target.prepare(query), query);
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          for (const statement of statements) refuse(queries.get(statement) ?? "");
          return await target.batch(statements.map((statement) => inner.get(statement) ?? statement));
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function watchQueue(queue: Queue<unknown>): Queue<unknown> {
  return new Proxy(queue, {
    get(target, name) {
      const call = Reflect.get(target, name, target) as Call;
      // The settings are read from all of `env`, as texts.
      if (name !== "send" && name !== "sendBatch" && name !== "metrics") return call;
      return async (...given: unknown[]) => {
        if (faults.queue !== "none") throw new Error("Queue send failed: Service unavailable");
        return await call.apply(target, given);
      };
    },
  });
}

const watched = new WeakMap<Env, Env>();

function watch(env: Env): Env {
  const known = watched.get(env) ?? { ...env, DB: watchDatabase(env.DB), JOBS: watchQueue(env.JOBS) };
  watched.set(env, known);
  return known;
}

export class ThreadObject extends Whole {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, watch(env));
  }
}

// biome-ignore lint/style/noDefaultExport: a Worker's entry is one.
export default {
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    // Under a path that is not the page's.
    if (pathname !== "/hooks/incident") return worker.fetch(request, watch(env), context);
    for (const part of ["database", "queue"] as const) faults[part] = searchParams.get(part) ?? "none";
    return new Response(null, { status: 204 });
  },
  queue: (batch, env, context) => worker.queue(batch, watch(env), context),
  scheduled: (controller, env) => worker.scheduled(controller, watch(env)),
} satisfies ExportedHandler<Env>;
