import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutputCollector } from "./output-collector.ts";

const NOTICE = /\n\[… (\d+) bytes left out …\]\n/;
const byteLength = (text: string) => new TextEncoder().encode(text).length;

function collect(pieces: string[], limit: number) {
  const collector = new OutputCollector(limit);
  for (const piece of pieces) collector.push(piece);
  return collector.read();
}

describe("OutputCollector", () => {
  it("keeps an output within the limit as it is", () => {
    expect(collect(["\ufeffab", "中", "😀"], 12)).toEqual({ output: "\ufeffab中😀", omitted_bytes: 0 });
  });

  it("keeps the head and the tail of a longer output, and says how many bytes are missing", () => {
    expect(collect(["0123456789"], 6)).toEqual({ output: "012\n[… 4 bytes left out …]\n789", omitted_bytes: 4 });
  });

  it("cuts between characters", () => {
    expect(collect(["中文字符很多的输出"], 10)).toEqual({
      output: "中\n[… 21 bytes left out …]\n出",
      omitted_bytes: 21,
    });
  });

  it("can be read again while it grows", () => {
    const collector = new OutputCollector(4);
    collector.push("ab");
    expect(collector.read().output).toBe("ab");
    collector.push("cdef");
    expect(collector.read()).toEqual({ output: "ab\n[… 2 bytes left out …]\nef", omitted_bytes: 2 });
  });

  it("counts every byte and stays within its limit, however the output is split", () => {
    const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 8, max: 200 }), (pieces, limit) => {
        const whole = pieces.join("").toWellFormed();
        const { output, omitted_bytes } = collect(
          [...pieces].map((piece) => piece.toWellFormed()),
          limit,
        );
        const kept = output.replace(NOTICE, "");
        expect(byteLength(kept) + omitted_bytes).toBe(byteLength(whole));
        expect(byteLength(kept)).toBeLessThanOrEqual(limit);
        if (omitted_bytes === 0) {
          expect(output).toBe(whole);
          return;
        }
        const [head = "", tail = ""] = output.split(/\n\[… \d+ bytes left out …\]\n/);
        expect(whole.startsWith(head)).toBe(true);
        expect(whole.endsWith(tail)).toBe(true);
      }),
    );
  });
});
