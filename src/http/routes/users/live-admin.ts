// Asks D1 whether an admin still is one. An isolate remembers a key for some seconds, and what an admin does in them can't
// be taken back: keys with the scope `admin`, users, who is shut out.
import { ADMIN_KEY_ID } from "../../../protocol/ids.ts";
import { userScopes } from "../../../protocol/keys/scope.ts";
import { findApiKey } from "../../../store/api-keys.ts";
import { requireScope } from "../../auth.ts";
import type { AppContext } from "../../context.ts";
import { Problem } from "../../errors.ts";

/** Throws if the caller's key has ended or lost the scope. The admin key holds as long as the settings name it. */
export async function requireLiveAdmin(context: AppContext): Promise<void> {
  const { user_id, key_id } = context.get("caller");
  if (key_id === ADMIN_KEY_ID) return;
  const found = await findApiKey(context.env.DB, key_id);
  const isOpen = found !== null && found.disabled_at === null && found.deleted_at === null;
  const isOver = found?.expires_at != null && Date.parse(found.expires_at) <= Date.now();
  if (!isOpen || isOver || found.user_id !== user_id) {
    throw new Problem("unauthorized", "The API key is no longer valid.");
  }
  requireScope({ scopes: found.scopes ?? userScopes }, "admin");
}
