// Checks an ID token: that the issuer signed it, for this client, for this attempt, and now. Whatever its head names
// (addresses of keys, keys, algorithms of other kinds) is not used.
import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { equalInConstantTime } from "../lib/constant-time.ts";
import { hashText } from "../lib/hash.ts";
import { toBase64Url } from "./attempt.ts";
import type { Tokens } from "./exchange.ts";
import type { Issuer } from "./issuer.ts";
import { type PublicKey, signatureAlgorithms } from "./keys.ts";
import { failed, found, type Reading } from "./outcome.ts";
import type { Claims } from "./person.ts";

/** Between servers that keep their clocks. */
const CLOCK_TOLERANCE_SECONDS = 60;
/** OpenID Connect's own limit. */
const SUBJECT_CHARACTERS = 255;

export interface IdClaims extends JWTPayload, Claims {
  sub: string;
}

export async function checkIdToken(issuer: Issuer, tokens: Tokens, nonce: string): Promise<Reading<IdClaims>> {
  const keys = await issuer.readKeys(false);
  if (!keys.ok) return keys;
  const first = await verify(issuer, keys.value, tokens.id_token);
  if (first !== "no_key") return first.ok ? await checkClaims(issuer, first.value, tokens, nonce) : first;
  // The issuer may sign with a key that it did not have when we asked.
  const fresh = await issuer.readKeys(true);
  if (!fresh.ok) return fresh;
  const second = await verify(issuer, fresh.value, tokens.id_token);
  if (second === "no_key") return failed("rejected", "ID token: signed with a key that the issuer does not have");
  return second.ok ? await checkClaims(issuer, second.value, tokens, nonce) : second;
}

interface Verified {
  claims: JWTPayload;
  algorithm: string;
}

async function verify(issuer: Issuer, keys: PublicKey[], token: string): Promise<Reading<Verified> | "no_key"> {
  const { settings, now } = issuer;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys }), {
      issuer: settings.issuer,
      audience: settings.client_id,
      algorithms: signatureAlgorithms,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now()),
      requiredClaims: ["iss", "sub", "aud", "exp", "iat", "nonce"],
    });
    return found({ claims: payload, algorithm: protectedHeader.alg });
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return "no_key";
    return failed("rejected", `ID token: ${describe(error)}`);
  }
}

/** The library's code and the claim's name. Its message may quote the token. */
function describe(error: unknown): string {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return `${error.code} ${/^[a-z_]{1,20}$/.test(error.claim) ? error.claim : ""}`.trim();
  }
  return error instanceof errors.JOSEError ? error.code : "can't be read";
}

async function checkClaims(
  { settings, now }: Issuer,
  { claims, algorithm }: Verified,
  { access_token }: Tokens,
  nonce: string,
): Promise<Reading<IdClaims>> {
  const { sub, aud, azp, iat = 0, at_hash } = claims;
  const wrong = (what: string) => failed("rejected", `ID token: ${what}`);
  if (typeof sub !== "string" || sub === "" || sub.length > SUBJECT_CHARACTERS) return wrong("no subject");
  // Made for several clients, it must say that this one asked for it.
  if (Array.isArray(aud) && aud.length > 1 && azp === undefined) return wrong("several audiences and no azp");
  if (azp !== undefined && azp !== settings.client_id) return wrong("azp is another client");
  if (iat > now() / 1000 + CLOCK_TOLERANCE_SECONDS) return wrong("issued in the future");
  if (typeof claims.nonce !== "string" || !(await isSame(claims.nonce, nonce)))
    return wrong("nonce of another attempt");
  if (at_hash !== undefined) {
    const hash = access_token === null ? null : await halfHash(access_token, algorithm);
    if (hash === null || hash !== at_hash) return wrong("at_hash of another access token");
  }
  return found({ ...claims, sub });
}

async function isSame(one: string, other: string): Promise<boolean> {
  return equalInConstantTime(await hashText(one), await hashText(other));
}

/** The left half of the hash that belongs to the signature's algorithm. */
async function halfHash(text: string, algorithm: string): Promise<string> {
  // Ed25519 hashes with SHA-512.
  const bits = /(256|384|512)$/.exec(algorithm.replace(/^Ed.*/, "512"))?.[1] ?? "256";
  const hash = new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, new TextEncoder().encode(text)));
  return toBase64Url(hash.slice(0, hash.length / 2));
}
