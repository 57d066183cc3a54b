import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeFew } from "./ascii.ts";

describe("escapeFew", () => {
  it("says the same in JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
        const json = JSON.stringify([value, text, "x".repeat(400)]);
        expect(JSON.parse(escapeFew(json))).toEqual(JSON.parse(json));
      }),
    );
  });

  it("leaves nothing but ASCII where few characters are not, halves of pairs included", () => {
    const json = JSON.stringify(`${"plain words ".repeat(20)}— → é 😀`);
    expect(escapeFew(json)).toMatch(/^[\0-\x7f]*\\u2014 \\u2192 \\u00e9 \\ud83d\\ude00"$/);
  });

  it("leaves a text that V8 keeps in one byte a character", () => {
    // V8 writes how it keeps a string in the third byte.
    const isNarrow = (text: string) => String.fromCharCode(serialize(text)[2] ?? 0) === '"';
    const json = JSON.stringify(`${"plain words ".repeat(20)}—`);
    expect(isNarrow(json)).toBe(false);
    expect(isNarrow(escapeFew(json))).toBe(true);
    expect(isNarrow(`{"messages":[${escapeFew(json)},"more"]}`)).toBe(true);
  });

  it("says the same of long texts that come again, and of more of them than it remembers", () => {
    const texts = Array.from({ length: 40 }, (_, at) => JSON.stringify(`${"plain words ".repeat(200)}${at} —`));
    for (const text of [...texts, ...texts]) expect(JSON.parse(escapeFew(text))).toBe(JSON.parse(text));
  });

  it("leaves a text as it is that is mostly in another script, or in ASCII", () => {
    for (const text of ["帮我做一个电商网站", "Ship it.", ""]) {
      const json = JSON.stringify(text);
      expect(escapeFew(json)).toBe(json);
    }
  });
});
