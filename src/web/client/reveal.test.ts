import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reveal, revealName, revealText } from "./reveal.ts";

describe("reveal", () => {
  it("marks bidirectional controls, invisible and control characters, and keeps everything visible", () => {
    expect(reveal("a\u202eb")).toEqual([
      { text: "a", hidden: false },
      { text: "U+202E", hidden: true },
      { text: "b", hidden: false },
    ]);
    expect(revealText("\u001b[2J\r\u009b\u200b\u00a0\u3164\u{e0041}\ud800")).toBe(
      "⟨U+001B⟩[2J⟨U+000D⟩⟨U+009B⟩⟨U+200B⟩⟨U+00A0⟩⟨U+3164⟩⟨U+E0041⟩⟨U+D800⟩",
    );
    expect(revealText("rm -rf build\n\t电商　网站 🛒 é שלום")).toBe("rm -rf build\n\t电商　网站 🛒 é שלום");
  });

  it("loses nothing, and leaves no control character", () => {
    const signs = fc.oneof(fc.integer({ min: 0, max: 0x3000 }), fc.integer({ min: 0, max: 0x10ffff }));
    fc.assert(
      fc.property(fc.array(signs), (points) => {
        const text = points.map((point) => String.fromCodePoint(point)).join("");
        const pieces = reveal(text);
        expect(revealText(text)).toBe(pieces.map(({ text, hidden }) => (hidden ? `⟨${text}⟩` : text)).join(""));
        expect(revealText(text)).not.toMatch(/[^\P{C}\n\t]/u);
        const read = pieces.map(({ text, hidden }) =>
          hidden ? String.fromCodePoint(Number.parseInt(text.slice(2), 16)) : text,
        );
        expect(read.join("")).toBe(text);
      }),
    );
  });
});

it("in a file's name, marks what reverses or breaks it, and keeps joined emoji and other scripts", () => {
  expect(revealName("a\u202egnp.exe")).toBe("a⟨U+202E⟩gnp.exe");
  expect(revealName("a\nb\u001b.txt")).toBe("a⟨U+000A⟩b⟨U+001B⟩.txt");
  for (const name of ["家 庭.md", "👨‍👩‍👧.png", "שלום.txt"]) expect(revealName(name)).toBe(name);
});
