// A server on a fast clock whose bill is counted, with all that it needs: D1, a sandbox server, a model.
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { bundleWorker } from "../processes/bundle.ts";
import { startProgram } from "../processes/programs.ts";
import { startWorker } from "../processes/workerd.ts";
import { startDatabase } from "../targets/d1.ts";
import { startD1Proxy } from "../targets/d1-proxy.ts";
import { describeProduct, writeModule } from "../targets/servers.ts";
import { API_KEY } from "../targets/targets.ts";
import { startPacedModel } from "./model.ts";
import { type Bill, billNames, OBJECT_GB } from "./prices.ts";
import type { Counts } from "./worker.ts";

export interface Stage {
  url: string;
  /** Of a user. */
  key: string;
  /** What was used so far, once nothing is under way. */
  settle(): Promise<Reading>;
  setSpeed(speed: number): Promise<void>;
  /** Of the fast clock, while the speed stays. */
  seconds(): number;
  /** Resolves when so many seconds of the fast clock have passed. The queue is delivered meanwhile. */
  pass(seconds: number): Promise<void>;
  /** A tick of the cron. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export interface Reading {
  bill: Bill;
  /** How often an object went to sleep. */
  sleeps: number;
}

const ENCRYPTION_KEY = Buffer.alloc(32, 1).toString("base64");

const root = join(import.meta.dirname, "../..");

export async function openStage(folder: string): Promise<Stage> {
  let speed = 1;
  const product = await bundleWorker("src/index.ts", join(folder, "product"), { readable: true });
  const database = await startDatabase(root, join(folder, "d1"));
  const rows = { read: 0, written: 0 };
  const proxy = await startD1Proxy(database.url, (_, statements) => {
    for (const { read, written } of statements) {
      rows.read += read;
      rows.written += written;
    }
  });
  const model = await startPacedModel(() => speed);
  const { said } = await startProgram("daytona.ts", 1, [API_KEY]);
  const description = describeProduct({ product, model: model.url, d1: proxy.url });
  const vars = { ...description.vars, DAYTONA_API_URL: String(said.api_url), DAYTONA_API_KEY: API_KEY, ENCRYPTION_KEY };
  const own = ["cost/worker.ts", "cost/clock.ts", "guard/storage.ts"];
  const modules = [
    ...(await Promise.all(own.map((file) => writeModule(file, folder)))),
    { name: "src/index.ts", path: product },
  ];
  const server = await startWorker(
    { ...description, vars, modules, entrypoint: "publicEntrypoint" },
    join(folder, "server"),
    0,
  );
  const { url } = server;
  const ask = async (path: string): Promise<Response> => {
    const answer = await fetch(`${url}/bench/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${(await answer.text()).slice(0, 500)}`);
    return answer;
  };
  const readCounts = async (): Promise<Counts> => (await (await ask("counts")).json()) as Counts;
  const key = await makeUser(url);
  return {
    url,
    key,
    async settle() {
      const counts = await waitUntilQuiet(readCounts, proxy.waiting, () => ask("jobs"));
      return { bill: describeBill(counts, rows), sleeps: counts.sleeps };
    },
    async setSpeed(to) {
      speed = to;
      await ask(`speed?is=${to}`);
    },
    seconds: () => (performance.now() / 1_000) * speed,
    async pass(seconds) {
      const until = performance.now() + (seconds * 1_000) / speed;
      while (performance.now() < until) {
        await ask("jobs");
        await wait(POLL_MS);
      }
    },
    tick: async () => void (await ask("cron")),
    async close() {
      model.close();
      proxy.close();
      await Promise.all([server.stop(), database.stop()]);
    },
  };
}

function describeBill(counts: Counts, d1: { read: number; written: number }): Bill {
  const { worker_requests, object_requests, queue_operations } = counts;
  return {
    ...{ worker_requests, object_requests, queue_operations },
    object_gb_s: (counts.object_ms / 1_000) * OBJECT_GB,
    // An alarm that is set is billed as a row.
    object_rows_written: counts.rows_written + counts.alarms,
    object_rows_read: counts.rows_read,
    ...{ d1_rows_written: d1.written, d1_rows_read: d1.read },
    log_events: counts.log_lines,
  };
}

const POLL_MS = 20;
const EQUAL_READINGS = 4;

/** What is still busy then has no end, which is a defect. */
const MAX_WAIT_MS = 60_000;

async function waitUntilQuiet(
  readCounts: () => Promise<Counts>,
  waiting: () => number,
  deliver: () => Promise<unknown>,
): Promise<Counts> {
  const until = Date.now() + MAX_WAIT_MS;
  let last = "";
  for (let equal = 0; Date.now() < until; ) {
    await deliver();
    const counts = await readCounts();
    if (counts.uncounted.length > 0) throw new Error(`the Worker called ${[...new Set(counts.uncounted)].join(", ")}`);
    const text = JSON.stringify(counts);
    const isQuiet = counts.busy === 0 && counts.waiting_jobs === 0 && waiting() === 0;
    equal = isQuiet && text === last ? equal + 1 : 0;
    if (equal === EQUAL_READINGS) return counts;
    last = text;
    await wait(POLL_MS);
  }
  throw new Error(`the server was busy for ${MAX_WAIT_MS} ms: ${last}`);
}

async function makeUser(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/users`, { method: "POST", headers, body: JSON.stringify({ name: "billed" }) });
  const { api_key } = (await answer.json()) as { api_key?: string };
  if (api_key === undefined) throw new Error(`no user could be made: ${answer.status}`);
  return api_key;
}

export function subtractBill(bill: Bill, less: Bill): Bill {
  return Object.fromEntries(billNames.map((name) => [name, bill[name] - less[name]])) as unknown as Bill;
}
