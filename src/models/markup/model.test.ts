import { describe, expect, it, vi } from "vitest";
import { usage } from "../../../test/fakes/scripted-run.ts";
import type { Model, ModelDelta, ModelReply, ModelRequest } from "../../agent/model.ts";
import { withTextCalls } from "./model.ts";

const viewTasks = { name: "view_tasks", description: "", parameters: {} };
const request: ModelRequest = { model: "m", messages: [{ role: "user", content: "hi" }], tools: [viewTasks] };
const noSignal = new AbortController().signal;
const call = '<tool_call>\n{"name": "view_tasks", "arguments": {"a": 1}}\n</tool_call>';

const text = (piece: string): ModelDelta => ({ type: "text", text: piece });
const thought = (piece: string): ModelDelta => ({ type: "reasoning", text: piece });
const nativeCall = (index: number, name: string, written: string): ModelDelta[] => [
  { type: "tool_call", index, id: `call_${index}`, name },
  { type: "tool_arguments", index, text: written },
];

/** A model that sends these deltas, with the reply that they add up to. */
function sends(deltas: ModelDelta[], more: Partial<ModelReply> = {}): Model {
  const sum = (type: "text" | "reasoning") => deltas.map((delta) => (delta.type === type ? delta.text : "")).join("");
  return {
    stream: async (_request, onDelta, signal) => {
      for (const delta of deltas) if (!signal.aborted) onDelta(delta);
      const reply: ModelReply = {
        text: sum("text"),
        reasoning: sum("reasoning"),
        tool_calls: [],
        finish: "stop",
        usage,
        ...more,
      };
      return { kind: signal.aborted ? "aborted" : "reply", reply };
    },
  };
}

async function ask(deltas: ModelDelta[], asked = request, more: Partial<ModelReply> = {}) {
  const got: ModelDelta[] = [];
  const outcome = await withTextCalls(sends(deltas, more), { mode: "native" }).stream(
    asked,
    (delta) => got.push(delta),
    noSignal,
  );
  if (outcome.kind !== "reply") throw new Error(outcome.kind);
  return { reply: outcome.reply, got };
}

describe("a model with native calls", () => {
  it("makes calls of its text, which are the reason why it stopped, and keeps no raw text", async () => {
    const { reply, got } = await ask([text("<think>hm</think>Now."), text(call.slice(0, 20)), text(call.slice(20))]);
    expect(reply).toEqual({
      text: "Now.",
      reasoning: "hm",
      tool_calls: [{ id: "", type: "function", function: { name: "view_tasks", arguments: '{"a":1}' } }],
      finish: "tool_calls",
      usage,
    });
    expect(got.map(({ type }) => type)).toEqual(["reasoning", "text", "tool_call", "tool_arguments", "tool_arguments"]);
  });

  it("passes everything else on as it came, whatever a reply and an outcome contain", async () => {
    const deltas = [thought("hm"), text("a < b"), text(" and\n`c`."), ...nativeCall(0, "view_tasks", "{}")];
    const more = { finish: "tool_calls" as const, from_elsewhere: 1 };
    const { reply, got } = await ask(deltas, request, more);
    expect(got).toEqual(deltas);
    expect(reply).toMatchObject({ text: "a < b and\n`c`.", reasoning: "hm", from_elsewhere: 1, finish: "tool_calls" });
    expect(reply.tool_calls).toMatchObject([{ id: "call_0", function: { name: "view_tasks", arguments: "{}" } }]);
    const failing: Model = {
      stream: async () => ({
        kind: "failure",
        failure: { code: "model_error", message: "no", retryable: true, retry_after_ms: null },
      }),
    };
    expect(await withTextCalls(failing, { mode: "native" }).stream(request, () => {}, noSignal)).toEqual(
      await failing.stream(request, () => {}, noSignal),
    );
  });

  it("adds up to its deltas after any markup", async () => {
    for (const written of [
      `A ${call} B c <d>`,
      `<think>x</think> A [b] ${call}`,
      "A <",
      "A\n</think>\nB",
      `${call} `,
    ]) {
      const deltas = written.match(/[\s\S]{1,3}/g)?.map(text) ?? [];
      const { reply, got } = await ask(deltas);
      const sum = got.map((delta) => (delta.type === "text" ? delta.text : "")).join("");
      expect(reply.text).toBe(sum);
      expect(reply.text).not.toContain("tool_call");
    }
  });

  it.each([
    ["the text comes first", [text(call), ...nativeCall(0, "view_tasks", '{ "a": 1 }')], ['{"a":1}']],
    ["the native call comes first", [...nativeCall(0, "view_tasks", '{ "a": 1 }'), text(call)], ['{ "a": 1 }']],
    ["the name has a prefix", [...nativeCall(0, "functions.view_tasks", '{"a":1}'), text(call)], ['{"a":1}']],
    ["a value has another type", [...nativeCall(0, "view_tasks", '{"a":"1"}'), text(call)], ['{"a":"1"}']],
    [
      "both come twice",
      [text(call + call), ...nativeCall(0, "view_tasks", '{"a":1}'), ...nativeCall(1, "view_tasks", '{"a":1}')],
      ['{"a":1}', '{"a":1}'],
    ],
    ["the text has one more", [...nativeCall(0, "view_tasks", '{"a":1}'), text(call + call)], ['{"a":1}', '{"a":1}']],
    [
      "the text is unreadable",
      [
        ...nativeCall(0, "view_tasks", '{"a":1}'),
        text('<tool_call>{"name": "view_tasks", "arguments": {a}}</tool_call>'),
      ],
      ['{"a":1}'],
    ],
    ["the other call is of another tool", [...nativeCall(0, "search", "{}"), text(call)], ["{}", '{"a":1}']],
  ])("makes a call once that its server reads and leaves in the text, where %s", async (_where, deltas, expected) => {
    const { reply } = await ask(deltas);
    expect(reply.tool_calls.map((made) => made.function.arguments)).toEqual(expected);
    expect(reply.text).toBe("");
  });

  it.each([
    ["first", [text(call), ...nativeCall(0, "view_tasks", '{"b":2}')], ['{"a":1}', '{"b":2}']],
    ["last", [...nativeCall(0, "view_tasks", '{"b":2}'), text(call)], ['{"b":2}', '{"a":1}']],
  ])(
    "makes both calls of one tool that say different things, where the text comes %s",
    async (_where, deltas, expected) => {
      const { reply, got } = await ask(deltas);
      expect(reply.tool_calls.map((made) => made.function.arguments)).toEqual(expected);
      const sums = new Map<number, string>();
      for (const delta of got) {
        if (delta.type === "tool_arguments") sums.set(delta.index, (sums.get(delta.index) ?? "") + delta.text);
      }
      expect([...sums.values()]).toEqual(expected);
    },
  );

  it("makes a good native call although the same one in the text is unreadable and comes first", async () => {
    const broken = '<tool_call>{"name": "view_tasks", "arguments": {a}}</tool_call>';
    const { reply } = await ask([text(broken), ...nativeCall(0, "view_tasks", '{"a":1}')]);
    expect(reply.tool_calls.at(-1)?.function.arguments).toBe('{"a":1}');
  });

  it("makes no call of a text where its caller says that none is meant", async () => {
    const deaf = withTextCalls(sends([text(`<think>hm</think>See ${call}`)]), { mode: "native", reads: () => false });
    const outcome = await deaf.stream(request, () => {}, noSignal);
    expect(outcome).toMatchObject({ reply: { text: `See ${call}`, reasoning: "hm", tool_calls: [] } });
  });

  it("makes no call where none was offered, and thoughts are no text there either", async () => {
    const { reply } = await ask([text(`<think>hm</think>Sum: ${call}`)], { ...request, tools: [] });
    expect(reply).toMatchObject({ text: `Sum: ${call}`, reasoning: "hm", tool_calls: [], finish: "stop" });
  });

  it("reports an unreadable call to the model and does not show it", async () => {
    const { reply } = await ask([text('Now. <tool_call>{"name": "view_tasks", "arguments": {a}}</tool_call>')]);
    expect(reply.text).toBe("Now. ");
    expect(reply.tool_calls[0]?.function.arguments).toMatch(/\$malformed.*not valid JSON.*Call the tool again\./);
  });

  it("refuses more than 256 calls and closes the request", async () => {
    const deltas = Array.from({ length: 257 }, () => text(call));
    const outcome = await withTextCalls(sends(deltas), { mode: "native" }).stream(request, () => {}, noSignal);
    expect(outcome).toMatchObject({ kind: "failure", failure: { retryable: false } });
  });
});

describe("replies that begin within a thought", () => {
  const answer = [text("I should greet.\n"), text("</think>\n\nHi")];

  async function learn(deltas: ModelDelta[], expects: boolean, more: Partial<ModelReply> = {}) {
    const learned: boolean[] = [];
    const starts = {
      expects: () => expects,
      learn: (_request: ModelRequest, isStray: boolean) => void learned.push(isStray),
    };
    const model = withTextCalls(sends(deltas, more), { mode: "native", starts });
    const outcome = await model.stream(request, () => {}, noSignal);
    return { learned, reply: outcome.kind === "reply" ? outcome.reply : null };
  }

  it("are learned from one reply and read so in the next", async () => {
    expect(await learn(answer, false)).toMatchObject({ learned: [true], reply: { text: "I should greet.\n\n\nHi" } });
    expect(await learn(answer, true)).toMatchObject({
      learned: [true],
      reply: { text: "Hi", reasoning: "I should greet.\n" },
    });
  });

  it("are unlearned if the server sends its thoughts apart, or a reply has none", async () => {
    expect(await learn([thought("hm"), text("Hi")], true)).toMatchObject({
      learned: [false],
      reply: { text: "Hi", reasoning: "hm" },
    });
    expect(await learn([text("Hi")], true)).toMatchObject({ learned: [false], reply: { text: "Hi", reasoning: "Hi" } });
  });

  it("teach nothing without text, or where the output limit ends them", async () => {
    expect((await learn(nativeCall(0, "view_tasks", "{}"), false)).learned).toEqual([]);
    expect((await learn([text("I should")], true, { finish: "length" })).learned).toEqual([]);
  });
});

it("reads no call beyond those that a reply may have", async () => {
  const noted = vi.spyOn(Map.prototype, "set");
  const { stream } = withTextCalls(sends([text(call.repeat(5_000))]), { mode: "native" });
  const outcome = await stream(request, () => {}, noSignal);
  expect(noted.mock.calls.length).toBeLessThan(1_000);
  noted.mockRestore();
  expect(outcome).toMatchObject({ kind: "failure", failure: { reason: "reply_too_long" } });
});
