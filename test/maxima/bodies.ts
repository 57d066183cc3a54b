// Bodies at the maxima of a schema: one place of the body at a time is as long, wide or deep as it may be, in a body that
// is valid elsewhere. Beyond a schema's own limits, the limit is what a body may have in bytes.
import type { Schema } from "../worker/walk/operations.ts";
import { type Alphabet, alphabets, fill } from "./texts.ts";

/** What `/openapi.json` says of a place, beside what the walk reads. */
interface Bounded extends Schema {
  maxLength?: number;
  minLength?: number;
  maxItems?: number;
  maximum?: number;
  enum?: unknown[];
  const?: unknown;
  required?: string[];
  format?: string;
  properties?: Record<string, Bounded>;
  items?: Bounded;
  oneOf?: Bounded[];
  anyOf?: Bounded[];
}

export interface Variant {
  /** The place, and what is at its maximum there. */
  what: string;
  /** Made when it is sent: together they take gigabytes. */
  make: () => unknown;
}

const numbers = [Number.MAX_SAFE_INTEGER, 1e308, -1, 0.5, 5e-324];
const DEEP = 20_000;
/** Where each place of a long list has one. */
const fewAlphabets = alphabets.filter(({ name }) => ["letters", "quotes", "parentheses", "emoji"].includes(name));
/** What no list or record is of. */
const wrong = [{}, [], 1, "", null, "x"];

/** `room`: bytes that this place may take. */
export function* vary(schema: Bounded, base: unknown, room: number, all: Alphabet[] = alphabets): Generator<Variant> {
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) {
    for (const [index, branch] of branches.entries()) {
      const own = fits(branch, base) ? base : leastOf(branch);
      const name = nameOf(branch, index);
      yield { what: name, make: () => own };
      for (const { what, make } of vary(branch, own, room, all)) yield { what: `${name}${what}`, make };
    }
    return;
  }
  const types = [schema.type ?? []].flat();
  if (schema.enum !== undefined || schema.const !== undefined) return;
  if (types.includes("object") || schema.properties !== undefined) yield* varyObject(schema, base, room, all);
  else if (types.includes("array")) yield* varyArray(schema, base, room, all);
  else if (types.includes("string")) {
    for (const alphabet of all) {
      const length = schema.maxLength ?? room;
      yield { what: ` of ${alphabet.name}`, make: () => fill(alphabet, length, room) };
    }
  } else if (types.includes("number") || types.includes("integer")) {
    for (const value of [schema.maximum ?? 0, ...numbers]) yield { what: `=${value}`, make: () => value };
  } else if (types.length === 0) yield* varyAnything(room);
}

function* varyObject(schema: Bounded, base: unknown, room: number, all: Alphabet[]): Generator<Variant> {
  const own = isObject(base) ? base : {};
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const at = name in own ? own[name] : leastOf(inner);
    for (const { what, make } of vary(inner, at, room, all)) {
      yield { what: `.${name}${what}`, make: () => ({ ...own, [name]: make() }) };
    }
  }
  for (const value of wrong) {
    const of = JSON.stringify(value);
    yield { what: `{many names of ${of}}`, make: () => ({ ...own, ...manyNames(room - 10 - of.length, value) }) };
  }
  yield { what: "{a long name}", make: () => ({ ...own, ["x".repeat(room)]: 1 }) };
}

function manyNames(room: number, value: unknown): Record<string, unknown> {
  const count = Math.floor(room / (9 + JSON.stringify(value).length));
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at.toString(36)}`, value]));
}

function* varyArray(schema: Bounded, base: unknown, room: number, all: Alphabet[]): Generator<Variant> {
  const { items = {}, maxItems = Number.POSITIVE_INFINITY } = schema;
  const first: unknown = Array.isArray(base) && base.length > 0 ? base[0] : leastOf(items);
  const times = (value: unknown) => {
    const bytes = Buffer.byteLength(JSON.stringify(value ?? null)) + 1;
    return Math.max(1, Math.min(maxItems, Math.floor(room / bytes)));
  };
  const repeat = (value: unknown) => Array.from({ length: times(value) }, (_, at) => renumber(value, at));
  for (const value of new Set([first, leastOf(items)])) yield { what: "[many]", make: () => repeat(value) };
  for (const value of wrong) {
    const of = JSON.stringify(value);
    yield { what: `[many ${of}]`, make: () => Array(Math.floor(room / (of.length + 1))).fill(value) };
  }
  for (const { what, make } of vary(items, first, room, all)) yield { what: `[one${what}]`, make: () => [make()] };
  const most = Math.min(maxItems, 1_000);
  const each = Math.floor(room / most) - Buffer.byteLength(JSON.stringify(first ?? null)) - 1;
  if (most === 1 || each < 1) return;
  for (const { what, make } of vary(items, first, each, fewAlphabets)) {
    yield { what: `[many${what}]`, make: () => repeat(make()) };
  }
}

function* varyAnything(room: number): Generator<Variant> {
  for (const size of [room, 64_000]) {
    if (size > room) continue;
    for (const alphabet of fewAlphabets)
      yield { what: ` any ${alphabet.name}`, make: () => fill(alphabet, size, size) };
    for (const value of wrong) {
      const count = Math.floor(size / (JSON.stringify(value).length + 1));
      yield { what: ` any ${count} of ${JSON.stringify(value)}`, make: () => Array(count).fill(value) };
    }
    yield { what: ` any ${size} of names`, make: () => manyNames(size, {}) };
  }
  const deepen = (levels: number): unknown => (levels === 0 ? 1 : { a: deepen(levels - 1), b: [1] });
  yield { what: " any 30 levels", make: () => deepen(30) };
}

/** Whole bodies that no schema describes. */
export function* rawBodies(room: number): Generator<{ what: string; make: () => string }> {
  const repeat = (unit: string) => unit.repeat(Math.floor(room / unit.length));
  yield { what: "body of [", make: () => repeat("[") };
  yield { what: 'body of {"a":', make: () => repeat('{"a":') };
  yield { what: "deep arrays", make: () => "[".repeat(DEEP) + "]".repeat(DEEP) };
  yield { what: "body of spaces", make: () => repeat(" ") };
  yield { what: "body of line ends that ends in x", make: () => `${repeat("\n").slice(1)}x` };
  yield { what: "body of one string", make: () => `"${"x".repeat(room - 2)}"` };
  yield { what: "body of one number", make: () => "1".repeat(room) };
  yield { what: "body of numbers", make: () => `[${repeat("1,").slice(0, -3)}]` };
  yield { what: "body of empty objects", make: () => `[${repeat("{},").slice(0, -4)}]` };
  yield { what: "the same name again", make: () => `{${repeat('"a":1,').slice(0, -10)}"a":1}` };
  yield { what: "names of one letter's escape", make: () => `{${repeat('"\\u0061":1e999,').slice(0, -20)}"a":1}` };
  yield { what: "__proto__ again", make: () => `{${repeat('"__proto__":{},').slice(0, -20)}"a":1}` };
  yield { what: "escapes", make: () => `"${repeat("\\u0001").slice(0, -8)}"` };
  yield { what: "a byte beyond the limit", make: () => " ".repeat(room + 1) };
  yield { what: "eight times the limit", make: () => " ".repeat(8 * room) };
}

const ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** Each of a list has ids of its own, as a client would send them. */
function renumber(value: unknown, at: number): unknown {
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, inner]) =>
    /^id$|_id$/.test(name) && typeof inner === "string" && ID.test(inner) ? [name, `n${at}.`] : [name, inner],
  );
  return Object.fromEntries(entries);
}

function nameOf(branch: Bounded, index: number): string {
  const consts = Object.values(branch.properties ?? {}).flatMap(({ enum: only, const: one }) => one ?? only?.[0] ?? []);
  return `(${String(consts[0] ?? index)})`;
}

function fits(schema: Bounded, value: unknown): boolean {
  if (value === undefined) return false;
  const type = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  if (schema.type !== undefined && ![schema.type].flat().includes(type === "number" ? "integer" : type)) return false;
  if (!isObject(value)) return true;
  return Object.entries(schema.properties ?? {}).every(
    ([name, { enum: only }]) => !(name in value) || only === undefined || only.includes(value[name]),
  );
}

/** A value that fits, and has no more than it must. */
export function leastOf(schema: Bounded): unknown {
  const [branch] = schema.oneOf ?? schema.anyOf ?? [];
  if (branch !== undefined) return leastOf(branch);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const [type] = [schema.type ?? []].flat();
  if (type === "object" || schema.properties !== undefined) {
    const entries = (schema.required ?? []).map((name) => [name, leastOf(schema.properties?.[name] ?? {})]);
    return Object.fromEntries(entries);
  }
  if (type === "array") return [leastOf(schema.items ?? {})];
  if (type === "string") return typeof schema.example === "string" ? schema.example : "walked";
  if (type === "number" || type === "integer") return Math.min(1, schema.maximum ?? 1);
  if (type === "boolean") return true;
  return {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
