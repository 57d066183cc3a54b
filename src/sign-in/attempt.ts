// One attempt to sign in: what this server must recognize when the browser comes back. It travels in a cookie of the
// browser that began, so an unauthenticated request stores nothing. The cookie proves nothing to anybody else: it holds
// random texts that are compared with what comes back, and a path that is judged again.
import { equalInConstantTime } from "../lib/constant-time.ts";
import { hashText } from "../lib/hash.ts";
import { readReturnTo } from "./return-to.ts";

/** A person may have to sign in at the issuer, with a second factor. */
export const ATTEMPT_MS = 10 * 60_000;
/** As many tabs may begin before one is finished. Each takes up to a thousand bytes of every request's head. */
const MAX_ATTEMPTS = 5;
const SECRET_BYTES = 32;
/** Finds the cookie of a state. */
const ID_CHARACTERS = 12;
/** Of a cookie that is read. Ours are shorter. */
const COOKIE_CHARACTERS = 2_000;

/** On localhost all programs of the machine share the cookies. A server that takes more than this takes nearly any. */
const MAX_HEADER_CHARACTERS = 16 * 1024;

export const COOKIE = "taskloom-sign-in-";

export interface Attempt {
  state: string;
  nonce: string;
  /** PKCE's secret: whoever has only the code can't use it. */
  verifier: string;
  return_to: string;
  begun_at: number;
}

export function beginAttempt(return_to: string | undefined, now: number): Attempt {
  const [state, nonce, verifier] = [makeSecret(), makeSecret(), makeSecret()];
  return { state, nonce, verifier, return_to: readReturnTo(return_to), begun_at: now };
}

export function idOfState(state: string): string {
  return state.slice(0, ID_CHARACTERS);
}

export function writeAttempt({ state, nonce, verifier, return_to, begun_at }: Attempt): string {
  const text = JSON.stringify([begun_at, state, nonce, verifier, return_to]);
  return toBase64Url(new TextEncoder().encode(text));
}

/** Null for whatever is not an attempt of the last ten minutes. */
export function readAttempt(cookie: string, now: number): Attempt | null {
  try {
    if (cookie.length > COOKIE_CHARACTERS) return null;
    const read: unknown = JSON.parse(atob(cookie.replaceAll("-", "+").replaceAll("_", "/")));
    if (!Array.isArray(read)) return null;
    const [begun_at, ...texts] = read as unknown[];
    if (typeof begun_at !== "number" || !texts.every((text) => typeof text === "string")) return null;
    const [state, nonce, verifier, return_to] = texts;
    if (!state || !nonce || !verifier) return null;
    const age = now - begun_at;
    return age >= 0 && age < ATTEMPT_MS
      ? { state, nonce, verifier, return_to: readReturnTo(return_to), begun_at }
      : null;
  } catch {
    return null;
  }
}

/** By hashes, so that the time says nothing of where they differ. */
export async function isStateOf({ state }: Attempt, given: string): Promise<boolean> {
  return equalInConstantTime(await hashText(state), await hashText(given));
}

/**
 * The cookies whose names begin so. Only spaces and tabs are no part of a name: a parser that drops more finds names
 * that the browser did not protect. Of two with one name somebody planted one, so neither counts.
 */
export function readCookies(header: string | undefined, prefix: string): Record<string, string> {
  if (header === undefined || header.length > MAX_HEADER_CHARACTERS) return {};
  const pairs = header.split(";").map((pair) => pair.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, ""));
  const own = pairs.filter((pair) => pair.startsWith(prefix) && pair.includes("="));
  const read = own.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)] as const);
  const isOnce = (name: string) => read.filter(([other]) => other === name).length === 1;
  return Object.fromEntries(read.filter(([name]) => isOnce(name)));
}

/** Which of the browser's attempts make room for one more: those that are over, and the oldest. */
export function findOverdue(cookies: Record<string, string>, now: number): string[] {
  const all = Object.entries(cookies).map(([name, cookie]) => ({
    name,
    at: readAttempt(cookie, now)?.begun_at ?? null,
  }));
  const live = all.flatMap(({ name, at }) => (at === null ? [] : [{ name, at }]));
  const kept = new Set(live.sort((one, other) => other.at - one.at).slice(0, MAX_ATTEMPTS - 1));
  return all.map(({ name }) => name).filter((name) => ![...kept].some((other) => other.name === name));
}

export interface AuthorizationRequest {
  authorization_endpoint: string;
  client_id: string;
  scopes: string;
  redirect_uri: string;
}

/** The issuer's page to which the browser goes. */
export async function authorizationAddress(
  { authorization_endpoint, client_id, scopes, redirect_uri }: AuthorizationRequest,
  { state, nonce, verifier }: Attempt,
): Promise<string> {
  const url = new URL(authorization_endpoint);
  const parameters = {
    response_type: "code",
    ...{ client_id, redirect_uri, scope: scopes, state, nonce },
    code_challenge: toBase64Url(await hashText(verifier)),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

function makeSecret(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

export function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
