// A tool's schema as models' servers take it. Some compile the schemas of all tools to one grammar and refuse the whole
// request for a keyword that they can't compile: llama.cpp, and with it LM Studio and Ollama, for bounds from 2,000 on
// (https://github.com/ggml-org/llama.cpp/pull/17381) and for patterns without `^` and `$`; Gemini for formats. Arguments
// are checked against the whole schema, so a model that breaks what is left out here is told.
import { isRecord } from "../../lib/is-record.ts";

type Schema = Record<string, unknown>;

/** A list of so many items, or a text of so many characters, has no limit that a model would count. */
const MAX_BOUND = 1_000;
const bounds = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];

/** Values, and no schemas. */
const values = new Set(["default", "const", "enum", "examples", "example"]);

export function simplifySchema(schema: Schema): Schema {
  const shown = Object.entries(schema).filter(([keyword, value]) => isTaken(keyword, value));
  return Object.fromEntries(
    shown.map(([keyword, value]) => [keyword, values.has(keyword) ? value : simplifyAll(value, isMap(keyword))]),
  );
}

/** Keywords whose objects have schemas by names that anybody chose, such as `maxLength`. */
function isMap(keyword: string): boolean {
  return ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"].includes(keyword);
}

function simplifyAll(value: unknown, isByName: boolean): unknown {
  if (Array.isArray(value)) return value.map((each) => simplifyAll(each, false));
  if (!isRecord(value)) return value;
  if (!isByName) return simplifySchema(value);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, simplifyAll(each, false)]));
}

function isTaken(keyword: string, value: unknown): boolean {
  if (bounds.includes(keyword)) return typeof value !== "number" || value < MAX_BOUND;
  if (keyword === "pattern") return typeof value !== "string" || /^\^(?!.*(?:\\[a-z]|\(\?)).*\$$/is.test(value);
  // Gemini knows two: "only 'enum' and 'date-time' are supported for STRING type".
  return keyword !== "format" || typeof value !== "string" || value === "date-time";
}
