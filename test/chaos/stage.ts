// All parts of the test on one machine: the server that is killed and, beside it as in production, what stays up: the
// model, the sandboxes, and the harness's proxies between them.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleWorker } from "../../bench/processes/bundle.ts";
import { startDaytona } from "../../dev/daytona/server.ts";
import type { Reply } from "../../dev/model/reply.ts";
import { startModel } from "../../dev/model/server.ts";
import type { ChatRequest } from "../../dev/model/wire.ts";
import { MANY_REQUESTS } from "../setup/many-requests.ts";
import { findFreePort } from "../setup/started-server.ts";
import { openGate } from "./gate.ts";
import type { Watch } from "./moments.ts";
import { type Guard, openProxy } from "./proxy.ts";
import { Server } from "./server.ts";

// About the pace of a fast model; slow enough to be killed between two words.
const TOKENS_PER_SECOND = 90;

export interface Stage {
  server: Server;
  /** The folder in which the runtime stores D1 and the objects. */
  state: string;
  /** The folder of the sandboxes. */
  sandboxes: string;
  /** Deletes a sandbox that is no longer needed. */
  removeSandbox(id: string): Promise<void>;
  close(): Promise<void>;
}

/** What the harness sees, and what the model says. */
export interface Play {
  /** Batches for D1. */
  watch: Watch;
  /** Requests to the sandboxes. */
  guard: Guard;
  /** Undefined for a conversation of no run of the play. */
  reply: (request: ChatRequest) => Reply | undefined;
}

export async function openStage({ watch, guard, reply }: Play, signal: AbortSignal): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), "taskloom-chaos-"));
  const closing: (() => unknown)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    await mkdir(join(import.meta.dirname, "../../dist/web"), { recursive: true });
    const state = join(folder, "runtime");
    const bundle = await bundleWorker("src/index.ts", join(folder, "bundle"));
    signal.throwIfAborted();
    const model = await startModel({
      port: 0,
      tokensPerSecond: TOKENS_PER_SECOND,
      intercept: reply,
    });
    closing.push(() => model.close());
    const daytona = await startDaytona({ port: 0, state: join(folder, "sandboxes"), apiKey: "sandbox-key" });
    closing.push(() => daytona.close());
    const proxy = await openProxy(daytona.apiUrl, guard);
    closing.push(() => proxy.close());
    const gate = await openGate(watch);
    closing.push(() => gate.close());
    const variables = {
      ADMIN_API_KEY: "key-of-the-chaos",
      QUOTAS: MANY_REQUESTS,
      OPENAI_API_KEY: "model-key",
      OPENAI_BASE_URL: model.baseUrl,
      OPENAI_MODEL: "scripted",
      DAYTONA_API_KEY: "sandbox-key",
      DAYTONA_API_URL: proxy.apiUrl,
      STAND_INS: "model,sandbox",
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
    const removeSandbox = async (id: string): Promise<void> => {
      const headers = { authorization: `Bearer ${variables.DAYTONA_API_KEY}` };
      const response = await fetch(`${daytona.apiUrl}/sandbox/${id}`, { method: "DELETE", headers });
      await response.body?.cancel();
    };
    return { server, state, sandboxes: join(folder, "sandboxes/sandboxes"), removeSandbox, close };
  } catch (error) {
    await close();
    throw error;
  }
}
