// The Worker with a D1 that grants no leases while a test says so, and whose timers run twenty times as fast: a run waits
// a minute for what it may spend.
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Whole } from "../../src/index.ts";

const FASTER = 20;
const usual = globalThis.setTimeout;
globalThis.setTimeout = ((callback: () => void, ms = 0) => usual(callback, ms / FASTER)) as typeof setTimeout;

let isAway = false;

function withoutLeases(database: D1Database): D1Database {
  const budgets = new WeakSet<D1PreparedStatement>();
  const note = (statement: D1PreparedStatement): D1PreparedStatement => {
    budgets.add(statement);
    const bind = statement.bind.bind(statement);
    statement.bind = (...values) => note(bind(...values));
    return statement;
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === "prepare")
        return (sql: string) => (/INSERT INTO leases/.test(sql) ? note(target.prepare(sql)) : target.prepare(sql));
      if (name === "batch")
        return async (statements: D1PreparedStatement[]) => {
          if (isAway && statements.some((statement) => budgets.has(statement))) throw new Error("D1 is away");
          return await target.batch(statements);
        };
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export class ThreadObject extends Whole {
  constructor(state: DurableObjectState, env: Env) {
    super(state, { ...env, DB: withoutLeases(env.DB) } as ConstructorParameters<typeof Whole>[1]);
  }
}

// biome-ignore lint/style/noDefaultExport: a Worker's entry is one.
export default {
  ...worker,
  async fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    // Under a path that is not the page's.
    if (pathname !== "/hooks/budgets-away") return worker.fetch(request, env, context);
    isAway = searchParams.get("is") === "true";
    return new Response(null, { status: 204 });
  },
} satisfies ExportedHandler<Env>;
