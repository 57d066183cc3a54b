import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutEnd, cutMiddle } from "./truncate.ts";

const notice = (omitted: number) => `[${omitted} left out]`;
/** Text with many surrogate pairs, and never a lone one. */
const text = fc.string({ unit: fc.constantFrom("a", "é", "汉", "😀", "🧵", "\n"), maxLength: 200 });

describe("cutMiddle", () => {
  it("leaves a text alone that fits", () => {
    expect(cutMiddle("hello", 5, notice)).toBe("hello");
  });

  it("keeps the head and the tail, and says how much is missing", () => {
    const cut = cutMiddle(`${"a".repeat(500)}${"z".repeat(500)}`, 100, notice);
    expect(cut).toMatch(/^a+\[\d+ left out\]z+$/);
    const kept = cut.replace(/\[.*\]/, "").length;
    expect(cut).toContain(`[${1000 - kept} left out]`);
  });

  it("never exceeds its limit and never splits a pair, for any text and limit", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 250 }), (value, limit) => {
        const cut = cutMiddle(value, limit, notice);
        expect(cut.length).toBeLessThanOrEqual(limit);
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });

  it("keeps a beginning and an end of the text itself", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 30, max: 100 }), (value, limit) => {
        const [head = "", tail = ""] = cutMiddle(value, limit, () => "\u0000").split("\u0000");
        expect(value.startsWith(head)).toBe(true);
        expect(value.endsWith(tail)).toBe(true);
      }),
    );
  });
});

describe("cutEnd", () => {
  it("is a prefix within the limit that ends on a whole character", () => {
    fc.assert(
      fc.property(text, fc.integer({ min: -3, max: 250 }), (value, limit) => {
        const cut = cutEnd(value, limit);
        expect(value.startsWith(cut)).toBe(true);
        expect(cut.length).toBeLessThanOrEqual(Math.max(0, limit));
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });
});
