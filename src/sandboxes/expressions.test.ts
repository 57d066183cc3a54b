import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toExtendedExpression, toPerlExpression } from "./expressions.ts";

describe("toPerlExpression", () => {
  it.each([
    ["\\u4ef7\\u{1f600}", "\\x{4ef7}\\x{1f600}"],
    ["\\\\u4ef7", "\\\\u4ef7"],
    ["(?i)\\bfoo\\d+(?=x)", "(?i)\\bfoo\\d+(?=x)"],
    ["\\", "\\"],
  ])("writes %s as %s", (expression, expected) => {
    expect(toPerlExpression(expression)).toBe(expected);
  });
});

describe("toExtendedExpression", () => {
  it.each([
    ["foo\\(\\d+\\)", "foo\\([0-9]+\\)"],
    ["\\s*\\w+?\\S", "[[:space:]]*[[:alnum:]_]+[^[:space:]]"],
    ["(?:a|b)+?", "(a|b)+"],
    ["[\\w.-]{2,}?", "[[:alnum:]_.-]{2,}"],
    ["[\\]\\-^a]", "[]a^-]"],
    ["[^\\d\\s]", "[^0-9[:space:]]"],
    ["[]a]", "[]a]"],
    ["\\bx\\-y\\/z\\tq", "\\bx-y/z\tq"],
    ["\\x41\\x{2e}\\u4ef7", "A\\.价"],
    ["[\\^]", "\\^"],
  ])("writes %s as %s", (expression, pattern) => {
    expect(toExtendedExpression(expression)).toEqual({ pattern, ignore_case: false });
  });

  it("takes flags at the beginning", () => {
    expect(toExtendedExpression("(?i)foo")).toEqual({ pattern: "foo", ignore_case: true });
    expect(toExtendedExpression("(?x)foo")).toBeNull();
  });

  it.each(["foo(?=bar)", "(?<!a)b", "(?P<n>a)", "a++", "(a)\\1", "\\p{L}", "[\\D]", "[a", "\\x00"])(
    "has no form for %s",
    (expression) => {
      expect(toExtendedExpression(expression)).toBeNull();
    },
  );

  it("ends for any text, and keeps a text without special signs as it is", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "\\", "[", "]", "^", "-", "(", "?", ":", "{", "2", "}", "*", "d") }),
        (text) => {
          const made = toExtendedExpression(text);
          expect(made === null || typeof made.pattern === "string").toBe(true);
          if (/^[a2d:-]*$/.test(text)) expect(made?.pattern).toBe(text);
        },
      ),
    );
  });
});
