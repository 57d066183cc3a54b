// A value of the dialect is text, and the tool's JSON Schema decides its type: "007" is a number only if a number is
// asked for and a string is not.
import { asRecord } from "../../lib/is-record.ts";
import { decodeEntities, decodeValue } from "./entities.ts";

export type JsonType = "string" | "number" | "boolean" | "null" | "array" | "object";

/** Clients supply schemas too, and these may refer to themselves. Only this many parts of one schema are read. */
const MAX_SCHEMAS = 200;

/** The types that a parameter's schema permits; empty if it names none. */
export function typesOf(root: Record<string, unknown>, parameter: string): Set<JsonType> {
  const properties = asRecord(root.properties);
  const types = new Set<JsonType>();
  if (properties && Object.hasOwn(properties, parameter)) collectTypes(root, properties[parameter], types);
  return types;
}

/** Collects the types of the schema and of all schemas that it combines or refers to. */
function collectTypes(root: Record<string, unknown>, first: unknown, types: Set<JsonType>): void {
  const schemas = new Set([first]);
  for (const schema of schemas) {
    for (const part of readSchema(root, asRecord(schema) ?? {}, types)) {
      if (schemas.size >= MAX_SCHEMAS) return;
      schemas.add(part);
    }
  }
}

/** Adds the types that the schema names itself, and returns the schemas that are left to read. */
function readSchema(root: Record<string, unknown>, schema: Record<string, unknown>, types: Set<JsonType>): unknown[] {
  for (const type of Array.isArray(schema.type) ? schema.type : [schema.type]) {
    if (type === "integer") types.add("number");
    else if (isType(type)) types.add(type);
  }
  for (const allowed of Array.isArray(schema.enum) ? schema.enum : []) types.add(typeOf(allowed));
  if ("const" in schema) types.add(typeOf(schema.const));
  const [, place = "", name = ""] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(String(schema.$ref)) ?? [];
  const defined = asRecord(root[place]);
  const referred = defined && Object.hasOwn(defined, name) ? [defined[name]] : [];
  return [schema.anyOf, schema.oneOf, schema.allOf]
    .flatMap((parts) => (Array.isArray(parts) ? parts : []))
    .concat(referred);
}

function isType(type: unknown): type is JsonType {
  return typeof type === "string" && ["string", "number", "boolean", "null", "array", "object"].includes(type);
}

function typeOf(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "number" || type === "boolean" || type === "object" ? type : "string";
}

export type ReadValue = { ok: true; json: string } | { ok: false; reason: string };

/** A value as the model wrote it. `isString` is the attribute `string`, or null without one. */
export interface WrittenValue {
  text: string;
  /** In CDATA, where nothing is an entity. */
  isVerbatim: boolean;
  isString: boolean | null;
}

/** The value as JSON. A text of none of the types stays a string, so that the tool's own check says what it accepts. */
export function readValue(written: WrittenValue, types: ReadonlySet<JsonType>): ReadValue {
  const plain = written.isVerbatim ? written.text : decodeValue(written.text);
  const asString = (): ReadValue => ({ ok: true, json: JSON.stringify(plain) });
  const asks = (type: JsonType) => types.has(type) || (types.size === 0 && written.isString === false);
  if (written.isString === true && (types.size === 0 || types.has("string"))) return asString();
  const word = plain.trim();
  if (asks("null") && word === "null") return { ok: true, json: word };
  if (asks("boolean") && /^(?:true|false)$/i.test(word)) return { ok: true, json: word.toLowerCase() };
  if (asks("number") && isNumber(word, types)) return { ok: true, json: JSON.stringify(Number(word)) };
  const isAny = types.size === 0;
  if (!/^[[{]/.test(word) || !(isAny || asks("array") || asks("object"))) {
    return written.isString === false && word.startsWith('"') ? readQuoted(written, asString) : asString();
  }
  const parsed = parseTolerantly(written);
  // If a string is permitted too, a text that only begins like JSON is a string.
  if (!parsed.ok) return isAny || types.has("string") ? asString() : parsed;
  const isAsked = isAny || types.has(parsed.json.startsWith("[") ? "array" : "object") || !types.has("string");
  return isAsked ? parsed : asString();
}

/** If a string is permitted too, only JSON's own form is a number: "007" is not. */
function isNumber(word: string, types: ReadonlySet<JsonType>): boolean {
  if (!/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(word) || !Number.isFinite(Number(word))) return false;
  return !types.has("string") || String(Number(word)) === word;
}

/** Handles `string="false"` before a JSON string. */
function readQuoted(written: WrittenValue, otherwise: () => ReadValue): ReadValue {
  const parsed = parseTolerantly(written);
  return parsed.ok ? parsed : otherwise();
}

/** Tries the text as it is, then with its entities decoded. */
function parseTolerantly({ text, isVerbatim }: WrittenValue): ReadValue {
  const decodes = !isVerbatim && text.includes("&") && !text.includes("<");
  const decodeString = (_key: string, value: unknown) => (typeof value === "string" ? decodeEntities(value) : value);
  const attempts = [{ source: text, inside: decodes ? decodeString : undefined }];
  if (decodes) attempts.push({ source: decodeEntities(text), inside: undefined });
  let reason = "";
  for (const { source, inside } of attempts) {
    const parsed = parseJson(source, inside);
    if (parsed.ok) return { ok: true, json: JSON.stringify(parsed.value) };
    if (reason === "") reason = parsed.reason;
  }
  return { ok: false, reason };
}

/** Tries the text as it is, then with common mistakes of models repaired. */
export function parseJson(
  text: string,
  inside?: (key: string, value: unknown) => unknown,
): { ok: true; value: unknown } | { ok: false; reason: string } {
  let reason = "";
  for (const read of [(given: string) => given, repairJson]) {
    try {
      return { ok: true, value: JSON.parse(read(text), inside) };
    } catch (error) {
      if (reason === "") reason = error instanceof Error ? error.message : "not JSON";
    }
  }
  return { ok: false, reason };
}

/** Removes commas before a closing bracket, and escapes line breaks and tabs inside strings. */
function repairJson(text: string): string {
  let repaired = "";
  let from = 0;
  let isInside = false;
  /** The comma that nothing but white space has followed. */
  let comma = -1;
  const replace = (at: number, by: string) => {
    repaired += text.slice(from, at) + by;
    from = at + 1;
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInside) {
      if (code === 0x5c) at++;
      else if (code === 0x22) isInside = false;
      else if (code < 0x20) replace(at, escapeControls(text.charAt(at)));
      continue;
    }
    if (code <= 0x20) continue;
    if (comma >= 0 && (code === 0x5d || code === 0x7d)) replace(comma, "");
    comma = code === 0x2c ? at : -1;
    isInside = code === 0x22;
  }
  return repaired + text.slice(from);
}

/**
 * Escapes what JSON does not permit bare inside a string. Lone surrogates stay, so that pieces of a text can be escaped
 * separately.
 */
export function escapeJson(text: string): string {
  return escapeControls(text.replace(/["\\]/g, "\\$&"));
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\u0000-\u001f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
