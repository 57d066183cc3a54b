// Creates, changes and removes the thread in its object. D1 follows.
import { logError } from "../lib/log.ts";
import type { Backoff } from "../lib/retry.ts";
import { withinTime } from "../lib/time-limit.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { DEFAULT_AGENT_ID, newId } from "../protocol/ids.ts";
import type { Thread, ThreadCreation, ThreadKey, ThreadPatch } from "../protocol/thread.ts";
import { waitOf } from "./back-off.ts";
import { closeAllLeases } from "./caps/closing.ts";
import { EXPIRED } from "./expire.ts";
import { isoTime, type Life, storeThreadChange, transact } from "./life.ts";
import { forgetHistory } from "./memory/kept-history.ts";
import type { Ports } from "./ports.ts";
import { type Database, writeMeta } from "./rows/database.ts";
import { FORMAT, type Removal, readRemoval, type StoredThread } from "./rows/stored-thread.ts";
import { createTables, dropTables, noteTables } from "./rows/tables.ts";
import { cancelRun } from "./run/control.ts";
import { RETRY_IDLE } from "./stream/streams.ts";

// The limit of one request too. Patches are merged, and D1 refuses a row over 2 MB.
const MAX_METADATA_CHARS = 64 * 1024;

// As long as two cancels wait. A run that has not ended by then ends its life at its next write.
const END_LIMIT_MS = 10_000;

// How long the caller waits. A removal that takes longer may still go through, and is retried in any case.
const DELETE_LIMIT_MS = 10_000;
const DELETE_RETRY_MS = 30_000;
const DELETE_WAITS: Backoff = { base_ms: 2 * DELETE_RETRY_MS, cap_ms: 6 * 60 * 60_000 };

/** Stores a new thread. */
export function storeThread(database: Database, creation: ThreadCreation, now: number): StoredThread {
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
  const stored: StoredThread = { format: FORMAT, thread, version: 1, made_project, request_id };
  database.transaction(() => {
    createTables(database.sql);
    writeMeta(database.sql, "thread", stored);
  });
  noteTables(database.sql);
  return stored;
}

export function patchThread(life: Life, patch: ThreadPatch): Result<Thread> {
  // The alarm was awaited, and the removal is decided: what is changed now would be gone.
  if (life.removing) return fail("not_found", `The thread ${life.thread.thread_id} was deleted.`);
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

/**
 * Ends active and waiting runs, and stores that the thread is removed. From then on it is removed, whatever happens.
 */
export async function removeThread(life: Life, request_id: string): Promise<void> {
  life.removing = true;
  life.checking?.cancel.abort(new Error("The thread is removed."));
  // Waiting runs first, so that none starts when the active one ends. Messages that steered it may become a run then.
  const until = life.ports.clock.now() + END_LIMIT_MS;
  // Without runs that are over: cancelling one does not wait, so the loop would never pause.
  const left = () => [...life.live.values()].filter(({ released }) => !released);
  while (left().length > 0 && life.ports.clock.now() < until) {
    const ids = left().map(({ run }) => run.invocation_id);
    await Promise.all(ids.reverse().map((id) => cancelRun(life, id)));
  }
  if (left().length === 0) await life.active?.done;
  // Before the mark: a life that ends right after it leaves nobody else who would finish the removal.
  await life.platform.setAlarm(life.ports.clock.now() + DELETE_RETRY_MS);
  // Two requests may remove it at once, and the second would find no tables.
  if (readRemoval(life.database) !== null) return;
  const { user_id, thread_id } = life.thread;
  const { leases, unread_runs } = closeAllLeases(life);
  const end = {
    unread_runs,
    ...(life.outbox.ownerDeleted && { owner_deleted: true }),
    ...(request_id === EXPIRED && { is_expired: true }),
  };
  const removal: Removal = { format: FORMAT, user_id, thread_id, request_id, done: false, leases, end };
  transact(life, () => writeMeta(life.database.sql, "removed", removal));
  life.outbox.stop();
  life.cancelIdle?.();
  life.cancelProbe?.();
}

/** Deletes a removed thread's rows in D1 and its tables. If D1 fails, an alarm tries again. */
export async function finishRemoval(
  database: Database,
  ports: Ports,
  alarm: { setAlarm(at: number): Promise<void>; deleteAlarm(): Promise<void> },
  life: Life | null,
): Promise<void> {
  const removal = readRemoval(database);
  if (removal === null || removal.done) return;
  const failures = (removal.failures ?? 0) + 1;
  const wait = waitOf(`${removal.user_id}/${removal.thread_id}`, failures, DELETE_WAITS);
  // Before D1 is called, since the life may end during the call. Whoever has just removed the thread has set it.
  if (life === null) await alarm.setAlarm(ports.clock.now() + wait);
  const done = await deleteRows(ports, removal);
  // Only now, so that readers of a cancelled run have had time to get its end. Readers that have everything are closed.
  // Those that come back find no thread.
  life?.readers.closeIdle(RETRY_IDLE);
  life?.readers.cutAll("the thread was deleted");
  life?.journal.log.clear();
  database.transaction(() => {
    dropTables(database.sql);
    const { leases: _, end: __, failures: ___, ...rest } = removal;
    writeMeta(database.sql, "removed", { ...(done ? rest : { ...removal, failures }), done } satisfies Removal);
  });
  if (life !== null) {
    life.removed = true;
    forgetHistory(life);
  }
  if (done) await alarm.deleteAlarm();
}

async function deleteRows(ports: Ports, { user_id, thread_id, leases = [], end = {} }: Removal): Promise<boolean> {
  try {
    await withinTime(ports.clock, DELETE_LIMIT_MS, "D1", ports.deleteThread({ user_id, thread_id }, leases, end));
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
