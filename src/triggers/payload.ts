// The body of a delivery as data. Its text is kept as received and never serialized again, so numbers that JavaScript
// can't represent stay exact.
import { fail, type Result, succeed } from "../protocol/error.ts";

export interface Payload {
  /** JSON or any text. */
  text: string;
  is_json: boolean;
  /** The value that picks read; undefined if the body is no JSON. */
  value: unknown;
  /** The fields of a form, each with all its values. */
  fields?: Record<string, string[]>;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Fails with `bad_json` if the body is no UTF-8, or has the type JSON and is not JSON. */
export function readPayload(body: Uint8Array, contentType: string | null): Result<Payload> {
  const text = decode(body);
  if (text === null) return fail("bad_json", "The body is not valid UTF-8.");
  const [type = ""] = (contentType ?? "").toLowerCase().split(";");
  if (/^\s*application\/(?:[\w.+-]+\+)?json\s*$/.test(type)) {
    return readJson(text) ?? fail("bad_json", "The content type is JSON, but the body is not valid JSON.");
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
  // Some senders give their JSON another content type, or none.
  return readJson(text) ?? succeed({ text, is_json: false, value: undefined, ...fields });
}

function groupFields(form: URLSearchParams): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  for (const [name, value] of form) {
    if (name === "payload") continue;
    fields[name] ??= [];
    fields[name].push(value);
  }
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
 * Integers beyond 2^53 become strings of their digits, so two issues whose ids differ in the last digit get separate
 * threads. This recursion is as deep as the payload, so a payload nested deeper than the stack is parsed without it.
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
