// Verifies that a delivery comes from the sender, and identifies it. Pure: takes bytes, headers, secrets and the time.
// A header that is missing, malformed, repeated or far too long is refused. A reason names headers and never quotes
// one. Reasons are for the trigger's owner: a stranger gets no hint for the next try.
import { equalInConstantTime } from "../lib/constant-time.ts";
import { hashText, toHex } from "../lib/hash.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import type { HeaderVerification, HmacVerification, TriggerVerification } from "../protocol/trigger.ts";
import { readKey } from "../secrets/signing-secret.ts";

export interface WebhookDelivery {
  headers: { get(name: string): string | null };
  body: Uint8Array;
  /** When it arrived, in ms. */
  now: number;
}

/** Identifies a delivery: the same one again starts no second run. */
export type DeliveryIdentity =
  /** The sender's own id, or the signed text including its time. */
  | { kind: "named"; id: string }
  /** Only the body: the same body is the same delivery for a while. */
  | { kind: "body"; hash: string }
  /** Every request is a delivery of its own. */
  | { kind: "none" };

export interface VerifiedDelivery {
  identity: DeliveryIdentity;
  /** GitHub's name of the event. */
  event: string | null;
}

/** In both directions: a clock may be ahead or behind. */
const TOLERANCE_SECONDS = 5 * 60;

/** No sender's header is nearly as long. */
const HEADER_CHARACTERS = 4096;

/** A sender that rotates its keys signs with a few of them. */
const MAX_SIGNATURES = 16;

/** Printable, without the comma that joins repeated headers. */
const idForm = /^[!-+\--~]{1,255}$/;
const timeForm = /^\d{1,12}$/;
const eventForm = /^[\w.-]{1,100}$/;

const encoder = new TextEncoder();

/** `secrets` are the valid ones. Fails with `unauthorized`. */
export async function verifyDelivery(
  verify: TriggerVerification,
  secrets: string[],
  delivery: WebhookDelivery,
): Promise<Result<VerifiedDelivery>> {
  switch (verify.scheme) {
    case "standard":
      return await verifyStandard(secrets, delivery);
    case "github":
      return await verifyGithub(secrets, delivery);
    case "hmac":
      return await verifyHmac(verify, secrets, delivery);
    case "header":
      return await verifyHeader(verify, secrets, delivery);
  }
}

async function verifyStandard(secrets: string[], delivery: WebhookDelivery): Promise<Result<VerifiedDelivery>> {
  const names = findStandardNames(delivery);
  const id = readForm(delivery, names.id, idForm);
  if (!id.ok) return id;
  const time = readTime(delivery, names.timestamp);
  if (!time.ok) return time;
  const header = readHeader(delivery, names.signature);
  if (!header.ok) return header;
  const items = header.value.split(" ");
  if (items.length > MAX_SIGNATURES || items.some((item) => !/^v\d\w?,[\w+/=-]+$/.test(item))) {
    return malformed(names.signature);
  }
  const signatures = items.filter((item) => item.startsWith("v1,")).map((item) => decode(item.slice(3), "base64"));
  const keys = secrets.map((secret) => readKey(secret)).filter((key) => key !== null);
  const signed = fill("{id}.{timestamp}.{body}", { id: id.value, timestamp: time.value, body: delivery.body });
  if (!(await isSigned("SHA-256", keys, signed, signatures))) return wrong(names.signature);
  return succeed({ identity: { kind: "named", id: id.value }, event: null });
}

/**
 * Svix, where the standard comes from, uses its own header names by default. A delivery is read with one set of them.
 */
function findStandardNames({ headers }: WebhookDelivery) {
  const brand = headers.get("webhook-id") === null && headers.get("svix-id") !== null ? "svix" : "webhook";
  return { id: `${brand}-id`, timestamp: `${brand}-timestamp`, signature: `${brand}-signature` };
}

async function verifyGithub(secrets: string[], delivery: WebhookDelivery): Promise<Result<VerifiedDelivery>> {
  const header = readForm(delivery, "X-Hub-Signature-256", /^sha256=[\da-f]{64}$/i);
  if (!header.ok) return header;
  const signature = decode(header.value.slice("sha256=".length), "hex");
  const keys = secrets.map((secret) => encoder.encode(secret));
  if (!(await isSigned("SHA-256", keys, delivery.body, [signature]))) return wrong("X-Hub-Signature-256");
  const named = delivery.headers.get("X-GitHub-Event") ?? "";
  const event = eventForm.test(named) ? named : null;
  // GitHub always sends this header and does not sign it; others that sign like GitHub don't send it.
  if (delivery.headers.get("X-GitHub-Delivery") === null) {
    return succeed({ identity: { kind: "body", hash: await hashBody(delivery.body) }, event });
  }
  const id = readForm(delivery, "X-GitHub-Delivery", idForm);
  return id.ok ? succeed({ identity: { kind: "named", id: id.value }, event }) : id;
}

const algorithms = { sha1: "SHA-1", sha256: "SHA-256", sha512: "SHA-512" } as const;

/** Adds the defaults of the fields that the owner left out. */
export function fillHmac({ header, ...given }: HmacVerification) {
  const { algorithm = "sha256", encoding = "hex", prefix = "", timestamp_header = null, id_header = null } = given;
  const { signed = timestamp_header === null ? "{body}" : "{timestamp}.{body}" } = given;
  return { header, algorithm, encoding, prefix, timestamp_header, id_header, signed };
}

async function verifyHmac(
  given: HmacVerification,
  secrets: string[],
  delivery: WebhookDelivery,
): Promise<Result<VerifiedDelivery>> {
  const verify = fillHmac(given);
  const header = readHeader(delivery, verify.header);
  if (!header.ok) return header;
  const isList = verify.timestamp_header?.toLowerCase() === verify.header.toLowerCase();
  const time = readTimeOf(verify.timestamp_header, isList ? header.value : null, delivery);
  if (!time.ok) return time;
  const id = verify.id_header === null ? succeed(null) : readForm(delivery, verify.id_header, idForm);
  if (!id.ok) return id;
  const items = isList ? header.value.split(",").map((item) => item.trim()) : [header.value];
  const signatures = items
    .filter((item) => item.startsWith(verify.prefix))
    .map((item) => item.slice(verify.prefix.length))
    // Most senders name the algorithm before the signature.
    .map((item) =>
      decode(item.startsWith(`${verify.algorithm}=`) ? item.slice(verify.algorithm.length + 1) : item, verify.encoding),
    );
  if (signatures.length > MAX_SIGNATURES || !signatures.some((signature) => signature !== null)) {
    return malformed(verify.header);
  }
  const { body } = delivery;
  const signed = fill(verify.signed, { id: id.value ?? "", timestamp: time.value ?? "", body });
  const keys = secrets.map((secret) => encoder.encode(secret));
  if (!(await isSigned(algorithms[verify.algorithm], keys, signed, signatures))) return wrong(verify.header);
  if (id.value !== null) return succeed({ identity: { kind: "named", id: id.value }, event: null });
  const hash = await hashBody(body);
  if (time.value === null) return succeed({ identity: { kind: "body", hash }, event: null });
  return succeed({ identity: { kind: "named", id: `${time.value}-${hash}` }, event: null });
}

async function verifyHeader(
  { header: name, prefix = "", id_header = null }: HeaderVerification,
  secrets: string[],
  delivery: WebhookDelivery,
): Promise<Result<VerifiedDelivery>> {
  const header = readHeader(delivery, name);
  if (!header.ok) return header;
  const given = await hashText(header.value);
  let isKnown = false;
  // Every secret is compared, so that the time does not reveal which one matched.
  for (const secret of secrets) {
    const expected = await hashText(prefix + secret);
    if (equalInConstantTime(expected, given)) isKnown = true;
  }
  if (!isKnown) return refuse(`The secret in the header ${name} is wrong.`);
  if (id_header === null) return succeed({ identity: { kind: "none" }, event: null });
  const id = readForm(delivery, id_header, idForm);
  return id.ok ? succeed({ identity: { kind: "named", id: id.value }, event: null }) : id;
}

/** The time in seconds as sent; null if the trigger configures no header for it. In a list it is `t=…`. */
function readTimeOf(name: string | null, list: string | null, delivery: WebhookDelivery): Result<string | null> {
  if (name === null) return succeed(null);
  if (list === null) return readTime(delivery, name);
  const times = list
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item.startsWith("t="));
  const [time] = times;
  return time === undefined || times.length > 1 ? malformed(name) : checkTime(time.slice(2), name, delivery.now);
}

function readTime(delivery: WebhookDelivery, name: string): Result<string> {
  const header = readHeader(delivery, name);
  return header.ok ? checkTime(header.value, name, delivery.now) : header;
}

function checkTime(value: string, name: string, now: number): Result<string> {
  if (!timeForm.test(value)) return refuse(`The header ${name} holds no time in seconds.`);
  const age = Math.floor(now / 1000) - Number(value);
  if (age > TOLERANCE_SECONDS) return refuse(`The delivery is too old: its time is ${age} s ago.`);
  if (age < -TOLERANCE_SECONDS) return refuse(`The delivery is from the future: its time is ${-age} s ahead.`);
  return succeed(value);
}

function readForm(delivery: WebhookDelivery, name: string, form: RegExp): Result<string> {
  const header = readHeader(delivery, name);
  return header.ok && !form.test(header.value) ? malformed(name) : header;
}

function readHeader({ headers }: WebhookDelivery, name: string): Result<string> {
  const value = headers.get(name);
  if (value === null || value === "") return refuse(`The header ${name} is missing.`);
  return value.length > HEADER_CHARACTERS ? refuse(`The header ${name} is too long.`) : succeed(value);
}

function malformed(name: string): Result<never> {
  return refuse(`The header ${name} is malformed, or was sent twice.`);
}

function wrong(name: string): Result<never> {
  return refuse(`The signature in the header ${name} is wrong: another secret, or a body that was changed.`);
}

function refuse(reason: string): Result<never> {
  return fail("unauthorized", reason);
}

/** Whether one of the signatures matches one of the keys. All are compared. */
async function isSigned(
  hash: string,
  keys: Uint8Array[],
  signed: Uint8Array,
  signatures: (Uint8Array | null)[],
): Promise<boolean> {
  let found = false;
  for (const bytes of keys) {
    const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash }, false, ["sign"]);
    const expected = new Uint8Array(await crypto.subtle.sign("HMAC", key, signed));
    for (const signature of signatures) {
      if (signature !== null && equalInConstantTime(expected, signature)) found = true;
    }
  }
  return found;
}

/** The signed bytes. */
function fill(template: string, parts: { id: string; timestamp: string; body: Uint8Array }): Uint8Array {
  const pieces = template.split(/(\{(?:id|timestamp|body)\})/).map((piece) => {
    if (piece === "{body}") return parts.body;
    return encoder.encode(piece === "{id}" ? parts.id : piece === "{timestamp}" ? parts.timestamp : piece);
  });
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}

/** Null if the text is not in that encoding. */
function decode(text: string, encoding: "hex" | "base64"): Uint8Array | null {
  if (encoding === "hex") {
    if (!/^(?:[\da-f]{2})+$/i.test(text)) return null;
    return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  }
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return binary === "" ? null : Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

async function hashBody(body: Uint8Array): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
}
