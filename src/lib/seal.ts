// Secrets at rest: AES-GCM under keys that are derived from the operator's texts. The first key seals and each of them
// opens, so that a key is changed by putting the new one before the old. `bound` is what the secret belongs to (its row):
// it is authenticated and not stored, so a ciphertext that is copied to another row opens nothing.
import { toHex } from "./hash.ts";

export interface Sealed {
  /** Which key sealed it. */
  key_id: string;
  /** 12 bytes of nonce, then the ciphertext with its tag; base64. */
  sealed: string;
}

export type Opened = { ok: true; text: string } | { ok: false; reason: "key_missing" | "damaged" };

export interface Seal {
  seal(text: string, bound: string[]): Promise<Sealed>;
  open(sealed: Sealed, bound: string[]): Promise<Opened>;
}

/** What GCM is made for; a random one repeats after some 2^32 secrets of one key. */
const NONCE_BYTES = 12;
/** Enough to tell the keys of one server apart; says nothing of the key, being derived beside it. */
const KEY_ID_BYTES = 8;
const KEY_BYTES = 32;
/** Keys of another purpose that are derived from the same text get other words here. */
const PURPOSE = "taskloom/seal/1";

const encoder = new TextEncoder();

/** `texts` must not be empty. */
export function createSeal(texts: string[]): Seal {
  // Derived at the first use: most requests need none.
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
  };
}

async function deriveKey(text: string): Promise<{ id: string; key: CryptoKey }> {
  const source = await crypto.subtle.importKey("raw", encoder.encode(text), "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(PURPOSE) };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(parameters, source, 8 * (KEY_BYTES + KEY_ID_BYTES)));
  const key = await crypto.subtle.importKey("raw", bits.slice(0, KEY_BYTES), "AES-GCM", false, ["encrypt", "decrypt"]);
  return { id: toHex(bits.slice(KEY_BYTES)), key };
}

/** As JSON, so that no two lists are the same text. */
function describe(iv: Uint8Array<ArrayBuffer>, bound: string[]) {
  return { name: "AES-GCM", iv, additionalData: encoder.encode(JSON.stringify(bound)) };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
