// Counts what a first turn, a turn, a step and a token cost. Nothing here depends on how fast the machine is: the model
// waits until the server is idle, replies come in one piece, and a token alone comes when the one before has arrived.
import { join } from "node:path";
import type { Order } from "../load/order.ts";
import { takeTurn } from "../load/turn.ts";
import { bundleWorker } from "../processes/bundle.ts";
import { startDatabase } from "../targets/d1.ts";
import { API_KEY } from "../targets/targets.ts";
import {
  add,
  type Cost,
  type CountedProduct,
  divide,
  readCounts,
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
}

const root = join(import.meta.dirname, "../..");

// Enough that what happens once in some turns or tokens shows as a fraction.
const TURNS = 10;
const STEPS = 10;
const TOKENS = 100;
const LONE_TOKENS = 50;

/** Also returns the bundle's size in KiB as gzip, which depends on the machine's compressor. */
export async function countCosts(folder: string): Promise<{ costs: Costs; gzip_kib: number }> {
  const [readable, deployed] = await Promise.all([
    bundleWorker("src/index.ts", join(folder, "readable"), { readable: true }),
    bundleWorker("src/index.ts", join(folder, "deployed")),
  ]);
  const atStart = await noteEvaluations(readable);
  const stage = await openStage(folder, readable);
  try {
    const late = Number(await (await fetch(`${stage.url}/modules`)).text());
    const { kib, gzip_kib } = await measureBundle(deployed);
    return { costs: { ...(await countTurns(stage)), modules: atStart + late, bundle_kib: kib }, gzip_kib };
  } finally {
    await stage.close();
  }
}

async function countTurns({ take }: Stage): Promise<Pick<Costs, "first_turn" | "turn" | "step" | "token">> {
  // The agent and the key's user are read once by a process: that is no part of a thread's first turn.
  await take("another", plain);
  const first_turn = await take("turns", plain);
  const turn = await repeat(TURNS, () => take("turns", plain));
  // What is subtracted happens in a thread of the same length.
  const second = async (thread: string, order: Order): Promise<Cost> => {
    await take(thread, plain);
    return take(thread, order);
  };
  const step = subtract(await second("steps", { ...plain, steps: STEPS }), await second("no-steps", plain));
  const more = await second("many-tokens", { ...lone, tokens: LONE_TOKENS + TOKENS });
  const token = subtract(more, await second("few-tokens", lone));
  return { first_turn, turn: divide(turn, TURNS), step: divide(step, STEPS), token: divide(token, TOKENS) };
}

/** Its tokens come in one piece. */
const plain: Order = { tokens: 50, rate: 0, steps: 0 };

/** Its tokens come one by one. */
const lone: Order = { tokens: LONE_TOKENS, rate: 1, steps: 0 };

interface Stage {
  url: string;
  /** What a turn costs. */
  take(thread: string, order: Order): Promise<Cost>;
  close(): Promise<void>;
}

async function openStage(folder: string, bundle: string): Promise<Stage> {
  const d1 = await startDatabase(root, join(folder, "d1"));
  const started = Promise.withResolvers<CountedProduct>();
  // An error shows again after the turn.
  const waitForServer = async (): Promise<void> => void (await waitUntilIdle(await started.promise).catch(() => null));
  const model = await startSteppedModel(waitForServer);
  const parts = { product: bundle, model: model.url, d1: d1.url, folder };
  const product = await startCountedProduct(parts, join(folder, "server"));
  started.resolve(product);
  const { url } = product.server;
  const key = await makeUser(url);
  return {
    url,
    async take(thread, order) {
      const before = await waitUntilIdle(product);
      try {
        await takeTurn({ name: "taskloom", url, key }, thread, order, model.onTokens);
      } catch (error) {
        // What is not counted fails, and is the better explanation.
        await readCounts(url);
        throw error;
      }
      return subtract(await waitUntilIdle(product), before);
    },
    async close() {
      model.close();
      await Promise.all([product.stop(), d1.stop()]);
    },
  };
}

/** The key of a user: unlike the admin's, it is looked up in D1. */
async function makeUser(url: string): Promise<string> {
  const headers = { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" };
  const answer = await fetch(`${url}/v1/users`, { method: "POST", headers, body: JSON.stringify({ name: "counted" }) });
  const { api_key } = (await answer.json()) as { api_key?: string };
  if (api_key === undefined) throw new Error(`no user could be made: ${answer.status}`);
  return api_key;
}

async function repeat(times: number, take: () => Promise<Cost>): Promise<Cost> {
  let sum = await take();
  for (let count = 1; count < times; count++) sum = add(sum, await take());
  return sum;
}
