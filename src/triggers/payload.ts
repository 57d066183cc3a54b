// The body of a delivery as data. It is shown as it came and never written anew: a number that JavaScript can't hold stays the
// number that it is.
import { fail, type Result, succeed } from "../protocol/error.ts";

export interface Payload {
  /** JSON, or any text. */
  text: string;
  is_json: boolean;
  /** What picks look in; undefined where it is no JSON. */
  value: unknown;
  /** Of a form, with all values of each. */
  fields?: Record<string, string[]>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** The failure is `bad_json`: no UTF-8, or called JSON and none. */
export function readPayload(body: Uint8Array, contentType: string | null): Result<Payload> {
  const text = decode(body);
  if (text === null) return fail("bad_json", "The body is not valid UTF-8.");
  const [type = ""] = (contentType ?? "").toLowerCase().split(";");
  if (/^\s*application\/(?:[\w.+-]+\+)?json\s*$/.test(type)) {
    return readJson(text) ?? fail("bad_json", "The body is called JSON and is none.");
  }
  const form = type.trim() === "application/x-www-form-urlencoded" ? new URLSearchParams(text) : null;
  const field = form?.get("payload") ?? null;
  const fields = form === null ? {} : { fields: groupFields(form) };
  if (field !== null) {
    const read = readJson(field);
    return read
      ? succeed({ ...read.value, ...fields })
      : fail("bad_json", "The field payload of the form is not JSON.");
  }
  // Some senders call their JSON by another name, or by none.
  return readJson(text) ?? succeed({ text, is_json: false, value: undefined, ...fields });
}

function groupFields(form: URLSearchParams): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  for (const name of new Set(form.keys())) if (name !== "payload") fields[name] = form.getAll(name);
  return fields;
}

export function payloadOf(value: unknown): Payload {
  return { text: JSON.stringify(value), is_json: true, value };
}

function decode(body: Uint8Array): string | null {
  try {
    return utf8.decode(body);
  } catch {
    return null;
  }
}

function readJson(text: string): { ok: true; value: Payload } | null {
  try {
    return { ok: true, value: { text, is_json: true, value: parse(text) } };
  } catch {
    return null;
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/**
 * Integers beyond 2^53 are read as their digits: two issues whose ids differ in the last one have threads of their own. Reading
 * so goes as deep as the payload, so what is nested deeper than the stack is read as it is.
 */
function parse(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!/\d{16}/.test(text)) return value;
  const keepDigits: Reviver = (_key, item, { source }) =>
    typeof item === "number" && !Number.isSafeInteger(item) && /^-?\d+$/.test(source ?? "") ? source : item;
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch {
    return value;
  }
}
