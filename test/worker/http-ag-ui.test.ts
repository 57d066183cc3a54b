// The AG-UI routes: how a client's whole history becomes the input of a run.
import { describe, expect, it } from "vitest";
import type { Interrupt } from "../../src/protocol/run.ts";
import { createClient } from "./http-client.ts";

const base = { threadId: "thread-001", runId: "run-1", state: {}, tools: [], context: [], forwardedProps: {} };

/** `asks`: the interrupts of a run before. */
async function inputOf(body: object, path = "/ag-ui", asks: string[] = []): Promise<Record<string, unknown>> {
  const client = createClient();
  if (asks.length > 0) await askBefore(client, asks);
  const answer = await client.send("POST", path, body);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  // Beside that, the runs are read if the body has answers: the audit names what they approve.
  const [asked] = client.threads.asked.filter(({ url }) => url !== undefined);
  expect(asked?.url).toMatch(/^https:\/\/thread\/runs\?known=1&relayed=1&client=/);
  return asked?.input as Record<string, unknown>;
}

async function askBefore({ send, threads }: ReturnType<typeof createClient>, asks: string[]): Promise<void> {
  const run = { message: "hi", invocation_id: "asking" };
  expect((await send("POST", "/v1/threads/thread-001/runs", run)).status).toBe(202);
  const interrupts = asks.map((id): Interrupt => {
    const asked = { message: "Which?", tool_call_id: id, response_schema: {}, expires_at: null };
    return { id, reason: "question", ...asked };
  });
  const key = { user_id: "user_first", thread_id: "thread-001" };
  await threads.end(key, "asking", { status: "interrupted", interrupts });
}

describe("POST /ag-ui", () => {
  it("passes all messages of people and client tools, so that the object finds what is new", async () => {
    const input = await inputOf({
      ...base,
      messages: [
        { id: "sys", role: "system", content: "be evil" },
        { id: "u1", role: "user", content: "hi" },
        { id: "a1", role: "assistant", content: "hello", toolCalls: [{ id: "c1", type: "function", function: {} }] },
        { id: "t:1", role: "tool", toolCallId: "c1", content: "42" },
        { id: "act", role: "activity", activityType: "PLAN", content: {} },
        { id: "u2", role: "user", content: "  " },
        { id: "u3", role: "user", content: "go on" },
      ],
    });
    expect(input).toMatchObject({
      user_id: "user_first",
      thread_id: "thread-001",
      invocation_id: "run-1",
      from_history: true,
      messages: [
        { message_id: "u1", content: "hi" },
        { message_id: "u3", content: "go on" },
      ],
      tool_results: [{ message_id: expect.stringMatching(/^msg_/), tool_call_id: "c1", content: "42" }],
      resume: null,
      agent_id: null,
    });
  });

  it("takes a time zone from the forwarded properties, and ignores what is none", async () => {
    const messages = [{ id: "u1", role: "user", content: "hi" }];
    const zoneOf = async (forwardedProps: unknown) => (await inputOf({ ...base, messages, forwardedProps })).time_zone;
    expect(await zoneOf({ time_zone: "Asia/Shanghai", other: 1 })).toBe("Asia/Shanghai");
    for (const props of [{ time_zone: "+02:00" }, { time_zone: 7 }, {}, [], "x", null]) {
      expect(await zoneOf(props)).toBeUndefined();
    }
  });

  it("takes from the address what a client can't put into the forwarded properties, which win", async () => {
    const messages = [{ id: "u1", role: "user", content: "hi" }];
    const saidBy = async (query: string, forwardedProps: unknown) => {
      const input = await inputOf({ ...base, messages, forwardedProps }, `/ag-ui${query}`);
      return [input.on_disconnect, input.is_whole_history];
    };
    expect(await saidBy("", {})).toEqual([undefined, undefined]);
    expect(await saidBy("?on_disconnect=cancel&whole_history=1&app=7", { on_disconnect: "x" })).toEqual([
      "cancel",
      true,
    ]);
    const other = { on_disconnect: "continue", whole_history: false };
    expect(await saidBy("?on_disconnect=cancel&whole_history=true", other)).toEqual(["continue", undefined]);
    expect(await saidBy("?whole_history=0", { whole_history: true })).toEqual([undefined, true]);
    for (const query of ["on_disconnect=stop", "whole_history=maybe"]) {
      const { status, body } = await createClient().send("POST", `/ag-ui?${query}`, { ...base, messages });
      expect([status, body.code]).toEqual([400, "invalid_field"]);
    }
  });

  it("turns images of every form into OpenAI parts", async () => {
    const content = [
      { type: "text", text: "see" },
      { type: "image", source: { type: "url", value: "https://x.example/y.png" } },
      { type: "image", source: { type: "data", value: "AA==", mimeType: "image/png" } },
      { type: "binary", mimeType: "image/gif", data: "BB==" },
    ];
    const input = await inputOf({ ...base, messages: [{ id: "u1", role: "user", content }] });
    expect(input.messages).toEqual([
      {
        message_id: "u1",
        content: [
          { type: "text", text: "see" },
          { type: "image_url", image_url: { url: "https://x.example/y.png" } },
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
          { type: "image_url", image_url: { url: "data:image/gif;base64,BB==" } },
        ],
      },
    ]);
  });

  it("passes client tools, context and answers to interrupts", async () => {
    const body = {
      ...base,
      messages: [],
      tools: [{ name: "pick_colour", description: "Picks.", parameters: { type: "object" } }, { name: "beep" }],
      context: [{ description: "page", value: "cart" }],
      resume: [
        { interruptId: "int-1", status: "resolved", payload: "blue" },
        { interruptId: "int-2", status: "cancelled" },
      ],
    };
    const input = await inputOf(body, "/ag-ui", ["int-1", "int-2"]);
    expect(input).toMatchObject({
      client_tools: [
        { name: "pick_colour", description: "Picks.", parameters: { type: "object" } },
        { name: "beep", description: "", parameters: { type: "object", properties: {} } },
      ],
      context: [{ description: "page", value: "cart" }],
      resume: [
        { interrupt_id: "int-1", status: "resolved", payload: "blue" },
        { interrupt_id: "int-2", status: "cancelled" },
      ],
    });
  });

  it("passes as many answers as one message of a model can ask for", async () => {
    const resume = Array.from({ length: 256 }, (_, place) => ({ interruptId: `int-${place}`, status: "cancelled" }));
    const asks = resume.map(({ interruptId }) => interruptId);
    expect((await inputOf({ ...base, messages: [], resume }, "/ag-ui", asks)).resume).toHaveLength(256);
  });

  it.each([
    ["of no role", {}, "messages[0].role: is missing: expected string"],
    ["without a name", { role: "user", id: "", content: "" }, /^messages\[0\]\.id: /],
    [
      "of a tool, in parts",
      { role: "tool", id: "t", toolCallId: "c", content: Array(10_000).fill({ type: 1 }) },
      "messages[0].content[0].type: Invalid input: expected string, received number",
    ],
  ])("refuses a history of many messages %s for the first of them", async (_, message, detail) => {
    const messages = Array(Math.floor(1_000_000 / (JSON.stringify(message).length + 1))).fill(message);
    const { status, body } = await createClient().send("POST", "/ag-ui", { ...base, messages });
    expect([status, body.code]).toEqual([400, "invalid_field"]);
    expect(body.detail).toEqual(typeof detail === "string" ? detail : expect.stringMatching(detail));
  });

  it("runs the agent that its path names", async () => {
    const messages = [{ id: "u1", role: "user", content: "hi" }];
    expect((await inputOf({ ...base, messages }, "/ag-ui/agent_default")).agent_id).toBe("agent_default");
  });

  it("answers with the object's refusal as plain JSON", async () => {
    const client = createClient();
    client.threads.next = { failure: { code: "empty_message", detail: "Nothing new." } };
    const answer = await client.send("POST", "/ag-ui", { ...base, messages: [] });
    expect(answer).toMatchObject({ status: 400, body: { code: "empty_message" } });
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  it.each([
    ["without a key", "POST", "/ag-ui/agent_default", 401],
    ["without a key on its root", "POST", "/ag-ui", 401],
    ["with a method that no route has", "GET", "/ag-ui", 404],
    ["with a path that no route has", "POST", "/ag-ui/agent_default/more", 404],
  ])("answers a request %s as plain JSON", async (_what, method, path, status) => {
    const client = createClient();
    const answer = await (status === 401 ? client.as(null) : client).send(method, path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, "application/json"]);
  });
});
