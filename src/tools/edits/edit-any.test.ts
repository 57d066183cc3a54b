// What holds for any edit of any file.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { edit } from "../../../test/fakes/edit.ts";

const line = fc.oneof(
  fc.constantFrom("", "a", "b", "if x:", "  y", "\ty", "}", "a  b", "“q”", "c\r"),
  fc.string({ unit: fc.constantFrom("a", "b", " ", "\t", "“", "-", "字"), maxLength: 6 }),
);
const lines = fc.array(line, { minLength: 1, maxLength: 12 });
const joined = lines.map((each) => each.join("\n"));

interface Line {
  depth: number;
  text: string;
}

/** Lines of which each is one level deeper than the one before it, as deep, or less. */
const blocks = fc
  .array(fc.tuple(fc.integer({ min: -2, max: 1 }), fc.constantFrom("a", "b", "c")), {
    minLength: 1,
    maxLength: 5,
  })
  .map((steps) => {
    let depth = 0;
    return steps.map(([step, text], at): Line => {
      if (at > 0) depth = Math.max(0, depth + step);
      return { depth, text: `${text}${at}` };
    });
  });

/** The lines with the begins and ends of blocks, by Python's rules. */
function readBlocks(text: string): string {
  const open = [0];
  const read = text.split("\n").flatMap((line) => {
    const indent = /^[ \t]*/.exec(line)?.[0] ?? "";
    const width = [...indent].reduce((sum, sign) => (sign === "\t" ? (Math.floor(sum / 8) + 1) * 8 : sum + 1), 0);
    const marks: string[] = [];
    if (width > (open.at(-1) ?? 0)) marks.push("{");
    if (width > (open.at(-1) ?? 0)) open.push(width);
    for (; width < (open.at(-1) ?? 0); open.pop()) marks.push("}");
    return [...marks, width === open.at(-1) ? line.trim() : `no block: ${line}`];
  });
  return read.join(" ");
}

describe("any edit", () => {
  it("prefers exact matches", () => {
    fc.assert(
      fc.property(joined, joined, fc.string({ minLength: 1, maxLength: 4 }), joined, (before, after, old, fresh) => {
        const text = `${before}${old}${after}`;
        const outcome = edit(text, old, fresh, true);
        if (old === fresh || text.includes("\r\n")) return;
        expect(outcome).toMatchObject({ ok: true, text: text.split(old).join(fresh), note: null });
      }),
    );
  });

  it("changes nothing outside of the lines that it found, and puts each new line there", () => {
    const respaced = fc.tuple(lines, fc.constantFrom("", "  ", "\t", "    "), fc.constantFrom("", " ", "  "));
    fc.assert(
      fc.property(lines, respaced, lines, lines, (before, [old, indent, end], after, fresh) => {
        const text = [...before, ...old.map((each) => `${indent}${each}${end}`), ...after].join("\n");
        const outcome = edit(text, old.join("\n"), fresh.join("\n"));
        if (!outcome.ok || outcome.note === null) return;
        const place = Number(outcome.lines) - 1;
        const now = outcome.text.split("\n");
        const was = text.split("\n");
        const size = now.length - was.length + old.length;
        const plain = (each: string) => each.replace(/\s+/g, " ").trim().replace(/[“”]/g, '"').replace(/\r$/, "");
        expect(now.slice(0, place)).toEqual(was.slice(0, place));
        const rest = was.slice(place + old.length).join("\n");
        expect(outcome.text.endsWith(rest)).toBe(true);
        const trimmed = (list: string[]) => list.map(plain).filter((each) => each !== "");
        expect(trimmed(now.slice(place, place + Math.max(size, 0)))).toEqual(trimmed(fresh));
      }),
      { numRuns: 2_000 },
    );
  });

  it("leaves each line in the block that the call puts it into, as Python reads them", () => {
    const indents = fc.constantFrom("\t", "  ", "    ");
    fc.assert(
      fc.property(blocks, blocks, indents, indents, fc.nat(2), fc.boolean(), fc.boolean(), (...values) => {
        const [old, fresh, real, written, base, isShifted, isBare] = values;
        const around = Array.from({ length: base }, (_, depth) => `${real.repeat(depth)}outer`);
        const put = (lines: Line[], end: string) =>
          [...around, ...lines.map(({ depth, text }) => `${real.repeat(base + depth)}${text}${end}`), "last"].join(
            "\n",
          );
        // Without the indentation of the first line, or in another style.
        const style = isBare ? real : written;
        const write = (lines: Line[]) =>
          lines
            .map(({ depth, text }, at) => {
              const levels = isShifted && !isBare ? depth : base + depth;
              return `${isBare && at === 0 ? "" : style.repeat(levels)}${text}`;
            })
            .join("\n");
        const outcome = edit(put(old, " "), write(old), write(fresh));
        if (outcome.ok && outcome.note !== null) expect(readBlocks(outcome.text)).toBe(readBlocks(put(fresh, "")));
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes no time in the square of the file's length", () => {
    // In the square of its length, the shortest of them would take minutes.
    const size = 512 * 1024;
    const cases: [string, string][] = [
      ["\n".repeat(size), `${"\n".repeat(1000)}x`],
      ["a\n".repeat(size / 2), `${" a\n".repeat(100_000)}b`],
      ["a".repeat(size), `${"a".repeat(size / 2)} b`],
      ["ab cd\n".repeat(size / 6), " ab  cd\n".repeat(2_000)],
      [`${"abcdefghij".repeat(6)}\n`.repeat(size / 61), `${"abcdefghij".repeat(5)}xxxxxxxxxx\n`.repeat(50)],
    ];
    for (const [text, old] of cases) edit(text, old, "z");
  }, 120_000);
});
