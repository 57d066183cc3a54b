import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJsonEnd } from "./json-end.ts";

function isWhole(...pieces: string[]): boolean {
  const end = createJsonEnd();
  for (const piece of pieces) end.push(piece);
  return end.isWhole;
}

describe("createJsonEnd", () => {
  it("knows any object as whole at its last brace and not before, however it is split", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), fc.boolean(), (value, cut, isSpaced) => {
        const text = isSpaced ? ` ${JSON.stringify(value, null, 2)}\n` : JSON.stringify(value);
        const at = cut % text.length;
        expect(isWhole(text.slice(0, at), text.slice(at))).toBe(true);
        const end = text.trimEnd().length - 1;
        expect(isWhole(text.slice(0, Math.min(at, end)))).toBe(false);
      }),
    );
  });

  it.each(["", "[]", "text", "{}{}", '{"a":1}x', '"{}"'])("does not take %j for an object", (text) => {
    expect(isWhole(text)).toBe(false);
  });
});
