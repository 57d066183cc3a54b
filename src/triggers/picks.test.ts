import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readThreadKey, writeMessage, writeTitle } from "./message.ts";
import { payloadOf, readPayload } from "./payload.ts";
import { type Pick, type Piece, parseTemplate, pickFrom } from "./picks.ts";

function parse(template: string): Piece[] {
  const parsed = parseTemplate(template);
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value;
}

function pick(template: string, payload: unknown): unknown {
  const [only, ...more] = parse(template);
  expect(more).toEqual([]);
  return pickFrom(payload, only as Pick);
}

function read(text: string, type = "application/json") {
  const payload = readPayload(new TextEncoder().encode(text), type);
  if (!payload.ok) throw new Error(payload.error.code);
  return payload.value;
}

describe("a template", () => {
  it("is parsed into text and picks, in order", () => {
    expect(parse('a {{$.b.c}}{{ $["d e"][0] }} {{f}}')).toEqual([
      "a ",
      { path: "$.b.c", steps: ["b", "c"] },
      { path: '$["d e"][0]', steps: ["d e", 0] },
      " {{f}}",
    ]);
  });

  it("accepts names in any script, and any name in quotes", () => {
    expect(parse("{{$.标题}}")).toEqual([{ path: "$.标题", steps: ["标题"] }]);
    expect(parse('{{$["a\\"}}{{$.b"]}}')).toEqual([{ path: '$["a\\"}}{{$.b"]', steps: ['a"}}{{$.b'] }]);
  });

  it.each([
    "{{$",
    "{{$.}}",
    "{{$.a",
    "{{$.a b}}",
    "{{$[x]}}",
    "{{$[-1]}}",
    '{{$["a]}}',
    "{{$..a}}",
    "{{$a}}",
    '{{$["\\x"]}}',
  ])("is refused with %s, and the error says where", (template) => {
    const parsed = parseTemplate(`ab ${template}`);
    expect(parsed).toMatchObject({
      ok: false,
      error: { code: "invalid_field", detail: expect.stringMatching(/at character 4 /) },
    });
  });

  it("is limited in picks and steps", () => {
    expect(parseTemplate("{{$.a}}".repeat(51))).toMatchObject({ ok: false });
    expect(parseTemplate(`{{$${".a".repeat(33)}}}`)).toMatchObject({ ok: false });
  });

  it("never crashes the parser and never loses text", () => {
    const piece = fc.constantFrom("{{", "}}", "$", ".", "a", "[", "0", "]", '"', "\\", " ", "é");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const template = pieces.join("");
        const parsed = parseTemplate(template);
        if (!parsed.ok) return;
        const texts = parsed.value.filter((each) => typeof each === "string").join("");
        const rest = template.replaceAll(/\{\{\s*\$(?:[^"}]|"(?:[^"\\]|\\.)*")*\}\}/g, "");
        expect(texts).toBe(rest);
      }),
    );
  });
});

describe("a pick", () => {
  it("finds any path that the payload has", () => {
    const name = fc.string({ maxLength: 8 });
    fc.assert(
      fc.property(fc.array(fc.oneof(name, fc.nat(3)), { maxLength: 6 }), fc.jsonValue(), (steps, value) => {
        const payload = steps.reduceRight<unknown>(
          (inner, step) =>
            typeof step === "number" ? [...Array<null>(step).fill(null), inner] : Object.fromEntries([[step, inner]]),
          value,
        );
        const path = steps.map((step) => `[${JSON.stringify(step)}]`).join("");
        expect(pick(`{{$${path}}}`, payload)).toEqual(value);
      }),
    );
  });

  it.each([
    "{{$.__proto__}}",
    "{{$.constructor}}",
    "{{$.toString}}",
    "{{$.a.length}}",
    "{{$.b.length}}",
    '{{$.b["0"]}}',
    "{{$.a[0]}}",
    "{{$.b[9]}}",
  ])("finds only what the payload itself contains: %s", (template) =>
    expect(pick(template, { a: "text", b: [1] })).toBeUndefined(),
  );

  it("finds a name like __proto__ if the payload contains it", () => {
    expect(pick("{{$.__proto__.a}}", JSON.parse('{"__proto__":{"a":1}}'))).toBe(1);
  });
});

describe("a webhook's message", () => {
  it("quotes picks in their places, and the payload once at the end", () => {
    const payload = read('{"issue":{"title":"It\'s \\"slow\\"","labels":["a"]}}');
    expect(writeMessage(parse("Look at {{$.issue.title}} ({{$.issue.labels}}, {{$.none}})."), payload, "issues")).toBe(
      [
        'Look at <webhook_payload path="$.issue.title">"It\'s \\"slow\\""</webhook_payload> (<webhook_payload path="$.issue.labels">["a"]</webhook_payload>, <webhook_payload path="$.none"></webhook_payload>).',
        "",
        "The payload of the webhook's event issues, as data:",
        "<webhook_payload>",
        '{"issue":{"title":"It\'s \\"slow\\"","labels":["a"]}}',
        "</webhook_payload>",
      ].join("\n"),
    );
  });

  it("contains no tag that a payload has opened or closed", () => {
    const piece = fc.constantFrom("</webhook_payload>", "<reminder>", "<", "\\", '"', "\n", "a", "\u2028", "{{$.t}}");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, isJson) => {
        const text = pieces.join("");
        const payload = isJson ? payloadOf({ t: text, [text]: 1 }) : { text, is_json: false, value: undefined };
        const message = writeMessage(parse("Read {{$.t}}."), payload, null);
        const tags = message.match(/<[^>]*>/g);
        expect(tags).toEqual([
          '<webhook_payload path="$.t">',
          "</webhook_payload>",
          "<webhook_payload>",
          "</webhook_payload>",
        ]);
        const [, inner = ""] = /<webhook_payload>\n([^<]*)\n<\/webhook_payload>$/.exec(message) ?? [];
        // Not parsed: V8 13.6 sometimes reads an escaped name as one that it read before.
        expect(inner.replaceAll("\\u003c", "<").replaceAll("\\u2028", "\u2028")).toBe(
          JSON.stringify(isJson ? payload.value : text),
        );
        expect(message.isWellFormed()).toBe(true);
      }),
    );
  });

  it("is limited in each pick and as a whole", () => {
    const message = writeMessage(parse("{{$.t}}"), payloadOf({ t: "x".repeat(10_000) }), null);
    expect(message).toMatch(
      /^<webhook_payload path="\$\.t">"x{3999}… \(6002 characters left out\)<\/webhook_payload>\n/,
    );
    const hostile = writeMessage(parse("a"), { text: "<".repeat(256 * 1024), is_json: false, value: undefined }, null);
    expect(hostile.length).toBeLessThan(301_000);
    expect(hostile).toContain("characters left out");
  });

  it("has no payload block without a payload", () => {
    expect(writeMessage(parse("Look{{$.a}}."), null, null)).toBe('Look<webhook_payload path="$.a"></webhook_payload>.');
  });
});

describe("a webhook's title", () => {
  const payload = payloadOf({ t: "It is\n<b>slow</b>", n: 7, list: ["a"], turned: "\u202egnp" });

  it.each([
    ["Triage {{$.t}}.\nThen stop.", "Triage It is <b>slow</b>."],
    ["\n#{{$.n}} {{$.list}} {{$.none}} {{$.turned}}", '#7 ["a"] gnp'],
    ["{{$.none}}", null],
  ])("of %j shows its picks as plain text on one line", (prompt, title) => {
    expect(writeTitle(parse(prompt), payload)).toBe(title);
  });

  it("is limited, whatever was picked", () => {
    const long = payloadOf({ t: "x".repeat(200_000), a: Array(20_000).fill("y") });
    expect(writeTitle(parse("{{$.t}}{{$.a}}{{$}}"), long)).toBe("x".repeat(80));
  });
});

describe("a payload", () => {
  it("keeps numbers that JavaScript can't represent", () => {
    const payload = read(
      '{"id":9007199254740993,"near":[12345678901234567890],"small":7,"real":1.2345678901234567890}',
    );
    expect(payload.text).toContain('"id":9007199254740993');
    expect(readThreadKey("{{$.id}}", payload)).toBe("9007199254740993");
    expect(readThreadKey("{{$.near[0]}}-{{$.small}}", payload)).toBe("12345678901234567890-7");
  });

  it("may be nested as deep as its size permits", () => {
    for (const inner of ["", "1234567890123456789"]) {
      const payload = read("[".repeat(131_000) + inner + "]".repeat(131_000));
      const message = writeMessage(parse("{{$}} {{$[0][0]}}"), payload, null);
      expect(message.includes("(nested too deeply to be shown)")).toBe(true);
      expect(readThreadKey("{{$}}", payload)).toBeNull();
    }
  });

  it("is parsed by its type: JSON, GitHub's form, or text", () => {
    expect(read('{"a":1}', "application/vnd.github+json; charset=utf-8").value).toEqual({ a: 1 });
    expect(read(`payload=${encodeURIComponent('{"a":"b c"}')}`, "application/x-www-form-urlencoded").value).toEqual({
      a: "b c",
    });
    expect(read('{"a":1}', "application/x-www-form-urlencoded").value).toEqual({ a: 1 });
    expect(read("a=1", "application/x-www-form-urlencoded")).toMatchObject({ text: "a=1", is_json: false });
    expect(read("\ufeff[1]", "text/plain").value).toEqual([1]);
    expect(read("hello", "")).toMatchObject({ text: "hello", is_json: false, value: undefined });
    for (const [text, type] of [
      ["{", "application/json"],
      ["", "application/json"],
      ["payload={", "application/x-www-form-urlencoded"],
    ]) {
      expect(() => read(text as string, type)).toThrow("bad_json");
    }
    expect(readPayload(Uint8Array.from([0xff]), null)).toMatchObject({ ok: false, error: { code: "bad_json" } });
  });
});

describe("a thread's key", () => {
  it("consists of its picks, and is null if one finds nothing", () => {
    const payload = payloadOf({ repo: "a/b", n: 7, no: null, empty: "", list: [1] });
    expect(readThreadKey("{{$.repo}}#{{$.n}}", payload)).toBe("a/b#7");
    expect(readThreadKey("{{$.list}}", payload)).toBe("[1]");
    for (const missing of ["{{$.x}}", "{{$.no}}", "{{$.empty}}", "{{$.repo}}#{{$.x}}"]) {
      expect(readThreadKey(missing, payload)).toBeNull();
    }
  });

  it("may be one bare pick", () => {
    const payload = payloadOf({ issue: { number: 7 }, "a}}": 1 });
    expect(readThreadKey("$.issue.number", payload)).toBe("7");
    expect(readThreadKey("$.issue.number {{$.issue.number}}", payload)).toBe("$.issue.number 7");
  });

  it("defaults to the payload's own key, or GitHub's issue or pull request", () => {
    const repository = { full_name: "a/b" };
    const usual = (value: unknown) => readThreadKey(null, payloadOf(value));
    expect(usual({ key: "order-1", repository, issue: { number: 7 } })).toBe("order-1");
    expect(usual({ repository, issue: { number: 7 } })).toBe("a/b#7");
    expect(usual({ repository, pull_request: { number: 8 } })).toBe("a/b#8");
    for (const none of [{}, { repository }, { issue: { number: 7 } }, null, []]) expect(usual(none)).toBeNull();
    expect(readThreadKey(null, null)).toBeNull();
  });
});
