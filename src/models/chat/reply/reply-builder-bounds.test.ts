// What bounds a reply, and what holds for any chunks of any server.
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { build, callPiece, delta, named } from "../../../../test/fakes/chat-deltas.ts";
import type { ModelDelta } from "../../../agent/model.ts";
import { MAX_TOOL_CALLS, ReplyTooLong } from "../../exchange/reply.ts";

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

  it("counts all of a block of reasoning, also what is no text, and searches no others for it", () => {
    const search = vi.spyOn(Array.prototype, "findLast");
    const blocks = (count: number) =>
      Array.from({ length: count }, (_, index) => delta({ reasoning_details: [{ type: "t", index, n: [1, 2, 3] }] }));
    expect(build(blocks(20), 1_000).reply.reasoning).toBe("");
    expect(() => build(blocks(40), 1_000)).toThrow(ReplyTooLong);
    expect(search).not.toHaveBeenCalled();
    search.mockRestore();
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
