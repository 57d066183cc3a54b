// Ends this browser's session at the server. No script can remove the cookie.
import { Api, ApiError } from "../client/api.ts";
import { health } from "./health.ts";
import { isSession, sessionIdOf } from "./key-id.ts";

/**
 * Where the person signs out of what they signed in with; null if nowhere. Rejects where the session may continue.
 * Beside a key there may be a session too, which would sign in again at once; that it continues is no reason to keep
 * the key.
 */
export async function endSession(key: string, { everywhere = false } = {}): Promise<string | null> {
  if (!isSession(key) && !health.get()?.sign_in) return null;
  const api = new Api("", "");
  try {
    // This one last: it says where else to sign out. Those of somebody who signed in since are none of this person's.
    if (everywhere) {
      await new Api("", "", undefined, sessionIdOf(key)).send("DELETE", "/v1/sessions?except=current");
    }
    return (await api.send<{ redirect_to: string | null }>("POST", "/auth/sign-out")).redirect_to;
  } catch (error) {
    if (!isSession(key) || (error instanceof ApiError && error.status === 401)) return null;
    throw error;
  }
}
