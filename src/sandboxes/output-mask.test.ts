import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OutputMask } from "./output-mask.ts";

function maskPieces(values: string[], pieces: string[]): string {
  let shown = "";
  const masked = new OutputMask(values).begin((text) => {
    shown += text;
  });
  for (const piece of pieces) masked.push(piece);
  masked.end();
  return shown;
}

describe("a mask of secrets", () => {
  it("replaces each secret, and leaves the rest as it is", () => {
    expect(maskPieces(["hunter2hunter2"], ["token=hunter2hunter2;hunter2\n"])).toBe("token=***;hunter2\n");
    expect(maskPieces([], ["anything"])).toBe("anything");
    expect(maskPieces(["geheim-密码-🔑-ende"], ["a geheim-密码-🔑-ende b"])).toBe("a *** b");
    expect(maskPieces(["a.b*c[d]\\e|(f)"], ["a.b*c[d]\\e|(f)", "axb*c[d]\\e|(f)"])).toBe("***axb*c[d]\\e|(f)");
  });

  it("takes the longest of secrets that begin alike, also when the text ends within one", () => {
    const values = ["abcdefgh", "abcdefghijkl"];
    expect(maskPieces(values, ["abcdefghijkl abcdefghij abcdefgh"])).toBe("*** ***ij ***");
    expect(maskPieces(values, ["abcdefgh", "ijkl"])).toBe("***");
  });

  it("finds the lines of a secret, and its text without the space around it", () => {
    const key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkq\nshort\n-----END KEY-----\n";
    expect(maskPieces([key], [`${key}|`])).toBe("***\n|");
    expect(maskPieces([key], ["  MIIBVgIBADANBgkq\r\nshort\r\n"])).toBe("  ***\r\nshort\r\n");
  });

  it("shows values of fewer than eight characters", () => {
    expect(maskPieces(["1234567"], ["1234567"])).toBe("1234567");
  });

  it("passes on no part of a secret before it is complete", () => {
    let shown = "";
    const masked = new OutputMask(["correct horse"]).begin((text) => {
      shown += text;
    });
    for (const character of "say correct horse") masked.push(character);
    expect(shown).toBe("say ***");
    masked.push(" and correct h");
    expect(shown).toBe("say *** and ");
    masked.push("ay");
    expect(shown).toBe("say *** and correct hay");
  });

  it("gives the same however the text is cut, and what was passed on never changes", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "\n"), minLength: 8, maxLength: 14 });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "\n", "c"), maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 4 }),
        text,
        fc.array(fc.nat(60)),
        (values, all, cuts) => {
          const mask = new OutputMask(values);
          const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
          const pieces = places.slice(1).map((end, at) => all.slice(places[at], end));
          expect(maskPieces(values, pieces)).toBe(mask.apply(all));
          for (const value of values) {
            const trimmed = value.trim();
            if (trimmed.length >= 8) expect(mask.apply(all)).not.toContain(trimmed);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("looks through a long log once, whatever the number of secrets", () => {
    const values = Array.from({ length: 100 }, (_, at) => `secret-${at}-${"x".repeat(40)}`);
    const log = `${"secret- and more text of a log\n".repeat(1_000)}${values[99]}`;
    expect(maskPieces(values, [log]).endsWith("\n***")).toBe(true);
  });

  it("hides what a cut leaves of a secret at either side", () => {
    const mask = new OutputMask(["hunter2hunter2", "abcdefgh"]);
    expect(mask.applyToHead("token hunter2hunter2 and hunter2hun")).toBe("token *** and ");
    expect(mask.applyToHead("token hunter2 is shorter")).toBe("token hunter2 is shorter");
    expect(mask.applyToTail("unter2hunter2 then hunter2hunter2")).toBe("*** then ***");
    expect(mask.applyToTail("hunter2 then")).toBe("*** then");
    expect(mask.applyToTail("efgh")).toBe("***");
    expect(mask.applyToTail("fgh abc")).toBe("fgh abc");
    expect(mask.applyToTail("plain")).toBe("plain");
    expect(new OutputMask([]).applyToTail("plain")).toBe("plain");
  });
});
