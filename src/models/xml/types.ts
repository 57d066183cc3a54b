// A value of the dialect is text; what it means is what the tool's JSON Schema asks for. "007" is a string where a string is
// asked for, and a number only where a number is.
import { asRecord } from "../chat/reply-builder.ts";
import { decodeEntities, decodeValue } from "./entities.ts";

export type JsonType = "string" | "number" | "boolean" | "null" | "array" | "object";

/** Schemas are a client's too, and may refer to themselves; one that has more parts is taken by its first ones. */
const MAX_SCHEMAS = 200;

/** Which types the schema of a parameter allows. Empty where it says nothing. */
export function typesOf(root: Record<string, unknown>, parameter: string): Set<JsonType> {
  const properties = asRecord(root.properties);
  const types = new Set<JsonType>();
  if (properties && Object.hasOwn(properties, parameter)) collectTypes(root, properties[parameter], types);
  return types;
}

/** The schema with everything that it combines and refers to. */
function collectTypes(root: Record<string, unknown>, first: unknown, types: Set<JsonType>): void {
  const schemas = new Set([first]);
  for (const schema of schemas) {
    for (const part of readSchema(root, asRecord(schema) ?? {}, types)) {
      if (schemas.size >= MAX_SCHEMAS) return;
      schemas.add(part);
    }
  }
}

/** Adds the types that the schema names itself; what else there is to read is the answer. */
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

/** What a value is written as. `isString`: what the attribute `string` says, null without one. */
export interface WrittenValue {
  text: string;
  /** In CDATA: nothing in it is an entity. */
  isVerbatim: boolean;
  isString: boolean | null;
}

/** The value as JSON. A text that is none of the types asked for stays a string: the tool's own check says what it takes. */
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
  // Where a string would do as well, a text that only begins like JSON is one.
  if (!parsed.ok) return isAny || types.has("string") ? asString() : parsed;
  const isAsked = isAny || types.has(parsed.json.startsWith("[") ? "array" : "object") || !types.has("string");
  return isAsked ? parsed : asString();
}

/** Where a string is allowed too, only what is written as JSON writes it: "007" is none. */
function isNumber(word: string, types: ReadonlySet<JsonType>): boolean {
  if (!/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(word) || !Number.isFinite(Number(word))) return false;
  return !types.has("string") || String(Number(word)) === word;
}

/** `string="false"` before a JSON string. */
function readQuoted(written: WrittenValue, otherwise: () => ReadValue): ReadValue {
  const parsed = parseTolerantly(written);
  return parsed.ok ? parsed : otherwise();
}

/** As written, then with what models get wrong mended, then the same with entities read first. */
function parseTolerantly({ text, isVerbatim }: WrittenValue): ReadValue {
  const decodes = !isVerbatim && text.includes("&") && !text.includes("<");
  const decodeString = (_key: string, value: unknown) => (typeof value === "string" ? decodeEntities(value) : value);
  const attempts = [{ source: text, inside: decodes ? decodeString : undefined }];
  if (decodes) attempts.push({ source: decodeEntities(text), inside: undefined });
  let reason = "";
  for (const { source, inside } of attempts) {
    for (const read of [(given: string) => given, mendJson]) {
      try {
        return { ok: true, json: JSON.stringify(JSON.parse(read(source), inside)) };
      } catch (error) {
        if (reason === "") reason = error instanceof Error ? error.message : "not JSON";
      }
    }
  }
  return { ok: false, reason };
}

/** Leaves commas before a closing bracket out, and writes line breaks and tabs inside strings as JSON wants them. */
function mendJson(text: string): string {
  let mended = "";
  let from = 0;
  let isInside = false;
  /** The comma that nothing but white space has followed. */
  let comma = -1;
  const replace = (at: number, by: string) => {
    mended += text.slice(from, at) + by;
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
  return mended + text.slice(from);
}

/** What JSON does not allow bare inside a string. Halves of a character stay, so that pieces of a text may be escaped alone. */
export function escapeJson(text: string): string {
  return escapeControls(text.replace(/["\\]/g, "\\$&"));
}

function escapeControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\u0000-\u001f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
