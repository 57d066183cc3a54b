import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesExactly } from "./allowed.ts";

describe("a pattern of names", () => {
  it("fits what the same regular expression fits", () => {
    const unit = fc.constantFrom("a", "b", "/", ".", "*");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), fc.string({ unit, maxLength: 12 }), (pattern, name) => {
        const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
        expect(matchesExactly(pattern, name)).toBe(new RegExp(`^${parts.join(".*")}$`, "s").test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it("takes a long name quickly, whatever the stars", () => {
    expect(matchesExactly(`${"*a".repeat(2_000)}*b`, "a".repeat(100_000))).toBe(false);
  });
});
