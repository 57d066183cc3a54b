// The server under test and the model that counts. No sandbox: tools for the plan need none.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleWorker } from "../../../bench/processes/bundle.ts";
import { findFreePort } from "../../setup/started-server.ts";
import type { Random } from "../aims.ts";
import { openGate } from "../gate.ts";
import { Server } from "../server.ts";
import { PRICE } from "./checks.ts";
import { type CountingModel, startCountingModel } from "./counting-model.ts";

/** Small enough that a run of some steps needs summaries. */
const CONTEXT_TOKENS = 8_500;

export interface Stage {
  server: Server;
  model: CountingModel;
  state: string;
  close(): Promise<void>;
}

/** `onWrite` is called for each batch of an object for D1, before and after. */
export async function openStage(random: Random, onWrite: () => void, signal: AbortSignal): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-budgets-"));
  const closing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    await mkdir(join(import.meta.dirname, "../../../dist/web"), { recursive: true });
    const state = join(folder, "runtime");
    const bundle = await bundleWorker("src/index.ts", join(folder, "bundle"));
    signal.throwIfAborted();
    const model = await startCountingModel(random);
    closing.push(() => model.close());
    const gate = await openGate(() => {
      onWrite();
      return true;
    });
    closing.push(() => gate.close());
    const variables = {
      ADMIN_API_KEY: "key-of-the-chaos-of-budgets-0123456789",
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_MODEL: "first",
      MODEL_PRICES: JSON.stringify({ "*": PRICE }),
      MODEL_CONTEXT_TOKENS: String(CONTEXT_TOKENS),
      GATE_URL: gate.url,
    };
    const temporary = join(folder, "temporary");
    await mkdir(temporary);
    const settings = { bundle, state, temporary, port: await findFreePort(), migrate: true, variables };
    const server = new Server(settings, variables.ADMIN_API_KEY, signal);
    closing.push(async () => {
      server.killNow();
      await server.dead();
    });
    return { server, model, state, close };
  } catch (error) {
    await close();
    throw error;
  }
}
