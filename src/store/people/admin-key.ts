// Whether the admin key still acts for the first user: a part of the statements that find keys, end them, and make what
// opens a way in.
import { ADMIN_KEY_ID, FIRST_USER_ID } from "../../protocol/ids.ts";
import type { Quotas } from "../../protocol/money/quotas.ts";
import { mayAct, quotasOf, readQuotas } from "./acting.ts";

const HAS_OWN_KEY = `EXISTS (SELECT 1 FROM api_keys AS own WHERE own.user_id = '${FIRST_USER_ID}' AND own.kind = 'key'
  AND own.hash NOT IN ('deleted', 'revoked')
  AND (own.expires_at IS NULL OR own.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
  AND (own.scopes IS NULL OR EXISTS (SELECT 1 FROM json_each(own.scopes) WHERE value = 'write')))`;

/** Whether `ADMIN_API_KEY` acts for the first user, as far as D1 knows: a setting may say that it never does. */
export const ADMIN_KEY_ACTS = `(${mayAct(`'${FIRST_USER_ID}'`)} AND NOT ${HAS_OWN_KEY})`;

/** For the ids `id` of keys of the user ?1. The admin key is nobody else's than the first user's. */
export function hasAdminKeyEnded(id: string): string {
  return `(${id} = '${ADMIN_KEY_ID}' AND (?1 <> '${FIRST_USER_ID}' OR NOT ${ADMIN_KEY_ACTS}))`;
}

const READ = `SELECT ${ADMIN_KEY_ACTS} AS acts, ${quotasOf(`'${FIRST_USER_ID}'`)} AS quotas`;

/** With an admin's numbers for the first user, which hold for whoever acts as that user. Rejects if D1 fails. */
export async function readAdminKeyActs(db: D1Database): Promise<{ acts: boolean; quotas: Quotas | null }> {
  const row = await db.prepare(READ).first<{ acts: number; quotas: string | null }>();
  return { acts: row?.acts === 1, quotas: readQuotas(row?.quotas ?? null) };
}
