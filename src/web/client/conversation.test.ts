import { describe, expect, it } from "vitest";
import type { AgUiMessage, ThreadEvent } from "../../protocol/event.ts";
import { advance, type Conversation, emptyConversation } from "./conversation.ts";

const start = (runId: string, ...messages: AgUiMessage[]): ThreadEvent => ({
  type: "RUN_STARTED",
  threadId: "t",
  runId,
  input: { threadId: "t", runId, messages, tools: [], context: [] },
});
const started = start("r", { id: "u1", role: "user", content: "hi" });
const finished: ThreadEvent = {
  type: "RUN_FINISHED",
  threadId: "t",
  runId: "r",
  outcome: { type: "success" },
  result: { text: "hello", unfinished_tasks: 0 },
};
const text: ThreadEvent[] = [
  { type: "TEXT_MESSAGE_START", messageId: "m1", role: "assistant" },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: "hel" },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: "lo" },
  { type: "TEXT_MESSAGE_END", messageId: "m1" },
];
const call: ThreadEvent[] = [
  { type: "TOOL_CALL_START", toolCallId: "c1", toolCallName: "execute_command" },
  { type: "TOOL_CALL_ARGS", toolCallId: "c1", delta: '{"command":' },
  { type: "TOOL_CALL_ARGS", toolCallId: "c1", delta: '"ls"}' },
  { type: "TOOL_CALL_END", toolCallId: "c1" },
  { type: "CUSTOM", name: "tool_output", value: { tool_call_id: "c1", stream: "stdout", text: "a\n" } },
  { type: "TOOL_CALL_RESULT", messageId: "m2", toolCallId: "c1", content: "exit 0", role: "tool" },
];

function play(events: ThreadEvent[], view: Conversation = emptyConversation): Conversation {
  return events.reduce(advance, view);
}

describe("a conversation", () => {
  it("grows by texts and calls, and ends", () => {
    const view = play([started, ...call, ...text, finished]);
    expect(view.items).toEqual([
      { kind: "user", id: "u1", text: "hi", run: "r" },
      {
        kind: "tool",
        id: "c1",
        name: "execute_command",
        arguments: '{"command":"ls"}',
        output: "a\n",
        result: "exit 0",
        open: false,
      },
      { kind: "text", id: "m1", text: "hello", open: false },
    ]);
    expect(view.run).toEqual({ id: "r", state: "completed", error: null, unfinished: 0 });
  });

  it("shows a sign for each image of a message, never its address, which a browser would be made to fetch", () => {
    const value = "http://192.168.1.1/reboot";
    const content = [
      { type: "text" as const, text: "see" },
      { type: "image" as const, source: { type: "url" as const, value } },
    ];
    const shown = { kind: "user", id: "u1", text: "see\n🖼" };
    const message = { id: "u1", role: "user" as const, content };
    expect(play([start("r", message)]).items).toEqual([{ ...shown, run: "r" }]);
    expect(play([{ type: "MESSAGES_SNAPSHOT", messages: [message] }]).items).toEqual([shown]);
  });

  it("is the same when the run's stream is read twice", () => {
    const events = [started, ...call, ...text, finished];
    expect(play(events, play(events)).items).toHaveLength(3);
    expect(play(events, play(events)).items[2]).toEqual({ kind: "text", id: "m1", text: "hello", open: false });
  });

  it("is the same after a resync in the middle of a text", () => {
    const whole = play([started, ...text, finished]);
    const cut = play([started, ...text.slice(0, 2)]);
    const resync: ThreadEvent[] = [
      { type: "RUN_STARTED", threadId: "t", runId: "r", metadata: { resync: true } },
      { type: "MESSAGES_SNAPSHOT", messages: [{ id: "u1", role: "user", content: "hi" }] },
      { type: "TEXT_MESSAGE_START", messageId: "m1", role: "assistant" },
      { type: "TEXT_MESSAGE_CONTENT", messageId: "m1", delta: "hel" },
    ];
    expect(play([...resync, ...text.slice(2), finished], cut)).toEqual(whole);
  });

  it("loses what is superseded, with how its runs ended, and keeps what is older", () => {
    const user = (id: string) => ({ id, role: "user" as const, content: id });
    const reply = (id: string) => ({ id, role: "assistant" as const, content: id });
    const ends = (runId: string): ThreadEvent[] => [
      start(runId, user(`u of ${runId}`)),
      { type: "RUN_FINISHED", threadId: "t", runId, outcome: { type: "cancelled" } },
    ];
    const said: ThreadEvent = {
      type: "MESSAGES_SNAPSHOT",
      messages: [user("u1"), reply("a1"), user("u2"), reply("a2")],
    };
    const view = play([said, ...ends("r1"), ...ends("r2")]);
    const left = (messages: AgUiMessage[]) =>
      play([{ type: "MESSAGES_SNAPSHOT", messages, metadata: { superseded: true } }], view).items.map(({ id }) => id);
    const older = ["u1", "a1", "u2", "a2"];
    expect(left([user("u2"), reply("a2"), user("u of r1")])).toEqual([...older, "u of r1"]);
    expect(left([user("u2"), reply("a2")])).toEqual(older);
    expect(left([user("u1")])).toEqual(["u1"]);
    expect(left([])).toEqual([]);
  });

  it("shows a last word that was not streamed", () => {
    const view = play([started, finished]);
    expect(view.items.at(-1)).toMatchObject({ kind: "text", text: "hello" });
  });

  it("follows the plan, and keeps the old one where a change does not fit", () => {
    const plan = { version: 1, sections: [{ id: "s", title: "One", tasks: [] }] };
    const view = play([
      { type: "STATE_SNAPSHOT", snapshot: { plan, sandbox: { state: "none", previews: [] } } },
      { type: "STATE_DELTA", delta: [{ op: "replace", path: "/plan/version", value: 2 }] },
      { type: "STATE_DELTA", delta: [{ op: "replace", path: "/plan/sections/9/title", value: "?" }] },
    ]);
    expect(view.state.plan).toEqual({ ...plan, version: 2 });
  });

  it("applies a change of the plan once, even where the plan was read with it in the meantime", () => {
    const task = { id: "t", content: "New", status: "pending" };
    const section = { id: "s", title: "One", tasks: [] };
    const change = (...more: object[]) =>
      ({
        type: "STATE_DELTA",
        delta: [{ op: "add", path: "/plan/sections/0/tasks/0", value: task }, ...more],
      }) as ThreadEvent;
    const second = change({ op: "replace", path: "/plan/version", value: 2 });
    const sandbox = { state: "none", previews: [] };
    const view = play([
      { type: "STATE_SNAPSHOT", snapshot: { plan: { version: 1, sections: [section] }, sandbox } } as ThreadEvent,
      second,
      second,
      {
        type: "STATE_DELTA",
        delta: [{ op: "replace", path: "", value: { plan: { version: 1, sections: [] }, sandbox } }],
      },
      { type: "STATE_DELTA", delta: [{ op: "replace", path: "/sandbox/state", value: "started" }] },
    ]);
    expect(view.state).toMatchObject({
      plan: { version: 2, sections: [{ ...section, tasks: [task] }] },
      sandbox: { state: "started" },
    });
  });

  it("leaves nothing open when the run fails", () => {
    const view = play([started, ...text.slice(0, 2), { type: "RUN_ERROR", message: "no model", code: "model_error" }]);
    expect(view.items[1]).toMatchObject({ open: false });
    expect(view.run).toMatchObject({ state: "failed", error: "no model" });
  });

  it("shows the questions of an interrupted run until the next one starts", () => {
    const interrupts = [{ id: "i1", reason: "question", message: "Which colour?" }];
    const view = play([started, { ...finished, outcome: { type: "interrupt", interrupts } } as ThreadEvent]);
    expect(view.interrupts).toEqual(interrupts);
    expect(play([started], view).interrupts).toEqual([]);
  });

  it("bounds live output", () => {
    const output: ThreadEvent = {
      type: "CUSTOM",
      name: "tool_output",
      value: { tool_call_id: "c1", stream: "stdout", text: "x".repeat(15_000) },
    };
    const view = play([started, ...call.slice(0, 4), output, output]);
    expect(view.items[1]).toMatchObject({ output: "x".repeat(20_000) });
  });

  it("keeps the items before a snapshot, which contains the newest messages only", () => {
    const snapshot: ThreadEvent = {
      type: "MESSAGES_SNAPSHOT",
      messages: [{ id: "u2", role: "user", content: "more" }],
    };
    const older = play([started, ...text, finished]);
    const next = { ...started, runId: "r2", input: { threadId: "t", runId: "r2", messages: [snapshot.messages[0]] } };
    const void_: ThreadEvent = { type: "TEXT_MESSAGE_START", messageId: "m9", role: "assistant" };
    const view = play([next as ThreadEvent, void_, snapshot], older);
    expect(view.items.map(({ id }) => id)).toEqual(["u1", "m1", "u2"]);
  });

  it("shows where a run was stopped or failed, once however often it is read", () => {
    const stopped: ThreadEvent = { type: "RUN_FINISHED", threadId: "t", runId: "r", outcome: { type: "cancelled" } };
    const failed: ThreadEvent = { type: "RUN_ERROR", message: "no model", code: "model_error" };
    const view = play([started, stopped, started, stopped]);
    expect(view.items.at(-1)).toMatchObject({ kind: "end", id: "r", state: "cancelled" });
    expect(view.items).toHaveLength(2);
    expect(play([started, failed]).items.at(-1)).toMatchObject({ kind: "end", state: "failed", error: "no model" });
  });

  it("keeps the code and the cap of a run that may spend no more, but not for the next run", () => {
    const cap = { scope: "agent", name: "max_cost_usd", limit: 5 } as const;
    const capped: ThreadEvent = { type: "RUN_ERROR", message: "no money", code: "budget", metadata: { cap } };
    const view = play([started, capped]);
    expect(view.items.at(-1)).toMatchObject({ kind: "end", error: "no money", code: "budget", cap });
    const stopped: ThreadEvent = { type: "RUN_FINISHED", threadId: "t", runId: "r2", outcome: { type: "cancelled" } };
    const next = play([{ ...started, runId: "r2" } as ThreadEvent, stopped], view);
    expect(next.items.at(-1)).not.toHaveProperty("code");
  });

  it("keeps run ends and command output when a snapshot contains their messages again", () => {
    const failed: ThreadEvent = { type: "RUN_ERROR", message: "no model", code: "model_error" };
    const ask = (id: string): ThreadEvent[] => [
      {
        ...started,
        runId: id,
        input: { threadId: "t", runId: id, messages: [{ id: `u ${id}`, role: "user", content: "hi" }] },
      } as ThreadEvent,
    ];
    const view = play([
      ...ask("r1"),
      failed,
      ...ask("r2"),
      ...call,
      { ...finished, runId: "r2" } as ThreadEvent,
      ...ask("r3"),
      failed,
    ]);
    const snapshot: ThreadEvent = {
      type: "MESSAGES_SNAPSHOT",
      messages: [
        { id: "u r1", role: "user", content: "hi" },
        { id: "u r2", role: "user", content: "hi" },
        {
          id: "m2",
          role: "assistant",
          content: "",
          toolCalls: [
            { id: "c1", type: "function", function: { name: "execute_command", arguments: '{"command":"ls"}' } },
          ],
        },
        { id: "m3", role: "tool", toolCallId: "c1", content: "exit 0" },
        { id: "u r3", role: "user", content: "hi" },
      ],
    };
    expect(view.items.map(({ kind }) => kind)).toEqual(["user", "end", "user", "tool", "text", "user", "end"]);
    expect(play([snapshot], view).items).toEqual(view.items);
  });

  it("shows a run's last word even where an earlier run said the same", () => {
    const again = {
      ...started,
      runId: "r2",
      input: { threadId: "t", runId: "r2", messages: [{ id: "u2", role: "user", content: "more" }] },
    };
    const ended = { ...finished, runId: "r2" };
    const view = play([started, ...text, finished, again as ThreadEvent, ended as ThreadEvent, ended as ThreadEvent]);
    expect(view.items.map(({ id }) => id)).toEqual(["u1", "m1", "u2", "result r2"]);
  });

  it("learns the sources from results and from the end, and one that was read stays read", () => {
    const source = (n: number, read: boolean) => ({
      ...{ n, url: `https://e.example/${n}`, title: null, date: null, fetched_at: null, hash: null },
      read,
    });
    const found = (...sources: ReturnType<typeof source>[]): ThreadEvent => ({
      type: "CUSTOM",
      name: "sources",
      value: { tool_call_id: "c", sources },
    });
    const view = play([started, found(source(1, true), source(2, false)), found(source(1, false))]);
    expect(view.sources).toEqual({ 1: source(1, true), 2: source(2, false) });
    const result = { text: "", unfinished_tasks: 0, sources: [{ ...source(2, true), cited: true }] };
    const ended = play([{ ...finished, result } as ThreadEvent], view);
    expect(ended.sources[2]).toMatchObject({ read: true });
    expect(play([{ type: "MESSAGES_SNAPSHOT", messages: [] }], ended).sources).toBe(ended.sources);
  });
});
