// Starts the outside services that tests in workerd reach over loopback, and tells the tests their addresses.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    openaiBaseUrl: string;
    daytonaApiUrl: string;
    daytonaApiKey: string;
  }
}

interface StartedServer {
  port: number;
  close(): Promise<void>;
}

const daytonaApiKey = "sandbox-key-of-the-tests";

// This project resolves packages for workerd, where `ws` is a browser's. Node's own loader reads the servers instead.
const load = createRequire(import.meta.url);

let stop = async (): Promise<void> => {};

export async function setup(project: TestProject): Promise<void> {
  const { startDaytona } = load("../../dev/daytona/server.ts") as typeof import("../../dev/daytona/server.ts");
  const state = await mkdtemp(join(tmpdir(), "taskloom-worker-"));
  const daytona = await startDaytona({ port: 0, state, apiKey: daytonaApiKey });
  const model = await startScriptedModel();
  project.provide("openaiBaseUrl", model ? `http://127.0.0.1:${model.port}/v1` : "http://127.0.0.1:9/v1");
  project.provide("daytonaApiUrl", daytona.apiUrl);
  project.provide("daytonaApiKey", daytonaApiKey);
  stop = async () => {
    await Promise.all([daytona.close(), model?.close()]);
    await rm(state, { recursive: true, force: true });
  };
}

export async function teardown(): Promise<void> {
  await stop();
}

async function startScriptedModel(): Promise<StartedServer | null> {
  const path = join(import.meta.dirname, "../../dev/model/server.ts");
  if (!existsSync(path)) return null;
  const module = load(path) as { startModel(options: object): Promise<StartedServer> };
  return module.startModel({ port: 0, tokensPerSecond: 0 });
}
