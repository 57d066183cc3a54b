import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TITLE_UNITS, toTitle } from "./title.ts";

/** Invisible characters, and characters that change the direction of reading. */
const hidden = ["\u0000", "\u001b", "\u00ad", "\u061c", "\u200b", "\u200e", "\u202e", "\u2066", "\u2069", "\ufeff"];
const pieces = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    ...hidden,
    "\u200d",
    "\ufe0f",
    "\ud83d",
    "\udc4b",
    "\t",
    "\n",
    "\r\n",
    "\u2028",
    "　",
    "👩‍💻",
    "商店",
    "é",
  ),
);
const texts = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(""));

describe("a title", () => {
  it("is one well-formed line of bounded length without anything hidden in it, or null", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const title = toTitle(text);
        if (title === null) return;
        expect(title).not.toBe("");
        expect(title.length).toBeLessThanOrEqual(TITLE_UNITS);
        expect(title.isWellFormed()).toBe(true);
        expect(title).toBe(title.replaceAll(/\s+/g, " ").trim());
        expect(title).not.toMatch(/[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u);
        expect(title).not.toMatch(/^[\p{Join_Control}\p{Variation_Selector}]/u);
      }),
    );
  });

  it("of a title is the title itself", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const title = toTitle(text);
        if (title !== null) expect(toTitle(title)).toBe(title);
      }),
    );
  });

  it("is null exactly if the text has nothing visible", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...hidden, " ", "\n", "\u200d", "\ufe0f", "\u2800")), (parts) => {
        expect(toTitle(parts.join(""))).toBeNull();
        expect(toTitle(`${parts.join("")}x${parts.join("")}`)).toMatch(/^x/);
      }),
    );
  });

  it.each([
    ["帮我做一个电商网站", "帮我做一个电商网站"],
    ["\n \u200b\n  Build\t me \u00a0a  shop \r\nwith a cart", "Build me a shop"],
    ["one\u2028two", "one"],
    ["safe\u202egpj.exe", "safegpj.exe"],
    ["a\ud800b", "a\ufffdb"],
    ["👩‍💻 نامه‌ای ❤️", "👩‍💻 نامه‌ای ❤️"],
    ["1️⃣ first", "1️⃣ first"],
    ["", null],
    [" \n\t\n", null],
  ])("of %j is %j", (text, title) => {
    expect(toTitle(text)).toBe(title);
  });

  it("ends with a whole grapheme", () => {
    expect(toTitle("店".repeat(100))).toBe("店".repeat(80));
    expect(toTitle(`${"x".repeat(79)}👋 there`)).toBe("x".repeat(79));
    expect(toTitle(`${"x".repeat(77)}👩‍💻 codes`)).toBe("x".repeat(77));
    expect(toTitle(`${"x".repeat(79)} ${"y".repeat(9)}`)).toBe("x".repeat(79));
    expect(toTitle(`${"x".repeat(79)}e\u0301e`)).toBe("x".repeat(79));
    expect(toTitle(`a${"\u0301".repeat(200)}`)).toHaveLength(80);
  });

  it("of a long text takes linear time", () => {
    for (const part of ["x", " ", "\n", "\u200b", "\ud800", "\u200d", "\t", "e\u0301"]) {
      const length = Math.floor(262_144 / part.length);
      expect((toTitle(part.repeat(length)) ?? "").length).toBeLessThanOrEqual(80);
    }
    // A quadratic step would take minutes, longer than a test may.
  });
});
