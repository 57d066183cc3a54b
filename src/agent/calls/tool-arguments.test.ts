import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import type { Tool } from "../tool.ts";
import { lenientObject } from "./leniency.ts";
import { checkArguments, describeTool } from "./tool-arguments.ts";

const schema = z.strictObject({ path: z.string(), depth: z.int().default(3), mode: z.enum(["a", "b"]).optional() });
const tool = makeTool("list_files", { schema: schema as Tool["schema"] });

function refuse(written: string, cut = false, asked = tool): string {
  const checked = checkArguments(asked, written, cut);
  if (checked.ok) throw new Error("accepted");
  return checked.message;
}

describe("checkArguments", () => {
  it("reads JSON, fills in defaults, and reads an empty text as no arguments", () => {
    expect(checkArguments(tool, '{"path":"x"}', false)).toEqual({ ok: true, input: { path: "x", depth: 3 } });
    for (const written of ["", "  ", "null", "{}"]) {
      expect(checkArguments(makeTool("view_tasks"), written, false)).toEqual({ ok: true, input: {} });
    }
  });

  it("reads JSON that is wrapped in a JSON string", () => {
    expect(checkArguments(tool, JSON.stringify('{"path":"x"}'), false)).toMatchObject({
      ok: true,
      input: { path: "x" },
    });
  });

  it("names the tool, each field that does not fit, what was expected, and the fields of a correct call", () => {
    const message = refuse('{"depth":"deep","mode":"c","colour":1}');
    expect(message).toContain("list_files");
    expect(message).toMatch(/- path: .*string/);
    expect(message).toMatch(/- depth: .*number/);
    expect(message).toMatch(/colour/);
    expect(message).toContain('Required: path (string). Optional: depth (integer), mode (one of "a", "b").');
  });

  it("shows only the start of what is not JSON", () => {
    const message = refuse(`{"path": ${"x".repeat(5000)}`);
    expect(message).toContain("not valid JSON");
    expect(message).toContain("Required: path (string)");
    expect(message.length).toBeLessThan(1000);
  });

  it("treats broken JSON at the output limit as cut, and says to send less", () => {
    expect(refuse('{"path":"x', true)).toContain("output limit");
    expect(refuse('{"path":1}', true)).toMatch(/- path: .*string/);
  });

  it("stays short however much is wrong", () => {
    const list = makeTool("many", { schema: z.object({ items: z.array(z.int()) }) as unknown as Tool["schema"] });
    const message = refuse(JSON.stringify({ items: Array.from({ length: 1000 }, () => "x") }), false, list);
    expect(message.length).toBeLessThan(1000);
  });
});

describe("describeTool", () => {
  it("builds the schema for the model once", () => {
    const described = describeTool(tool);
    expect(described).toEqual({
      name: "list_files",
      description: "does list_files",
      parameters: expect.objectContaining({ type: "object", required: ["path"] }),
    });
    expect(described.parameters).not.toHaveProperty("$schema");
    expect(describeTool(tool)).toBe(described);
  });

  it("describes the strict schema of a lenient one", () => {
    const lenient = makeTool("ask", { schema: lenientObject({ question: z.string() }) as Tool["schema"] });
    expect(describeTool(lenient).parameters).toMatchObject({ type: "object", required: ["question"] });
  });
});

describe("a tool with a JSON Schema", () => {
  const json_schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer", maximum: 7 }, unit: { enum: ["C", "F"] } },
    required: ["city"],
    additionalProperties: false,
  };
  const forecast = makeTool("forecast", { schema: { json_schema } });

  it("is described to the model with what of that schema all servers take", () => {
    const { properties, required } = json_schema;
    expect(describeTool(forecast)).toEqual({
      name: "forecast",
      description: forecast.description,
      parameters: {
        type: "object",
        properties: { ...properties, unit: { type: "string", ...properties.unit } },
        required,
      },
    });
  });

  it("receives arguments that fit it, and refuses others in the same words as any tool", () => {
    expect(checkArguments(forecast, '{"city":"Oslo","days":"3"}', false)).toEqual({
      ok: true,
      input: { city: "Oslo", days: 3 },
    });
    const message = refuse('{"days":9,"unit":"K","colour":1}', false, forecast);
    expect(message).toMatch(/^The arguments of forecast don't fit, so it was not called:\n- city: .*string/);
    expect(message).toMatch(/- days: .*7/);
    expect(message).toMatch(/- unit: .*"C"\|"F"/);
    expect(message).toContain("colour");
    expect(message).toContain('Required: city (string). Optional: days (integer), unit (one of "C", "F").');
  });

  it("gives short refusals", () => {
    const names = Array.from({ length: 900 }, (_, at) => `field_number_${at}`);
    const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
    const wide = makeTool("wide", { schema: { json_schema: { type: "object", properties, required: names } } });
    expect(refuse("{}", false, wide).length).toBeLessThan(5_000);
  });
});
