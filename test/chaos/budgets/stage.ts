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
import { Outages } from "./outages.ts";
import { type Receiver, startReceiver } from "./receiver.ts";
import { DEPLOYMENT } from "./scenes.ts";

/** Small enough that a run of some steps needs summaries. */
const CONTEXT_TOKENS = 8_500;

export interface Stage {
  server: Server;
  model: CountingModel;
  receiver: Receiver;
  outages: Outages;
  state: string;
  /** Whether the deployment has caps. */
  isCapped: boolean;
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
    const receiver = await startReceiver();
    closing.push(() => receiver.close());
    const outages = new Outages(random);
    const gate = await openGate(() => {
      onWrite();
      return outages.ask();
    });
    closing.push(() => gate.close());
    // Without it, most scenes have no lease.
    const isCapped = random() >= 0.5;
    const variables = {
      ADMIN_API_KEY: "key-of-the-chaos-of-budgets-0123456789",
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_MODEL: "first",
      MODEL_PRICES: JSON.stringify({ "*": PRICE }),
      MODEL_CONTEXT_TOKENS: String(CONTEXT_TOKENS),
      ...(isCapped ? capDeployment() : {}),
      // The receiver of webhooks is on this machine, and all runs are started by a few users.
      ALLOW_PRIVATE_URLS: "1",
      QUOTAS: "off",
      ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
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
    return { server, model, receiver, outages, state, isCapped, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function capDeployment(): Record<string, string> {
  const tokens = `tokens=${DEPLOYMENT.tokens}`;
  return { DEPLOYMENT_DAY_CAPS: `${tokens},cost_usd=${DEPLOYMENT.usd}`, DEPLOYMENT_MONTH_CAPS: tokens };
}
