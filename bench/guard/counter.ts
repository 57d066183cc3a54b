// The product's Worker with counters around what costs: the object's SQL, transactions and alarms, timers, and what is
// encoded. `/counts` answers all that was counted so far. D1 is counted on its way (counted-product.ts).
import "./clock.ts";
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Product } from "../../src/index.ts";

export interface Counts {
  statements: number;
  rows_written: number;
  rows_read: number;
  /** With writes outside of a transaction, each of which is one. */
  transactions: number;
  alarms: number;
  timers: number;
  /** Calls of `fetch`. */
  requests: number;
  /** Chunks written to streams: what clients get. */
  writes: number;
  jobs: number;
  log_lines: number;
  encoded_bytes: number;
  json_characters: number;
  parsed_characters: number;
  /** Methods of the storage and the queue that were called and that nothing here counts. */
  uncounted: string[];
}

declare global {
  /** The names of modules that bundlers evaluate when they are needed, each added when it is (startup.ts). */
  var evaluatedModules: Set<string> | undefined;
}

// The Worker and the objects of one process share module scope. Modules that this file needs are evaluated before it.
const counts: Counts = {
  statements: 0,
  rows_written: 0,
  rows_read: 0,
  transactions: 0,
  alarms: 0,
  timers: 0,
  requests: 0,
  writes: 0,
  jobs: 0,
  log_lines: 0,
  encoded_bytes: 0,
  json_characters: 0,
  parsed_characters: 0,
  uncounted: [],
};
const evaluatedAtStart = globalThis.evaluatedModules?.size ?? 0;
let depth = 0;

function countStorage(storage: DurableObjectStorage): DurableObjectStorage {
  const sql = wrap(storage.sql, { exec: (query, ...values) => countStatement(storage.sql.exec(query, ...values)) });
  return wrap(storage, {
    sql,
    transactionSync(change) {
      counts.transactions += 1;
      depth += 1;
      try {
        return storage.transactionSync(change);
      } finally {
        depth -= 1;
      }
    },
    // An alarm is for when a turn is long over.
    async setAlarm() {
      counts.alarms += 1;
    },
  });
}

/** A statement's rows are counted when it has been read to its end, so they are handed on from memory. */
function countStatement<T extends Record<string, SqlStorageValue>>(cursor: SqlStorageCursor<T>): SqlStorageCursor<T> {
  const rows = cursor.toArray();
  counts.statements += 1;
  counts.rows_written += cursor.rowsWritten;
  counts.rows_read += cursor.rowsRead;
  if (depth === 0 && cursor.rowsWritten > 0) counts.transactions += 1;
  return wrap(cursor, { toArray: () => rows });
}

/** What is not counted must not pass for free: another method of the object, called, is noted and an error. */
function wrap<T extends object>(whole: T, counted: Partial<T>): T {
  return new Proxy(whole, {
    get(target, name) {
      if (name in counted) return Reflect.get(counted, name);
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return () => {
        counts.uncounted.push(String(name));
        throw new Error(`bench/guard/counter.ts doesn't count ${String(name)}`);
      };
    },
  });
}

/** Calls `note` with what the method of that name returned, and got first. */
function watch<T extends object>(
  owner: T,
  name: keyof T & string,
  note: (result: unknown, value: unknown) => void,
): void {
  const method = owner[name] as (...values: unknown[]) => unknown;
  const watched = function (this: unknown, ...values: unknown[]): unknown {
    const result = method.apply(this, values);
    note(result, values[0]);
    return result;
  };
  Object.defineProperty(owner, name, { value: watched, configurable: true, writable: true });
}

function countTimer(): void {
  counts.timers += 1;
}

watch(globalThis, "setInterval", countTimer);
watch(AbortSignal, "timeout", countTimer);
watch(scheduler, "wait", countTimer);
watch(globalThis, "setImmediate", countTimer);
watch(globalThis, "fetch", () => {
  counts.requests += 1;
});
function countWrite(): void {
  counts.writes += 1;
}

watch(WritableStreamDefaultWriter.prototype, "write", countWrite);
watch(TransformStreamDefaultController.prototype, "enqueue", countWrite);
watch(ReadableStreamDefaultController.prototype, "enqueue", countWrite);
for (const level of ["debug", "info", "log", "warn", "error"] as const) {
  watch(console, level, () => {
    counts.log_lines += 1;
  });
}
watch(JSON, "parse", (_, text) => {
  counts.parsed_characters += String(text).length;
});
watch(TextEncoder.prototype, "encode", (bytes) => {
  counts.encoded_bytes += (bytes as Uint8Array).byteLength;
});
watch(TextEncoder.prototype, "encodeInto", (result) => {
  counts.encoded_bytes += (result as { written: number }).written;
});
watch(JSON, "stringify", (text) => {
  counts.json_characters += (text as string | undefined)?.length ?? 0;
});

// What the product does by the clock must not depend on how fast this machine is. Timers that no quick turn reaches never
// end, and the clock stands still (clock.ts).
const LONG_MS = 500;
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = ((callback: () => void, ms = 0) => {
  countTimer();
  return setTimer(callback, ms < LONG_MS ? ms : 3_600_000);
}) as typeof setTimeout;

export class ThreadObject extends Product {
  constructor(ctx: DurableObjectState, env: Env) {
    // The platform accepts no other state than its own, so the member that the product reads is overridden on it.
    Object.defineProperty(ctx, "storage", { value: countStorage(ctx.storage) });
    super(ctx, countJobs(env));
  }
}

const counted = new WeakMap<Env, Env>();

/** One object for all requests, as the platform's is: the product remembers by it. */
function countJobs(env: Env): Env {
  const known = counted.get(env) ?? withCountedJobs(env);
  counted.set(env, known);
  return known;
}

function withCountedJobs(env: Env): Env {
  const jobs = env.JOBS;
  const JOBS = wrap(jobs, {
    send(job, options) {
      counts.jobs += 1;
      return jobs.send(job, options);
    },
    sendBatch(batch, options) {
      const all = [...batch];
      counts.jobs += all.length;
      return jobs.sendBatch(all, options);
    },
  });
  return { ...env, JOBS };
}

export const publicEntrypoint = {
  ...worker,
  async fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/modules") return new Response(String(evaluatedAtStart));
    return pathname === "/counts" ? Response.json(counts) : worker.fetch(request, countJobs(env), context);
  },
} satisfies ExportedHandler<Env>;
