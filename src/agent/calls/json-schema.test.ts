import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { checkJson, describeSchema, findSchemaFault, type JsonSchema } from "./json-schema.ts";

const object = (more: JsonSchema): JsonSchema => ({ type: "object", ...more });
const field = (schema: unknown, more: JsonSchema = {}): JsonSchema => object({ properties: { a: schema }, ...more });

function problemsOf(schema: JsonSchema, value: unknown): string[] {
  const checked = checkJson(schema, value);
  return checked.ok ? [] : checked.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("arguments of a tool with a JSON Schema", () => {
  it.each<[string, JsonSchema, unknown, string]>([
    ["a number for a text", field({ type: "string" }), { a: 4 }, "a: Invalid input: expected string, received number"],
    ["one of several types", field({ type: ["integer", "null"] }), { a: "x" }, "a: fits none of the forms"],
    ["a missing field", field({ type: "string" }, { required: ["a"] }), {}, "a: Invalid input: expected string"],
    ["a missing field that nothing describes", object({ required: ["b"] }), {}, "b: is required"],
    ["an unknown field", field({}, { additionalProperties: false }), { b: 1 }, ': Unrecognized key: "b"'],
    ["a wrong other field", object({ additionalProperties: { type: "number" } }), { b: "x" }, "b: Invalid input"],
    ["a word that is not listed", field({ enum: ["x", "y"] }), { a: "z" }, "a: Invalid option"],
    ["another constant", field({ const: 3 }), { a: 4 }, "a: Invalid input: expected 3"],
    ["a number out of bounds", field({ type: "number", minimum: 1, exclusiveMaximum: 3 }), { a: 3 }, "a: Too big"],
    ["a broken number", field({ type: "integer" }), { a: 1.5 }, "a: Invalid input: expected int"],
    ["a wrong item", field({ items: { type: "number" } }), { a: [1, "x"] }, "a.1: Invalid input: expected number"],
    ["too many items", field({ type: "array", maxItems: 1 }), { a: [1, 2] }, "a: Too big"],
    ["none of several forms", field({ anyOf: [{ type: "string" }, { type: "null" }] }), { a: 1 }, "a: fits none"],
    ["a form that must hold too", field({ allOf: [{ type: "number", minimum: 5 }] }), { a: 1 }, "a: Too small"],
    [
      "a field that one of two forms needs",
      object({ anyOf: [{ required: ["a"] }, { required: ["b"] }] }),
      {},
      ": fits",
    ],
    [
      "what a reference leads to",
      field({ $ref: "#/$defs/x~1y" }, { $defs: { "x/y": { type: "boolean" } } }),
      { a: "maybe" },
      "a: Invalid input: expected boolean",
    ],
    ["a field that is ruled out", field(false), { a: 1 }, "a: Invalid input: expected never"],
  ])("are refused for %s", (_what, schema, value, expected) => {
    expect(problemsOf(schema, value).join("\n")).toContain(expected);
  });

  it.each<[string, JsonSchema, unknown]>([
    ["a pattern, which a stranger may make run for ever", field({ type: "string", pattern: "^(a+)+$" }), "b"],
    ["a format", field({ type: "string", format: "email" }), "no address"],
    ["a negation", field({ not: { type: "string" } }), "x"],
    ["a condition", field({ if: {}, else: {}, dependentRequired: { a: ["b"] } }), "x"],
    ["a reference to elsewhere", field({ $ref: "https://example.com/schema" }), "x"],
    ["a reference to nothing", field({ $ref: "#/$defs/gone" }, { $defs: {} }), "x"],
    ["a type that there is not", field({ type: "any" }), "x"],
    ["an enumeration of objects", field({ enum: [{ x: 1 }] }), { x: 1 }],
    [
      "forms that only a pattern distinguishes",
      field({
        oneOf: [
          { type: "string", pattern: "a" },
          { type: "string", pattern: "b" },
        ],
      }),
      "a",
    ],
    [
      "fields that only their names' patterns describe",
      object({ patternProperties: { "^a": {} }, additionalProperties: false }),
      1,
    ],
  ])("are left to the tool itself for %s", (_what, schema, a) => {
    expect(checkJson(schema, { a })).toEqual({ ok: true, input: { a } });
  });

  it("may leave out an optional field whose name every object inherits", () => {
    const schema = object({ properties: { constructor: { type: "string" }, toString: { type: "object" } } });
    for (const input of [{}, { constructor: "x" }]) expect(checkJson(schema, input)).toEqual({ ok: true, input });
    expect(checkJson(field(schema), { a: {} })).toEqual({ ok: true, input: { a: {} } });
  });

  it("are refused with an integer whose last digits JSON has lost", () => {
    const schema = field({ type: "integer" });
    expect(problemsOf(schema, JSON.parse('{"a":1234567890123456789}'))).toEqual([
      expect.stringContaining("a: Too big"),
    ]);
    expect(checkJson(schema, { a: 2 ** 53 - 1 }).ok).toBe(true);
  });

  it("reach the tool as the model wrote them if they fit, without defaults", () => {
    const schema = field(
      { type: "string" },
      { properties: { a: { type: "string" }, b: { default: 3 }, c: { type: ["string", "null"] } } },
    );
    const value = JSON.parse('{"a":"60","c":null,"d":{"e":[]},"__proto__":{"x":1}}');
    const checked = checkJson(schema, value);
    expect(checked).toEqual({ ok: true, input: value });
    expect(checked.ok && checked.input).toBe(value);
  });

  it("are read as a model may have meant them if they don't fit", () => {
    const schema = object({
      properties: {
        count: { type: "integer" },
        list: { type: "array", items: { type: "string" } },
        deep: { type: "object" },
        yes: { type: "boolean" },
        absent: { type: "string" },
      },
      required: ["count"],
    });
    const value = { count: "60", list: "one", deep: '{"x":1}', yes: "True", absent: null, other: null };
    expect(checkJson(schema, value)).toEqual({
      ok: true,
      input: { count: 60, list: ["one"], deep: { x: 1 }, yes: true, other: null },
    });
    expect(checkJson(schema, JSON.stringify({ count: 1 }))).toEqual({ ok: true, input: { count: 1 } });
    expect(problemsOf(schema, { count: null })).toEqual(["count: Invalid input: expected number, received null"]);
  });

  it("are checked to any depth, except where a schema refers back to itself", () => {
    const schema = object({
      properties: { tree: { $ref: "#/$defs/tree" } },
      $defs: { tree: object({ properties: { name: { type: "string" }, inner: { $ref: "#/$defs/tree" } } }) },
    });
    expect(problemsOf(schema, { tree: { name: 1 } })).toEqual([
      "tree.name: Invalid input: expected string, received number",
    ]);
    expect(problemsOf(schema, { tree: { inner: { name: 1 } } })).toEqual([]);
    expect(problemsOf(object({ properties: { a: { $ref: "#" } } }), { a: { a: { a: 1 } } })).toEqual([]);
  });

  it("are checked without generated code, which Workers refuse", () => {
    vi.stubGlobal("Function", () => {
      throw new EvalError("no code is made here");
    });
    try {
      expect(
        problemsOf(field({ type: "object", properties: { b: { type: "string" } } }), { a: { b: 1 } }),
      ).toHaveLength(1);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it("are refused if there are too many to compare", () => {
    const schema = field({ items: { anyOf: Array.from({ length: 400 }, (_, place) => ({ const: place })) } });
    expect(problemsOf(schema, { a: Array(100_000).fill("x") }).join()).toContain("hold more than");
    let deep: unknown = 1;
    for (let level = 0; level < 100; level++) deep = [deep];
    expect(problemsOf(field({}), { a: deep }).join()).toContain("nested too deeply");
  });

  it("are checked in bounded work against a schema that grows without end", () => {
    const names = "abcdefghijklmnopqrstuvwxyz".split("");
    const refs = (name: string) => [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}` }];
    const $defs = Object.fromEntries(names.map((name, at) => [name, { anyOf: refs(names[at + 1] ?? "z") }]));
    expect(problemsOf(field({ anyOf: refs("a") }, { $defs }), { a: 1 })).toEqual([]);
    const chain = Object.fromEntries(
      Array.from({ length: 500 }, (_, at) => [`d${at}`, { allOf: [{ $ref: `#/$defs/d${at + 1}` }] }]),
    );
    expect(problemsOf(field({ $ref: "#/$defs/d0" }, { $defs: chain }), { a: 1 })).toEqual([]);
  });

  it("never make the check throw, whatever the schema is", () => {
    const keys = [
      "type",
      "properties",
      "required",
      "items",
      "anyOf",
      "allOf",
      "oneOf",
      "enum",
      "const",
      "$ref",
      "minLength",
    ];
    const { schema } = fc.letrec((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.dictionary(fc.constantFrom(...keys, "additionalProperties", "a", "__proto__"), tie("value"), { maxKeys: 4 }),
        fc.boolean(),
      ),
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom("object", "array", "string", "#", "#/properties/a", null, 3, -1, "x"),
        fc.array(tie("schema"), { maxLength: 3 }),
        tie("schema"),
      ),
    }));
    fc.assert(
      fc.property(schema, fc.jsonValue({ maxDepth: 3 }), (part, value) => {
        checkJson(field(part), { a: value });
        checkJson(object({ allOf: [part as JsonSchema] }), value);
      }),
    );
  });
});

describe("a schema", () => {
  it.each([
    ["no object", "text", "is no JSON Schema of an object"],
    ["of a list", { type: "array" }, "is no JSON Schema of an object"],
    ["with fields that are none", object({ properties: [] }), "has properties that are no object"],
    ["with names that are none", object({ required: "a" }), "requires what is no name"],
    [
      "with a field that a provider refuses",
      field({}, { properties: { $top: {} } }),
      'has a field with the name "$top"',
    ],
    ["that is long", object({ description: "x".repeat(20_001) }), "is larger than 20000 characters of JSON"],
    ["with half a character", object({ description: "\ud800" }), "is not well-formed Unicode (a lone surrogate)"],
  ])("%s is not offered to a model", (_what, schema, fault) => {
    expect(findSchemaFault(schema)).toBe(fault);
  });

  it("is not offered to a model if it is nested too deeply", () => {
    let deep: JsonSchema = {};
    for (let level = 0; level < 40; level++) deep = { items: deep };
    expect(findSchemaFault(field(deep))).toBe("is nested deeper than 32 levels");
  });

  it("is sent unchanged, except for what makes providers refuse the whole request", () => {
    const inner = { anyOf: [{ type: "string", pattern: "a" }] };
    const schema = { $schema: "x", ...field(inner), anyOf: [{ required: ["a"] }], additionalProperties: false };
    expect(describeSchema(schema)).toEqual({ ...field(inner), additionalProperties: false });
    expect(describeSchema(object({}))).toEqual({ type: "object", properties: {} });
  });
});
