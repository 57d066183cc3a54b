// What a key or session leaves once it has ended: a row with another id, so that what it made is still found through
// the key that made it, and a run that it started makes no more once all that is revoked (`maker.ts`).
import { DELETED_PREFIX, IS_LIVE, KEY_ID } from "./maker.ts";

// A run that the key started may still expose a port. No run works this long.
export const TRACE_KEPT_MS = 30 * 24 * 3_600_000;

/** For an `UPDATE` of `api_keys`. `now` is a placeholder. What a session knew of a person goes. */
export function leaveTrace(now: string): string {
  return `key_id = '${DELETED_PREFIX}' || key_id, name = NULL, hash = 'deleted', created_at = ${now}, details = NULL`;
}

const tables = ["api_keys", "triggers", "webhooks", "previews", "ssh_accesses", "slack_workspaces"];

const madeNothing = tables
  .map((table) => `${KEY_ID} NOT IN (SELECT made_by FROM ${table} WHERE user_id = ?1 AND made_by IS NOT NULL)`)
  .join(" AND ");

/** Those of the user ?1 that ended before ?2, and made nothing that still exists. */
export const DELETE_TRACES = `
DELETE FROM api_keys WHERE user_id = ?1 AND created_at < ?2 AND NOT ${IS_LIVE} AND ${madeNothing}`;

/** For a statement over `api_keys` of several users: whether something that exists names the row as its maker. */
export const HAS_MADE = `(${tables
  .map(
    (table) =>
      `EXISTS (SELECT 1 FROM ${table} AS made WHERE made.user_id = api_keys.user_id AND made.made_by = replace(api_keys.key_id, '${DELETED_PREFIX}', ''))`,
  )
  .join(" OR ")})`;
