import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../../protocol/message.ts";
import { cutToTokens, describeCut, shortenMessage } from "./shortening.ts";
import { estimateMessage, estimateText } from "./tokens.ts";

const piece = fc.constantFrom("word ", "电商网站", '{"a":1},', "🛒", "x".repeat(50), "9f86d081884c7d65");
const long = fc.array(piece, { minLength: 200, maxLength: 1500 }).map((pieces) => pieces.join(""));

describe("cutToTokens", () => {
  it("stays within its limit, however dense the text, and well-formed", () => {
    fc.assert(
      fc.property(long, fc.integer({ min: 1, max: 800 }), (text, most) => {
        const cut = cutToTokens(text, most, describeCut);
        expect(estimateText(cut)).toBeLessThanOrEqual(most + 1);
        expect(cut.isWellFormed()).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

describe("shortenMessage", () => {
  const create = (content: string): ChatMessage => ({
    role: "assistant",
    content: "I write it.",
    tool_calls: [
      {
        id: "c",
        type: "function",
        function: { name: "create_file", arguments: JSON.stringify({ path: "a.md", content }) },
      },
    ],
  });

  it("returns the same object if the message fits", () => {
    const message = create("short");
    expect(shortenMessage(message, 500)).toBe(message);
  });

  it("keeps a call's arguments an object with the same fields", () => {
    fc.assert(
      fc.property(long, (content) => {
        const message = create(content);
        const shown = shortenMessage(message, 300);
        expect(estimateMessage(shown)).toBeLessThan(600);
        const call = shown.role === "assistant" ? shown.tool_calls?.[0] : undefined;
        expect(JSON.parse(call?.function.arguments ?? "")).toMatchObject({ path: "a.md" });
        expect(JSON.stringify(shortenMessage(message, 300))).toBe(JSON.stringify(shown));
      }),
      { numRuns: 30 },
    );
  });

  it("keeps arguments an object even if their length is not in texts", () => {
    const message = create("");
    const written = JSON.stringify({ numbers: Array.from({ length: 5000 }, (_, at) => at) });
    if (message.role !== "assistant" || !message.tool_calls?.[0]) throw new Error("no call");
    message.tool_calls[0].function.arguments = written;
    const shown = shortenMessage(message, 300);
    expect(estimateMessage(shown)).toBeLessThan(600);
    const call = shown.role === "assistant" ? shown.tool_calls?.[0] : undefined;
    expect(JSON.parse(call?.function.arguments ?? "")).toEqual({ left_out: expect.stringContaining("left out") });
  });

  it("says how to read the rest of a result", () => {
    const shown = shortenMessage({ role: "tool", tool_call_id: "call_7", content: "word ".repeat(5000) }, 300);
    expect(shown.content).toContain('read_result with {"result_id":"call_7"}');
  });

  it("replaces images that don't fit with a short text", () => {
    const image = { type: "image_url" as const, image_url: { url: "https://x/y.png" } };
    const shown = shortenMessage({ role: "user", content: [image, image, { type: "text", text: "these" }] }, 2000);
    expect(shown.content).toEqual([
      image,
      { type: "text", text: expect.stringContaining("left out") },
      { type: "text", text: "these" },
    ]);
  });
});
