// A tool's schema as every model's server takes it. Schemas of clients and of other servers use all of JSON Schema, and
// one keyword makes some servers refuse the whole request: Gemini most keywords, Kimi a part without a type, OpenAI a
// list without items, and llama.cpp (LM Studio, Ollama) a bound from 2,000 on, since it compiles all tools to one
// grammar (https://github.com/ggml-org/llama.cpp/pull/17381). What is shown here is wider than the schema, never
// narrower: arguments are checked against the schema itself, so a model that breaks what is left out gets an error.
import { isRecord } from "../../lib/is-record.ts";

type Schema = Record<string, unknown>;

/** All other keywords are left out, or read below. */
const kept = ["description", "title", "default", "minimum", "maximum"];
const bounds = ["minLength", "maxLength", "minItems", "maxItems"];
/** A list of so many items, or a text of so many characters, has no limit that a model would count. */
const MAX_BOUND = 1_000;

const types = ["string", "number", "integer", "boolean", "array", "object"];

/** A reference may lead back to itself. No tool's arguments are nested as deeply. */
const MAX_LEVELS = 24;
/** References may also multiply. */
const MAX_PARTS = 2_000;

export function simplifySchema(schema: Schema): Schema {
  let parts = 0;
  return simplify(schema, 0);

  function simplify(value: unknown, level: number): Schema {
    parts++;
    if (level > MAX_LEVELS || parts > MAX_PARTS) return { type: "object", properties: {} };
    if (!isRecord(value)) return { type: "string" };
    const whole = gather(value, level);
    const shown: Schema = {};
    for (const keyword of [...kept, ...bounds]) {
      const given = whole[keyword];
      const isWide = bounds.includes(keyword) && typeof given === "number" && given >= MAX_BOUND;
      if (given !== undefined && !isWide) shown[keyword] = given;
    }
    if (isPlainPattern(whole.pattern)) shown.pattern = whole.pattern;
    // "only 'enum' and 'date-time' are supported for STRING type"
    if (whole.format === "date-time") shown.format = whole.format;
    const options = optionsOf(whole, level);
    // Kimi: "type should be defined in anyOf items instead of the parent schema".
    if (options.length > 1) return { ...shown, anyOf: options };
    return { ...shown, ...options[0], ...describeValue(whole, options.length > 0, level) };
  }

  /** With what it refers to, and with what else must hold. */
  function gather(value: Schema, level: number): Schema {
    const { $ref, allOf, ...own } = value;
    const others = [...(typeof $ref === "string" ? [resolve($ref)] : []), ...(Array.isArray(allOf) ? allOf : [])];
    if (others.length === 0 || level > MAX_LEVELS) return own;
    const parts = others.filter(isRecord).map((part) => gather(part, level + 1));
    const properties = [...parts, own].map((part) => (isRecord(part.properties) ? part.properties : {}));
    const required = [...parts, own].flatMap((part) => (Array.isArray(part.required) ? part.required : []));
    return Object.assign({}, ...parts, own, {
      ...(properties.some((each) => Object.keys(each).length > 0)
        ? { properties: Object.assign({}, ...properties) }
        : {}),
      ...(required.length > 0 ? { required: [...new Set(required)] } : {}),
    });
  }

  function resolve(reference: string): unknown {
    if (!reference.startsWith("#/")) return undefined;
    const steps = reference.slice(2).split("/");
    return steps.reduce<unknown>(
      (place, step) => (isRecord(place) && Object.hasOwn(place, step) ? place[step] : {}),
      schema,
    );
  }

  /** The forms that a value may have, without the one of null: an absent field says the same. */
  function optionsOf({ anyOf, oneOf, type }: Schema, level: number): Schema[] {
    const forms = [anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []));
    const listed = Array.isArray(type) ? type.filter((each) => types.includes(each)) : [];
    const shown = [...forms, ...listed.map((each) => ({ type: each }))]
      .filter((form) => !(isRecord(form) && form.type === "null"))
      .map((form) => simplify(form, level + 1));
    return shown.filter(
      (form, at) => shown.findIndex((other) => JSON.stringify(other) === JSON.stringify(form)) === at,
    );
  }

  /** The type, and what belongs to it. */
  function describeValue(whole: Schema, hasForm: boolean, level: number): Schema {
    const { type, properties, items, prefixItems, additionalProperties, required } = whole;
    const values = Array.isArray(whole.enum) ? whole.enum : whole.const === undefined ? [] : [whole.const];
    const named = types.includes(type as string) ? (type as string) : hasForm ? undefined : typeOf(whole, values);
    if (named === undefined) return {};
    if (named === "object") {
      const fields = Object.entries(isRecord(properties) ? properties : {});
      const known = Array.isArray(required) ? required.filter((name) => fields.some(([field]) => field === name)) : [];
      return {
        type: named,
        properties: Object.fromEntries(fields.map(([name, field]) => [name, simplify(field, level + 1)])),
        ...(known.length > 0 ? { required: known } : {}),
        ...(isRecord(additionalProperties) ? { additionalProperties: simplify(additionalProperties, level + 1) } : {}),
      };
    }
    if (named === "array") {
      const item = items ?? (Array.isArray(prefixItems) ? prefixItems[0] : undefined);
      return { type: named, items: isRecord(item) ? simplify(item, level + 1) : { type: "string" } };
    }
    // Gemini knows values of texts alone, and none that is empty.
    const texts = values.filter((value) => typeof value === "string" && value !== "");
    return { type: named, ...(named === "string" && texts.length > 0 ? { enum: texts } : {}) };
  }
}

/** llama.cpp: "Pattern must start with '^' and end with '$'"; it knows neither classes nor groups with a `?`. */
function isPlainPattern(pattern: unknown): boolean {
  return typeof pattern === "string" && /^\^(?!.*(?:\\[a-z]|\(\?)).*\$$/is.test(pattern);
}

function typeOf({ properties, items, prefixItems }: Schema, values: unknown[]): string {
  if (isRecord(properties)) return "object";
  if (items !== undefined || prefixItems !== undefined) return "array";
  const [value] = values;
  return typeof value === "number" || typeof value === "boolean" ? typeof value : "string";
}
