import { describe, expect, it, onTestFinished, vi } from "vitest";
import { processorTime } from "../../../test/fakes/processor-time.ts";
import { compileWork, readExpression } from "./expression.ts";

async function matches(expression: string, ...lines: string[]): Promise<boolean | "too_long"> {
  const read = readExpression(expression);
  if (!read.ok) throw new Error(read.why);
  return read.matches(lines);
}

const faultOf = (expression: string) => {
  const read = readExpression(expression);
  return read.ok ? null : read.why;
};

/** Different characters, so that nothing is merged. */
const characters = (count: number) => Array.from({ length: count }, (_, at) => String.fromCodePoint(0x4e00 + 2 * at));

describe("an expression", () => {
  const same = [
    ...["a", "", "^$", "^a", "a$", "^a+$", "a|b", "^(a|bc)*d$", "a.c", "a{2}", "^a{2,3}$", "a{2,}b", "(?:ab)+c?", "x*"],
    ...["[abc]", "[^abc]", "[a-c]x", "[]-]", "[\\]a]", "[^-a]", "[\\d.]+", "\\d+ passed", "\\bfoo\\b", "\\Bo", "a\\.b"],
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
    ],
    ...[
      "a{0}b",
      "a{",
      "{a",
      "a{,2}",
      "\\/",
      "[a\\-z]",
      "(a+)+$",
      "(?:a|a)*b",
      "^(?:a?){5}a{5}$",
      "^.$",
      "[(?=]",
      "\\\\1",
    ],
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
      "aaaaa",
      "aaaaaaaaaaaaaaaaaaaaaa!",
      "a.c",
      "abd",
      "bcbcd",
      "a-b",
      "]",
      "-",
    ],
    ...[
      "12 passed",
      "foo bar",
      "foobar",
      "o",
      "x@y",
      " ",
      "A",
      "B",
      "é",
      "aac",
      "{a",
      "a{",
      "a{,2}",
      "/",
      "z",
      "x",
      "bx",
    ],
    ...["aaaab", "ac", "cx", "\t", "(?=", "\\1"],
  ];

  it.each(same)("matches what JavaScript's engine matches: %j", async (expression) => {
    const own = [];
    for (const line of lines) if (await matches(expression, line)) own.push(line);
    // Its `[]` is an empty class: others take the bracket for itself.
    const theirs = lines.filter((line) => new RegExp(expression.replace(/^\[\]/, "[\\]")).test(line));
    expect(own).toEqual(theirs);
  });

  it("matches one line of several", async () => {
    expect(await matches("^ok$", "no", "ok", "no")).toBe(true);
    expect(await matches("^ok.no$", "ok", "no")).toBe(false);
  });

  it("ignores case where it says so", async () => {
    expect(await matches("(?i)^ok: É[a-f]$", "OK: éC")).toBe(true);
    expect(await matches("^ok$", "OK")).toBe(false);
    expect(await matches("(?i)[^a]", "A")).toBe(false);
    expect(await matches("(?i)^[а-я]+$", "ПРОЙДЕНО")).toBe(true);
  });

  it("takes a character for one, however it is stored", async () => {
    expect(await matches("^😀+$", "😀")).toBe(true);
    expect(await matches("^.$", "😀")).toBe(true);
    expect(await matches("[😀é]$", "a😀")).toBe(true);
    expect(await matches("\\u{1F600}", "a😀")).toBe(true);
    expect(await matches("\\e\\[0m", "\x1b[0m")).toBe(true);
  });

  it.each([
    ["(?=a)", /looks ahead.*use contains and excludes/],
    ["(?<!a)b", /looks ahead or behind/],
    ["(a)\\1", /refers back.*write the text out/],
    ["[\\]\\1]", /refers back/],
    ["\\k<a>", /refers back/],
    ["a(b", /without its \).*write a \\ before/],
    ["a)b", /without its \(/],
    ["[a", /without its \]/],
    ["*a", /repeats nothing/],
    ["a**", /repeats a repetition/],
    ["a++", /possessive/],
    ["a{3,2}", /out of order/],
    ["[z-a]", /out of order/],
    ["a\\", /ends with a backslash/],
    ["\\p{L}", /\\p, which is not supported/],
    ["\\Aa", /\\A, which is not supported/],
    ["\\Qa\\E", /\\Q, which is not supported/],
    ["(?-m)^a", /turns a flag off/],
    ["a{1001}", /more than 1000/],
    ["(?:a{40}){40}", /more than 1000 times in all/],
    ["((a{1000}){1000}){1000}", /too long/],
    ["(?x)a", /flag/],
    ["(?P<a>b)(?P<a>c)", /duplicate/],
  ])("that can't be read is refused with a reason: %s", (expression, why) => {
    expect(faultOf(expression)).toMatch(why);
  });
});

// On an idle machine each takes a tenth of the time at most.
describe("an expression made to take long", () => {
  it.each([
    ["nested repetitions", "((((){1000}){1000}){1000}){1000}"],
    ["a long text repeated", `(?:${"a".repeat(900)}){1000}`],
    ["an empty text after a group", `(?:${"a".repeat(900)})\\Q\\E{1000}`],
    ["many repetitions", "(?:a{0,1000}){1}".repeat(60)],
    ["ranges over all scripts, without case", `(?i)${"[B-\\x{1E942}]".repeat(70)}`],
    ["the same in one class", `(?i)[${"B-\u{1e942}".repeat(200)}]`],
    ["a beginning with many options", `^${characters(480).join("?")}?$`],
    ["a beginning in another form", `\\A${characters(480).join("?")}?$`],
    ["a beginning with the flag off", `(?-m)^${characters(480).join("?")}?$`],
    ["alternatives", characters(480).join("a|")],
    ["large classes", "[^\\w]".repeat(160)],
  ])("is read or refused at once: %s", async (_, expression) => {
    expect(await processorTime(() => readExpression(expression))).toBeLessThan(250);
  });

  const yields = async (expression: string, lines: Iterable<string>) => {
    const read = readExpression(expression);
    if (!read.ok) throw new Error(read.why);
    let [turns, isOver, longest, last] = [0, false, 0, process.cpuUsage()];
    const look = () => {
      const { user, system } = process.cpuUsage(last);
      longest = Math.max(longest, (user + system) / 1000);
      last = process.cpuUsage();
      turns++;
      if (!isOver) setTimeout(look, 0);
    };
    setTimeout(look, 0);
    const found = await read.matches(lines);
    isOver = true;
    look();
    return { found, turns, longest };
  };
  const mebibyte = 1024 * 1024;

  it.each([
    ["an automaton with too many states", "[ab]*a[ab]{900}[cd]", ["ab".repeat(mebibyte / 8)], "too_long"],
    ["the same in short lines", "[ab]*a[ab]{900}[cd]", Array(mebibyte / 64).fill("ab".repeat(32)), "too_long"],
    ["empty lines", "^\\s+[xy]$", Array(mebibyte).fill(""), false],
    ["empty lines and many options", "(?:a?){300}[xy]", Array(mebibyte).fill(""), "too_long"],
    ["one line", "(?:.*a){20}[xy]", ["ab".repeat(mebibyte / 2)], "too_long"],
    ["one line and a short expression", "^a$", ["ab".repeat(mebibyte / 2)], false],
    ["stars", "(.*)*x(.*)*[yz]", Array(200).fill("x".repeat(5_000)), false],
    ["nested stars", "^(a+)+$", [`${"a".repeat(10_000)}!`], false],
    ["anchors", "(?:^|a|$|\\b|\\B){20}[xy]", Array(200).fill("a b".repeat(100)), false],
  ])(
    "lets others have their turn, and ends: %s",
    async (_, expression, lines, expected) => {
      const { found, turns, longest } = await yields(expression, lines);
      expect(found).toBe(expected);
      expect(longest).toBeLessThan(1_000);
      if (lines.length > 1) expect(turns).toBeGreaterThan(5);
    },
    60_000,
  );

  it("takes turns with those of other threads", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const working = new Set<number>();
    function* lines(thread: number) {
      for (const line of Array(50).fill("a".repeat(500))) {
        working.add(thread);
        yield line;
      }
    }
    const expression = readExpression("(?:a?){100}[xy]");
    if (!expression.ok) throw new Error(expression.why);
    let running = 8;
    const all = Array.from({ length: running }, async (_, thread) => {
      const found = await expression.matches(lines(thread));
      running -= 1;
      return found;
    });
    let most = 0;
    while (running > 0) {
      working.clear();
      await vi.advanceTimersByTimeAsync(1);
      most = Math.max(most, working.size);
    }
    expect(await Promise.all(all)).toEqual(Array(8).fill(false));
    expect(most).toBe(1);
  });

  it("is never asked for a line that is too long for it, and matches the others", async () => {
    const long = "b".repeat(mebibyte);
    expect(await matches("a{2}b?c?d?e?f?$", long, "aa")).toBe(true);
    expect(await matches("a{2}b?c?d?e?f?$", long, "a")).toBe("too_long");
  });

  it("counts as much work as it has instructions", () => {
    expect(compileWork("\\d+ passed")).toBe(10);
    expect(compileWork("^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$")).toBeLessThan(300);
    expect(compileWork("(?i)[а-я]")).toBeGreaterThan(2_000);
  });
});
