// Reads threads for lists and routes. Only the thread's own object writes them, through sync.ts.
import { and, eq, isNull, sql } from "drizzle-orm";
import type { Result } from "../protocol/error.ts";
import type { Page, PageRequest } from "../protocol/page.ts";
import type { LastRun, Thread, ThreadKey, ThreadWithRun } from "../protocol/thread.ts";
import { open } from "./database.ts";
import { listNewest } from "./newest.ts";
import { threads } from "./schema.ts";

const columns = {
  thread_id: threads.thread_id,
  user_id: threads.user_id,
  project_id: threads.project_id,
  title: threads.title,
  agent_id: threads.agent_id,
  metadata: threads.metadata,
  created_at: threads.created_at,
  updated_at: threads.updated_at,
};

/**
 * One lookup in the index `runs_by_thread` for each thread of a page, however many runs it has. In plain SQL, since
 * drizzle omits table names in a query from one table, and here every column must name its table.
 */
const lastRun = sql`(
  SELECT json_object('invocation_id', runs.invocation_id, 'status', runs.status) FROM runs
  WHERE runs.user_id = threads.user_id AND runs.thread_id = threads.thread_id
  ORDER BY runs.created_at DESC, runs.invocation_id DESC LIMIT 1)`.mapWith((json: string): LastRun | null =>
  JSON.parse(json),
);

/** The thread, unless it was deleted. */
export function isThere(key: ThreadKey) {
  return and(eq(threads.user_id, key.user_id), eq(threads.thread_id, key.thread_id), isNull(threads.deleted_at));
}

/** Null if the user has no such thread or has deleted it. */
export async function readThread(db: D1Database, key: ThreadKey): Promise<Thread | null> {
  const row = await open(db).select(columns).from(threads).where(isThere(key)).get();
  return row ?? null;
}

/** Whether D1 knows the thread, also as one that was deleted: its object then refuses it. */
export async function isKnownThread(db: D1Database, { user_id, thread_id }: ThreadKey): Promise<boolean> {
  const query = "SELECT 1 FROM threads WHERE user_id = ?1 AND thread_id = ?2";
  return (await db.prepare(query).bind(user_id, thread_id).first()) !== null;
}

/** Whether it has a tombstone. */
export async function isDeletedThread(db: D1Database, key: ThreadKey): Promise<boolean> {
  return (await findThread(db, key)) === "deleted";
}

/** Null if D1 has never had it. */
export async function findThread(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
): Promise<"alive" | "deleted" | null> {
  const query =
    "SELECT iif(deleted_at IS NULL, 'alive', 'deleted') AS state FROM threads WHERE user_id = ?1 AND thread_id = ?2";
  return await db.prepare(query).bind(user_id, thread_id).first<"alive" | "deleted">("state");
}

/** Those of the ids that are deleted. */
export async function findDeletedThreads(db: D1Database, user_id: string, ids: string[]): Promise<Set<string>> {
  const query = `SELECT thread_id FROM threads WHERE user_id = ?1
    AND thread_id IN (SELECT value FROM json_each(?2)) AND deleted_at IS NOT NULL`;
  const { results } = await db.prepare(query).bind(user_id, JSON.stringify(ids)).all<{ thread_id: string }>();
  return new Set(results.map(({ thread_id }) => thread_id));
}

export async function listThreads(
  db: D1Database,
  user_id: string,
  request: PageRequest,
): Promise<Result<Page<ThreadWithRun>>> {
  return listNewest(
    request,
    [threads.created_at, threads.thread_id],
    ({ older, order, limit }) =>
      open(db)
        .select({ ...columns, last_run: lastRun })
        .from(threads)
        .where(and(eq(threads.user_id, user_id), isNull(threads.deleted_at), older))
        .orderBy(...order)
        .limit(limit),
    (row) => [row.created_at, row.thread_id],
  );
}

/** Some of the threads that a project still has. */
export async function listThreadsOfProject(
  db: D1Database,
  user_id: string,
  project_id: string,
  limit: number,
): Promise<string[]> {
  const rows = await open(db)
    .select({ thread_id: threads.thread_id })
    .from(threads)
    .where(and(eq(threads.user_id, user_id), eq(threads.project_id, project_id), isNull(threads.deleted_at)))
    .limit(limit);
  return rows.map((row) => row.thread_id);
}
