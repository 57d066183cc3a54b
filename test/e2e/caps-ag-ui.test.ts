// Caps as AG-UI's own client meets them: over the runs of its tools, as an error, and as a question that it answers.
import { type AgentSubscriber, HttpAgent } from "@ag-ui/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { checkedFetch } from "../fakes/ag-ui-schemas.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";
import { type PuppetModel, startPuppetModel } from "./puppet-model.ts";
import { useTool } from "./runs-client.ts";

let taskloom: Taskloom;
let puppet: PuppetModel;

beforeAll(async () => {
  puppet = await startPuppetModel();
  const MODEL_SERVERS = JSON.stringify({ puppet: { base_url: puppet.baseUrl, models: ["p"] } });
  taskloom = await startTaskloom({ MODEL_SERVERS });
  await taskloom.json("POST", "/v1/agents", { agent_id: "puppet", name: "Puppet", model: "puppet/p" });
  const few = { max_total_tokens: 10 };
  await taskloom.json("POST", "/v1/agents", { agent_id: "ends", name: "Ends", ...few });
  await taskloom.json("POST", "/v1/agents", { agent_id: "asks", name: "Asks", ...few, on_cap: "ask" });
});
afterAll(async () => {
  await taskloom.close();
  await puppet.close();
});

function makeAgent(threadId: string, path = "/ag-ui"): HttpAgent {
  const headers = { authorization: `Bearer ${taskloom.key}` };
  return new HttpAgent({ url: taskloom.url + path, threadId, headers, fetch: checkedFetch });
}

const readRun = (thread: string, run: string) => taskloom.json<Run>("GET", `/v1/threads/${thread}/runs/${run}`);

/** What the client hears of the run's end. */
function listen(): { subscriber: AgentSubscriber; errors: { code?: string; message: string; metadata?: unknown }[] } {
  const errors: { code?: string; message: string; metadata?: unknown }[] = [];
  const subscriber: AgentSubscriber = {
    onRunErrorEvent: ({ event }) => void errors.push(event as (typeof errors)[number]),
  };
  return { subscriber, errors };
}

describe("a client that answers its tools by itself", () => {
  it("ends at the cap of its first request, counted over all its runs", async () => {
    const tools = [{ name: "pick", description: "Lets the person pick.", parameters: { type: "object" } }];
    const limit = 150_000;
    const agent = makeAgent("tools", "/ag-ui/puppet");
    const { subscriber, errors } = listen();
    // Its provider counts nothing, so each call is charged at its most.
    const always = async (): Promise<never> => {
      for (let place = 1; ; place++) useTool(await puppet.next(), `c${place}`, "pick", {});
    };
    void always();
    agent.addMessage({ id: "m", role: "user", content: "Which colours do I like?" });
    await agent.runAgent({ runId: "run-0", tools, forwardedProps: { max_total_tokens: limit } }, subscriber);
    let place = 0;
    while (errors.length === 0 && place < 20) {
      place += 1;
      agent.addMessage({ id: `r${place}`, role: "tool", toolCallId: `c${place}`, content: "terracotta" });
      await agent.runAgent({ runId: `run-${place}`, tools }, subscriber);
    }
    const cap = { scope: "run", name: "max_total_tokens", limit };
    expect(errors).toMatchObject([{ code: "budget", metadata: { cap } }]);
    expect(await readRun("tools", `run-${place}`)).toMatchObject({
      status: "failed",
      steps: 0,
      caps: { max_total_tokens: limit },
    });
    const { data } = await taskloom.json<{ data: Run[] }>("GET", "/v1/threads/tools/runs?limit=100");
    expect(data.length).toBeGreaterThan(2);
    const used = data.reduce((sum, { usage }) => sum + usage.input_tokens + usage.output_tokens, 0);
    expect(used).toBeLessThanOrEqual(limit);
  });
});

describe("a reached cap", () => {
  it("is an error whose words say whose cap it is and what to do", async () => {
    const agent = makeAgent("ends", "/ag-ui/ends");
    const { subscriber, errors } = listen();
    agent.addMessage({ id: "m", role: "user", content: "hello" });
    await agent.runAgent({ runId: "run-1" }, subscriber);
    const message =
      "The cap of 10 tokens for a run of this agent is too low for the next model call alone. Raise it in the agent, then send another message to go on.";
    expect(errors).toMatchObject([{ code: "budget", message, metadata: { reason: "too_low" } }]);
  });

  it("is a question where the agent asks, which the client's own answer raises", async () => {
    const agent = makeAgent("raised", "/ag-ui/asks");
    agent.addMessage({ id: "m", role: "user", content: "hello" });
    await agent.runAgent({ runId: "run-1" });
    const [asked, ...others] = agent.pendingInterrupts;
    expect(others).toEqual([]);
    expect(asked).toMatchObject({ reason: "budget", message: expect.stringMatching(/^The cap of 10 tokens/) });
    const payload = { approved: true, max_total_tokens: 1_000_000 };
    await agent.runAgent({
      runId: "run-2",
      resume: [{ interruptId: asked?.id ?? "", status: "resolved", payload }],
    });
    expect(agent.messages.at(-1)).toMatchObject({ role: "assistant" });
    const caps = { max_total_tokens: 1_000_000 };
    expect(await readRun("raised", "run-2")).toMatchObject({ status: "completed", resumes: "run-1", caps });
  });

  it.each([
    ["declined", { status: "resolved" as const, payload: { approved: false } }],
    ["cancelled", { status: "cancelled" as const }],
  ])("ends with `budget` when the question is %s", async (how, answer) => {
    const agent = makeAgent(how, "/ag-ui/asks");
    const { subscriber, errors } = listen();
    agent.addMessage({ id: "m", role: "user", content: "你好" });
    await agent.runAgent({ runId: "run-1" }, subscriber);
    const [asked] = agent.pendingInterrupts;
    expect(asked?.message).toMatch(/^该智能体每次运行的上限（10 token）/);
    await agent.runAgent({ runId: "run-2", resume: [{ interruptId: asked?.id ?? "", ...answer }] }, subscriber);
    expect(errors).toMatchObject([{ code: "budget" }]);
    expect(await readRun(how, "run-2")).toMatchObject({ status: "failed", steps: 0, error: { code: "budget" } });
  });
});
