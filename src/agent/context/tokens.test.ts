import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimateMessage, estimateText } from "./tokens.ts";

describe("estimateText", () => {
  // Roughly what the tokenizers of three makers count. An estimate within a factor of two is good enough.
  it.each([
    ["English", "The person wants a shop with a cart, and every price in their own currency. ".repeat(10), 170],
    ["Chinese", "帮我做一个电商网站，商品要有价格和库存。".repeat(10), 170],
    ["JSON", '{"id":12,"name":"tea","price":18.5,"tags":["a","b"]},'.repeat(10), 250],
    ["code", "export function sum(a: number, b: number): number {\n  return a + b;\n}\n".repeat(10), 210],
    ["hashes", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n".repeat(10), 400],
    ["base64", "QmFzZTY0IGlzIG5vdCBwcm9zZSBhbmQgaGFzIG5vIHdvcmRzIGluIGl0IGF0IGFsbA".repeat(10), 440],
  ])("is near a tokenizer's count for %s", (_, text, counted) => {
    const ratio = estimateText(text) / counted;
    expect(ratio).toBeGreaterThan(0.55);
    expect(ratio).toBeLessThan(1.8);
  });

  const piece = fc.constantFrom("word ", "电商", "🛒", "{", "\n", "0123456789", "x".repeat(30), "\u0000");
  const text = fc.array(piece).map((pieces) => pieces.join(""));

  it("grows with the text, and never exceeds one token a character", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(estimateText(a + b)).toBeGreaterThanOrEqual(estimateText(a));
        expect(estimateText(a)).toBeLessThanOrEqual(a.length + 1);
      }),
    );
  });
});

describe("estimateMessage", () => {
  it("counts a call's arguments, and a fixed amount for an image", () => {
    const call = {
      id: "c",
      type: "function" as const,
      function: { name: "create_file", arguments: "word ".repeat(400) },
    };
    expect(estimateMessage({ role: "assistant", content: null, tool_calls: [call] })).toBeGreaterThan(400);
    const url = `data:image/png;base64,${"A".repeat(500_000)}`;
    const image = { type: "image_url" as const, image_url: { url } };
    expect(estimateMessage({ role: "user", content: [image] })).toBeLessThan(3000);
  });
});
