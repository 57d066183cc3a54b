// Ids of any form, as AG-UI's clients send them: they come back as they were sent, and never meet another thing's.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MessageRow } from "../../src/protocol/message.ts";
import type { Run } from "../../src/protocol/run.ts";
import { clientOf } from "../setup/server-client.ts";
import { endOf, makeClient, startOf, versions } from "./ag-ui-clients.ts";
import { collectFrames, startTaskloom, type Taskloom } from "./harness.ts";

let taskloom: Taskloom;

beforeAll(async () => {
  taskloom = await startTaskloom();
});
afterAll(() => taskloom.close());

/** Our id of a thread, as the start of its run says it. */
function ourThread(events: Parameters<typeof startOf>[0]): string {
  return startOf(events).metadata?.thread_id ?? startOf(events).threadId;
}

const tools = [{ name: "pick", description: "Picks.", parameters: { type: "object", properties: {} } }];

describe.each(versions)("AG-UI's client %s", (version) => {
  it("finds its own ids in every event, over several runs", async () => {
    const threadId = `app:chat/42 ${version}`;
    const client = makeClient(version, taskloom, threadId);
    client.say("user.1", "[[tool pick {}]]");
    const first = await client.run("run.2026:1", { tools });
    const start = startOf(first);
    expect(start).toMatchObject({
      threadId,
      runId: "run.2026:1",
      input: { threadId, runId: "run.2026:1", messages: [{ id: "user.1", role: "user" }] },
    });
    expect(endOf(first)).toMatchObject({ threadId, runId: "run.2026:1" });
    const call = client.messages.flatMap(({ toolCalls = [] }) => toolCalls)[0];
    client.answer("result/1", call?.id ?? "", "terracotta");
    client.say("user.2", '[[tool ask {"question":"Which colour?"}]]');
    await client.run("run.2026:2", { tools });
    const [interrupt] = client.pendingInterrupts;
    const resume = [{ interruptId: interrupt?.id ?? "", status: "resolved" as const, payload: "blue" }];
    const answer = await client.run("run.2026:3", { tools, resume });
    expect(startOf(answer)).toMatchObject({ threadId, runId: "run.2026:3", parentRunId: "run.2026:2" });
    const ids = client.messages.filter(({ role }) => role === "user" || role === "tool").map(({ id }) => id);
    expect(ids.slice(0, 3)).toEqual(["user.1", "result/1", "user.2"]);

    // A client that knows nothing gets the same conversation.
    const other = makeClient(version, taskloom, threadId);
    const attached = await other.run("run.2026:3");
    expect(other.messages).toEqual(client.messages);
    expect(endOf(attached)).toMatchObject({ threadId, runId: "run.2026:3" });

    // It continues with the whole history, of which only the last message is new.
    other.say("user.3", "[[text done]]");
    await other.run("run.2026:4");
    const thread = ourThread(first);
    const { data } = await taskloom.json<{ data: MessageRow[] }>("GET", `/v1/threads/${thread}/messages?limit=200`);
    expect(data.filter(({ type }) => type === "user")).toHaveLength(3);
    for (const row of data) expect(row.message_id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    expect(data.at(-1)?.content).toMatchObject({ content: "done" });
  });

  it("finds them in a snapshot that comes during a run, and in an answer under the first id", async () => {
    const client = makeClient(version, taskloom, `void:${version}`);
    client.say("a.1", `[[say 6]] [[cut after 3]] [[times 1]] ${version}`);
    const events = await client.run("r.1");
    const snapshots = events.flatMap((event) => (event.type === "MESSAGES_SNAPSHOT" ? event.messages : []));
    expect(snapshots.map(({ id }) => id)).toContain("a.1");
    expect(client.messages.map(({ role }) => role)).toEqual(["user", "assistant"]);

    client.say("a.2", '[[tool ask {"question":"Which colour?"}]]');
    await client.run("r.2");
    const [interrupt] = client.pendingInterrupts;
    const resume = [{ interruptId: interrupt?.id ?? "", status: "resolved" as const, payload: "blue" }];
    expect(startOf(await client.run("r.2", { resume })).runId).toBe("r.2");
    expect(client.messages.filter(({ role }) => role === "user").map(({ id }) => id)).toEqual(["a.1", "a.2"]);
  });
});

const odd = {
  "a NUL": "a\u0000b",
  "a line feed and a quote": 'a\n"b"\\',
  "text from right to left": "שיחה ١٢ محادثة",
  emoji: "🛒👩‍👩‍👧",
  "a line separator": "a\u2028b",
  "one space": " ",
  "a path": "../../v1/threads",
  "65 characters of ours": "x".repeat(65),
  "256 characters": "é".repeat(256),
};

describe("any text", () => {
  it.each(Object.entries(odd))("is taken for an id: %s", async (what, id) => {
    const client = makeClient("0.0.59", taskloom, id);
    client.say(id, `[[text ${what}]]`);
    const events = await client.run(id);
    expect([startOf(events).threadId, startOf(events).runId, startOf(events).input?.messages[0]?.id]).toEqual([
      id,
      id,
      id,
    ]);
    const again = makeClient("1.0.0", taskloom, id);
    await again.run(id);
    expect(again.messages).toEqual(client.messages);
    expect(again.messages[0]?.id).toBe(id);
    const { thread_id, invocation_id } = startOf(events).metadata ?? {};
    const run = await taskloom.json<Run>("GET", `/v1/threads/${thread_id}/runs/${invocation_id}`);
    expect(run).toMatchObject({ thread_id, invocation_id, status: "completed" });
  });

  it.each([
    ["nothing", ""],
    ["257 characters", "x".repeat(257)],
    ["a lone surrogate", "a\ud800"],
  ])("but not for %s", async (_what, id) => {
    const whole = { threadId: "t", runId: "r", messages: [{ id: "m", role: "user", content: "hi" }] };
    for (const [place, body] of [
      ["threadId", { ...whole, threadId: id }],
      ["runId", { ...whole, runId: id }],
      ["messages[0]", { ...whole, messages: [{ id, role: "user", content: "hi" }] }],
    ] as const) {
      const response = await taskloom.request("POST", "/ag-ui", body);
      const { code, detail } = (await response.json()) as { code: string; detail: string };
      expect([response.status, code, detail]).toEqual([400, "invalid_field", expect.stringContaining(place)]);
      if (id !== "") expect(detail).not.toContain(id);
    }
  });

  it("that differs is another thing, however alike", async () => {
    const names = ["run.1", "run:1", "run_1", "run-1", "run.1 ", "RUN.1", "e\u0301", "\u00e9"];
    const threads: string[] = [];
    for (const name of names) {
      const client = makeClient("1.0.0", taskloom, name);
      client.say("m.1", `[[text ${names.indexOf(name)}]]`);
      const events = await client.run("r.1");
      expect(client.messages.map(({ id }) => id)[0]).toBe("m.1");
      expect(client.messages.at(-1)?.content).toBe(String(names.indexOf(name)));
      threads.push(ourThread(events));
    }
    expect(new Set(threads).size).toBe(names.length);
    expect(threads.slice(2, 4)).toEqual(["run_1", "run-1"]);
  });

  it("names the same thread as its derived id, which comes back as such", async () => {
    const client = makeClient("1.0.0", taskloom, "by.text");
    client.say("m.1", "[[text hi]]");
    const { thread_id = "", invocation_id = "" } = startOf(await client.run("r.1")).metadata ?? {};
    const derived = makeClient("1.0.0", taskloom, thread_id);
    const start = startOf(await derived.run(invocation_id));
    expect([start.threadId, start.runId, start.metadata]).toEqual([thread_id, invocation_id, { resync: true }]);
    expect(derived.messages).toEqual(client.messages);
    // `/v1` knows the derived ids alone.
    const answer = await taskloom.request("GET", `/v1/threads/${thread_id}/runs/${invocation_id}/events`);
    const shown = JSON.stringify(await collectFrames(answer));
    expect(shown).toContain(thread_id);
    expect(shown).not.toMatch(/by\.text|m\.1|r\.1/);
    expect((await taskloom.request("GET", "/v1/threads/by.text")).status).toBe(400);
  });

  it("is another user's own", async () => {
    const { api_key } = await taskloom.json<{ api_key: string }>("POST", "/v1/users", { user_id: "bob", name: "Bob" });
    const bob = { url: taskloom.url, key: api_key };
    const own = makeClient("1.0.0", taskloom, "shared/1");
    own.say("m.1", "[[text mine]]");
    const { thread_id = "", invocation_id = "" } = startOf(await own.run("r.1")).metadata ?? {};
    for (const [threadId, runId] of [
      ["shared/1", "r.1"],
      [thread_id, invocation_id],
    ] as const) {
      const request = { threadId, runId, messages: [] };
      // There is nothing to watch, and nothing to answer.
      expect((await clientOf(bob).request("POST", "/ag-ui", request)).status).toBe(400);
    }
    const his = makeClient("1.0.0", bob, "shared/1");
    his.say("m.1", "[[text his]]");
    await his.run("r.1");
    expect(his.messages.map(({ content }) => content)).toEqual(["[[text his]]", "his"]);
    const again = makeClient("1.0.0", taskloom, "shared/1");
    await again.run("r.1");
    expect(again.messages.map(({ content }) => content)).toEqual(["[[text mine]]", "mine"]);
  });
});
