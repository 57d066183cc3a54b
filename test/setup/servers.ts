// Starts the external services that tests in workerd reach over loopback, and gives the tests their addresses.
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

const daytonaApiKey = "sandbox-key-of-the-tests";
/** As in `test/worker/revoke-client.ts`. */
const sshGatewayKey = "gateway-key-of-the-tests";

// This project resolves packages for workerd, where `ws` is a browser's. So Node's own loader loads the servers.
const load = createRequire(import.meta.url);

let stop = async (): Promise<void> => {};

export async function setup(project: TestProject): Promise<void> {
  const { startDaytona } = load("../../dev/daytona/server.ts") as typeof import("../../dev/daytona/server.ts");
  const { startModel } = load("../../dev/model/server.ts") as typeof import("../../dev/model/server.ts");
  const state = await mkdtemp(join(tmpdir(), "taskloom-worker-"));
  const daytona = await startDaytona({ port: 0, state, apiKey: daytonaApiKey, sshGatewayKey });
  const model = await startModel({ port: 0, tokensPerSecond: 0 });
  project.provide("openaiBaseUrl", model.baseUrl);
  project.provide("daytonaApiUrl", daytona.apiUrl);
  project.provide("daytonaApiKey", daytonaApiKey);
  stop = async () => {
    await Promise.all([daytona.close(), model.close()]);
    await rm(state, { recursive: true, force: true });
  };
}

export async function teardown(): Promise<void> {
  await stop();
}
