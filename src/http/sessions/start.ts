// Begins the session of the browser that sent the request.

import type { Scope } from "../../protocol/keys/scope.ts";
import { whileMakerLives } from "../../store/keys/maker.ts";
import { createSession, newSessionId, type SessionDetails } from "../../store/people/sessions.ts";
import { audited, sourceOf } from "../audit.ts";
import { callerOf } from "../auth.ts";
import type { AppContext } from "../context.ts";
import { Problem, unwrap } from "../errors.ts";
import { cookieName, NO_COOKIE_HERE, writeCookie } from "./cookie.ts";
import { hashRoot, hashToken, newToken, writeToken } from "./token.ts";

export interface SignedIn {
  user_id: string;
  /** Null for all that the user may do: the list for a user with a role has that and what the role adds. */
  scopes: Scope[] | null;
  /** What the sign-out will need. It is stored as it is, and is in no answer. */
  sign_in: SessionDetails["sign_in"];
}

/** Throws unless a browser can hold a session for this server's address. Call it before a sign-in begins. */
function requireCookie(context: AppContext): string {
  const name = cookieName(new URL(context.req.url));
  if (name === null) throw new Problem("forbidden", NO_COOKIE_HERE);
  return name;
}

/**
 * Stores the session, records it in the audit, and adds its cookie to the answer, which must be made through the context
 * (`context.redirect`, `context.body`). From now on its user is the caller of this request. Throws `unauthorized` for a
 * user who may not come in.
 */
export async function startSession(context: AppContext, { user_id, scopes, sign_in }: SignedIn): Promise<void> {
  const name = requireCookie(context);
  const { session_ms } = context.get("config");
  const now = Date.now();
  const session_id = newSessionId(now);
  const token = newToken(session_id);
  const source = sourceOf(context);
  const { address, user_agent } = source.type === "http" ? source : { address: null, user_agent: null };
  const at = new Date(now).toISOString();
  const details: SessionDetails = {
    root_hash: await hashRoot(token),
    former_hash: null,
    salt: null,
    rotated_at: at,
    seen_at: at,
    user_agent,
    address,
    sign_in,
  };
  const expires_at = now + session_ms;
  const row = { user_id, scopes, hash: await hashToken(token), details };
  const stored = { ...row, session_id, expires_at: new Date(expires_at).toISOString() };
  context.set("caller", callerOf({ ...row, kind: "session", key_id: session_id, expires_at, confirmed_at: now }));
  await audited(context, { action: "session.create", target: session_id }, async () =>
    unwrap(await whileMakerLives(createSession(context.env.DB, stored, now))),
  );
  context.header("set-cookie", writeCookie(name, writeToken(token), session_ms / 1000), { append: true });
}
