// Counts what a first turn, a turn, a step and a token cost. Nothing here depends on how fast the machine is: the model
// waits until the server is idle, replies come in one piece, and a token alone comes when the one before has arrived.
import { join } from "node:path";
import type { Order } from "../load/order.ts";
import { takeTurn } from "../load/turn.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { startDatabase } from "../targets/d1.ts";
import {
  add,
  type Cost,
  type CountedProduct,
  divide,
  startCountedProduct,
  subtract,
  waitUntilIdle,
} from "./counted-product.ts";
import { startSteppedModel } from "./model.ts";
import { measureBundle, noteEvaluations } from "./startup.ts";

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
  const started = Promise.withResolvers<CountedProduct>();
  const model = await startSteppedModel(async () => void (await waitUntilIdle(await started.promise)));
  const parts = { product: bundle, model: model.url, d1: d1.url, folder };
  const product = await startCountedProduct(parts, join(folder, "server"));
  started.resolve(product);
  const { url } = product.server;
  const takeCounted = async (name: string, order: Order): Promise<Cost> => {
    const before = await waitUntilIdle(product);
    await takeTurn({ name: "taskloom", url }, name, order, model.onTokens);
    return subtract(await waitUntilIdle(product), before);
  };
  return {
    url,
    take: (steps, name = thread) => takeCounted(name, { tokens: 50, rate: 0, steps }),
    takeAlone: (tokens) => takeCounted(thread, { tokens, rate: 1, steps: 0 }),
    async close() {
      model.close();
      await Promise.all([product.stop(), d1.stop()]);
    },
  };
}

async function repeat(times: number, take: () => Promise<Cost>): Promise<Cost> {
  let sum = await take();
  for (let count = 1; count < times; count++) sum = add(sum, await take());
  return sum;
}
