// Encrypts secrets at rest: AES-GCM with keys derived from the operator's texts. The first key encrypts and every key
// decrypts: to change the key, put the new one before the old. `bound` names what the secret belongs to (its row). It
// is authenticated and not stored, so a ciphertext copied to another row can't be decrypted.
import { toHex } from "./hash.ts";

export interface Sealed {
  /** The key that encrypted it. */
  key_id: string;
  /** 12 bytes of nonce, then the ciphertext with its tag; base64. */
  sealed: string;
}

export type Opened = { ok: true; text: string } | { ok: false; reason: "key_missing" | "damaged" };

export interface Seal {
  seal(text: string, bound: string[]): Promise<Sealed>;
  open(sealed: Sealed, bound: string[]): Promise<Opened>;
  /** The ids of the keys, in the order of the texts. */
  keyIds(): Promise<string[]>;
}

/** GCM's standard length. Random nonces may repeat after about 2^32 secrets of one key. */
const NONCE_BYTES = 12;
/** Enough to distinguish the keys of one server. The id is derived beside the key, so it reveals nothing of it. */
const KEY_ID_BYTES = 8;
const KEY_BYTES = 32;
/** A key for another purpose, derived from the same text, uses another string here. */
const PURPOSE = "taskloom/seal/1";

const encoder = new TextEncoder();

/** `texts` must not be empty. */
export function createSeal(texts: string[]): Seal {
  // Derived on first use: most requests need no key.
  let keys: Promise<{ id: string; key: CryptoKey }[]> | null = null;
  const readKeys = () => {
    keys ??= Promise.all(texts.map(deriveKey));
    return keys;
  };
  return {
    async seal(text, bound) {
      const [first] = await readKeys();
      if (!first) throw new Error("there is no key to seal with");
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      const cipher = await crypto.subtle.encrypt(describe(nonce, bound), first.key, encoder.encode(text));
      return { key_id: first.id, sealed: toBase64(new Uint8Array([...nonce, ...new Uint8Array(cipher)])) };
    },
    async open({ key_id, sealed }, bound) {
      const found = (await readKeys()).find(({ id }) => id === key_id);
      if (!found) return { ok: false, reason: "key_missing" };
      try {
        const bytes = Uint8Array.from(atob(sealed), (character) => character.charCodeAt(0));
        const nonce = bytes.slice(0, NONCE_BYTES);
        const plain = await crypto.subtle.decrypt(describe(nonce, bound), found.key, bytes.slice(NONCE_BYTES));
        return { ok: true, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain) };
      } catch {
        return { ok: false, reason: "damaged" };
      }
    },
    keyIds: async () => (await readKeys()).map(({ id }) => id),
  };
}

async function deriveKey(text: string): Promise<{ id: string; key: CryptoKey }> {
  const source = await crypto.subtle.importKey("raw", encoder.encode(text), "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(PURPOSE) };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(parameters, source, 8 * (KEY_BYTES + KEY_ID_BYTES)));
  const key = await crypto.subtle.importKey("raw", bits.slice(0, KEY_BYTES), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: toHex(bits.slice(KEY_BYTES)), key };
}

/** As JSON, so that different lists never give the same text. */
function describe(iv: Uint8Array<ArrayBuffer>, bound: string[]) {
  return { name: "AES-GCM", iv, additionalData: encoder.encode(JSON.stringify(bound)) };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
