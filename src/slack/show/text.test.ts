import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shorten, toPages, withoutMentions } from "./text.ts";

const line = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.constantFrom("```ts", "```", "~~~", "", "商店 🛒", "x".repeat(9_000)),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const anyText = fc.array(line, { maxLength: 60, size: "max" }).map((lines) => lines.join("\n").repeat(3));

/** A page without the fences that close and reopen a code block. */
function withoutFences(pages: string[]): number {
  return pages.join("").length;
}

describe("a reply cut into messages", () => {
  it("is one message if it is short", () => {
    expect(toPages("")).toEqual([""]);
    expect(toPages("Hello")).toEqual(["Hello"]);
  });

  it("ends a page at the end of a line", () => {
    const text = `${"a".repeat(99)}\n`.repeat(100);
    const pages = toPages(text);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.join("")).toBe(text);
    expect(pages.every((page) => page.endsWith("\n"))).toBe(true);
  });

  it("closes a code block at the end of a page and opens it again on the next", () => {
    const text = `\`\`\`ts\n${"const a = 1;\n".repeat(1_150)}\`\`\`\nDone.`;
    const pages = toPages(text);
    for (const page of pages.slice(0, -1)) expect(page.endsWith("\n```")).toBe(true);
    for (const page of pages.slice(1)) expect(page.startsWith("```ts\n")).toBe(true);
    expect(pages.join("").match(/const a = 1;/g)).toHaveLength(1_150);
  });

  it("keeps every character, within Slack's limit for a message", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const pages = toPages(text);
        expect(withoutFences(pages)).toBeGreaterThanOrEqual(text.length);
        for (const page of pages) expect(new TextEncoder().encode(page).byteLength).toBeLessThanOrEqual(7_800);
        if (!/^ {0,3}(```|~~~)/m.test(text)) expect(pages.join("")).toBe(text);
      }),
    );
  });

  it("keeps the beginning of a page while the text grows", () => {
    fc.assert(
      fc.property(anyText, fc.nat(), (text, at) => {
        const before = toPages(text.slice(0, at % (text.length + 1)));
        const after = toPages(text);
        for (const [place, page] of before.entries()) expect(after[place]?.startsWith(page)).toBe(true);
      }),
    );
  });
});

describe("a model's text", () => {
  it("mentions nobody", () => {
    expect(withoutMentions("<!channel> <@U1> <#C1> a < b <b>")).toBe(
      "<\u200b!channel> <\u200b@U1> <\u200b#C1> a < b <b>",
    );
  });

  it("is cut between whole characters", () => {
    expect(shorten("ab🛒c", 4)).toBe("ab…");
    expect(shorten("abcd", 4)).toBe("abcd");
  });
});
