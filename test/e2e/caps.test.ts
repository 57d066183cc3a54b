// Caps over TCP, wherever they are set: the run that meets one ends before its first model call, and says whose it was.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { actOn, type RunsActor } from "./runs-client.ts";

let model: PuppetModel;
let taskloom: Taskloom;
let client: RunsActor;

beforeAll(async () => {
  model = await startPuppetModel();
  taskloom = await startTaskloom({
    OPENAI_BASE_URL: model.baseUrl,
    ENCRYPTION_KEY: "key of the tests",
    MODEL_PRICES: JSON.stringify({ priced: { input: 1_000, output: 1_000 } }),
  });
  client = actOn(taskloom, model);
});

afterAll(async () => {
  await taskloom.close();
  await model.close();
});

/** The most tokens, of which not one is left for a call. */
const few = { max_total_tokens: 10 };
const reached = (scope: string) => ({ code: "budget", cap: { scope, name: "max_total_tokens", limit: 10 } });

async function untilEnded(thread: string, id: string): Promise<Run> {
  await client.eventsOf(thread, id);
  return await client.readRun(thread, id);
}

describe("a run ends at the cap", () => {
  it("of its request, also one that nothing fits under", async () => {
    const { body } = await client.post("requested/runs?wait=1", { message: "hi", ...few });
    expect(body).toMatchObject({ status: "failed", steps: 0, caps: few, error: reached("run") });
    const none = await client.post("requested/runs?wait=1", { message: "hi", max_total_tokens: 0 });
    expect(none.body).toMatchObject({ status: "failed", error: { code: "budget", cap: { scope: "run", limit: 0 } } });
  });

  it("of an AG-UI client", async () => {
    const messages = [{ id: "u1", role: "user", content: "hi" }];
    const run = { threadId: "ag-ui", runId: "run-1", state: {}, messages, tools: [], context: [], forwardedProps: few };
    const response = await taskloom.request("POST", "/ag-ui", run);
    expect(await response.text()).toContain('"RUN_ERROR"');
    expect(await client.readRun("ag-ui", "run-1")).toMatchObject({ caps: few, error: reached("run") });
  });

  it("of its trigger, which the agent's higher one does not hide", async () => {
    const agent = { agent_id: "roomy", name: "Roomy", max_total_tokens: 1_000_000 };
    await taskloom.json("POST", "/v1/agents", agent);
    const trigger = {
      ...{ type: "webhook", prompt: "Go.", agent_id: "roomy", verify: { scheme: "header", header: "X-Token" } },
      ...few,
    };
    const made = await taskloom.json<{ url: string; secret: string }>("POST", "/v1/triggers", trigger);
    const delivered = await fetch(made.url, { method: "POST", body: "{}", headers: { "x-token": made.secret } });
    expect(delivered.status).toBe(202);
    const { thread_id, invocation_id } = (await delivered.json()) as { thread_id: string; invocation_id: string };
    const run = await untilEnded(thread_id, invocation_id);
    expect(run).toMatchObject({ status: "failed", background: true, caps: few, error: reached("trigger") });
  });

  it("of its agent, and asks where the agent says so: the answer raises it", async () => {
    await taskloom.json("POST", "/v1/agents", { agent_id: "asking", name: "Asking", ...few, on_cap: "ask" });
    const { body: asked } = await client.post("asked/runs?wait=1", { message: "hi", agent_id: "asking" });
    expect(asked).toMatchObject({ status: "interrupted", interrupts: [{ reason: "budget" }] });
    const payload = { approved: true, max_total_tokens: 1_000_000 };
    const resume = [{ interrupt_id: asked.interrupts[0]?.id, status: "resolved", payload }];
    const answering = client.post(`asked/runs/${asked.invocation_id}/resume?wait=1`, { resume });
    await client.say("hello");
    expect((await answering).body).toMatchObject({ status: "completed", caps: { max_total_tokens: 1_000_000 } });
  });
});

describe("a cap in dollars", () => {
  it("ends a run with `price_unknown` whose agent names a model without a price", async () => {
    const agent = { agent_id: "unpriced", name: "Unpriced", model: "nobody-knows-what-it-costs", max_cost_usd: 1 };
    await taskloom.json("POST", "/v1/agents", agent);
    const { body } = await client.post("unpriced/runs?wait=1", { message: "hi", agent_id: "unpriced" });
    expect(body).toMatchObject({ status: "failed", steps: 0, error: { code: "price_unknown" } });
  });

  it("is refused for a named model without a price, and kept for one with a price", async () => {
    const dollars = { message: "hi", max_cost_usd: 0.000_001 };
    const refused = await client.post("priced/runs", { ...dollars, model: "nobody-knows-what-it-costs" });
    expect(refused).toMatchObject({ status: 422, body: { code: "price_unknown" } });
    const { body } = await client.post("priced/runs?wait=1", { ...dollars, model: "priced" });
    const cap = { scope: "run", name: "max_cost_usd", limit: 0.000_001 };
    expect(body).toMatchObject({ status: "failed", steps: 0, error: { code: "budget", cap } });
  });
});
