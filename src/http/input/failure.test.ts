import { describe, expect, it } from "vitest";
import { z } from "zod";
import { toFailure } from "./failure.ts";
import { describeBadJson } from "./json-place.ts";

const schema = z.strictObject({
  message: z.string(),
  count: z.int().optional(),
  steps: z
    .array(z.discriminatedUnion("op", [z.strictObject({ op: z.literal("a") }), z.strictObject({ op: z.literal("b") })]))
    .optional(),
});

function failureOf(value: unknown, asked: z.ZodType = schema) {
  const { error } = asked.safeParse(value);
  if (error === undefined) throw new Error("It is valid.");
  return toFailure(error, asked, value);
}

describe("what is wrong with an input", () => {
  it("names an unknown field and those that are known", () => {
    const detail = 'not known: "mesage" (known: message, count, steps)';
    expect(failureOf({ mesage: "secret" })).toEqual({ code: "unknown_field", detail });
    expect(failureOf({ a: 1 }, z.strictObject({})).detail).toBe('not known: "a" (there are none here)');
    expect(failureOf({ message: "", steps: [{ op: "a", x: 1 }] }).detail).toBe('not known: "steps[0].x"');
  });

  it("says that a field is missing, and which kinds there are", () => {
    expect(failureOf({})).toEqual({ code: "invalid_field", detail: "message: is missing: expected string" });
    const either = z.strictObject({ message: z.union([z.string(), z.array(z.string())]), mode: z.enum(["a", "b"]) });
    expect(failureOf({ mode: "a" }, either).detail).toBe("message: is missing: expected string or array");
    expect(failureOf({ message: "" }, either).detail).toBe('mode: is missing: expected one of "a"|"b"');
    expect(failureOf({ message: null }).detail).toBe("message: Invalid input: expected string, received null");
    expect(failureOf({ message: "", steps: [{ op: "add" }] }).detail).toBe(
      'steps[0].op: is not of a known kind: expected one of "a"|"b"',
    );
  });
});

describe("where a body stops being JSON", () => {
  it.each([
    ["{'message': 'hi'}", "The body is not JSON: see line 1, column 2."],
    ['{\n  "a": 1,\n}', "The body is not JSON: see line 3, column 1."],
    ['{"a": "tl_secret', "The body is not JSON: see line 1, column 17."],
    ['{"a": 1', "The body is not JSON: see line 1, column 8."],
    ["{", "The body is not JSON: see line 1, column 2."],
    ['{"a":', "The body is not JSON: it ends too early."],
    ["tl_secret", "The body is not JSON."],
  ])("is said of %s without quoting it", (text, said) => {
    let failure: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      failure = error;
    }
    expect(describeBadJson(failure, text)).toBe(said);
  });
});
