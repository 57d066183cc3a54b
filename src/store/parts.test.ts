import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteLength, cutIntoParts } from "./parts.ts";

describe("cutIntoParts", () => {
  it("gives parts within the limit that join to the text and split no character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), fc.integer({ min: 4, max: 20 }), (text, limit) => {
        const parts = cutIntoParts(text, limit);
        expect(parts.join("")).toBe(text);
        for (const part of parts) {
          expect(byteLength(part)).toBeLessThanOrEqual(limit);
          expect(part.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  it("gives none for an empty text", () => {
    expect(cutIntoParts("", 10)).toEqual([]);
  });
});
