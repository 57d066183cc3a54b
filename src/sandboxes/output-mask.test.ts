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

  it("gives the same however a text of escapes, quotes and long lines is cut", () => {
    const units = [
      "a",
      "b",
      "a",
      "b",
      "\n",
      "%",
      "4",
      "1",
      "\\",
      "'",
      " ",
      "ö",
      "%61",
      "\\n",
      "\\u0062",
      "%C3%B6",
      "ab".repeat(9),
    ];
    const text = fc.array(fc.constantFrom(...units), { maxLength: 40 }).map((parts) => parts.join(""));
    const value = fc.array(fc.constantFrom("a", "b", "%", "4", "\\", "'", " ", "ö", "\n"), {
      minLength: 8,
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), text, fc.array(fc.nat(90)), (parts, all, cuts) => {
        const values = parts.map((each) => each.join(""));
        const places = [0, ...cuts.map((cut) => Math.min(cut, all.length)).sort((a, b) => a - b), all.length];
        const pieces = places.slice(1).map((end, at) => all.slice(places[at], end));
        expect(maskPieces(values, pieces)).toBe(new OutputMask(values).apply(all));
        expect(maskPieces(values, [...all])).toBe(new OutputMask(values).apply(all));
      }),
      { numRuns: 500 },
    );
  });

  const secret = `p@ss wörd+/1'"%2F\\n-${"0123456789abcdef".repeat(12)}🔑`;
  const bytes = Buffer.from(secret);
  const percent = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const small = (text: string) => text.replace(/%[0-9A-F]{2}/g, (each) => each.toLowerCase());
  const escaped = (text: string) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const wrapped = (width: number, end = "\n") =>
    bytes.toString("base64").replace(new RegExp(`.{${width}}`, "g"), `$&${end}`);
  it.each([
    ["base64 of 76 columns", wrapped(76)],
    ["base64 of 64 columns", wrapped(64)],
    ["base64 of 16 columns", wrapped(16)],
    ["base64 as mail has it", wrapped(76, "\r\n")],
    ["base64 that Python prints as bytes", `b'${wrapped(76, "\\n")}'`],
    [
      "base64 behind other words in its lines",
      Buffer.from(`token: ${secret}\n`).toString("base64").replace(/.{76}/g, "$&\n"),
    ],
    ["Python's quote", percent(secret).replaceAll("%2F", "/")],
    ["Python's quote_plus", percent(secret).replaceAll("%20", "+")],
    ["percent-encoding in small letters", small(percent(secret))],
    ["percent-encoding of every byte", bytes.toString("hex").replace(/../g, "%$&")],
    ["JSON", JSON.stringify({ secret })],
    ["JSON in ASCII", `{"secret": "${escaped(secret)}"}`],
    ["JSON with escaped slashes", JSON.stringify({ secret }).replaceAll("/", "\\/")],
    ["a shell's quotes", `export KEY='${secret.replaceAll("'", "'\\''")}'`],
    [
      "bytes as Python prints them",
      `b'${secret.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`.replace(/[^ -~]+/gu, (each) =>
        Buffer.from(each).toString("hex").replace(/../g, "\\x$&"),
      ),
    ],
    [
      "a path as git quotes it",
      `"${secret.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`.replace(/[^ -~]+/gu, (each) =>
        [...Buffer.from(each)].map((byte) => `\\${byte.toString(8)}`).join(""),
      ),
    ],
    ["a broken line", `curl -H ${secret.slice(0, 80)}\n${secret.slice(80)}`],
  ])("finds a secret in %s, also in single characters", (_form, text) => {
    const masked = new OutputMask([secret]).apply(`x ${text} y`);
    expect(masked).toMatch(/^x .*\*\*\*.* y$/s);
    expect(masked).not.toMatch(/[0-9a-zA-Z+/%]{20}/);
    expect(maskPieces([secret], [..."x ", ...text, ..." y"])).toBe(masked);
  });

  it("does not hold a line back that ends as a secret begins", () => {
    let shown = "";
    const masked = new OutputMask(["secret-value-17"]).begin((text) => {
      shown += text;
    });
    masked.push("Enter names\n");
    expect(shown).toBe("Enter names\n");
    masked.push("50%\n");
    expect(shown).toBe("Enter names\n50%\n");
  });

  it("takes time that grows with the text alone, whatever text and secrets have in common", () => {
    const like = "a".repeat(50_000);
    const comb = Array.from({ length: 60 }, (_, at) => `${"a".repeat(at + 8)}b`);
    const measure = (values: string[], text: string) => {
      const mask = new OutputMask(values);
      const begun = process.cpuUsage();
      mask.apply(text);
      const { user, system } = process.cpuUsage(begun);
      return (user + system) / 1_000;
    };
    const plain = measure(["secret-value-17"], "x".repeat(300_000));
    for (const [values, text] of [
      [[`${like}b${like}`], "a".repeat(300_000)],
      [[...comb, `${like}b`], "a".repeat(300_000)],
      [Array.from({ length: 20_000 }, (_, at) => `aaaaaaaa${at}`), "a".repeat(300_000)],
      [["secret%41-value"], "secret%41-value%41".repeat(15_000)],
      [["aaaaaaaa"], "%61".repeat(100_000)],
      [["aaaaaaab"], "\\".repeat(300_000)],
      [["aaaaaaab"], "'\n\"".repeat(100_000)],
    ] as const) {
      expect(measure([...values], text)).toBeLessThan(100 * plain + 2_000);
    }
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

  it("gives the same for a long secret that comes in single characters, and masks the beginning of one", () => {
    const value = `${"ab".repeat(2_000)}c`;
    expect(maskPieces([value], [...`x${value}y`])).toBe("x***y");
    expect(maskPieces([value], [..."ab".repeat(2_010)])).toBe(`***${"ab".repeat(10)}`);
    expect(maskPieces([value], [`${"ab".repeat(15)}x`])).toBe(`${"ab".repeat(15)}x`);
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
