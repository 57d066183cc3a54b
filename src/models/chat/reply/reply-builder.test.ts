import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelDelta, ModelReply } from "../../../agent/model.ts";
import { MAX_TOOL_CALLS } from "./call-builder.ts";
import { createReplyBuilder } from "./reply-builder.ts";
import { ReplyTooLong } from "./reply-limits.ts";

function build(chunks: unknown[], limit = 10_000): { reply: ModelReply; deltas: ModelDelta[] } {
  const deltas: ModelDelta[] = [];
  const builder = createReplyBuilder((delta) => deltas.push(delta), { max_characters: limit });
  for (const chunk of chunks) builder.accept(chunk as Record<string, unknown>);
  builder.close();
  return { reply: builder.reply(), deltas };
}

const delta = (value: unknown, finish: string | null = null) => ({
  choices: [{ index: 0, delta: value, finish_reason: finish }],
});
const callPiece = (entry: unknown) => delta({ tool_calls: [entry] });
const named = (reply: ModelReply) =>
  reply.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]);

/** What the deltas add up to under the port's contract. */
function addUp(deltas: ModelDelta[]) {
  const sum = { text: "", reasoning: "", calls: new Map<number, [string, string, string]>() };
  for (const piece of deltas) {
    if (piece.type === "text") sum.text += piece.text;
    else if (piece.type === "reasoning") sum.reasoning += piece.text;
    else if (piece.type === "tool_call") sum.calls.set(piece.index, [piece.id, piece.name, ""]);
    else {
      const call = sum.calls.get(piece.index);
      if (!call) throw new Error("arguments before their call");
      call[2] += piece.text;
    }
  }
  return sum;
}

describe("createReplyBuilder", () => {
  it("reads text, both names of reasoning, refusals and content in parts", () => {
    const { reply } = build([
      delta({ reasoning_content: "a" }),
      delta({ reasoning: "b" }),
      delta({
        content: [
          { type: "thinking", thinking: [{ type: "text", text: "c" }] },
          { type: "text", text: "1" },
        ],
      }),
      delta({ content: "2" }),
      delta({ refusal: "3" }, "stop"),
    ]);
    expect(reply).toMatchObject({ text: "123", reasoning: "abc", finish: "stop", tool_calls: [] });
  });

  it("joins the pieces of a call by index", () => {
    const { reply } = build([
      callPiece({ index: 0, id: "c1", type: "function", function: { name: "f", arguments: "" } }),
      callPiece({ index: 0, function: { arguments: '{"a"' } }),
      callPiece({ index: 0, id: "c1", function: { name: "f", arguments: ":1}" } }),
    ]);
    expect(named(reply)).toEqual([["c1", "f", '{"a":1}']]);
  });

  it("treats a new id and name under a known index as another call", () => {
    const { reply } = build([
      callPiece({ index: 0, id: "c1", function: { name: "f", arguments: "{}" } }),
      callPiece({ index: 0, id: "c2", function: { name: "g", arguments: "{" } }),
      callPiece({ index: 0, function: { arguments: "}" } }),
    ]);
    expect(named(reply)).toEqual([
      ["c1", "f", "{}"],
      ["c2", "g", "{}"],
    ]);
  });

  it("treats whole calls without ids under one index as calls of their own", () => {
    const { reply } = build([
      callPiece({ index: 0, function: { name: "f", arguments: '{"a":1}' } }),
      callPiece({ index: 0, function: { name: "f", arguments: '{"a":2}' } }),
    ]);
    expect(named(reply)).toEqual([
      ["", "f", '{"a":1}'],
      ["", "f", '{"a":2}'],
    ]);
  });

  it("assigns pieces of calls that come without an index", () => {
    const { reply } = build([
      callPiece({ id: "c1", function: { name: "f", arguments: '{"a' } }),
      callPiece({ function: { arguments: '":1}' } }),
      callPiece({ function: { name: "g", arguments: { b: 2 } } }),
      callPiece({ id: "c1", function: { arguments: " " } }),
    ]);
    expect(named(reply)).toEqual([
      ["c1", "f", '{"a":1} '],
      ["", "g", '{"b":2}'],
    ]);
  });

  it("holds arguments back until the name is known, and announces a nameless call at the end", () => {
    const { reply, deltas } = build([
      callPiece({ index: 0, id: "c1", function: { arguments: "{" } }),
      callPiece({ index: 0, function: { name: "f", arguments: "}" } }),
      callPiece({ index: 1, id: "c2", function: { arguments: "{}" } }),
    ]);
    expect(deltas).toEqual([
      { type: "tool_call", index: 0, id: "c1", name: "f" },
      { type: "tool_arguments", index: 0, text: "{}" },
      { type: "tool_call", index: 1, id: "c2", name: "" },
      { type: "tool_arguments", index: 1, text: "{}" },
    ]);
    expect(named(reply)).toEqual([
      ["c1", "f", "{}"],
      ["c2", "", "{}"],
    ]);
  });

  it("reads usage from every place where providers put it", () => {
    const spent = { prompt_tokens: 10, completion_tokens: 3 };
    expect(
      build([{ choices: [], usage: { ...spent, prompt_tokens_details: { cached_tokens: 4 }, cost: 0.5 } }]).reply.usage,
    ).toEqual({
      input_tokens: 10,
      cached_input_tokens: 4,
      output_tokens: 3,
      cost_usd: 0.5,
    });
    const plain = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 3, cost_usd: null };
    expect(build([{ choices: [{ delta: {}, usage: spent }] }]).reply.usage).toEqual(plain);
    expect(build([{ x_groq: { usage: spent } }]).reply.usage).toEqual(plain);
    expect(build([delta({ content: "x" })]).reply.usage).toBeNull();
  });

  it("reads the whole message of a server that does not stream", () => {
    const message = {
      role: "assistant",
      content: "hi",
      tool_calls: [{ id: "c", function: { name: "f", arguments: "{}" } }],
    };
    const { reply } = build([{ choices: [{ message, finish_reason: "tool_calls" }] }]);
    expect(reply).toMatchObject({ text: "hi", finish: "tool_calls" });
    expect(named(reply)).toEqual([["c", "f", "{}"]]);
  });

  it("refuses to grow past its limit in text, arguments, names or number of calls", () => {
    expect(() =>
      build(
        Array.from({ length: 20 }, () => delta({ content: "x".repeat(100) })),
        1000,
      ),
    ).toThrow(ReplyTooLong);
    expect(() => build([callPiece({ index: 0, id: "x".repeat(2000) })], 1000)).toThrow(ReplyTooLong);
    const many = Array.from({ length: MAX_TOOL_CALLS + 1 }, (_, index) => callPiece({ index, id: `c${index}` }));
    expect(() => build(many)).toThrow(ReplyTooLong);
  });

  it("counts an id that is repeated with every piece only once", () => {
    const pieces = Array.from({ length: 200 }, () =>
      callPiece({ index: 0, id: "an-id-of-some-length", function: { name: "f", arguments: "x" } }),
    );
    expect(build(pieces, 500).reply.tool_calls[0]?.function.arguments).toHaveLength(200);
  });

  it("accepts any JSON in place of a chunk without a crash", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("choices", "usage", "x_groq"), fc.jsonValue()),
        fc.jsonValue(),
        (chunk, value) => {
          const { reply, deltas } = build(
            [chunk, { choices: [value] }, { choices: [{ delta: value }] }, callPiece(value)],
            100_000,
          );
          expect(addUp(deltas).text).toBe(reply.text);
        },
      ),
    );
  });

  it("adds up tool calls, text and reasoning under any interleaving", () => {
    const call = fc.record({
      name: fc.constantFrom("f", "g"),
      pieces: fc.array(fc.string({ maxLength: 5 }), { maxLength: 6 }),
    });
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 4 }),
        fc.array(fc.string(), { maxLength: 5 }),
        fc.infiniteStream(fc.nat()),
        (calls, words, picks) => {
          const queues = calls.map(({ name, pieces }, index) => [
            callPiece({ index, id: `c${index}`, function: { name, arguments: "" } }),
            ...pieces.map((text) => callPiece({ index, function: { arguments: text } })),
          ]);
          queues.push(words.map((content) => delta({ content })) as never);
          const chunks: unknown[] = [];
          while (queues.some((queue) => queue.length > 0)) {
            const open = queues.filter((queue) => queue.length > 0);
            chunks.push(open[picks.next().value % open.length]?.shift());
          }
          const { reply, deltas } = build(chunks);
          const expected = calls.map(({ name, pieces }, index) => [`c${index}`, name, pieces.join("")]);
          expect(named(reply).sort()).toEqual(expected.sort());
          expect(reply.text).toBe(words.join(""));
          const sum = addUp(deltas);
          expect(sum.text).toBe(reply.text);
          expect([...sum.calls.entries()].sort(([a], [b]) => a - b).map(([, value]) => value)).toEqual(named(reply));
        },
      ),
    );
  });
});
