// A server of the product that counts: its Worker has counters in it, and a proxy stands before its D1.
import { startWorker, type WorkerdProgram } from "../processes/workerd.ts";
import { startD1Proxy } from "../targets/d1-proxy.ts";
import { describeProduct, type Parts, writeModule } from "../targets/servers.ts";
import type { Counts } from "./counter.ts";

export interface CountedProduct {
  server: WorkerdProgram;
  /** All that was counted so far. Trips whose request `isCounted` refuses are left out. */
  readCost(): Promise<Cost>;
  /** Requests that wait for D1 now. */
  waiting(): number;
  stop(): Promise<void>;
}

export type Cost = Record<CostName, number>;

export type CostName =
  | `object_${"statements" | "rows_written" | "rows_read" | "transactions"}`
  | `d1_${"trips" | "statements" | "rows_written" | "rows_read"}`
  | "alarms"
  | "timers"
  | "requests"
  | "writes"
  | "jobs"
  | "log_lines"
  | "encoded_bytes"
  | "json_characters"
  | "parsed_characters";

/** `data` is the server's folder. */
export async function startCountedProduct(
  parts: Pick<Parts, "product" | "model" | "d1" | "folder">,
  data: string,
  isCounted: (query: string) => boolean = () => true,
): Promise<CountedProduct> {
  const counts = { d1_trips: 0, d1_statements: 0, d1_rows_written: 0, d1_rows_read: 0 };
  const proxy = await startD1Proxy(parts.d1, (query, rows) => {
    if (!isCounted(query)) return;
    counts.d1_trips += 1;
    counts.d1_statements += rows.length;
    for (const { read, written } of rows) {
      counts.d1_rows_read += read;
      counts.d1_rows_written += written;
    }
  });
  const product = describeProduct({ ...parts, d1: proxy.url });
  const counter = await writeModule("guard/counter.ts", parts.folder);
  const clock = await writeModule("guard/clock.ts", parts.folder);
  const storage = await writeModule("guard/storage.ts", parts.folder);
  const modules = [counter, clock, storage, { name: "src/index.ts", path: parts.product }];
  const server = await startWorker({ ...product, modules, entrypoint: "publicEntrypoint" }, data, 0);
  return {
    server,
    async readCost() {
      const object = await readCounts(server.url);
      return { ...nameCounts(object), ...counts };
    },
    waiting: proxy.waiting,
    async stop() {
      proxy.close();
      await server.stop();
    },
  };
}

/** Throws if something was called that is not counted. */
export async function readCounts(url: string): Promise<Counts> {
  const counts = (await (await fetch(`${url}/counts`)).json()) as Counts;
  if (counts.uncounted.length > 0) {
    const names = [...new Set(counts.uncounted)].join(", ");
    throw new Error(`the Worker called ${names}, which bench/guard/storage.ts or counter.ts must count`);
  }
  return counts;
}

function nameCounts(object: Counts): Omit<Cost, `d1_${string}`> {
  return {
    object_statements: object.statements,
    object_transactions: object.transactions,
    object_rows_written: object.rows_written,
    object_rows_read: object.rows_read,
    alarms: object.alarms,
    timers: object.timers,
    requests: object.requests,
    writes: object.writes,
    jobs: object.jobs,
    log_lines: object.log_lines,
    encoded_bytes: object.encoded_bytes,
    json_characters: object.json_characters,
    parsed_characters: object.parsed_characters,
  };
}

// Longer than any timer that the product sets to do something soon: text for readers waits 16 ms.
const PAUSE_MS = 30;
const EQUAL_READINGS = 4;

// Far longer than a busy machine needs. What counts without an end, such as an alarm that sets itself, is a defect.
const MAX_WAIT_MS = 60_000;

/** Resolves with all that was counted so far, once no request waits for D1 and nothing more is counted. */
export async function waitUntilIdle({ readCost, waiting }: CountedProduct): Promise<Cost> {
  const until = Date.now() + MAX_WAIT_MS;
  let last = "";
  for (let equal = 0; Date.now() < until; ) {
    const cost = await readCost();
    const text = JSON.stringify(cost);
    equal = text === last && waiting() === 0 ? equal + 1 : 0;
    if (equal === EQUAL_READINGS) return cost;
    last = text;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`the server went on counting for ${MAX_WAIT_MS} ms: ${last}`);
}

export function subtract(cost: Cost, less: Cost): Cost {
  return combine(cost, less, (one, other) => one - other);
}

export function add(cost: Cost, more: Cost): Cost {
  return combine(cost, more, (one, other) => one + other);
}

export function divide(cost: Cost, by: number): Cost {
  return combine(cost, cost, (one) => one / by);
}

function combine(cost: Cost, other: Cost, change: (one: number, other: number) => number): Cost {
  const entries = Object.entries(cost).map(([name, value]) => [name, change(value, other[name as CostName])]);
  return Object.fromEntries(entries) as Cost;
}
