import { describe, expect, it } from "vitest";
import { sourceLines } from "./sources.ts";

const source = { n: 1, url: "https://tea.example/a", title: "Tea", date: null, fetched_at: null, hash: null };

describe("sourceLines", () => {
  it("lists number, title and plain address, and what was not read or not cited", () => {
    expect(
      sourceLines([
        { ...source, read: true, cited: true },
        { ...source, n: 4, title: null, read: false, cited: true },
        { ...source, n: 5, title: "A\n B", read: true, cited: false },
      ]),
    ).toEqual([
      "",
      "Sources",
      "  [1] Tea — https://tea.example/a",
      "  [4] https://tea.example/a (not read)",
      "  [5] A B — https://tea.example/a (not cited)",
    ]);
    expect(sourceLines([])).toEqual([]);
  });

  it("shows that a long title continues", () => {
    const [, , line] = sourceLines([{ ...source, title: "t".repeat(200), read: true, cited: true }]);
    expect(line).toBe(`  [1] ${"t".repeat(99)}… — https://tea.example/a`);
  });

  it("lets no title or address control the terminal", () => {
    const evil = "\u001b]8;;https://evil.example\u0007x\u001b[2J\u202e";
    const text = sourceLines([
      { ...source, title: evil, url: `https://a.example/${evil}`, read: true, cited: true },
    ]).join("");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});
