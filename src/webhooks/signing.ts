// The rules of outgoing deliveries after Standard Webhooks: how they are signed, with which secrets, and when they are
// retried. Pure: nothing here sends, stores or reads a clock.
import type { SigningKey } from "../secrets/rotated.ts";

const PREFIX = "whsec_";
const SECRET_BYTES = 32;

/** The limits that Standard Webhooks sets for a key. */
const MIN_BYTES = 24;
const MAX_BYTES = 64;

export function makeSigningSecret(): string {
  return PREFIX + btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(SECRET_BYTES))));
}

/** What is wrong with a user's own secret; null if nothing is. */
export function whyNoSigningSecret(secret: string): string | null {
  const bytes = decodeSecret(secret);
  if (bytes !== null && bytes.byteLength >= MIN_BYTES && bytes.byteLength <= MAX_BYTES) return null;
  return `must be ${PREFIX} and ${MIN_BYTES} to ${MAX_BYTES} random bytes in base64, as \`openssl rand -base64 32\` makes them`;
}

/** The headers of one try. */
export async function signDelivery(
  delivery_id: string,
  body: string,
  keys: SigningKey[],
  now: number,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1000));
  const live = keys.filter(({ until }) => until === null || Date.parse(until) > now);
  const signed = `${delivery_id}.${timestamp}.${body}`;
  const signatures = await Promise.all(live.map(({ secret }) => sign(secret, signed)));
  return {
    "webhook-id": delivery_id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.map((signature) => `v1,${signature}`).join(" "),
  };
}

async function sign(secret: string, text: string): Promise<string> {
  const bytes = decodeSecret(secret);
  if (bytes === null) throw new Error("a stored signing secret is not one");
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(signature)));
}

/** Only standard base64: with padding, without line feeds. */
function decodeSecret(secret: string): Uint8Array<ArrayBuffer> | null {
  const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : "";
  if (base64 === "" || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * Waits after the first failed try, the second, and so on: the last try comes a day after the first. A day covers an
 * outage overnight; after that, a person can replay the delivery.
 */
const WAITS_MS = [
  15 * SECOND_MS,
  MINUTE_MS,
  5 * MINUTE_MS,
  15 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  4 * HOUR_MS,
  8 * HOUR_MS,
  9 * HOUR_MS,
];

/**
 * Only lengthens a wait: the table has minimums, and a day is a whole day. The longest stays below the queue's 12 h.
 */
const JITTER = 0.2;

/** A receiver may ask for more time, but not for a day. */
const MAX_ASKED_MS = HOUR_MS;

/** The wait after this many failed tries; null if that was the last. */
export function waitAfter(attempts: number, asked_ms: number | null, random: number): number | null {
  const wait = WAITS_MS[attempts - 1];
  if (wait === undefined) return null;
  return Math.round(Math.max(wait * (1 + JITTER * random), Math.min(asked_ms ?? 0, MAX_ASKED_MS)));
}
