// Whether a key or session may still administer. A request was let in by what its isolate remembers, which may be
// seconds old. So what an admin changes, and what hands the scope on, asks D1 in the moment of the write: whoever lost
// the role a moment ago must not give it back to itself, in its own or in another name.
import { ADMIN_KEY_ID } from "../../protocol/ids.ts";
import { mayAct } from "./acting.ts";

/** The key or session of an admin, as a request named it. */
export interface Administrator {
  user_id: string;
  key_id: string;
}

/** An SQL condition. Both are placeholders. `ADMIN_API_KEY` holds as long as the settings name it. */
export function mayAdminister(user_id: string, key_id: string): string {
  const holds = `admins.user_id = ${user_id} AND admins.key_id = ${key_id}
    AND (admins.expires_at IS NULL OR admins.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`;
  const mayDo = "EXISTS (SELECT 1 FROM json_each(admins.scopes) WHERE value = 'admin')";
  return `(${key_id} = '${ADMIN_KEY_ID}' OR (${mayAct(user_id)}
    AND EXISTS (SELECT 1 FROM api_keys AS admins WHERE ${holds} AND ${mayDo})))`;
}

export async function isAdministrator(db: D1Database, { user_id, key_id }: Administrator): Promise<boolean> {
  const found = await db
    .prepare(`SELECT ${mayAdminister("?1", "?2")} AS may`)
    .bind(user_id, key_id)
    .first<{ may: number }>();
  return found?.may === 1;
}
