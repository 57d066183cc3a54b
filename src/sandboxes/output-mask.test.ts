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

  it("finds what logs of requests make of a secret", () => {
    const value = 'p@ss "wörd"/1';
    const mask = new OutputMask([value]);
    const basic = Buffer.from(`user:${value}`).toString("base64");
    for (const text of [
      JSON.stringify({ value }),
      `https://x.example/?key=${encodeURIComponent(value)}`,
      ...["", "u", "us", "user:"].map((before) => Buffer.from(before + value).toString("base64")),
      Buffer.from(`${value}\n`).toString("base64url"),
    ]) {
      const masked = mask.apply(text);
      expect(masked).toContain("***");
      expect(masked.length).toBeLessThan(text.length / 2 + 24);
    }
    expect(mask.apply(`Authorization: Basic ${basic}`)).not.toContain(basic.slice(8, -4));
  });

  it("does not find a secret that is reversed, in hex, or has colours in it", () => {
    const value = "secret-value-17";
    const hidden = [[...value].reverse().join(""), Buffer.from(value).toString("hex"), "secret\u001b[0m-value-17"];
    for (const text of hidden) expect(new OutputMask([value]).apply(text)).toBe(text);
  });

  it("gives the same for a long secret that comes in single characters, and for one that only begins like it", () => {
    const value = `${"ab".repeat(2_000)}c`;
    expect(maskPieces([value], [...`x${value}y`])).toBe("x***y");
    expect(maskPieces([value], [..."ab".repeat(2_010)])).toBe("ab".repeat(2_010));
    expect(maskPieces([value, `${value}d`, "ab".repeat(100)], [...`${value}e`])).toBe("***e");
  });

  it("finds each of fifty thousand lines", () => {
    const lines = Array.from({ length: 50_000 }, (_, at) => `${at}`.padStart(8, "k"));
    const mask = new OutputMask([lines.join("\n")]);
    expect(mask.apply(`a kkk49999 kkkk9999 zkkk1234 ${lines[7]}`)).toBe("a *** *** zkkk1234 ***");
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
