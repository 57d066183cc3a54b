// Starts the session of somebody who has just proved who they are.
import { hashText, toHex } from "../../lib/hash.ts";
import { newId } from "../../protocol/ids.ts";
import type { Scope } from "../../protocol/keys/scope.ts";
import { createApiKey } from "../../store/api-keys.ts";
import { audited } from "../audit.ts";
import type { AppContext } from "../context.ts";

export interface NewSession {
  user_id: string;
  /** Null for all that the user may do. */
  scopes: Scope[] | null;
  /** What is needed when the person signs out. */
  sign_in: Record<string, string | number | boolean | null>;
}

const SESSION_MS = 24 * 3_600_000;

/** Stores the session under a new token, records it in the audit, and sets the cookie. */
export async function startSession(context: AppContext, { user_id, scopes }: NewSession): Promise<void> {
  const now = Date.now();
  const token = toHex(crypto.getRandomValues(new Uint8Array(32)));
  const key_id = newId("sess", now);
  const times = { created_at: new Date(now).toISOString(), expires_at: new Date(now + SESSION_MS).toISOString() };
  const stored = { key_id, kind: "session", name: null, made_by: null, scopes, ...times } as const;
  const hash = toHex(await hashText(token));
  await audited(context, { action: "session.create", user_id, target: key_id }, () =>
    createApiKey(context.env.DB, user_id, { ...stored, hash }),
  );
  const isSecure = new URL(context.req.url).protocol === "https:";
  const name = isSecure ? "__Host-taskloom-session" : "taskloom-session";
  const parts = [`${name}=${token}`, "Path=/", `Max-Age=${SESSION_MS / 1000}`, "HttpOnly", "SameSite=Strict"];
  context.header("set-cookie", [...parts, ...(isSecure ? ["Secure"] : [])].join("; "), { append: true });
}
