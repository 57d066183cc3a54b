// The product's Worker with a gate before its objects' database: each batch makes a request to the harness before and
// after, and the harness may end the process instead of responding. The request goes outside, so it leaves only once
// everything that the object stored before it is on disk.
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Product } from "../../src/index.ts";
import type { WriteNotice } from "./moments.ts";

type GatedEnv = Env & { GATE_URL: string };

export class ThreadObject extends Product {
  constructor(ctx: DurableObjectState, env: GatedEnv) {
    super(ctx, { ...env, DB: gate(env.DB, env.GATE_URL) });
  }
}

export const publicEntrypoint = worker;

function gate(database: D1Database, url: string): D1Database {
  const report = async (when: WriteNotice["when"], statements: D1PreparedStatement[]): Promise<void> => {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(describe(when, statements)) });
    await response.text();
    if (response.status === 503) throw new Error("D1 is away");
  };
  const batch = async <T>(statements: D1PreparedStatement[]): Promise<D1Result<T>[]> => {
    await report("write_asked", statements);
    const results = await database.batch<T>(statements);
    await report("write_done", statements);
    return results;
  };
  return new Proxy(database, {
    get(target, name) {
      if (name === "batch") return batch;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A statement as the platform's client holds it: its text and its parameters. */
interface Bound {
  statement: string;
  params: unknown[];
}

/**
 * Every statement that writes a thread's rows begins with the user and the thread; a run's continues with its id and
 * its status.
 */
function describe(when: WriteNotice["when"], statements: D1PreparedStatement[]): WriteNotice {
  const bound = statements as unknown as Bound[];
  const statuses = bound
    .filter(({ statement }) => /^\s*INSERT INTO runs\b/.test(statement))
    .map(({ params }) => String(params[3]));
  return {
    when,
    thread_id: String(bound.find(({ statement }) => /^\s*INSERT INTO/.test(statement))?.params[1]),
    queued: statuses.includes("queued"),
    ends: statuses.some((status) => status !== "queued" && status !== "running"),
  };
}
