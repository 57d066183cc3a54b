// Secrets of webhook triggers as text: how new ones are made, and which of a person's own are accepted.
import type { TriggerVerification } from "../protocol/trigger.ts";

/** As long as the hash that it keys. */
const SECRET_BYTES = 32;

/** Whoever has one signed delivery can guess a shorter secret offline. */
const MIN_CHARACTERS = 16;
const MAX_CHARACTERS = 512;

/** A Standard Webhooks key: at least 128 bits, and at most what HMAC reads of a key at once. */
const MIN_KEY_BYTES = 16;
const MAX_KEY_BYTES = 64;

/** Standard Webhooks writes this before a key. */
const KEY_PREFIX = "whsec_";

/** Hex is valid base64 too, so a trigger keeps its secret when its scheme changes. */
export function makeSecret({ scheme }: TriggerVerification): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  if (scheme === "standard") return KEY_PREFIX + btoa(String.fromCharCode(...bytes));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What is wrong with the secret for this scheme; null if nothing is. */
export function findSecretFault({ scheme }: TriggerVerification, secret: string): string | null {
  if (secret.length < MIN_CHARACTERS) return `must have at least ${MIN_CHARACTERS} characters`;
  if (secret.length > MAX_CHARACTERS) return `must have at most ${MAX_CHARACTERS} characters`;
  if (!/^[!-~](?:[ -~]*[!-~])?$/.test(secret)) return "must be printable ASCII without space around it";
  if (scheme === "standard" && readKey(secret) === null) {
    return `must be a key of Standard Webhooks: ${KEY_PREFIX} and ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes as base64`;
  }
  return null;
}

/** The key of a Standard Webhooks secret; null if it is not one. */
export function readKey(secret: string): Uint8Array | null {
  try {
    const binary = atob(secret.startsWith(KEY_PREFIX) ? secret.slice(KEY_PREFIX.length) : secret);
    const isKey = binary.length >= MIN_KEY_BYTES && binary.length <= MAX_KEY_BYTES;
    return isKey ? Uint8Array.from(binary, (character) => character.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
