import fc from "fast-check";
import { expect, it } from "vitest";
import { toOneLine } from "./one-line.ts";

/** Where `str.splitlines` of Python ends a line. */
const pythonEnds = [..."\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"];

const text = fc.string({
  unit: fc.constantFrom("a", "中", "\u0085", "\u2028", "\u2029", "\n", "\v", "\x1c", '"', "\\"),
});

it("is the same value in one line, wherever a client ends lines", () => {
  fc.assert(
    fc.property(fc.record({ text, list: fc.array(text) }), (value) => {
      const json = toOneLine(value);
      expect(pythonEnds.filter((end) => json.includes(end))).toEqual([]);
      expect(JSON.parse(json)).toEqual(value);
    }),
  );
});

it("is what JSON.stringify writes where there are no such ends", () => {
  expect(toOneLine({ a: "é中\n" })).toBe(JSON.stringify({ a: "é中\n" }));
});
