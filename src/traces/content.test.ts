import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createContent } from "./content.ts";

const SECRET = "sk-canary-0123456789";
const { text } = createContent([SECRET, "another-secret-of-the-settings"]);

describe("a text in a span", () => {
  it("is whole if it is short, and has both ends if it is long", () => {
    expect(text("short")).toBe("short");
    const long = text(`begin${"x".repeat(50_000)}end`);
    expect(long).toMatch(/^beginx+\[… \d+ characters …\]x+end$/);
    expect(long.length).toBeLessThan(4_100);
  });

  it("shows no part of a secret, wherever it is cut", () => {
    const filler = fc.integer({ min: 1, max: 3_000 }).map((size) => "x".repeat(size));
    const written = fc.constantFrom(SECRET, encodeURIComponent(SECRET), SECRET.replaceAll("-", "\\u002d"));
    fc.assert(
      fc.property(fc.array(fc.tuple(filler, written), { maxLength: 8 }), filler, (list, end) => {
        const whole = list.flat().join("") + end;
        // The mark of a hidden secret may be cut, too.
        const shown = text(whole)
          .replace(/(?:\[k?e?y?)?\[… \d+ characters …\](?:k?e?y?\])?/, "")
          .replaceAll("[key]", "");
        expect(shown).toMatch(/^x*$/);
      }),
    );
  });
});
