// The thread itself: made, changed and removed by its object, which D1 follows.
import { logError } from "../lib/log.ts";
import { withinTime } from "../lib/time-limit.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { DEFAULT_AGENT_ID, newId } from "../protocol/ids.ts";
import type { Thread, ThreadCreation, ThreadKey, ThreadPatch } from "../protocol/thread.ts";
import { isoTime, type Life, storeThreadChange, transact } from "./life.ts";
import type { Ports } from "./ports.ts";
import { createTables, type Database, dropTables, writeMeta } from "./rows/database.ts";
import { type Removal, readRemoval, type StoredThread } from "./rows/stored-thread.ts";
import { cancelRun } from "./run/control.ts";
import { RETRY_IDLE } from "./stream/streams.ts";

// As much as one request may bring. Patches are merged, and D1 refuses a row over 2 MB.
const MAX_METADATA_CHARS = 64 * 1024;

// As long as two cancels wait. A run that has not ended by then ends its life at its next write, and is not waited for.
const END_LIMIT_MS = 10_000;

// The caller waits for it. One that takes longer may still go through, and is tried again in any case.
const DELETE_LIMIT_MS = 10_000;
const DELETE_RETRY_MS = 30_000;

/** Stores a thread that is not there yet. */
export function storeThread(database: Database, creation: ThreadCreation, now: number): void {
  const at = new Date(now).toISOString();
  const { user_id, thread_id, project_id, title, agent_id, metadata, request_id } = creation;
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
  const stored: StoredThread = { thread, version: 1, made_project, request_id };
  database.transaction(() => {
    createTables(database.sql);
    writeMeta(database.sql, "thread", stored);
  });
}

export function patchThread(life: Life, patch: ThreadPatch): Result<Thread> {
  const thread: Thread = { ...life.thread, ...patch, updated_at: isoTime(life) };
  if (patch.metadata !== undefined) thread.metadata = { ...life.thread.metadata, ...patch.metadata };
  if (JSON.stringify(thread.metadata).length > MAX_METADATA_CHARS) {
    return fail(
      "invalid_field",
      `The metadata of a thread is ${MAX_METADATA_CHARS} characters at most, old and new together.`,
    );
  }
  transact(life, () => storeThreadChange(life, thread));
  return succeed(thread);
}

/** Ends what runs and waits, and stores that the thread is removed: from there on it is, whatever happens. */
export async function removeThread(life: Life, request_id: string): Promise<void> {
  life.removing = true;
  // Those that wait first, so that none starts when the active one ends; what steered it may become a run then.
  const until = life.ports.clock.now() + END_LIMIT_MS;
  // Those that are over need no wait, and a cancel of one gives none: the loop would turn without end.
  const left = () => [...life.live.values()].filter(({ released }) => !released);
  while (left().length > 0 && life.ports.clock.now() < until) {
    const ids = left().map(({ run }) => run.invocation_id);
    await Promise.all(ids.reverse().map((id) => cancelRun(life, id)));
  }
  if (left().length === 0) await life.active?.done;
  const { user_id, thread_id } = life.thread;
  const removal: Removal = { user_id, thread_id, request_id, done: false };
  transact(life, () => writeMeta(life.database.sql, "removed", removal));
  life.outbox.stop();
  life.cancelIdle?.();
}

/** What is left to do for a removed thread: its rows in D1 and its tables go. An alarm comes back where D1 fails. */
export async function finishRemoval(
  database: Database,
  ports: Ports,
  alarm: { setAlarm(at: number): Promise<void>; deleteAlarm(): Promise<void> },
  life: Life | null,
): Promise<void> {
  const removal = readRemoval(database);
  if (removal === null || removal.done) return;
  // Before D1 is asked, since the object may end amid it.
  await alarm.setAlarm(ports.clock.now() + DELETE_RETRY_MS);
  const done = await deleteRows(ports, removal);
  // Only now, so that readers of a run that was cancelled have had time to see its end. Who has everything is closed; who comes
  // back finds no thread.
  life?.readers.closeIdle(RETRY_IDLE);
  life?.readers.cutAll("the thread was deleted");
  life?.journal.log.clear();
  database.transaction(() => {
    dropTables(database.sql);
    writeMeta(database.sql, "removed", { ...removal, done } satisfies Removal);
  });
  if (life !== null) life.removed = true;
  if (done) await alarm.deleteAlarm();
}

async function deleteRows(ports: Ports, { user_id, thread_id }: Removal): Promise<boolean> {
  try {
    await withinTime(ports.clock, DELETE_LIMIT_MS, "D1", ports.deleteThread({ user_id, thread_id }));
    return true;
  } catch (error) {
    logError("removal_failed", error, { user_id, thread_id });
    return false;
  }
}

export function ownedBy(life: Life | null, key: ThreadKey): Result<Life> {
  const { user_id, thread_id } = life?.thread ?? {};
  if (life === null || user_id !== key.user_id || thread_id !== key.thread_id) {
    return fail("not_found", `The thread ${key.thread_id} does not exist.`);
  }
  return succeed(life);
}
