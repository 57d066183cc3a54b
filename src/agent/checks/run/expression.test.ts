import { describe, expect, it } from "vitest";
import { readExpression } from "./expression.ts";

function matches(expression: string, ...lines: string[]): boolean | "too_long" {
  const read = readExpression(expression);
  if (!read.ok) throw new Error(read.why);
  return read.matches(lines);
}

describe("an expression", () => {
  it("matches what JavaScript's engine matches", () => {
    const expressions = [
      ...[
        "a",
        "",
        "^$",
        "^a",
        "a$",
        "^a+$",
        "a|b",
        "^(a|bc)*d$",
        "a.c",
        "a{2}",
        "^a{2,3}$",
        "a{2,}b",
        "(?:ab)+c?",
        "x*",
      ],
      ...[
        "[abc]",
        "[^abc]",
        "[a-c]x",
        "[]-]",
        "[\\]a]",
        "[^-a]",
        "[\\d.]+",
        "\\d+ passed",
        "\\bfoo\\b",
        "\\Bo",
        "a\\.b",
      ],
      ...[
        "\\w+@\\w+",
        "\\s",
        "\\S+$",
        "(?<name>a)b",
        "a*?b",
        "\\u0041",
        "\\x41",
        "[\\x41-\\x43]",
        "(|a)b",
        "(a*)*b",
        "é",
        "^.$",
      ],
      ...["a{0}b", "a{", "{a", "a{,2}", "\\/", "[a\\-z]", "(a+)+$", "(?:a|a)*b", "^(?:a?){5}a{5}$"],
    ];
    const lines = [
      ...[
        "",
        "a",
        "b",
        "ab",
        "abc",
        "aab",
        "aaa",
        "aaaa",
        "bcd",
        "a.b",
        "axb",
        "a-b",
        "]",
        "-",
        "foo",
        "a foo b",
        "food",
      ],
      ...["12 passed", "x@y", " ", "A", "B", "é", "a{", "{a", "a{,2}", "/", "z", "aaaaaaaaab", "ac", "cx", "\t"],
    ];
    for (const expression of expressions) {
      const own = lines.filter((line) => matches(expression, line));
      // Its `[]` is an empty class: others take the bracket for itself.
      const theirs = lines.filter((line) => new RegExp(expression.replace(/^\[\]/, "[\\]")).test(line));
      expect([expression, own]).toEqual([expression, theirs]);
    }
  });

  it("ignores case where it says so", () => {
    expect(matches("(?i)^ok: É[a-f]$", "OK: éC")).toBe(true);
    expect(matches("^ok$", "OK")).toBe(false);
    expect(matches("(?i)[^a]", "A")).toBe(false);
  });

  it("takes signs of two units for one where it names them", () => {
    expect(matches("^😀+$", "😀")).toBe(true);
    expect(matches("\\u{1F600}", "a😀")).toBe(true);
  });

  it("takes time in proportion to the text, whatever it says", () => {
    const text = `${"a".repeat(10_000)}!`;
    for (const expression of ["^(a+)+$", "^(a|a)*$", "(a*)*b", "^(a|aa)+$", "([a-z]+)+[A-Z]", "(.*)*x(.*)*y"])
      expect([expression, matches(expression, text)]).toEqual([expression, false]);
    expect(matches(`(${"a?".repeat(1_000)}){2}b`, "a".repeat(20_000))).toBe("too_long");
  });

  it("says what it does not support, or what is wrong", () => {
    const faults: [expression: string, why: RegExp][] = [
      ["(?=a)", /looks ahead/],
      ["(?<!a)b", /looks ahead or behind/],
      ["(a)\\1", /refers back/],
      ["\\k<a>", /refers back/],
      ["a(b", /without its \)/],
      ["a)b", /without its \(/],
      ["[a", /without its \]/],
      ["*a", /repeats nothing/],
      ["a**", /repeats a repetition/],
      ["a++", /possessive/],
      ["a{3,2}", /out of order/],
      ["[z-a]", /out of order/],
      ["a\\", /ends with a backslash/],
      ["\\p{L}", /not supported/],
      ["a{1001}", /more than 1000/],
      ["((a{1000}){1000}){1000}", /too long/],
      ["(".repeat(60) + ")".repeat(60), /nested/],
      ["[😀]", /rare character/],
      ["(?x)a", /flag/],
    ];
    for (const [expression, why] of faults) {
      const read = readExpression(expression);
      expect([expression, read.ok ? "" : read.why]).toEqual([expression, expect.stringMatching(why)]);
    }
  });
});
