import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runCount } from "../../test/setup/run-count.ts";
import { citedNumbers, findCitations } from "./citations.ts";

const read = (text: string) => findCitations(text).map(({ start, end, numbers }) => [text.slice(start, end), numbers]);

describe("findCitations", () => {
  it.each([
    ["Tea came in 1610 [3].", [["[3]", [3]]]],
    ["Tea came in 1610[3].", []],
    [
      "Up 12%[3], down 4 %.[2]",
      [
        ["[3]", [3]],
        ["[2]", [2]],
      ],
    ],
    [
      "[1][2] and [ 4 ]",
      [
        ["[1]", [1]],
        ["[2]", [2]],
        ["[ 4 ]", [4]],
      ],
    ],
    [
      "See [1, 2], [3;4] and [5、6，7]",
      [
        ["[1, 2]", [1, 2]],
        ["[3;4]", [3, 4]],
        ["[5、6，7]", [5, 6, 7]],
      ],
    ],
    [
      "See [1-3] and [2–4, 9]",
      [
        ["[1-3]", [1, 2, 3]],
        ["[2–4, 9]", [2, 3, 4, 9]],
      ],
    ],
    [
      "根据统计[3]，增长了12%【4】。",
      [
        ["[3]", [3]],
        ["【4】", [4]],
      ],
    ],
    [
      "全角［5］和【6、7】",
      [
        ["［5］", [5]],
        ["【6、7】", [6, 7]],
      ],
    ],
    ["Trained to【8†source】", [["【8†source】", [8]]]],
    [
      "**Bold**[3] and “quoted”[4] (aside)[5]",
      [
        ["[3]", [3]],
        ["[4]", [4]],
        ["[5]", [5]],
      ],
    ],
    [
      "- [3] in a list\n> [4] in a quote\n| a | [5] |",
      [
        ["[3]", [3]],
        ["[4]", [4]],
        ["[5]", [5]],
      ],
    ],
  ])("reads %j", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ["code", "`a [3]` and ``b ` [4]`` "],
    ["fenced code", "```\n[3]\n```\n~~~js\n[4]\n```\n~~~"],
    ["fenced code that is still open", "```\n[3]"],
    ["a link", "[3](https://a.example) and ![3](x.png)"],
    ["a definition", "[3]: https://a.example\n  [4]: x"],
    ["a link by reference", "[3][label]"],
    ["a footnote", "a[^3] [^4] [^5]: x"],
    ["an index", "a[3] f(x)[1] m[1][2] a_1[4]"],
    ["an escape", "\\[3] \\\\[x]"],
    ["zero, a leading zero, five digits, a fraction", "[0] [03] [12345] [1.5] [-1]"],
    ["a backward or a long range", "[9-3] [1990-2024]"],
    ["words", "[x] [see 3] [] [ ] 【注】 [3 and 4]"],
    ["an image's label", "![3]"],
  ])("leaves %s alone", (_name, text) => {
    expect(read(text)).toEqual([]);
  });

  it("continues behind code, and takes a lone backtick for a sign", () => {
    expect(read("`x` [1] ` [2]\n\n` [3]")).toEqual([
      ["[1]", [1]],
      ["[2]", [2]],
      ["[3]", [3]],
    ]);
    expect(read("```\n[1]\n```\n[2]")).toEqual([["[2]", [2]]]);
  });

  const piece = fc.constantFrom(
    "[",
    "]",
    "3",
    "1, 2",
    "(",
    ")",
    "`",
    "```",
    "\n",
    "\n\n",
    "\\",
    "【",
    "】",
    "a",
    " ",
    "^",
    ":",
    "!",
    "†",
    "–",
  );
  const text = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

  it("finds brackets of the text, in order and apart, with numbers from 1 on, in any text", () => {
    fc.assert(
      fc.property(text, (given) => {
        let last = 0;
        for (const { start, end, numbers } of findCitations(given)) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(given.slice(start, end)).toMatch(/^[[［【][^\n]*[\]］】]$/);
          expect(numbers.length).toBeGreaterThan(0);
          for (const number of numbers) expect(number).toBeGreaterThan(0);
          last = end;
        }
      }),
      { numRuns: runCount(2000) },
    );
  });

  it("finds nothing inside a code span or block, whatever stands in it", () => {
    fc.assert(
      fc.property(text, (given) => {
        const line = given.replace(/[`\n]/g, "");
        expect(read(`x \`\`${line} [3]\`\` y`)).toEqual([]);
        expect(read(`\`\`\`\`\n${given.replaceAll("````", "")}\n [3]\n\`\`\`\``)).toEqual([]);
      }),
    );
  });

  it("finds what a new paragraph cites, whatever stands in the paragraphs before it, unless code is open", () => {
    fc.assert(
      fc.property(text, (given) => {
        const before = given.replaceAll("```", "");
        expect(findCitations(`${before}\n\nTea [7].`).at(-1)).toMatchObject({ numbers: [7] });
      }),
    );
  });

  // What is quadratic takes hours, longer than a test may.
  it.each([["[1]"], ["`"], ["[1, "], ["` `` ``` "], ["[1][2"], ["\\["], ["(x)[1]"], [")[1]"], ["```\n"]])(
    "reads a megabyte of %j at once",
    (part) => {
      findCitations(part.repeat(1_000_000 / part.length));
    },
    60_000,
  );
});

describe("a text with thousands of citations", () => {
  it("has the first two thousand", () => {
    const found = findCitations("Tea [1].\n\n".repeat(3000));
    expect(found).toHaveLength(2000);
    expect(found.at(-1)).toMatchObject({ numbers: [1] });
  });
});

describe("citedNumbers", () => {
  it("is each number once, ascending", () => {
    expect(citedNumbers("b [10] a [2][10] 【1】")).toEqual([1, 2, 10]);
  });
});
