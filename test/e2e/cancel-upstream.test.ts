// A cancel reaches the provider: the model's connection is closed, so that nothing more is generated and billed. Uses
// `npm start`, because the test harness makes the Worker's requests itself and continues them after the Worker has
// left.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { slowestDuring } from "../setup/busy.ts";
import { makeState, type StartedServer, startServer } from "../setup/started-server.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";

// The contract says two seconds; a slow machine gets twice that, and ten times what a trivial request takes.
const LIMIT_MS = 4_000;

let model: PuppetModel;
let server: StartedServer;
let removeState: () => Promise<void>;

beforeAll(async () => {
  const made = await makeState();
  removeState = made.removeState;
  model = await startPuppetModel();
  const settings = { OPENAI_API_KEY: "model-key", OPENAI_BASE_URL: model.baseUrl };
  // No command runs, so no sandbox is needed.
  const nowhere = { DAYTONA_API_KEY: "sandbox-key", DAYTONA_API_URL: "http://127.0.0.1:9" };
  server = await startServer(made.state, { ...settings, ...nowhere });
});

afterAll(async () => {
  await server?.stop();
  await model?.close();
  await removeState?.();
});

async function post(path: string, body: unknown = {}): Promise<Run> {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${server.url}/v1/threads/${path}`, init);
  return (await response.json()) as Run;
}

async function cancelWhile(thread: string, begin: (call: ModelCall) => void): Promise<void> {
  await post(`${thread}/runs`, { message: "tell", invocation_id: "inv-c" });
  const call = await model.next();
  begin(call);
  const began = performance.now();
  const both = Promise.all([post(`${thread}/runs/inv-c/cancel`), call.closed]);
  const took = both.then(() => performance.now() - began);
  const slowest = await slowestDuring(both, () => fetch(`${server.url}/healthz`));
  expect((await both)[0]).toMatchObject({ status: "cancelled" });
  expect(await took).toBeLessThan(LIMIT_MS + 10 * slowest);
}

describe("a cancel", () => {
  it("closes the model's connection within a reply", async () => {
    await cancelWhile("within", (call) => call.text("half a thou"));
  });

  it("closes the model's connection before its first byte", async () => {
    await cancelWhile("before", () => {});
  });
});
