// A session as a sign-in stores it, with the cookie that the browser got.
import { cookieName } from "../../src/http/sessions/cookie.ts";
import { hashRoot, hashToken, newToken, writeToken } from "../../src/http/sessions/token.ts";
import type { Scope } from "../../src/protocol/keys/scope.ts";
import { createSession, newSessionId } from "../../src/store/people/sessions.ts";

const DAY_MS = 86_400_000;

export interface MadeSession {
  session_id: string;
  token: string;
}

interface Given {
  user_id: string;
  /** With `admin`, the user gets the role. */
  scopes?: Scope[] | null;
  /** When it begins. */
  now?: number;
  lasts_ms?: number;
  user_agent?: string;
}

export async function makeSession(
  db: D1Database,
  { user_id, scopes = null, now = Date.now(), lasts_ms = DAY_MS, user_agent = "a browser" }: Given,
): Promise<MadeSession> {
  if (scopes?.includes("admin")) await makeAdmin(db, user_id);
  const session_id = newSessionId(now);
  const token = newToken(session_id);
  const at = new Date(now).toISOString();
  const times = { former_hash: null, salt: null, rotated_at: at, seen_at: at };
  const details = { root_hash: await hashRoot(token), ...times, user_agent, address: "192.0.2.7", sign_in: {} };
  const expires_at = new Date(now + lasts_ms).toISOString();
  await createSession(db, { user_id, session_id, hash: await hashToken(token), scopes, expires_at, details }, now);
  return { session_id, token: writeToken(token) };
}

async function makeAdmin(db: D1Database, user_id: string): Promise<void> {
  const row = "INSERT INTO users (user_id, created_at, role) VALUES (?, '2026-01-01T00:00:00.000Z', 'admin')";
  await db.prepare(`${row} ON CONFLICT (user_id) DO UPDATE SET role = 'admin'`).bind(user_id).run();
}

/** The headers of a request of the server's own page in a browser that has the cookie. */
export function ofPage(token: string, url = "http://localhost/"): Record<string, string> {
  return { cookie: `${cookieName(new URL(url))}=${token}`, "sec-fetch-site": "same-origin" };
}

/** The token that an answer brings; null if it brings none. */
export function tokenIn({ headers }: { headers: Headers }): string | null {
  return /taskloom-session=([^;]*);/.exec(headers.get("set-cookie") ?? "")?.[1] ?? null;
}
