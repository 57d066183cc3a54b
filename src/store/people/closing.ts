// How far the end of an account is, which the row of its user says: nothing else has to be remembered, so a lost queue
// loses nothing. `purged_at` is the time of the newest look that found nothing left.
import type { Rest } from "./acting.ts";
import { restOf } from "./acting.ts";

export interface AccountEnd {
  deleted_at: string | null;
  disabled_at: string | null;
  purged_at: string | null;
}

/** Null if the user has no row: such a user may act. */
export async function readAccountEnd(db: D1Database, user_id: string): Promise<AccountEnd | null> {
  return await db
    .prepare("SELECT deleted_at, disabled_at, purged_at FROM users WHERE user_id = ?1")
    .bind(user_id)
    .first<AccountEnd>();
}

/** Nothing was left. What people read of the user goes too; the id and the identity stay, so that neither comes back. */
export async function notePurged(db: D1Database, user_id: string, now: number): Promise<void> {
  await db
    .prepare(
      "UPDATE users SET purged_at = ?2, name = NULL, email = NULL, role = NULL WHERE user_id = ?1 AND deleted_at IS NOT NULL",
    )
    .bind(user_id, new Date(now).toISOString())
    .run();
}

/** Makes an account that was emptied due again. */
export const LOOK_AGAIN = "UPDATE users SET purged_at = NULL WHERE user_id = ?1 AND purged_at IS NOT NULL";

/** A later look found something and could not delete all of it. */
export async function noteLeft(db: D1Database, user_id: string): Promise<void> {
  await db.prepare(LOOK_AGAIN).bind(user_id).run();
}

const plus = (time: string, wait: string) => `strftime('%Y-%m-%dT%H:%M:%fZ', ${time}, '${wait}')`;
/** A look is due that long after the deletion, and none found nothing since. */
const isDue = (wait: string) => {
  const at = plus("deleted_at", wait);
  return `(${at} <= ?1 AND purged_at < ${at})`;
};

/** Links that a provider signs and SSH accesses last a day at most. */
const isOpen = (table: string) =>
  `EXISTS (SELECT 1 FROM ${table} AS way WHERE way.user_id = users.user_id AND way.expires_at > ?1)`;

/**
 * Deleted users of whom something may be left, and users disabled within a day whose links and accesses may be open.
 * Reads the row of every user: no index has these columns.
 */
const LIST_DUE = `
SELECT user_id, iif(deleted_at IS NULL, 'disabled', 'deleted') AS rest FROM users
WHERE (deleted_at IS NOT NULL AND (purged_at IS NULL OR ${isDue("+20 minutes")} OR ${isDue("+1 day")}))
  OR (deleted_at IS NULL AND disabled_at > ${plus("?1", "-25 hours")} AND (${isOpen("previews")} OR ${isOpen("ssh_accesses")}))
ORDER BY random() LIMIT ?2`;

export interface RestingUser {
  user_id: string;
  rest: Rest;
}

/** In no order, so that those whose account can't be emptied hold up nobody for long. */
export async function listDueAccounts(db: D1Database, now: number, limit: number): Promise<RestingUser[]> {
  return (await db.prepare(LIST_DUE).bind(new Date(now).toISOString(), limit).all<RestingUser>()).results;
}

/** The users of all live runs are looked up, which the index `runs_live` names. */
const LIST_WORKING = `
SELECT user_id, rest FROM (
  SELECT live.user_id AS user_id, ${restOf("live.user_id")} AS rest FROM (
    SELECT DISTINCT user_id FROM runs INDEXED BY runs_live WHERE status IN ('queued', 'running')) AS live)
WHERE rest IS NOT NULL ORDER BY random() LIMIT ?1`;

/** Users who may not act and have a run that waits or works, in no order: see `listDueAccounts`. */
export async function listWorkingUsers(db: D1Database, limit: number): Promise<RestingUser[]> {
  return (await db.prepare(LIST_WORKING).bind(limit).all<RestingUser>()).results;
}

/** Those of the users who may not act. */
export async function findResting(db: D1Database, user_ids: string[]): Promise<Set<string>> {
  const { results } = await db
    .prepare(`SELECT value AS user_id FROM json_each(?1) AS asked WHERE ${restOf("asked.value")} IS NOT NULL`)
    .bind(JSON.stringify(user_ids))
    .all<{ user_id: string }>();
  return new Set(results.map(({ user_id }) => user_id));
}
