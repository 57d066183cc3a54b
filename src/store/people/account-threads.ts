// The threads of an account, for its end and its pause.
import type { ThreadKey } from "../../protocol/thread.ts";

export interface ListedThread {
  thread_id: string;
  created_at: string;
}

/** Threads that are not deleted, oldest first, after one of them. */
export async function listAliveThreads(
  db: D1Database,
  user_id: string,
  after: ListedThread | null,
  limit: number,
): Promise<ListedThread[]> {
  const { results } = await db
    .prepare(
      `SELECT thread_id, created_at FROM threads
       WHERE user_id = ?1 AND deleted_at IS NULL AND (created_at, thread_id) > (?2, ?3)
       ORDER BY created_at, thread_id LIMIT ?4`,
    )
    .bind(user_id, after?.created_at ?? "", after?.thread_id ?? "", limit)
    .all<ListedThread>();
  return results;
}

const BY_THREAD = ["runs", "messages", "message_parts", "receipts"];

/**
 * Ids of threads that have rows and are not alive. Of what was deleted as it should be, there is none: a backup of D1 may
 * have brought them back.
 */
export async function listStrayThreads(db: D1Database, user_id: string, limit: number): Promise<string[]> {
  const found = await db.batch<{ thread_id: string }>(
    BY_THREAD.map((table) =>
      db
        .prepare(
          `SELECT DISTINCT thread_id FROM ${table} AS stray WHERE user_id = ?1 AND NOT EXISTS (
             SELECT 1 FROM threads WHERE user_id = ?1 AND threads.thread_id = stray.thread_id AND deleted_at IS NULL)
           LIMIT ?2`,
        )
        .bind(user_id, limit),
    ),
  );
  return [...new Set(found.flatMap(({ results }) => results.map(({ thread_id }) => thread_id)))].slice(0, limit);
}

/** Reads the index over live runs of all users, which are few. */
const LIST_LIVE = `
SELECT DISTINCT thread_id FROM runs INDEXED BY runs_live
WHERE status IN ('queued', 'running') AND user_id = ?1 AND thread_id > ?2 ORDER BY thread_id LIMIT ?3`;

/** Threads with a run that waits or works, as far as D1 knows, after one of them. */
export async function listLiveThreads(
  db: D1Database,
  user_id: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const { results } = await db.prepare(LIST_LIVE).bind(user_id, after, limit).all<Pick<ThreadKey, "thread_id">>();
  return results.map(({ thread_id }) => thread_id);
}
