// The secrets of webhook triggers, as texts: what is made here, and what of a person's own is taken.
import type { TriggerVerification } from "../protocol/trigger.ts";

/** As long as the hash that it keys. */
const SECRET_BYTES = 32;

/** Shorter ones are guessed offline by whoever has one signed delivery. */
const LEAST_CHARACTERS = 16;
const MOST_CHARACTERS = 512;

/** Of a Standard Webhooks key: from a tag's strength to what HMAC reads of a key at once. */
const LEAST_KEY_BYTES = 16;
const MOST_KEY_BYTES = 64;

/** What Standard Webhooks writes before a key. */
const KEY_PREFIX = "whsec_";

/** Hex is base64 too: a trigger whose scheme is changed later goes on with it. */
export function makeSecret({ scheme }: TriggerVerification): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  if (scheme === "standard") return KEY_PREFIX + btoa(String.fromCharCode(...bytes));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What is wrong with it for this scheme; null where nothing is. */
export function findSecretFault({ scheme }: TriggerVerification, secret: string): string | null {
  if (secret.length < LEAST_CHARACTERS) return `must have at least ${LEAST_CHARACTERS} characters`;
  if (secret.length > MOST_CHARACTERS) return `must have at most ${MOST_CHARACTERS} characters`;
  if (!/^[!-~](?:[ -~]*[!-~])?$/.test(secret)) return "must be printable ASCII without space around it";
  if (scheme === "standard" && readKey(secret) === null) {
    return `must be a key of Standard Webhooks: ${KEY_PREFIX} and ${LEAST_KEY_BYTES} to ${MOST_KEY_BYTES} bytes as base64`;
  }
  return null;
}

/** The key that a Standard Webhooks secret is; null where it is none. */
export function readKey(secret: string): Uint8Array | null {
  try {
    const binary = atob(secret.startsWith(KEY_PREFIX) ? secret.slice(KEY_PREFIX.length) : secret);
    const isKey = binary.length >= LEAST_KEY_BYTES && binary.length <= MOST_KEY_BYTES;
    return isKey ? Uint8Array.from(binary, (character) => character.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
