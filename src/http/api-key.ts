// API keys as people hold them: `tl_<id>_<secret>`. The id finds the row, the hash of the whole key opens it.
import { hashText, toHex } from "../lib/hash.ts";
import { newId } from "../protocol/ids.ts";
import type { StoredApiKey } from "../store/api-keys.ts";

// Letters and digits only, so that a double click takes all of it. 40 of 32 are 200 bits.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const SECRET_CHARACTERS = 40;

const pattern = /^tl_([0-9a-z]{26})_[0-9a-z]{40}$/;

/** A new key, shown this once, and what is stored of it. */
export async function mintApiKey(name: string | null, now: number): Promise<{ key: string; stored: StoredApiKey }> {
  const key_id = newId("key", now);
  const key = `tl_${key_id.slice("key_".length)}_${makeSecret()}`;
  const hash = toHex(await hashText(key));
  return { key, stored: { key_id, name, hash, created_at: new Date(now).toISOString() } };
}

/** The `key_id` that a presented key claims; null where it is not a key of ours. */
export function readKeyId(key: string): string | null {
  const id = pattern.exec(key)?.[1];
  return id === undefined ? null : `key_${id}`;
}

function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_CHARACTERS));
  return Array.from(bytes, (byte) => alphabet.charAt(byte & 31)).join("");
}
