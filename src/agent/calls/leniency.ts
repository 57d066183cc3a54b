// Arguments that a model gets wrong in harmless ways are understood before they are checked: a JSON string for an array
// or an object, one value for a list, "60" for 60, null or a blank for an absent field, another usual name of a field. What is left
// is held against the strict schema, which is also what the model is told, so that it learns the right form only.
import { z } from "zod";

interface Reading {
  /** Other names under which models send a field, by the field's own. */
  aliases?: Record<string, string[]>;
  /** What only the tool knows about its fields; gets them after everything else was understood. */
  prepare?: (fields: Record<string, unknown>) => Record<string, unknown>;
}

/** A schema for a tool's arguments, strict in what it describes and lenient in what it reads. */
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

/** Null, or a blank where the field may be absent: models fill in what they don't mean to use. */
function saysNothing(schema: z.ZodType, value: unknown): boolean {
  return value === null || (value === "" && schema.safeParse(undefined).success);
}

/** The value behind a JSON text of an array or an object; anything else as it is. */
export function parseJson(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value as a field of that type was meant; names of types as in zod and in JSON Schema. */
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
    // A file's content that is JSON is sent as the object itself by some models.
    case "string":
      return typeof value === "object" ? JSON.stringify(value, null, 2) : value;
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
