// Whether a user may come in at all, and whether the admin key still acts for the first user: parts of the statements
// that find keys, end them, and make what opens a way in. So no statement can know of a key and not of its user.
import { ADMIN_KEY_ID, FIRST_USER_ID } from "../../protocol/ids.ts";

/** Whether the user is disabled or deleted; without a row it is neither. `user_id` is a placeholder or a text in SQL. */
export function isShut(user_id: string): string {
  const isClosed = "(person.disabled_at IS NOT NULL OR person.deleted_at IS NOT NULL)";
  return `EXISTS (SELECT 1 FROM users AS person WHERE person.user_id = ${user_id} AND ${isClosed})`;
}

// Keys of former versions have no kind. They don't count, so that an upgrade changes nothing of the admin key.
const HAS_OWN_KEY = `EXISTS (SELECT 1 FROM api_keys AS own WHERE own.user_id = '${FIRST_USER_ID}' AND own.kind = 'key'
  AND own.hash NOT IN ('deleted', 'revoked')
  AND (own.expires_at IS NULL OR own.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
  AND (own.scopes IS NULL OR EXISTS (SELECT 1 FROM json_each(own.scopes) WHERE value = 'write')))`;

/** Whether `ADMIN_API_KEY` acts for the first user, as far as D1 knows: a setting may say that it never does. */
export const ADMIN_KEY_ACTS = `(NOT ${isShut(`'${FIRST_USER_ID}'`)} AND NOT ${HAS_OWN_KEY})`;

/** For the ids `id` of keys of the user ?1. The admin key is nobody else's than the first user's. */
export function hasAdminKeyEnded(id: string): string {
  return `(${id} = '${ADMIN_KEY_ID}' AND (?1 <> '${FIRST_USER_ID}' OR NOT ${ADMIN_KEY_ACTS}))`;
}

/** Rejects if D1 fails. */
export async function readAdminKeyActs(db: D1Database): Promise<boolean> {
  const row = await db.prepare(`SELECT ${ADMIN_KEY_ACTS} AS acts`).first<{ acts: number }>();
  return row?.acts === 1;
}
