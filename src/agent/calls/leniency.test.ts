import { describe, expect, it } from "vitest";
import { z } from "zod";
import { lenientObject } from "./leniency.ts";

const schema = lenientObject(
  {
    path: z.string(),
    count: z.int().min(1).default(5),
    all: z.boolean().optional(),
    names: z.array(z.string()).optional(),
    options: z.object({ a: z.int() }).optional(),
  },
  { aliases: { path: ["file_path"] } },
);

describe("lenientObject", () => {
  it("reads texts as the types that the schema asks for", () => {
    const input = { path: "p", count: " 7 ", all: "TRUE", names: '["x"]', options: '{"a":1}' };
    expect(schema.parse(input)).toEqual({ path: "p", count: 7, all: true, names: ["x"], options: { a: 1 } });
  });

  it("treats a blank as absent only if the field is optional", () => {
    expect(schema.parse({ path: "", file_path: "p", count: "", names: "", options: "" })).toEqual({
      path: "",
      count: 5,
    });
  });

  it("accepts one value as a list, another name of a field, and null as absent", () => {
    expect(schema.parse({ file_path: "p", names: "x", count: null })).toEqual({ path: "p", count: 5, names: ["x"] });
  });

  it("turns an object into JSON where the schema asks for a text", () => {
    expect(schema.parse({ path: { a: 1 } }).path).toBe('{\n  "a": 1\n}');
  });

  it("leaves a value to the schema whose indentation would weigh more than the value", () => {
    const nested = (levels: number) => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    expect(JSON.parse(schema.parse({ path: nested(20) }).path)).toEqual(nested(20));
    for (const levels of [22, 40_000]) expect(schema.safeParse({ path: nested(levels) }).success).toBe(false);
  });

  it("leaves what it does not understand to the schema", () => {
    for (const input of [
      {},
      { path: 3 },
      { path: "p", count: "7.5" },
      { path: "p", all: "yes" },
      { path: "p", options: "{" },
      [],
      4,
    ]) {
      expect(schema.safeParse(input).success).toBe(false);
    }
  });

  it("is not confused by names of Object's own properties", () => {
    expect(schema.parse(JSON.parse('{"path":"p","__proto__":{"all":true},"constructor":1}'))).toEqual({
      path: "p",
      count: 5,
    });
  });

  it("is described to a model as the strict object", () => {
    expect(z.toJSONSchema(schema, { io: "input" })).toMatchObject({
      type: "object",
      required: ["path"],
      properties: { count: { type: "integer", default: 5 }, names: { type: "array", items: { type: "string" } } },
    });
  });
});
