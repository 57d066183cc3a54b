// Several model servers: a run whose default server is down continues at the second one, also when the object's life
// ends on the way, and nobody who reads it learns where either of them is.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { findFreePort } from "../setup/started-server.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";
import { type ModelCall, type PuppetModel, startPuppetModel } from "./puppet-model.ts";

const KEYS = ["first-key-canary-0001", "second-key-canary-0002"];
const HEADER = "header-canary-0003";

let taskloom: MortalTaskloom;
let second: PuppetModel;
let ports: string[];

beforeAll(async () => {
  // Nobody listens there, nor gets this port from the system.
  const port = await findFreePort();
  second = await startPuppetModel();
  ports = [String(port), new URL(second.baseUrl).port];
  const server = { base_url: second.baseUrl, key: KEYS[1], headers: { "X-Team": HEADER }, models: ["org/model"] };
  taskloom = await startMortalTaskloom({
    OPENAI_API_KEY: KEYS[0] ?? "",
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    OPENAI_MODEL: "gpt-5",
    MODEL_SERVERS: JSON.stringify({ second: server }),
  });
  await taskloom.request("POST", "/v1/agents", { agent_id: "a", name: "A", fallback_models: ["second/org/model"] });
});
afterAll(async () => {
  await taskloom.close();
  await second.close();
});

async function ended(thread: string): Promise<Run> {
  const read = () => taskloom.json<Run>("GET", `/v1/threads/${thread}/runs/inv-${thread}`);
  await expect.poll(async () => (await read()).status, { timeout: 60_000 }).not.toMatch(/queued|running/);
  return read();
}

describe("a run whose default server is down", () => {
  it("finishes at the second one after its object's life has ended in between", async () => {
    const path = "/v1/threads/failover/runs";
    await taskloom.request("POST", path, { message: "hello", invocation_id: "inv-failover", agent_id: "a" });
    const first = await second.next();
    expect(first.model).toBe("org/model");
    expect(first.headers.authorization).toBe(`Bearer ${KEYS[1]}`);
    first.call(0, "call_1", "read_result", '{"result_id":"none"}');
    first.finish("tool_calls");
    const lost = await second.next();
    lost.text("lost words");
    await taskloom.endLife("failover");
    // The first request to the object begins its next life.
    await taskloom.request("GET", `${path}/inv-failover`);
    const last = await nextWith(({ messages }) => messages.some(({ role }) => role === "tool"));
    expect(last.model).toBe("org/model");
    last.text("It is done.");
    last.finish();
    const run = await ended("failover");
    expect(run).toMatchObject({ status: "completed", model: "gpt-5", attempt: 2, result: { text: "It is done." } });
    const { data } = await taskloom.json<{ data: { metadata: { model?: string } }[] }>(
      "GET",
      "/v1/threads/failover/messages",
    );
    expect(data.at(-1)?.metadata.model).toBe("second/org/model");
  });

  it("shows no address, key or header to whoever reads the thread", async () => {
    const paths = ["messages", "runs", "diagnostics", "runs/inv-failover", "tasks"].map(
      (name) => `/v1/threads/failover/${name}`,
    );
    const read = async (path: string) => (await taskloom.request("GET", path)).text();
    const texts = await Promise.all([...paths, "/v1/models", "/v1/agents/a", "/openapi.json"].map(read));
    const events = await taskloom.request("GET", "/v1/threads/failover/runs/inv-failover/events");
    for (const text of [...texts, await events.text()]) {
      for (const secret of [...KEYS, HEADER]) expect(text).not.toContain(secret);
    }
    for (const port of ports) expect(texts[5]).not.toContain(port);
  });
});

/** Drops requests of the life that has ended. */
async function nextWith(isWanted: (call: ModelCall) => boolean): Promise<ModelCall> {
  for (;;) {
    const call = await second.next();
    if (isWanted(call)) return call;
  }
}

describe("a model that the operator's list leaves out", () => {
  it("is refused with what can be chosen, for runs and for agents", async () => {
    const asked = await taskloom.request("POST", "/v1/threads/refused/runs", { message: "hi", model: "second/other" });
    expect(asked.status).toBe(400);
    expect(await asked.json()).toMatchObject({
      code: "invalid_field",
      detail: 'model: "second/other" can\'t be chosen here. Models that can: second/org/model.',
    });
    const agent = { name: "B", fallback_models: ["second/org/model", "second/"] };
    const made = await taskloom.request("POST", "/v1/agents", agent);
    expect(await made.json()).toMatchObject({ detail: 'fallback_models[1]: "second/" names no model.' });
  });

  it("ends the run of an agent that was stored before the list", async () => {
    await taskloom.request("POST", "/v1/agents", { agent_id: "old", name: "Old", model: "second/org/model" });
    const other = { base_url: second.baseUrl, models: ["new"] };
    await taskloom.runtime.restart({ ...taskloom.settings, MODEL_SERVERS: JSON.stringify({ second: other }) });
    const body = { message: "hi", invocation_id: "inv-old", agent_id: "old" };
    await taskloom.request("POST", "/v1/threads/old/runs", body);
    const sentence = '"second/org/model" can\'t be chosen here. Models that can: second/new.';
    const error = { code: "model_error", reason: "model_not_found", message: sentence };
    expect(await ended("old")).toMatchObject({ status: "failed", error });
  });
});
