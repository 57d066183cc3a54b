// The thread itself: made, changed and removed by its object, which D1 follows.
import { fail, type Result, succeed } from "../protocol/error.ts";
import { DEFAULT_AGENT_ID, newId } from "../protocol/ids.ts";
import type { Thread, ThreadCreation, ThreadKey, ThreadPatch } from "../protocol/thread.ts";
import { cancelRun } from "./control.ts";
import { createTables, type Database, hasTables, readMeta, writeMeta } from "./database.ts";
import { isoTime, type Life, type StoredThread, transact } from "./life.ts";

// As much as one request may bring. Patches are merged, and D1 refuses a row over 2 MB.
const LONGEST_METADATA = 64 * 1024;

export function isRemoved(database: Database): boolean {
  return hasTables(database.sql) && readMeta<boolean>(database.sql, "removed") === true;
}

/** What is left of a removed thread: its id is never used again. */
export function storeTombstone(database: Database): void {
  createTables(database.sql);
  writeMeta(database.sql, "removed", true);
}

/** Stores a thread that is not there yet. */
export function storeThread(database: Database, creation: ThreadCreation, now: number): void {
  const at = new Date(now).toISOString();
  const { user_id, thread_id, project_id, title, agent_id, metadata } = creation;
  const thread: Thread = {
    thread_id,
    user_id,
    project_id: project_id ?? newId("proj"),
    title,
    agent_id: agent_id ?? DEFAULT_AGENT_ID,
    metadata,
    created_at: at,
    updated_at: at,
  };
  const made_project = project_id === null ? { name: title ?? "Untitled", created_at: at } : null;
  const stored: StoredThread = { thread, version: 1, made_project };
  database.transaction(() => {
    createTables(database.sql);
    writeMeta(database.sql, "thread", stored);
  });
}

export function patchThread(life: Life, patch: ThreadPatch): Result<Thread> {
  const thread: Thread = { ...life.thread, ...patch, updated_at: isoTime(life) };
  if (patch.metadata !== undefined) thread.metadata = { ...life.thread.metadata, ...patch.metadata };
  if (JSON.stringify(thread.metadata).length > LONGEST_METADATA) {
    return fail(
      "invalid_field",
      `The metadata of a thread is ${LONGEST_METADATA} characters at most, old and new together.`,
    );
  }
  const stored: StoredThread = { ...life.stored, thread, version: life.stored.version + 1 };
  transact(life, () => writeMeta(life.database.sql, "thread", stored));
  life.stored = stored;
  life.thread = thread;
  life.outbox.markThread(stored);
  return succeed(thread);
}

/**
 * Ends what runs and waits, and removes the rows of D1; then nothing of the life is used any more, and the caller clears
 * the object's storage. Where D1 fails the thread is still there, with nothing running.
 */
export async function removeThread(life: Life): Promise<void> {
  life.removing = true;
  try {
    // Those that wait first, so that none starts when the active one ends; what steered it may become a run then.
    while (life.live.size > 0) await Promise.all([...life.live.keys()].reverse().map((id) => cancelRun(life, id)));
    await life.active?.done;
    const { user_id, thread_id } = life.thread;
    await life.ports.deleteThread({ user_id, thread_id });
  } catch (error) {
    life.removing = false;
    throw error;
  }
  life.outbox.stop();
  life.cancelIdle?.();
  life.readers.cutAll("the thread was deleted");
}

export function ownedBy(life: Life | null, key: ThreadKey): Result<Life> {
  const { user_id, thread_id } = life?.thread ?? {};
  if (life === null || user_id !== key.user_id || thread_id !== key.thread_id) {
    return fail("not_found", `The thread ${key.thread_id} does not exist.`);
  }
  return succeed(life);
}
