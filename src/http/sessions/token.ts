// A session's token: its id, a part that stays, and one that is replaced. Both are 256 random bits. By the part that
// stays, a token that was replaced long ago differs from one that never existed.
//
// The replaced part follows from the one before and a salt that only the server has, for as long as the browser has not
// sent it back. So any isolate can send it again after an answer that was lost, and sends the same.
import { equalInConstantTime } from "../../lib/constant-time.ts";
import { hashText, toHex } from "../../lib/hash.ts";
import type { SessionDetails } from "../../store/people/sessions.ts";

const pattern = /^(sess_[0-9a-z]{26})\.([0-9a-f]{64})\.([0-9a-f]{64})$/;
const BYTES = 32;

export interface Token {
  session_id: string;
  root: string;
  secret: string;
}

export function newToken(session_id: string): Token {
  return { session_id, root: randomHex(), secret: randomHex() };
}

export function newSalt(): string {
  return randomHex();
}

/** Null if it does not have the form of a token. A key never has. */
export function readToken(text: string): Token | null {
  const [, session_id, root, secret] = pattern.exec(text) ?? [];
  return session_id === undefined || root === undefined || secret === undefined ? null : { session_id, root, secret };
}

export function writeToken({ session_id, root, secret }: Token): string {
  return `${session_id}.${root}.${secret}`;
}

export async function hashToken(token: Token): Promise<string> {
  return toHex(await hashText(writeToken(token)));
}

export async function hashRoot({ session_id, root }: Token): Promise<string> {
  return toHex(await hashText(`${session_id}.${root}`));
}

/** The token that replaces this one. */
export async function nextToken(token: Token, salt: string): Promise<Token> {
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(token.secret), algorithm, false, ["sign"]);
  const signed = await crypto.subtle.sign("HMAC", key, encoder.encode(salt));
  return { ...token, secret: toHex(new Uint8Array(signed)) };
}

/** `former`: the one before the present one. `older`: it was the session's once. `unknown`: it never was. */
export type Fit = "present" | "former" | "older" | "unknown";

export async function matchToken(
  token: Token,
  { hash, session }: { hash: string; session: SessionDetails | null },
): Promise<Fit> {
  if (session === null) return "unknown";
  const presented = await hashToken(token);
  if (isSame(presented, hash)) return "present";
  if (session.former_hash !== null && isSame(presented, session.former_hash)) return "former";
  return isSame(await hashRoot(token), session.root_hash) ? "older" : "unknown";
}

function isSame(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  return equalInConstantTime(encoder.encode(one), encoder.encode(other));
}

function randomHex(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(BYTES)));
}
