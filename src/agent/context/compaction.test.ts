import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../../protocol/message.ts";
import { chooseTail, fitLimit } from "./compaction.ts";
import { repairHistory, unansweredCalls } from "./history.ts";
import { estimateMessage } from "./tokens.ts";

// Ids repeat, and results are lost, arrive twice or late, as in old threads and with odd providers.
const id = fc.constantFrom("a", "b", "c", "d");
const text = fc.integer({ min: 0, max: 40 }).map((length) => "word ".repeat(length));
const anyMessage: fc.Arbitrary<ChatMessage> = fc.oneof(
  text.map((content) => ({ role: "user" as const, content })),
  fc.record({ content: text, ids: fc.array(id, { maxLength: 3 }) }).map(({ content, ids }) => ({
    role: "assistant" as const,
    content,
    ...(ids.length === 0
      ? {}
      : {
          tool_calls: ids.map((each) => ({
            id: each,
            type: "function" as const,
            function: { name: "t", arguments: "{}" },
          })),
        }),
  })),
  fc.record({ tool_call_id: id, content: text }).map((result) => ({ role: "tool" as const, ...result })),
);
const anyHistory = fc.array(anyMessage, { minLength: 1, maxLength: 25 });

const sizesOf = (rows: ChatMessage[]) => rows.map((row) => estimateMessage(row));
const sum = (sizes: number[]) => sizes.reduce((total, size) => total + size, 0);

describe("chooseTail", () => {
  it("starts with a person's or the model's message, and separates no call from its result", () => {
    fc.assert(
      fc.property(anyHistory, fc.integer({ min: 0, max: 600 }), (rows, most) => {
        const first = chooseTail(rows, sizesOf(rows), most);
        if (first === 0) return;
        expect(rows[first]?.role).not.toBe("tool");
        // The two parts, repaired separately, equal the repaired whole: no result is separated from its call or lost.
        const parts = [...repairHistory(rows.slice(0, first)), ...repairHistory(rows.slice(first))];
        expect(parts).toEqual(repairHistory(rows));
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps the last step whatever its size, and only what fits beside it", () => {
    fc.assert(
      fc.property(anyHistory, fc.integer({ min: 0, max: 600 }), (rows, most) => {
        const sizes = sizesOf(rows);
        const first = chooseTail(rows, sizes, most);
        const smallest = chooseTail(rows, sizes, 0);
        expect(first).toBeLessThanOrEqual(smallest);
        if (first < smallest) expect(sum(sizes.slice(first))).toBeLessThanOrEqual(most);
        expect(unansweredCalls(rows.slice(first))).toEqual(unansweredCalls(rows));
      }),
    );
  });

  it("keeps as many steps as fit", () => {
    const step = (at: number): ChatMessage[] => [
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: `c${at}`, type: "function", function: { name: "t", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: `c${at}`, content: "word ".repeat(20) },
    ];
    const rows = [
      { role: "user", content: "do it" } as const,
      ...Array.from({ length: 10 }, (_, at) => step(at)).flat(),
    ];
    const sizes = sizesOf(rows);
    expect(chooseTail(rows, sizes, sum(sizes.slice(-6)))).toBe(rows.length - 6);
    expect(chooseTail(rows, sizes, sum(sizes.slice(-6)) - 1)).toBe(rows.length - 4);
    expect(chooseTail(rows, sizes, Number.MAX_SAFE_INTEGER)).toBe(0);
  });
});

describe("fitLimit", () => {
  it("makes all messages fit, and shortens none without need", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 2000, max: 20_000 }),
        (sizes, most) => {
          const limit = fitLimit(sizes, most);
          expect(sum(sizes.map((size) => Math.min(size, limit)))).toBeLessThanOrEqual(most);
          if (sum(sizes) <= most) expect(limit).toBeGreaterThanOrEqual(Math.max(...sizes));
        },
      ),
    );
  });
});
