import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noSettings } from "../../../test/fakes/settings.ts";
import { createTools } from "../../tools/index.ts";
import { describeTool } from "../calls/tool-arguments.ts";
import type { Tool } from "../tool.ts";
import { simplifySchema } from "./shown-schema.ts";

const of = (field: unknown) => ({ type: "object", properties: { maxLength: field }, required: ["maxLength"] });
const text = { type: "string" };

describe("simplifySchema", () => {
  it.each([
    // llama.cpp
    [{ type: "string", maxLength: 10_000 }, text],
    [
      { type: "array", items: text, maxItems: 5000 },
      { type: "array", items: text },
    ],
    [{ type: "string", pattern: "\\S" }, text],
    [{ type: "string", pattern: "^\\d+$" }, text],
    // Gemini
    [{ type: "string", format: "uri" }, text],
    [{ const: "a" }, { type: "string", enum: ["a"] }],
    [{ enum: ["", "a"] }, { type: "string", enum: ["a"] }],
    [{ type: "integer", enum: [1, 2] }, { type: "integer" }],
    [{ type: ["string", "null"] }, text],
    [{ type: "number", exclusiveMinimum: 0 }, { type: "number" }],
    [
      { type: "array", prefixItems: [{ type: "number" }, text] },
      { type: "array", items: { type: "number" } },
    ],
    [{ type: "array" }, { type: "array", items: text }],
    [{ ...of(text), additionalProperties: false, $schema: "x", propertyNames: {} }, of(text)],
    [
      { type: "object", properties: {}, required: ["gone"] },
      { type: "object", properties: {} },
    ],
    [
      { oneOf: [text, { type: "null" }], description: "d" },
      { type: "string", description: "d" },
    ],
    [{ type: ["string", "integer"] }, { anyOf: [text, { type: "integer" }] }],
    // Kimi
    [{}, text],
    [{ type: "object", anyOf: [of(text), text] }, { anyOf: [of(text), text] }],
    [{ description: "anything" }, { type: "string", description: "anything" }],
    [{ allOf: [of(text), { properties: { b: text } }] }, { ...of(text), properties: { maxLength: text, b: text } }],
  ])("shows %j as what all servers take", (field, shown) => {
    expect(simplifySchema(of(field))).toEqual(of(shown));
  });

  it.each([
    { type: "string", minLength: 1, maxLength: 200, pattern: "^[a-z]{1,9}$" },
    { type: "string", format: "date-time", description: "When", title: "T", default: "now" },
    { type: "integer", minimum: 1, maximum: 10_000_000 },
    { type: "object", properties: {}, additionalProperties: text },
    { type: "array", items: of(text), minItems: 1, maxItems: 20 },
  ])("keeps what all servers take: %j", (field) => {
    expect(simplifySchema(of(field))).toEqual(of(field));
  });

  it("puts what a reference means in its place, and ends where one leads back", () => {
    const node = { type: "object", properties: { name: { $ref: "#/$defs/name" }, next: { $ref: "#/$defs/node" } } };
    const shown = simplifySchema({ ...of({ $ref: "#/$defs/node" }), $defs: { node, name: text } });
    expect(JSON.stringify(shown)).not.toContain("$");
    expect(shown).toMatchObject(
      of({ type: "object", properties: { name: text, next: { properties: { name: text } } } }),
    );
  });

  it("shows any schema with types alone that all servers know", () => {
    const keyword = fc.constantFrom(
      "type",
      "anyOf",
      "allOf",
      "$ref",
      "items",
      "properties",
      "enum",
      "const",
      "required",
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom("string", "object", "array", "null", "#/properties/a", "#", 7, null, true),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(fc.oneof(keyword, fc.constant("a")), tie("any"), { maxKeys: 4 }),
      ),
    })).any;
    const known = /^(?:type|properties|items|anyOf|enum|required|additionalProperties)$/;
    const check = (part: Record<string, unknown>): void => {
      expect(Object.keys(part).filter((name) => !known.test(name))).toEqual([]);
      expect(part.anyOf ?? part.type).toSatisfy(
        (given) => Array.isArray(given) || /^(?:string|number|integer|boolean|array|object)$/.test(given),
      );
      const fields = Object.values((part.properties ?? {}) as Record<string, unknown>);
      for (const inner of [...fields, ...((part.anyOf ?? []) as unknown[]), part.items, part.additionalProperties])
        if (inner !== undefined) check(inner as Record<string, unknown>);
    };
    fc.assert(
      fc.property(fc.dictionary(keyword, value, { maxKeys: 5 }), (schema) => {
        check(simplifySchema({ ...schema, type: "object" }));
      }),
    );
  });
});

describe("the tools that a model is shown", () => {
  const tools = createTools({ ...noSettings, fetch: { ...noSettings.fetch, offered: true } });
  const schemas = tools.map((tool) => [tool.name, JSON.stringify(describeTool(tool).parameters)] as const);

  it("have no bound that llama.cpp can't compile", () => {
    const wide = /"(?:max|min)(?:Length|Items)":\d{4,}/;
    expect(schemas.filter(([, schema]) => wide.test(schema)).map(([name]) => name)).toEqual([]);
  });

  it("name the fields of a check, since llama.cpp lets a model write no others", () => {
    const { parameters } = describeTool(tools.find(({ name }) => name === "create_tasks") ?? (tools[0] as Tool));
    const named = JSON.stringify(parameters);
    for (const field of ["run", "path", "contains", "port", "status", "question"])
      expect(named).toContain(`"${field}":{`);
  });
});
