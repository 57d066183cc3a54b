// Asks D1 whether an admin still is one. An isolate remembers a key for some seconds, and what an admin does in them can't
// be taken back: keys with the scope `admin`, users, who is shut out.
import { ADMIN_KEY_ID } from "../../../protocol/ids.ts";
import { userScopes } from "../../../protocol/keys/scope.ts";
import { findApiKey, findEndedKeys } from "../../../store/api-keys.ts";
import { requireScope } from "../../auth.ts";
import type { AppContext } from "../../context.ts";
import { Problem } from "../../errors.ts";

/** The admin key holds as long as the settings name it. A key may have lost the scope since it was last read. */
export async function requireLiveAdmin(context: AppContext): Promise<void> {
  const { user_id, key_id } = context.get("caller");
  if (key_id === ADMIN_KEY_ID) return;
  const ended = await findEndedKeys(context.env.DB, user_id, [key_id], Date.now());
  const found = ended.length === 0 ? await findApiKey(context.env.DB, key_id) : null;
  if (found === null) throw new Problem("unauthorized", "The API key is no longer valid.");
  requireScope({ scopes: found.scopes ?? userScopes }, "admin");
}
