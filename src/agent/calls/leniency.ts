// Understands arguments that a model gets wrong in harmless ways, before they are checked: a JSON string for an array
// or an object, one value for a list, "60" for 60, null or a blank for an absent field, another usual name of a field.
// The result is checked against the strict schema. The model sees only the strict schema, so it learns only the right
// form.
import { z } from "zod";
import { isRecord } from "../../lib/is-record.ts";
import { isDeeperThan } from "../../lib/json-bounds.ts";

/** The indentation of a value grows with the square of its depth. */
const MAX_LEVELS = 20;

interface Reading {
  /** Other names under which models send a field, by the field's name. */
  aliases?: Record<string, string[]>;
  /** What only the tool knows about its fields. It receives them after everything else has been understood. */
  prepare?: (fields: Record<string, unknown>) => Record<string, unknown>;
}

/** A schema for a tool's arguments: strict in what it describes, lenient in what it accepts. */
export function lenientObject<Shape extends z.ZodRawShape>(shape: Shape, reading: Reading = {}) {
  return z.preprocess((value) => {
    const given = parseJson(value);
    if (!isRecord(given)) return value;
    const fields: Record<string, unknown> = {};
    for (const [name, schema] of Object.entries(shape)) {
      const found = [name, ...(reading.aliases?.[name] ?? [])].find(
        (key) => Object.hasOwn(given, key) && !saysNothing(schema as z.ZodType, given[key]),
      );
      if (found !== undefined) fields[name] = understandAs(baseOf(schema as z.ZodType).type, given[found]);
    }
    return reading.prepare ? reading.prepare(fields) : fields;
  }, z.object(shape));
}

/** True for null, and for a blank if the field is optional: models fill in fields that they don't mean to use. */
function saysNothing(schema: z.ZodType, value: unknown): boolean {
  return value === null || (value === "" && schema.safeParse(undefined).success);
}

/** Parses a JSON text of an array or an object; returns anything else unchanged. */
export function parseJson(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Reads a value as a field of that type is meant. The names of types are those of zod and of JSON Schema. */
export function understandAs(type: string, value: unknown): unknown {
  switch (type) {
    case "number":
    case "integer":
      return typeof value === "string" && /^\s*-?\d{1,15}\s*$/.test(value) ? Number(value) : value;
    case "boolean":
      return readBoolean(value);
    case "object":
      return parseJson(value);
    case "array": {
      const parsed = parseJson(value);
      return Array.isArray(parsed) ? parsed : [parsed];
    }
    // Some models send a file's content that is JSON as the object itself.
    case "string":
      return typeof value === "object" && !isDeeperThan(value, MAX_LEVELS) ? JSON.stringify(value, null, 2) : value;
    default:
      return value;
  }
}

function readBoolean(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const word = value.trim().toLowerCase();
  return word === "true" ? true : word === "false" ? false : value;
}

function baseOf(schema: z.ZodType): { type: string } {
  let base = schema;
  while (base instanceof z.ZodOptional || base instanceof z.ZodDefault) base = base.unwrap() as z.ZodType;
  return base.def;
}
