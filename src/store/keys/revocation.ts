// Revokes what a key made, in one batch, so that it is decided wholly or not at all. What the Worker itself opens ends
// with the batch. Links and SSH access that a sandbox provider gave are marked, and end there afterwards. Every
// statement may be repeated: it finds what an earlier one left, and nothing whose maker was not revoked.
import { appendTry } from "../webhooks/tries.ts";
import { DISABLED } from "../webhooks/webhooks.ts";
import { DELETED_PREFIX, IS_LIVE, isOpenTo, KEY_ID, laterThan, MAKERS, REVOKED_AT, REVOKED_REASON } from "./maker.ts";

/** Deliveries that one batch ends. Those beyond it end when they are due. */
const DELIVERIES_AT_ONCE = 1_000;

const REVOKE_KEYS = `
${MAKERS}
UPDATE api_keys SET key_id = iif(${IS_LIVE}, '${DELETED_PREFIX}' || key_id, key_id), name = NULL, hash = 'revoked',
  created_at = ?3, details = NULL
WHERE user_id = ?1 AND hash <> 'revoked' AND ${KEY_ID} IN (SELECT id FROM makers)
RETURNING ${KEY_ID} AS key_id`;

/** The key ?2, which may be the admin key or have left no row, and all keys that were ever revoked. */
const REVOKED = `SELECT ?2 UNION ALL SELECT ${KEY_ID} FROM api_keys WHERE user_id = ?1 AND hash = 'revoked'`;
const OF_USER = `user_id = ?1 AND made_by IN (${REVOKED})`;
const OPEN_TRIGGERS = `user_id = ?1 AND ${isOpenTo(REVOKED)}`;

const DROP_TRIGGER_SECRETS = `
DELETE FROM secrets WHERE user_id = ?1 AND kind = 'trigger' AND name IN (SELECT trigger_id FROM triggers WHERE ${OPEN_TRIGGERS})`;

const DISABLE_TRIGGERS = `
UPDATE triggers SET enabled = 0, next_at = NULL,
  settings = json_set(settings, '$.disabled_at', ?3, '$.disabled_reason',
    '${REVOKED_REASON}: ' || iif(made_by IN (${REVOKED}), made_by, ?2) || '.'),
  updated_at = ${laterThan("?3")}
WHERE ${OPEN_TRIGGERS} AND (enabled = 1 OR json_extract(settings, '$.disabled_reason') IS NULL)`;

const DISABLE_WEBHOOKS = `
UPDATE webhooks SET enabled = 0, disabled_at = ?3, disabled_reason = '${REVOKED_REASON}: ' || made_by || '.', updated_at = ?3
WHERE ${OF_USER} AND (enabled = 1 OR disabled_reason IS NULL OR substr(disabled_reason, 1, ${REVOKED_REASON.length}) <> '${REVOKED_REASON}')`;

const END_DELIVERIES = `
UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = ?3, tries = ${appendTry("?4")}
WHERE user_id = ?1 AND (webhook_id, delivery_id) IN (
  SELECT webhook_id, delivery_id FROM deliveries WHERE user_id = ?1 AND status = 'pending' AND webhook_id IN (
    SELECT webhook_id FROM webhooks WHERE ${OF_USER} AND enabled = 0) LIMIT ${DELIVERIES_AT_ONCE})`;

const MARK_PREVIEWS = `
UPDATE previews SET expires_at = '${REVOKED_AT}' WHERE ${OF_USER} AND expires_at > ?3 RETURNING token`;
const MARK_SSH = `UPDATE ssh_accesses SET expires_at = '${REVOKED_AT}' WHERE ${OF_USER} AND expires_at > ?3`;

const DROP_SLACK_TOKENS = `
DELETE FROM secrets WHERE user_id = ?1 AND kind = 'slack' AND name IN (SELECT team_id FROM slack_workspaces WHERE ${OF_USER})`;
const DISCONNECT_SLACK = `DELETE FROM slack_workspaces WHERE ${OF_USER}`;

const DROP_TICKETS = `
DELETE FROM tickets WHERE user_id = ?1 AND json_extract(details, '$.key_id') IN (${REVOKED})`;

/** Without ?3, the time of the decision. */
const TIMELESS = [DROP_SLACK_TOKENS, DISCONNECT_SLACK, DROP_TICKETS];

export interface Revoked {
  /** The keys that this batch deleted. */
  key_ids: string[];
  /** The links that it ended. */
  tokens: string[];
}

/** Deletes the key and all keys that it made, and ends what they made. */
export async function revokeMade(db: D1Database, user_id: string, key_id: string, now: number): Promise<Revoked> {
  const at = new Date(now).toISOString();
  const last = JSON.stringify({ at, status: null, error: DISABLED, duration_ms: 0 });
  // The keys first: the other statements go by what they left.
  const [keys, previews] = await db.batch<{ key_id: string; token: string }>([
    ...[REVOKE_KEYS, MARK_PREVIEWS, MARK_SSH].map((query) => db.prepare(query).bind(user_id, key_id, at)),
    ...TIMELESS.map((query) => db.prepare(query).bind(user_id, key_id)),
    ...[DROP_TRIGGER_SECRETS, DISABLE_TRIGGERS, DISABLE_WEBHOOKS].map((query) =>
      db.prepare(query).bind(user_id, key_id, at),
    ),
    db.prepare(END_DELIVERIES).bind(user_id, key_id, at, last),
  ]);
  return {
    key_ids: keys?.results.map(({ key_id }) => key_id) ?? [],
    tokens: previews?.results.map(({ token }) => token) ?? [],
  };
}
