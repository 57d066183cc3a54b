// Rows that open a way in (keys, triggers, webhooks, links, SSH access, Slack workspaces) name in `made_by` the key
// that made them. A key that is deleted or has expired can make nothing more, and neither can one of a disabled or
// deleted user: each write names the owner through the key's own row and the user's, so a request that was admitted a
// moment before fails at the column that takes no null.
import { type SQL, sql } from "drizzle-orm";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import { ADMIN_KEY_ID, FIRST_USER_ID } from "../../protocol/ids.ts";
import { mayAct, userMayAct } from "../people/acting.ts";
import { ADMIN_KEY_ACTS } from "../people/admin-key.ts";

/**
 * A deleted key leaves a row, so that what it made is still found through the key that made it. The row has another id,
 * which no request and no check can name. In place of the hash it has `deleted`, or `revoked` if what it made was
 * revoked with it.
 */
export const DELETED_PREFIX = "deleted:";

/** For a statement over `api_keys`: it is no row that a key or session left. */
export const IS_LIVE = "hash NOT IN ('deleted', 'revoked')";
/** The same without sessions. */
export const IS_KEY = `(${IS_LIVE} AND kind = 'key')`;

/** The id of a key, live or deleted, as `made_by` has it. */
export const KEY_ID = `replace(key_id, '${DELETED_PREFIX}', '')`;

/** How the reason begins why a trigger or webhook is disabled. The id of its maker follows. */
export const REVOKED_REASON = "What its API key made was revoked";

/** The expiry of a revoked link or SSH access: it has ended for every reader. */
export const REVOKED_AT = "1970-01-01T00:00:00.000Z";

/**
 * The ids of the key ?2 and of all keys that it made, of the user ?1. `UNION` visits an id once, so a cycle ends. The
 * user's keys are read once.
 */
export const MAKERS = `
WITH RECURSIVE known (id, maker) AS MATERIALIZED (
  SELECT ${KEY_ID}, made_by FROM api_keys WHERE user_id = ?1
), makers (id) AS (
  SELECT ?2 UNION SELECT known.id FROM makers JOIN known ON known.maker = makers.id
)`;

/**
 * For a statement over `triggers` at the time ?3: made by one of `keys`, a query, or open to a secret that one of them
 * gave it and that another key has replaced since.
 */
export function isOpenTo(keys: string): string {
  const former = `json_extract(former.value, '$.made_by') IN (${keys}) AND json_extract(former.value, '$.until') > ?3`;
  return `(made_by IN (${keys}) OR EXISTS (SELECT 1 FROM json_each(settings, '$.former_makers') AS former WHERE ${former}))`;
}

/** A change of `updated_at`, so that nothing that was read before is written over it. */
export function laterThan(now: string): string {
  return `iif(updated_at < ${now}, ${now}, strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds'))`;
}

/** For a statement over `api_keys`. By the clock of D1, since not all such statements have a time. */
const IS_VALID = "(expires_at IS NULL OR expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))";

/** The owner's id for a statement that makes a row; null if the owner or the maker may not. Both are placeholders. */
export function ownerIfLive(user_id: string, made_by: string): string {
  const found = `(SELECT user_id FROM api_keys WHERE user_id = ${user_id} AND key_id = ${made_by} AND ${IS_VALID})`;
  const ofAdmin = `iif(${user_id} = '${FIRST_USER_ID}' AND ${ADMIN_KEY_ACTS}, ${user_id}, NULL)`;
  const owner = `iif(${made_by} IS NULL, ${user_id}, iif(${made_by} = '${ADMIN_KEY_ID}', ${ofAdmin}, ${found}))`;
  return `iif(${mayAct(user_id)}, ${owner}, NULL)`;
}

/** Who acts. Both are placeholders in statements. */
export interface Actor {
  user_id: string;
  key_id: string;
}

/**
 * Whether the key of the user has the scope `admin` in the moment of the write: who loses it must not take it back, nor
 * anything from others, by a request that was admitted a moment before. The admin key has no row, and is always one.
 */
export function isAdmin({ user_id, key_id }: Actor): string {
  const held = `SELECT 1 FROM api_keys AS held, json_each(held.scopes) AS scope
    WHERE held.user_id = ${user_id} AND held.key_id = ${key_id} AND scope.value = 'admin' AND ${IS_VALID}`;
  return `(${key_id} = '${ADMIN_KEY_ID}' OR (${mayAct(user_id)} AND EXISTS (${held})))`;
}

/** The same for drizzle, of a key that `ownerOfLive` asks about too. */
export function givesAdmin(user_id: string, key_id: string): SQL {
  const held = sql`SELECT 1 FROM api_keys AS held, json_each(held.scopes) AS scope
    WHERE held.user_id = ${user_id} AND held.key_id = ${key_id} AND scope.value = 'admin'`;
  return key_id === ADMIN_KEY_ID ? sql`1` : sql`EXISTS (${held})`;
}

function ownerWhoActs(user_id: string, owner: SQL): SQL<string> {
  return sql<string>`iif(${userMayAct(user_id)}, ${owner}, NULL)`;
}

/** The same for drizzle. */
export function ownerOfLive(user_id: string, made_by: string | null): SQL<string> {
  if (made_by === null) return ownerWhoActs(user_id, sql`${user_id}`);
  if (made_by === ADMIN_KEY_ID) {
    return sql<string>`iif(${user_id} = ${FIRST_USER_ID} AND ${sql.raw(ADMIN_KEY_ACTS)}, ${user_id}, NULL)`;
  }
  const isKey = sql`user_id = ${user_id} AND key_id = ${made_by} AND ${sql.raw(IS_VALID)}`;
  return ownerWhoActs(user_id, sql`(SELECT user_id FROM api_keys WHERE ${isKey})`);
}

/** A run continues after its key was deleted, and may expose a port, unless what the key made was revoked. */
export function ownerUnlessRevoked(user_id: string, made_by: string | null): SQL<string> {
  if (made_by === null) return ownerWhoActs(user_id, sql`${user_id}`);
  const revoked = sql`SELECT 1 FROM api_keys WHERE user_id = ${user_id} AND key_id = ${DELETED_PREFIX + made_by} AND hash = 'revoked'`;
  return ownerWhoActs(user_id, sql`iif(EXISTS (${revoked}), NULL, ${user_id})`);
}

/** Whether the key may still make something. */
export function isLive(user_id: string, made_by: string): SQL {
  return sql`${ownerOfLive(user_id, made_by)} IS NOT NULL`;
}

/** Fails with `unauthorized` if the write was refused because its maker no longer holds. */
export async function whileMakerLives<Value>(write: Promise<Value>): Promise<Result<Value>> {
  try {
    return succeed(await write);
  } catch (error) {
    if (isMakerGone(error)) return fail("unauthorized", "The API key is no longer valid.");
    throw error;
  }
}

/** D1 names the column only in the message, which drizzle wraps as a cause. */
export function isMakerGone(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (/NOT NULL constraint failed: \w+\.user_id/.test(at.message)) return true;
  }
  return false;
}
