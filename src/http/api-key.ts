// API keys have the form `tl_<id>_<secret>`. The id finds the row in D1, which holds the hash of the whole key.
import { hashText, toHex } from "../lib/hash.ts";
import { newId } from "../protocol/ids.ts";
import type { StoredApiKey } from "../store/api-keys.ts";

// Letters and digits only, so that a double click selects the whole key. 40 characters out of 32 are 200 bits.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const SECRET_CHARACTERS = 40;

const pattern = /^tl_([0-9a-z]{26})_[0-9a-z]{40}$/;

interface NewApiKey extends Pick<StoredApiKey, "name" | "made_by"> {
  /** Without them it may do all that its user may. */
  scopes?: StoredApiKey["scopes"];
  /** Without it the key never expires. */
  expires_at?: StoredApiKey["expires_at"];
}

/** Makes a new key, which is shown only now, and the row to store. */
export async function mintApiKey(
  { scopes = null, expires_at = null, ...rest }: NewApiKey,
  now: number,
): Promise<{ key: string; stored: StoredApiKey }> {
  const key_id = newId("key", now);
  const key = `tl_${key_id.slice("key_".length)}_${makeSecret()}`;
  const hash = toHex(await hashText(key));
  return {
    key,
    stored: { key_id, kind: "key", hash, created_at: new Date(now).toISOString(), scopes, expires_at, ...rest },
  };
}

/** Returns the `key_id` that a key claims to have; null if it does not have the form of our keys. */
export function readKeyId(key: string): string | null {
  const id = pattern.exec(key)?.[1];
  return id === undefined ? null : `key_${id}`;
}

function makeSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_CHARACTERS));
  return Array.from(bytes, (byte) => alphabet.charAt(byte & 31)).join("");
}
