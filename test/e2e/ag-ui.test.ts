// AG-UI's own client, unmodified and with its verifier, against the complete server.
import { HttpAgent, verifyEvents } from "@ag-ui/client";
import { EventSchemas } from "@ag-ui/core/schemas";
import { from, lastValueFrom, toArray } from "rxjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkedFetch } from "../fakes/ag-ui-schemas.ts";
import { collectFrames, openPreview, readFrames, startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom();
});
afterAll(async () => {
  await taskloom.close();
});

function makeAgent(threadId: string, path = "/ag-ui"): HttpAgent {
  return new HttpAgent({
    url: taskloom.url + path,
    threadId,
    headers: { authorization: `Bearer ${taskloom.key}` },
    fetch: checkedFetch,
  });
}

describe("HttpAgent", () => {
  it("gets text, tool calls and the plan, and runs a second turn", async () => {
    const agent = makeAgent("thread-agui");
    agent.addMessage({ id: "m1", role: "user", content: "build me an online shop" });
    await agent.runAgent({ runId: "inv-1" });
    const roles = agent.messages.map(({ role }) => role);
    expect(roles[0]).toBe("user");
    expect(roles).toContain("tool");
    const called = agent.messages.flatMap((message) => ("toolCalls" in message ? (message.toolCalls ?? []) : []));
    expect(called.map((call) => call.function.name)).toEqual(
      expect.arrayContaining(["create_tasks", "create_file", "execute_command", "expose_port"]),
    );
    const state = agent.state as {
      plan: { sections: { tasks: { status: string }[] }[] };
      sandbox: { previews: { url: string }[] };
    };
    const statuses = state.plan.sections.flatMap((section) => section.tasks.map((task) => task.status));
    expect(statuses.length).toBeGreaterThan(5);
    expect(new Set(statuses)).toEqual(new Set(["completed"]));
    const page = await openPreview(state.sandbox.previews[0]?.url ?? "");
    expect([page.status, page.text.includes("<html")]).toEqual([200, true]);

    const before = agent.messages.length;
    agent.addMessage({ id: "m2", role: "user", content: "thanks" });
    await agent.runAgent({ runId: "inv-2" });
    expect(agent.messages.length).toBe(before + 2);
    const { data } = await taskloom.json<{ data: { message_id: string; type: string }[] }>(
      "GET",
      "/v1/threads/thread-agui/messages?type=user&limit=200",
    );
    expect(data.map(({ message_id }) => message_id)).toEqual(["m1", "m2"]);
  });

  it("attaches to a known run and ends with the same conversation", async () => {
    const first = makeAgent("thread-attach");
    first.addMessage({ id: "m1", role: "user", content: "hello" });
    await first.runAgent({ runId: "inv-a" });
    const second = makeAgent("thread-attach");
    await second.runAgent({ runId: "inv-a" });
    expect(second.messages).toEqual(first.messages);
    expect(second.state).toEqual(first.state);
  });

  it("receives a bad body's error as JSON", async () => {
    const response = await taskloom.request("POST", "/ag-ui", { threadId: "t", runId: "r", messages: [] });
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toMatchObject({ code: "empty_message" });
  });

  it("asks a question, refuses to continue without the answer, and continues with it", async () => {
    const agent = makeAgent("thread-ask");
    agent.addMessage({
      id: "m1",
      role: "user",
      content: '[[tool ask {"question":"Which colour?","choices":["red","blue"]}]]',
    });
    await agent.runAgent({ runId: "inv-q" });
    const interrupts = agent.pendingInterrupts;
    expect(interrupts.map(({ reason, message }) => [reason, message])).toEqual([["question", "Which colour?"]]);
    await agent.runAgent({
      runId: "inv-r",
      resume: [{ interruptId: interrupts[0]?.id ?? "", status: "resolved", payload: "blue" }],
    });
    expect(agent.messages.at(-1)).toMatchObject({ role: "assistant" });
    expect(JSON.stringify(agent.messages)).toContain("blue");
  });
});

describe("an approval", () => {
  it("is requested before the command runs, and given by HttpAgent's own answer", async () => {
    await taskloom.json("POST", "/v1/agents", {
      agent_id: "careful",
      name: "Careful",
      approvals: { execute_command: ["rm *"] },
    });
    const agent = makeAgent("thread-approve", "/ag-ui/careful");
    const hook = '[[tool execute_command {"command":"cd . && rm -f gone; echo removed"}]]';
    for (const [approved, said] of [
      [false, "declined: "],
      [true, "removed"],
    ] as const) {
      agent.addMessage({ id: `m-${approved}`, role: "user", content: hook });
      await agent.runAgent({ runId: `inv-asks-${approved}` });
      const [interrupt, ...others] = agent.pendingInterrupts;
      expect(others).toEqual([]);
      expect(interrupt).toMatchObject({
        reason: "approval",
        message: "execute_command: cd . && rm -f gone; echo removed",
      });
      expect(agent.messages.at(-1)).toMatchObject({ role: "assistant" });
      const answer = { interruptId: interrupt?.id ?? "", status: "resolved" as const, payload: { approved } };
      await agent.runAgent({ runId: `inv-answers-${approved}`, resume: [answer] });
      const result = agent.messages.findLast(({ role }) => role === "tool");
      expect(String(result?.content)).toContain(said);
    }
    const run = await taskloom.json("GET", "/v1/threads/thread-approve/runs/inv-answers-true");
    expect(run).toMatchObject({ status: "completed", agent_id: "careful", resumes: "inv-asks-true" });
  });
});

describe("tools of the client", () => {
  const tools = [
    {
      name: "pick_colour",
      description: "Lets the person pick a colour.",
      parameters: { type: "object", properties: { hint: { type: "string" } } },
    },
  ];

  it("end the run with their calls pending, and their results continue it", async () => {
    const agent = makeAgent("thread-client-tools");
    agent.addMessage({ id: "m1", role: "user", content: '[[tool pick_colour {"hint":"warm"}]]' });
    const outcomes: unknown[] = [];
    const subscriber = {
      onRunFinishedEvent: ({ event }: { event: { outcome?: unknown } }) => {
        outcomes.push(event.outcome);
      },
    };
    await agent.runAgent({ runId: "inv-1", tools }, subscriber);
    const call = agent.messages.flatMap((message) => ("toolCalls" in message ? (message.toolCalls ?? []) : []))[0];
    expect(call?.function).toEqual({ name: "pick_colour", arguments: '{"hint":"warm"}' });
    expect(outcomes).toEqual([{ type: "success", pendingToolCallIds: [call?.id] }]);

    agent.addMessage({ id: "m2", role: "tool", toolCallId: call?.id ?? "", content: "terracotta" });
    await agent.runAgent({ runId: "inv-2", tools }, subscriber);
    expect(JSON.stringify(agent.messages.at(-1))).toContain("terracotta");
    expect(agent.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant"]);
    const { data } = await taskloom.json<{ data: { type: string; content: { content: string } }[] }>(
      "GET",
      "/v1/threads/thread-client-tools/messages?type=tool",
    );
    expect(data.map((row) => row.content.content)).toEqual(["terracotta"]);
  });
});

describe("the thread's stream", () => {
  it("carries two runs in sequence that pass the verifier and the schemas", async () => {
    for (const message of ["hello", '[[tool create_tasks {"sections":[{"title":"A","tasks":["one"]}]}]]']) {
      await taskloom.json("POST", "/v1/threads/thread-two/runs?wait=1", { message });
    }
    const reading = new AbortController();
    const response = await fetch(`${taskloom.url}/v1/threads/thread-two/events`, {
      headers: { authorization: `Bearer ${taskloom.key}` },
      signal: reading.signal,
    });
    const events = [];
    for await (const { event } of readFrames(response)) {
      events.push(EventSchemas.parse(event));
      if (events.filter(({ type }) => type === "RUN_FINISHED").length === 2) break;
    }
    reading.abort();
    const verified = await lastValueFrom(from(events).pipe(verifyEvents(false), toArray()));
    expect(verified).toHaveLength(events.length);
  });

  it("replays a finished run with one CONTENT per message", async () => {
    await taskloom.json("POST", "/v1/threads/thread-replay/runs?wait=1", {
      message: "[[say 30]]",
      invocation_id: "inv-s",
    });
    const frames = await collectFrames(await taskloom.request("GET", "/v1/threads/thread-replay/runs/inv-s/events"));
    expect(frames.map(({ event }) => event.type)).toEqual([
      "RUN_STARTED",
      "STATE_SNAPSHOT",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
      "RUN_FINISHED",
    ]);
  });
});
