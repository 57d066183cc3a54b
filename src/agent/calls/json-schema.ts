// Checks arguments against a JSON Schema that may come from an untrusted server, such as an MCP server.
//
// The schema is first reduced to what zod can check in bounded time. The reduced schema never refuses arguments that
// the whole schema accepts: a keyword that zod can't check is left out, and the tool itself then decides. `pattern` and
// `format` are left out too, because an untrusted regular expression may run for ever, and so are `not`, `if` and the
// like. `oneOf` requires at least one match, because what is left out may be the only difference between two parts. Two
// rules are stricter: fields or items without a `type` imply an object or a list, and an integer beyond 2^53 is
// refused, because JSON.parse has lost its last digits. References are expanded; one that leads back to itself, or
// beyond the bound, accepts anything. Neither zod nor this file generates code.
import { z } from "zod";
import { isRecord } from "../../lib/is-record.ts";
import { findJsonFault } from "../../lib/json-bounds.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { parseJson, understandAs } from "./leniency.ts";

export type JsonSchema = Record<string, unknown>;

export interface JsonIssue {
  path: PropertyKey[];
  message: string;
}

export type CheckedJson = { ok: true; input: unknown } | { ok: false; issues: JsonIssue[] };

/** About 5,000 tokens, which the model reads at each step. The schemas of well-known MCP servers have a tenth of it. */
const MAX_SCHEMA_CHARACTERS = 20_000;
const MAX_SCHEMA_LEVELS = 32;
/** Limits for a schema with its references expanded: `a: [b, b], b: [c, c] …` grows without end. */
const MAX_PARTS = 1_000;
const MAX_PART_LEVELS = 64;
/**
 * Number of argument values times the comparisons that each may need. zod collects an issue for each, some megabytes in
 * all.
 */
const MAX_COMPARISONS = 50_000;
const MAX_ARGUMENT_LEVELS = 64;

/** Anthropic refuses a whole request if one field's name does not match this. */
const fieldName = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * The reason, as a clause, why a tool with this schema can't be offered; null if it can. Providers refuse other
 * schemas.
 */
export function findSchemaFault(schema: unknown): string | null {
  if (!isRecord(schema) || schema.type !== "object") return "is no JSON Schema of an object";
  const { properties = {}, required = [] } = schema;
  if (!isRecord(properties)) return "has properties that are no object";
  if (!Array.isArray(required) || required.some((name) => typeof name !== "string")) return "requires what is no name";
  const odd = Object.keys(properties).find((name) => !fieldName.test(name));
  if (odd !== undefined) return `has a field with the name ${JSON.stringify(cutEnd(odd, 64))}`;
  return findJsonFault(schema, { characters: MAX_SCHEMA_CHARACTERS, levels: MAX_SCHEMA_LEVELS });
}

/**
 * The schema as the model sees it. Chat completions and Anthropic refuse a whole request if one schema combines others
 * at its top, or has no `properties`.
 */
export function describeSchema(schema: JsonSchema): Record<string, unknown> {
  const { $schema: _, anyOf: _any, oneOf: _one, allOf: _all, not: _not, enum: _enum, ...shown } = schema;
  return { ...shown, properties: shown.properties ?? {} };
}

/** Arguments that fit are passed on unchanged. Others are read as the model may have meant them, and checked again. */
export function checkJson(schema: JsonSchema, value: unknown): CheckedJson {
  const reduced = reduce(schema);
  const limit = Math.max(1, Math.floor(MAX_COMPARISONS / reduced.width));
  const count = countValues(value, limit);
  if (count > limit) return refuse(`hold more than ${limit} values, or are nested too deeply; send less at once`);
  const strict = check(reduced, value);
  if (strict.ok) return strict;
  const lenient = check(reduced, readLeniently(reduced.schema, value));
  return lenient.ok ? lenient : strict;
}

interface ReducedSchema {
  schema: JsonSchema;
  checker: z.ZodType;
  /** The largest number of comparisons for one value. */
  width: number;
}

// A tool uses the same schema object for all its calls.
const known = new WeakMap<JsonSchema, ReducedSchema>();

function reduce(schema: JsonSchema): ReducedSchema {
  const found = known.get(schema);
  if (found) return found;
  const reduction: Reduction = { root: schema, parts: 0, level: 0, trail: [] };
  const reduced = { ...(reducePart(schema, reduction) as JsonSchema), type: "object" };
  const made = {
    schema: reduced,
    checker: z.fromJSONSchema(reduced as z.core.JSONSchema.JSONSchema),
    width: widthOf(reduced),
  };
  known.set(schema, made);
  return made;
}

function check({ checker }: ReducedSchema, value: unknown): CheckedJson {
  const checked = checker.safeParse(value, { jitless: true });
  // The tool receives what the model wrote, not zod's parsed copy.
  if (checked.success) return { ok: true, input: value };
  return { ok: false, issues: checked.error.issues.map(({ path, ...issue }) => ({ path, message: describe(issue) })) };
}

function describe({ code, message, expected }: { code?: string; message: string; expected?: string }): string {
  if (expected === "nonoptional") return "is required";
  return code === "invalid_union" ? "fits none of the forms that are allowed" : message;
}

function refuse(message: string): CheckedJson {
  return { ok: false, issues: [{ path: [], message }] };
}

interface Reduction {
  root: JsonSchema;
  parts: number;
  level: number;
  /** The references that are being expanded. */
  trail: string[];
}

/** The part without the keywords that are not checked. `true` accepts anything. */
function reducePart(part: unknown, reduction: Reduction): JsonSchema | boolean {
  reduction.parts++;
  if (part === false) return false;
  if (!isRecord(part) || reduction.parts > MAX_PARTS || reduction.level > MAX_PART_LEVELS) return true;
  if (typeof part.$ref === "string") return reduceReference(part.$ref, reduction);
  const inner = (schema: unknown) => {
    reduction.level++;
    const reduced = reducePart(schema, reduction);
    reduction.level--;
    return reduced;
  };
  const combined = (list: unknown) => (Array.isArray(list) && list.length > 0 ? list.map(inner) : undefined);
  const all = [...(combined(part.allOf) ?? [])];
  for (const list of [part.anyOf, part.oneOf]) {
    const options = combined(list);
    if (options) all.push({ anyOf: options });
  }
  return dropAbsent({ ...reduceValue(part), ...reduceObject(part, inner), ...reduceList(part, inner), allOf: all });
}

function reduceReference(reference: string, reduction: Reduction): JsonSchema | boolean {
  if (reduction.trail.includes(reference)) return true;
  reduction.trail.push(reference);
  const reduced = reducePart(resolve(reduction.root, reference), reduction);
  reduction.trail.pop();
  return reduced;
}

/** A part of the same schema; undefined for any other reference, because nothing is fetched. */
function resolve(root: JsonSchema, reference: string): unknown {
  if (reference === "#") return root;
  if (!reference.startsWith("#/")) return undefined;
  let place: unknown = root;
  for (const step of reference.slice(2).split("/")) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, name)) return undefined;
    place = (place as Record<string, unknown>)[name];
  }
  return place;
}

const types = ["string", "number", "integer", "boolean", "null", "array", "object"];
const isPlain = (value: unknown) => value === null || ["string", "number", "boolean"].includes(typeof value);

function reduceValue(part: JsonSchema): JsonSchema {
  const named = Array.isArray(part.type) ? part.type : [part.type];
  const { minLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = part;
  const bounds = { minLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum };
  return {
    type: named.every((type) => types.includes(type as string)) && named.length > 0 ? part.type : inferType(part),
    enum: Array.isArray(part.enum) && part.enum.length > 0 && part.enum.every(isPlain) ? part.enum : undefined,
    const: isPlain(part.const) ? part.const : undefined,
    ...Object.fromEntries(Object.entries(bounds).filter(([, bound]) => Number.isFinite(bound))),
  };
}

function inferType(part: JsonSchema): string | undefined {
  if ("type" in part) return undefined;
  if (isRecord(part.properties) || Array.isArray(part.required)) return "object";
  return isRecord(part.items) ? "array" : undefined;
}

function reduceObject(part: JsonSchema, inner: (schema: unknown) => JsonSchema | boolean): JsonSchema {
  const { properties, required, additionalProperties, patternProperties } = part;
  const described = Object.entries(isRecord(properties) ? properties : {}).map(
    // zod reads a field as an object has it, so a `constructor` that is absent is what every object inherits.
    ([name, of]) => [name, name in Object.prototype || inner(of)] as const,
  );
  const needed = Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
  // zod requires only fields that are described.
  const fields = new Map<string, JsonSchema | boolean>([...needed.map((name) => [name, true] as const), ...described]);
  const isOpen = patternProperties !== undefined || additionalProperties === undefined;
  return {
    properties: fields.size > 0 ? Object.fromEntries(fields) : undefined,
    required: needed.length > 0 ? needed : undefined,
    additionalProperties: isOpen ? undefined : inner(additionalProperties),
  };
}

function reduceList(part: JsonSchema, inner: (schema: unknown) => JsonSchema | boolean): JsonSchema {
  const isPlainList = part.items !== undefined && part.prefixItems === undefined && !Array.isArray(part.items);
  const { minItems, maxItems } = part;
  const bounds = Object.entries({ minItems, maxItems }).filter(([, bound]) => Number.isFinite(bound));
  // zod counts items only if they are described.
  const others = bounds.length > 0 ? true : undefined;
  return { items: isPlainList ? inner(part.items) : others, ...Object.fromEntries(bounds) };
}

function dropAbsent({ allOf, ...part }: JsonSchema): JsonSchema {
  const kept = Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined));
  return Array.isArray(allOf) && allOf.length > 0 ? { ...kept, allOf } : kept;
}

interface Parts {
  properties?: Record<string, unknown>;
  items?: unknown;
  additionalProperties?: unknown;
  anyOf?: unknown[];
  allOf?: unknown[];
}

/**
 * A value is compared with every part that may describe it. An error message quotes the enumeration, so long ones weigh
 * more.
 */
function widthOf(part: unknown): number {
  if (!isRecord(part)) return 1;
  const { properties = {}, items, additionalProperties, anyOf = [], allOf = [] } = part as Parts;
  const fields = Object.values(properties);
  const quoted = Math.ceil(JSON.stringify([part.enum, part.const]).length / 10);
  const deeper = [...fields, items, additionalProperties].map(widthOf);
  const here = Math.max(fields.length + quoted, ...deeper);
  return [...anyOf, ...allOf].reduce((sum: number, option) => sum + widthOf(option), here);
}

/** Stops counting just above the limit. Values that are nested too deeply count as too many. */
function countValues(value: unknown, limit: number): number {
  let count = 0;
  const left: { value: unknown; level: number }[] = [{ value, level: 0 }];
  for (let next = left.pop(); next !== undefined && count <= limit; next = left.pop()) {
    count++;
    if (typeof next.value !== "object" || next.value === null) continue;
    if (next.level === MAX_ARGUMENT_LEVELS) return Number.POSITIVE_INFINITY;
    for (const inner of Object.values(next.value)) left.push({ value: inner, level: next.level + 1 });
  }
  return count;
}

/**
 * Reads arguments as `lenientObject` does, except that fields keep their names, and fields without a description stay.
 */
function readLeniently(schema: JsonSchema, value: unknown): unknown {
  const given = parseJson(value);
  if (!isRecord(given)) return value;
  const { properties = {}, required = [] } = schema as { properties?: Record<string, unknown>; required?: string[] };
  const fields = Object.entries(given).flatMap(([name, field]) => {
    const part = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const type = isRecord(part) ? part.type : undefined;
    if (typeof type !== "string") return [[name, field] as const];
    if (field === null && type !== "null") return required.includes(name) ? [[name, field] as const] : [];
    return [[name, understandAs(type, field)] as const];
  });
  return Object.fromEntries(fields);
}
