// The product's Worker with counters around what costs: the object's SQL, transactions and alarms, timers, and what is
// encoded. `/counts` answers all that was counted so far. D1 is counted on its way (counted-product.ts).
import "./clock.ts";
import type { Env } from "../../src/config.ts";
import worker, { ThreadObject as Product } from "../../src/index.ts";
import { countStorage, type StorageCounts, wrap } from "./storage.ts";

export interface Counts extends StorageCounts {
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
    // An alarm is for when a turn is long over.
    const storage = countStorage(ctx.storage, counts, () => Promise.resolve());
    Object.defineProperty(ctx, "storage", { value: storage });
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
  const JOBS = wrap(
    jobs,
    {
      send(job, options) {
        counts.jobs += 1;
        return jobs.send(job, options);
      },
      sendBatch(batch, options) {
        const all = [...batch];
        counts.jobs += all.length;
        return jobs.sendBatch(all, options);
      },
    },
    counts,
  );
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
