import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesName } from "./name-pattern.ts";

describe("a pattern of names", () => {
  it("fits what the same regular expression fits", () => {
    const unit = fc.constantFrom("a", "b", "/", ".", "*");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 8 }), fc.string({ unit, maxLength: 12 }), (pattern, name) => {
        const parts = pattern.split("*").map((part) => part.replaceAll(".", "\\."));
        expect(matchesName(pattern, name)).toBe(new RegExp(`^${parts.join(".*")}$`, "s").test(name));
      }),
      { numRuns: 2000 },
    );
  });

  it("fits no list of models, of which a gateway would ask others than the pattern has", () => {
    for (const name of ["gpt-5,claude-opus-5", "claude-opus-5,gpt-5-mini", "gpt-5-mini,"]) {
      for (const pattern of ["gpt-5*", "*mini", "*", "*,*"]) expect(matchesName(pattern, name)).toBe(false);
      expect(matchesName(name, name)).toBe(true);
    }
  });

  it("takes a long name quickly, whatever the stars", () => {
    expect(matchesName(`${"*a".repeat(2_000)}*b`, "a".repeat(100_000))).toBe(false);
  });
});
