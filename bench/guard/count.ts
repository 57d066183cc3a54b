// Counts what a first turn, a turn, a step and a token cost. Nothing here depends on how fast the machine is: the model
// waits until the server is idle, replies come in one piece, and a token alone comes when the one before has arrived.
import { join } from "node:path";
import type { Order } from "../load/order.ts";
import { takeTurn } from "../load/turn.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { startWorker } from "../processes/workerd.ts";
import { startDatabase } from "../targets/d1.ts";
import { describeProduct, writeModule } from "../targets/servers.ts";
import type { Counts } from "./counter.ts";
import { type CountedDatabase, countDatabase } from "./database.ts";
import { startSteppedModel } from "./model.ts";
import { measureBundle, noteEvaluations } from "./startup.ts";

/** One column of the table. */
export type Cost = Record<CostName, number>;

export type CostName =
  | `object_${"statements" | "rows_written" | "rows_read" | "transactions"}`
  | `d1_${"trips" | "statements" | "rows_written" | "rows_read"}`
  | "alarms"
  | "timers"
  | "encoded_bytes"
  | "json_characters";

export interface Costs {
  first_turn: Cost;
  turn: Cost;
  step: Cost;
  token: Cost;
  modules: number;
  bundle_kib: number;
  gzip_kib: number;
}

const root = join(import.meta.dirname, "../..");
const thread = "thread-that-is-counted";

// Enough that what happens once in some turns or tokens shows as a fraction.
const TURNS = 10;
const STEPS = 10;
const TOKENS = 100;
const LONE_TOKENS = 50;

export async function countCosts(folder: string): Promise<Costs> {
  const [readable, deployed] = await Promise.all([
    bundleWorker("src/index.ts", join(folder, "readable"), { readable: true }),
    bundleWorker("src/index.ts", join(folder, "deployed")),
  ]);
  const atStart = await noteEvaluations(readable);
  const stage = await openStage(folder, readable);
  try {
    const late = Number(await (await fetch(`${stage.url}/modules`)).text());
    const { kib, gzip_kib } = await measureBundle(deployed);
    return { ...(await countTurns(stage)), modules: atStart + late, bundle_kib: kib, gzip_kib };
  } finally {
    await stage.close();
  }
}

async function countTurns(stage: Stage): Promise<Pick<Costs, "first_turn" | "turn" | "step" | "token">> {
  // The agent and the user's key are read once by a process: that is no part of a thread's first turn.
  await stage.take(0, "another-thread");
  const first_turn = await stage.take(0);
  const turn = await repeat(TURNS, () => stage.take(0));
  const steps = await stage.take(STEPS);
  const lone = await stage.takeAlone(LONE_TOKENS);
  const more = await stage.takeAlone(LONE_TOKENS + TOKENS);
  return {
    first_turn,
    turn: divide(turn, TURNS),
    step: divide(subtract(steps, divide(turn, TURNS)), STEPS),
    token: divide(subtract(more, lone), TOKENS),
  };
}

interface Stage {
  url: string;
  /** A turn whose 50 tokens come in one piece. */
  take(steps: number, name?: string): Promise<Cost>;
  /** A turn whose tokens come one by one. */
  takeAlone(tokens: number): Promise<Cost>;
  close(): Promise<void>;
}

async function openStage(folder: string, bundle: string): Promise<Stage> {
  const d1 = await startDatabase(root, join(folder, "d1"));
  const database = await countDatabase(d1.url);
  const idle: { wait: () => Promise<Cost> } = { wait: () => Promise.reject(new Error("the server is not started")) };
  const model = await startSteppedModel(async () => void (await idle.wait()));
  const product = describeProduct({ product: bundle, model: model.url, d1: database.url });
  const modules = [await writeModule("guard/counter.ts", folder), { name: "src/index.ts", path: bundle }];
  const server = await startWorker({ ...product, modules, entrypoint: "publicEntrypoint" }, join(folder, "server"), 0);
  const { url } = server;
  idle.wait = () => waitUntilIdle(url, database);
  const takeCounted = async (name: string, order: Order): Promise<Cost> => {
    const before = await idle.wait();
    await takeTurn({ name: "taskloom", url }, name, order, model.onTokens);
    return subtract(await idle.wait(), before);
  };
  return {
    url,
    take: (steps, name = thread) => takeCounted(name, { tokens: 50, rate: 0, steps }),
    takeAlone: (tokens) => takeCounted(thread, { tokens, rate: 1, steps: 0 }),
    async close() {
      model.close();
      database.close();
      await Promise.all([server.stop(), d1.stop()]);
    },
  };
}

// Longer than any timer that the product sets to do something soon: text for readers waits 16 ms.
const PAUSE_MS = 30;
const EQUAL_READINGS = 4;

/** Resolves with all that was counted so far, once no request waits for D1 and nothing more is counted. */
async function waitUntilIdle(url: string, database: CountedDatabase): Promise<Cost> {
  let last = "";
  for (let equal = 0; ; ) {
    const cost = await readCost(url, database);
    const text = JSON.stringify(cost);
    equal = text === last && database.waiting() === 0 ? equal + 1 : 0;
    if (equal === EQUAL_READINGS) return cost;
    last = text;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function readCost(url: string, database: CountedDatabase): Promise<Cost> {
  const object = (await (await fetch(`${url}/counts`)).json()) as Counts;
  const d1 = database.counts();
  return {
    object_statements: object.statements,
    object_transactions: object.transactions,
    object_rows_written: object.rows_written,
    object_rows_read: object.rows_read,
    alarms: object.alarms,
    d1_trips: d1.trips,
    d1_statements: d1.statements,
    d1_rows_written: d1.rows_written,
    d1_rows_read: d1.rows_read,
    timers: object.timers,
    encoded_bytes: object.encoded_bytes,
    json_characters: object.json_characters,
  };
}

async function repeat(times: number, take: () => Promise<Cost>): Promise<Cost> {
  let sum = await take();
  for (let count = 1; count < times; count++) sum = combine(sum, await take(), (one, other) => one + other);
  return sum;
}

function subtract(cost: Cost, less: Cost): Cost {
  return combine(cost, less, (one, other) => one - other);
}

function divide(cost: Cost, by: number): Cost {
  return combine(cost, cost, (one) => one / by);
}

function combine(cost: Cost, other: Cost, change: (one: number, other: number) => number): Cost {
  const entries = Object.entries(cost).map(([name, value]) => [name, change(value, other[name as CostName])]);
  return Object.fromEntries(entries) as Cost;
}
