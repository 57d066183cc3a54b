import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readProse } from "./prose.ts";

describe("readProse", () => {
  it("reads what models use most", () => {
    expect(readProse("a **b** `c` [d](http://e.f/) https://g.h/i.\n```js\ncode **x**\n```\nend")).toEqual([
      { kind: "text", text: "a " },
      { kind: "bold", text: "b" },
      { kind: "text", text: " " },
      { kind: "code", text: "c" },
      { kind: "text", text: " " },
      { kind: "link", text: "d", url: "http://e.f/" },
      { kind: "text", text: " " },
      { kind: "link", text: "https://g.h/i", url: "https://g.h/i" },
      { kind: "text", text: ".\n" },
      { kind: "block", text: "code **x**\n" },
      { kind: "text", text: "end" },
    ]);
  });

  it("reads a bold link, and a block that is still open", () => {
    expect(readProse("**[商店](http://3000-x.localhost:1)**")).toEqual([
      { kind: "link", text: "商店", url: "http://3000-x.localhost:1" },
    ]);
    expect(readProse("```\nstill")).toEqual([{ kind: "block", text: "still" }]);
  });

  it("ends an address before what follows it in Chinese", () => {
    expect(readProse("上线：http://a.localhost:80/，请打开。")[1]).toMatchObject({ url: "http://a.localhost:80/" });
  });

  it("makes no link of another scheme", () => {
    for (const text of ["[x](javascript:alert(1))", "javascript:alert(1)", "[x](data:text/html,1)"]) {
      expect(readProse(text)).toEqual([{ kind: "text", text }]);
    }
  });

  it("loses no word of a text without marks", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", " ", "\n", "<", "&", "电", "(", ":") }), (text) => {
        const pieces = readProse(text);
        expect(pieces.map((piece) => piece.text).join("")).toBe(text);
      }),
    );
  });

  it("takes time in proportion to a text made to hold it up", () => {
    const time = (text: string): number => {
      const from = performance.now();
      readProse(text);
      return performance.now() - from;
    };
    const fastest = (text: string): number => Math.min(...Array.from({ length: 5 }, () => time(text)));
    for (const unit of ["**", "[", "`", "```\n", "[a](http://", "**["]) {
      // Sixteen times the text: in proportion it is 16, going back over it for each unit it is 256.
      const growth = fastest(unit.repeat(80_000)) / fastest(unit.repeat(5_000));
      expect(growth, unit).toBeLessThan(100);
    }
  });
});
