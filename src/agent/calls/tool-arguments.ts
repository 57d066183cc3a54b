// Connects the model's text with a tool's schema: the description that the model sees, and an error that it can act on
// if its arguments don't fit.
import { z } from "zod";
import { cutEnd } from "../../lib/truncate.ts";
import type { ToolDescription } from "../model.ts";
import { simplifySchema } from "../prompt/shown-schema.ts";
import type { Tool } from "../tool.ts";
import { type CheckedJson, checkJson, describeSchema } from "./json-schema.ts";

export type CheckedArguments = { ok: true; input: unknown } | { ok: false; message: string };

/** In one refusal. A model that breaks a schema in more places has not understood it at all. */
const MAX_ISSUES = 5;
const MAX_ISSUE_CHARACTERS = 300;
/** For the description of a correct call. Another server's schema may name more fields. */
const MAX_FIELDS_CHARACTERS = 2_000;
/** How much of arguments that are not JSON is quoted. */
const MAX_QUOTED_CHARACTERS = 200;

// Schemas are constants of a module, and converting one to JSON Schema costs more than a token does, so it is done
// once.
const descriptions = new WeakMap<Tool, ToolDescription>();
/** Each life makes the tools that have settings anew, of the same schemas. */
const bySchema = new WeakMap<Tool["schema"], ToolDescription>();

export function describeTool(tool: Tool): ToolDescription {
  const known = descriptions.get(tool);
  if (known) return known;
  const { name, description, schema } = tool;
  const alike = bySchema.get(schema);
  const isSame = alike?.name === name && alike.description === description;
  const described = isSame ? alike : { name, description, parameters: alike?.parameters ?? describeParameters(tool) };
  descriptions.set(tool, described);
  bySchema.set(schema, described);
  return described;
}

function describeParameters({ schema }: Tool): Record<string, unknown> {
  if ("json_schema" in schema) return simplifySchema(describeSchema(schema.json_schema));
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return simplifySchema(parameters);
}

/** `cut`: the reply ended at the output limit, so broken JSON was most likely cut off. */
export function checkArguments(tool: Tool, written: string, cut: boolean): CheckedArguments {
  const parsed = parseArguments(written);
  if (!parsed.ok) return { ok: false, message: cut ? describeCut(tool) : describeBroken(tool, written, parsed.reason) };
  const checked = checkValue(tool, parsed.value);
  if (checked.ok) return checked;
  const issues = checked.issues.slice(0, MAX_ISSUES).map((issue) => {
    const place = issue.path.length > 0 ? issue.path.map(String).join(".") : "arguments";
    return `- ${cutEnd(place, MAX_ISSUE_CHARACTERS)}: ${cutEnd(issue.message, MAX_ISSUE_CHARACTERS)}`;
  });
  return {
    ok: false,
    message: `The arguments of ${tool.name} don't fit, so it was not called:\n${issues.join("\n")}\n${describeFields(tool)}`,
  };
}

function checkValue({ schema }: Tool, value: unknown): CheckedJson {
  if ("json_schema" in schema) return checkJson(schema.json_schema, value);
  const checked = schema.safeParse(value);
  return checked.success ? { ok: true, input: checked.data } : { ok: false, issues: checked.error.issues };
}

/** An empty text means no arguments. JSON inside a JSON string, which some models write, is read too. */
function parseArguments(written: string): { ok: true; value: unknown } | { ok: false; reason: string } {
  if (written.trim() === "") return { ok: true, value: {} };
  try {
    const value: unknown = JSON.parse(written);
    if (typeof value === "string" && value.trimStart().startsWith("{")) return { ok: true, value: JSON.parse(value) };
    return { ok: true, value: value ?? {} };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : "not JSON" };
  }
}

function describeBroken(tool: Tool, written: string, reason: string): string {
  const shown = cutEnd(written.toWellFormed(), MAX_QUOTED_CHARACTERS);
  return `The arguments of ${tool.name} are not valid JSON (${cutEnd(reason.toWellFormed(), MAX_ISSUE_CHARACTERS)}), so it was not called. They began: ${shown}\nWrite them again as one JSON object. ${describeFields(tool)}`;
}

function describeCut(tool: Tool): string {
  return `Your reply reached the output limit within the arguments of ${tool.name}, so it was not called. Send less at once: write a long file in several smaller ones, or a first part now and the rest by later calls.`;
}

/** The fields of a correct call with their types, the required ones first. */
function describeFields(tool: Tool): string {
  const { properties, required } = describeTool(tool).parameters as {
    properties?: Record<string, Record<string, unknown>>;
    required?: string[];
  };
  const names = Object.keys(properties ?? {});
  if (names.length === 0) return `${tool.name} takes {}.`;
  const needed = new Set(required ?? []);
  const list = (wanted: boolean) =>
    names
      .filter((name) => needed.has(name) === wanted)
      .map((name) => `${name}${describeType(properties?.[name])}`)
      .join(", ");
  const fields = `Required: ${list(true) || "nothing"}. Optional: ${list(false) || "nothing"}.`;
  return fields.length > MAX_FIELDS_CHARACTERS ? `${cutEnd(fields, MAX_FIELDS_CHARACTERS)}…` : fields;
}

function describeType(schema: Record<string, unknown> | undefined): string {
  if (Array.isArray(schema?.enum)) return ` (one of ${schema.enum.map((value) => JSON.stringify(value)).join(", ")})`;
  if (typeof schema?.type === "string") return ` (${schema.type})`;
  return "";
}
