// The keys with which an issuer signs. Only public keys of algorithms that are known here, and of sizes that a request
// has time for: with a key of a million bits a hostile issuer would keep the server busy.
import { isRecord } from "../lib/is-record.ts";
import { failed, found, type Reading } from "./outcome.ts";

/** Asymmetric ones: with the others, whoever can check a token can make one. `none` is no signature. */
export const signatureAlgorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

export interface PublicKey {
  kty: string;
  [member: string]: string;
}

/** Entra has ten. */
const MAX_KEYS = 50;
/** 8192 bits of RSA in base64url. Other keys are far shorter. */
const MEMBER_CHARACTERS = 1_400;
/** 65537 has four. */
const EXPONENT_CHARACTERS = 8;

/** What each kind of key consists of. Whatever else an issuer sends (certificates, addresses) is left out. */
const members: Record<string, string[]> = { RSA: ["n", "e"], EC: ["crv", "x", "y"], OKP: ["crv", "x"] };

export function readKeys(body: Record<string, unknown>): Reading<PublicKey[]> {
  if (!Array.isArray(body.keys)) return failed("rejected", "keys: no list");
  if (body.keys.length > MAX_KEYS) return failed("rejected", `keys: more than ${MAX_KEYS}`);
  const keys = body.keys.flatMap((key: unknown) => readKey(key) ?? []);
  return keys.length > 0 ? found(keys) : failed("rejected", "keys: none that can check a signature");
}

/** Null for a key that is not for signatures, or of a kind that is not known here. */
function readKey(given: unknown): PublicKey | null {
  if (!isRecord(given) || typeof given.kty !== "string" || (given.use ?? "sig") !== "sig") return null;
  const needed = Object.hasOwn(members, given.kty) ? members[given.kty] : undefined;
  if (needed === undefined) return null;
  const key: PublicKey = { kty: given.kty };
  for (const name of [...needed, "kid", "alg"]) {
    const value = given[name];
    if (value === undefined && !needed.includes(name)) continue;
    const limit = name === "e" ? EXPONENT_CHARACTERS : MEMBER_CHARACTERS;
    if (typeof value !== "string" || value.length > limit) return null;
    key[name] = value;
  }
  return key;
}
