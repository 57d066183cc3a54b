// Which account a key or this browser's session belongs to, according to the server.
import type { Scope } from "../../protocol/keys/scope.ts";
import { Api, ApiError } from "../client/api.ts";
import { readHealth } from "./health.ts";
import { isSession, sessionIdOf } from "./key-id.ts";
import { describeProblem, type Problem } from "./problem.ts";

export interface Account {
  user_id: string;
  name: string | null;
  is_admin: boolean;
  /** What the key may do; null for all that its user may. */
  scopes: Scope[] | null;
  /** Null if the key never expires. */
  expires_at: string | null;
  /** Null where a key is used. */
  session_id: string | null;
}

export type Found =
  | { kind: "known"; account: Account }
  /** The server knows no such key. */
  | { kind: "refused" }
  /** The server can't be reached, or can't say. */
  | { kind: "unclear"; problem: Problem };

/** Whether it fits into a header and is no longer than the server reads. */
const keyShape = /^[\x21-\x7e\xa1-\xff]{1,1024}$/;
const findMs = 10_000;

export async function findAccount(key: string): Promise<Found> {
  return keyShape.test(key) ? askFor(key) : { kind: "refused" };
}

/** The browser sends the session's cookie, which no script can read. With `session_id` only that one counts. */
function findSession(session_id: string | null): Promise<Found> {
  return askFor("", session_id);
}

/**
 * Null where the server has no sessions. A key is never looked up with the cookie, nor the cookie with a key. With `isOwn`,
 * a session of somebody else counts as none.
 */
export async function lookUp(key: string | null, { isOwn = false } = {}): Promise<Found | null> {
  if (key !== null && !isSession(key)) return findAccount(key);
  try {
    if (key === null && !(await readHealth()).sign_in) return null;
  } catch (error) {
    return { kind: "unclear", problem: describeProblem(error) };
  }
  return findSession(isOwn && key !== null ? sessionIdOf(key) : null);
}

async function askFor(key: string, session_id: string | null = null): Promise<Found> {
  try {
    const account = readAccount(await new Api("", key, undefined, session_id).get("/v1/users/me", findMs));
    if (account !== null) return { kind: "known", account };
    throw new ApiError(502, null, "no user_id");
  } catch (error) {
    if (!(error instanceof ApiError)) return { kind: "unclear", problem: describeProblem(error) };
    return error.status === 401 ? { kind: "refused" } : { kind: "unclear", problem: describeProblem(error) };
  }
}

export function readAccount(value: unknown): Account | null {
  if (typeof value !== "object" || value === null || !("user_id" in value) || typeof value.user_id !== "string")
    return null;
  const name = "name" in value && typeof value.name === "string" && value.name.trim() !== "" ? value.name : null;
  const scopes = "scopes" in value && Array.isArray(value.scopes) ? (value.scopes as Scope[]) : null;
  const expires_at = "expires_at" in value && typeof value.expires_at === "string" ? value.expires_at : null;
  const is_admin = "is_admin" in value && value.is_admin === true;
  return { user_id: value.user_id, name, is_admin, scopes, expires_at, session_id: readSessionId(value) };
}

function readSessionId(value: object): string | null {
  const id = "key_id" in value ? value.key_id : null;
  return typeof id === "string" && id.startsWith("sess_") ? id : null;
}

export function mayDo({ scopes }: Pick<Account, "scopes">, scope: Scope): boolean {
  return scopes === null ? scope !== "admin" : scopes.includes(scope);
}

/** The most that the key may do. `admin` is one that only administers. */
export function rightOf(account: Pick<Account, "scopes">): Scope | "none" {
  return (["write", "run", "read", "admin"] as const).find((scope) => mayDo(account, scope)) ?? "none";
}

export function nameOf({ name, user_id }: Account): string {
  return name ?? user_id;
}
