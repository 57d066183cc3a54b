import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readReturnTo } from "./return-to.ts";

describe("where a browser goes after a sign-in", () => {
  it("is a path of this origin with its query and fragment", () => {
    for (const path of [
      "/",
      "/#thread=mine",
      "/docs?a=b#c",
      "/a/b/",
      "/%2F%2Fevil.example",
      "/@evil.example",
      "/:80",
    ]) {
      expect(readReturnTo(path)).toBe(path);
    }
  });

  it("is the page where the text is no such path", () => {
    const others = [
      undefined,
      "",
      "//evil.example",
      "///evil.example",
      "/\\evil.example",
      "\\\\evil.example",
      "/\t/evil.example",
      "/\n/evil.example",
      " //evil.example",
      "/./\\evil.example",
      "/.//evil.example",
      "/a/..//evil.example",
      "/a\\b",
      "/%2e//evil.example",
      "https://evil.example",
      "https:evil.example",
      "javascript:alert(1)",
      "evil.example",
      "@evil.example",
      "/ä",
      `/${"a".repeat(600)}`,
      "/auth/sign-in",
      "/auth",
      "/AUTH/callback?code=1",
      "/x/../auth/sign-in",
    ];
    for (const path of others) expect(readReturnTo(path)).toBe("/");
  });

  it("never leaves the origin, whatever the text", () => {
    const pieces = fc.constantFrom(..."/\\.:@?#%25;\t\n\r \u0000 evil.example https: %2f %5c .. // 。 ／".split(" "));
    const text = fc.oneof(
      fc
        .array(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 4 })), { maxLength: 8 })
        .map((all) => all.join("")),
      fc.webUrl(),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("", "/", "//", "/."), (rest, start) => {
        const base = "https://taskloom.example/auth/callback?code=1";
        const read = readReturnTo(start + rest);
        expect(new URL(read, base).origin).toBe("https://taskloom.example");
        // Read once more from where it leads, as a page may do.
        const { pathname, search, hash } = new URL(read, base);
        expect(new URL(pathname + search + hash, base).origin).toBe("https://taskloom.example");
      }),
      { numRuns: 2_000 },
    );
  });
});
