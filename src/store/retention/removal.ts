// Deletes a thread's rows from D1 in one transaction, and leaves what must stay: a tombstone, and what its runs used.
import type { ClosedLease } from "../../protocol/money/lease.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import type { ThreadEnd } from "../batch.ts";
import { closeOthers, closeStatements } from "../budgets/close.ts";
import { LOOK_AGAIN } from "../people/closing.ts";
import { KEEP_USAGE } from "../usage.ts";
import { COUNT_EXPIRED } from "./count.ts";

/** Tables whose rows belong to one thread and go with it. What they held is free for the statements after them. */
export const threadTables = ["message_parts", "messages", "receipts"] as const;

const clear = (table: string) => `DELETE FROM ${table} WHERE user_id = ?1 AND thread_id = ?2`;

const PUT_TOMBSTONE = `
INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, deleted_at, metadata)
VALUES (?1, ?2, '', '', 0, ?3, ?3, ?3, '{}')
ON CONFLICT (user_id, thread_id) DO UPDATE SET
  title = NULL, metadata = '{}', updated_at = excluded.updated_at, deleted_at = excluded.deleted_at
WHERE threads.deleted_at IS NULL`;

/**
 * Removes all rows of the thread and leaves a tombstone, even if D1 never had the thread. Its runs give back `leases`.
 * What only makes room comes first, so that it works in a database that is full.
 */
export async function deleteThread(
  db: D1Database,
  key: ThreadKey,
  now: number,
  leases: ClosedLease[] = [],
  { unread_runs, owner_deleted, is_expired }: ThreadEnd = {},
): Promise<void> {
  const at = new Date(now).toISOString();
  const ofThread = (statement: string) => db.prepare(statement).bind(key.user_id, key.thread_id);
  await db.batch([
    ...threadTables.map((table) => ofThread(clear(table))),
    ...closeStatements(db, key, leases, now),
    ...(unread_runs === undefined ? [] : [closeOthers(db, key, unread_runs, now)]),
    // An account that is emptied keeps nothing.
    ...(owner_deleted ? [db.prepare(LOOK_AGAIN).bind(key.user_id)] : [ofThread(KEEP_USAGE)]),
    ofThread(clear("runs")),
    ...(is_expired ? [db.prepare(COUNT_EXPIRED).bind(key.user_id, key.thread_id, at)] : []),
    db.prepare(PUT_TOMBSTONE).bind(key.user_id, key.thread_id, at),
  ]);
}
