// An id is `prefix_` plus a lower-case ULID: sortable by its time, unguessable in its last 80 bits. A client may choose
// the id of a resource that it creates. Everything that becomes a key in D1 or an object's name has passed `clientId`.
import { z } from "zod";

export type IdPrefix =
  | "user"
  | "proj"
  | "thread"
  | "msg"
  | "inv"
  | "agent"
  | "inst"
  | "task"
  | "sec"
  | "key"
  | "hook"
  | "trig"
  | "del"
  | "sess"
  | "aud"
  | "chk"
  | "rcpt";

const CLIENT_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** What a client may choose as an id: 1 to 64 of `A-Z a-z 0-9 _ -`. */
export const clientId = z.string().regex(CLIENT_ID, "must be 1 to 64 of A-Z a-z 0-9 _ -");

/** The same for many at once: a failed parse takes some 2 µs. */
export function isClientId(text: string): boolean {
  return CLIENT_ID.test(text);
}

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** A new id, e.g. `inv_01jb2c3d4e5f6g7h8j9kamnbpc`. */
export function newId(prefix: IdPrefix, now = Date.now()): string {
  return `${prefix}_${encodeTime(now)}${encodeRandom()}`;
}

/**
 * The same id for the same parts, for what must exist only once however often it is requested: the run of a delivery,
 * or the thread for a conversation elsewhere. It has 130 bits of SHA-256, so nobody finds a collision.
 */
export async function derivedId(prefix: IdPrefix, ...parts: string[]): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(parts)));
  return `${prefix}_${Array.from(new Uint8Array(digest).subarray(0, 26), (byte) => alphabet.charAt(byte & 31)).join("")}`;
}

/** An id below all ids made from `time` on and above all ids made before it. */
export function firstIdAt(prefix: IdPrefix, time: number): string {
  return `${prefix}_${encodeTime(Math.min(Math.max(0, time), LAST_TIME))}`;
}

const LAST_TIME = 32 ** 10 - 1;

function encodeTime(now: number): string {
  let rest = now;
  let text = "";
  for (let index = 0; index < 10; index++) {
    text = alphabet.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function encodeRandom(): string {
  let text = "";
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += alphabet.charAt(byte & 31);
  return text;
}

/** The agent that every user has without creating it. */
export const DEFAULT_AGENT_ID = "agent_default";

/** The owner of the key in the setting `ADMIN_API_KEY`: a deployment's first user. */
export const FIRST_USER_ID = "user_first";

/**
 * Takes the place of a key's id for `ADMIN_API_KEY`, which has no row. What opens a way in (keys, triggers, webhooks,
 * links, SSH access) records in `made_by` which key made it, so that both can be revoked together.
 */
export const ADMIN_KEY_ID = "admin_key";
