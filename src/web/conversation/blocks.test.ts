import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockReader, maxBlockCharacters } from "./blocks.ts";

const lines = fc.constantFrom(
  "# Title",
  "text **bold",
  "- one",
  "  - two",
  "1. first",
  "```js",
  "```",
  "let a = 1;",
  "> quote",
  "| a | b |",
  "|---|---|",
  "| 1 | 2 |",
  "---",
  "",
  "",
  "<script>alert(1)</script>",
  "\tindented",
  "    code",
  "\r",
  "中文段落",
);
const texts = fc.array(lines, { maxLength: 30 }).map((all) => all.join("\n"));

function readAtOnce(text: string): string[] {
  return new BlockReader().read(text);
}

describe("the blocks of a text", () => {
  it("add up to the text", () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(readAtOnce(text).join("")).toBe(text);
      }),
    );
  });

  it("add up to the text at each moment while it arrives", () => {
    fc.assert(
      fc.property(texts, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (text, steps) => {
        const reader = new BlockReader();
        let end = 0;
        for (let step = 0; end < text.length; step++) {
          end += steps[step % steps.length] ?? 1;
          expect(reader.read(text.slice(0, end)).join("")).toBe(text.slice(0, end));
        }
      }),
    );
  });

  it("stay the same strings once complete, so that they are not drawn again", () => {
    const reader = new BlockReader();
    const before = reader.read("# One\n\nTwo **b");
    const after = reader.read("# One\n\nTwo **bold** and\n\nthree");
    expect(before[0]).toBe("# One\n\n");
    expect(after).toEqual(["# One\n\n", "Two **bold** and\n\n", "three"]);
  });

  it("keep a loose list together", () => {
    expect(readAtOnce("1. one\n\n2. two\n\n   more\n\nend")).toEqual(["1. one\n\n2. two\n\n   more\n\n", "end"]);
  });

  it("begin anew for a different text", () => {
    const reader = new BlockReader();
    reader.read("one\n\ntwo\n\nthree");
    expect(reader.read("other")).toEqual(["other"]);
  });

  it("of a line without an end are one block, which is never parsed as Markdown", () => {
    const line = "*[x](".repeat(maxBlockCharacters);
    expect(readAtOnce(line)).toEqual([line]);
  });
});
