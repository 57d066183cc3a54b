// One life of a thread's object: all it holds in memory, made from its SQLite when it wakes (wake.ts). The other files of
// this folder are functions over it; only the object owns it.
import type { Sandbox } from "../agent/sandbox.ts";
import type { MirrorPlace } from "../protocol/mirror.ts";
import type { Run } from "../protocol/run.ts";
import type { Thread } from "../protocol/thread.ts";
import type { AskedQuestion, Follower } from "./follow/follower-rows.ts";
import type { Outbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { type Database, writeMeta } from "./rows/database.ts";
import { type RunRecord, readRun, readRunBefore, saveRun } from "./rows/runs.ts";
import type { ThreadState } from "./rows/state.ts";
import type { StoredThread } from "./rows/stored-thread.ts";
import type { Journal } from "./stream/journal.ts";
import type { Readers } from "./stream/readers.ts";

/** What only the platform can do for an object. */
export interface Platform {
  waitUntil(promise: Promise<unknown>): void;
  setAlarm(at: number): Promise<void>;
  /** Ends this life: memory and storage may have come apart, and only a new life can tell. */
  abort(reason: string): void;
}

/** The run that is being worked on in this life. */
export interface ActiveRun {
  record: RunRecord;
  /** Aborted when the run is cancelled. */
  cancel: AbortController;
  /** When this life told it to end; null where it did not. */
  endRequestedAt: number | null;
  done: Promise<void>;
}

export interface Life {
  instance_id: string;
  database: Database;
  ports: Ports;
  platform: Platform;
  journal: Journal;
  readers: Readers;
  state: ThreadState;
  outbox: Outbox;
  stored: StoredThread;
  thread: Thread;
  /** Runs that are not over for readers, in the order of the inbox. The one record of each: whoever changes a run changes it here. */
  live: Map<string, RunRecord>;
  active: ActiveRun | null;
  /** The last place of the inbox that was given. */
  lastPosition: number;
  /** Of the runs that have started the one with the highest place. */
  newestStarted: RunRecord | null;
  /** Whether a message was ever added to a run at work: without, nothing is asked of `steered`. */
  hasSteered: boolean;
  /** The last accept under way: the next one is stored after it. */
  accepting: Promise<void>;
  /** The project's sandbox, once a run needed it. */
  sandbox: Promise<Sandbox> | null;
  /** Ids of tasks whose STEP_STARTED was sent and whose STEP_FINISHED was not. */
  openSteps: Set<string>;
  /** Called when a run was released, or a queued one was cancelled. */
  waiters: Map<string, Set<(run: Run) => void>>;
  /** When the alarm is set for; null where this life has not set it. */
  alarmAt: number | null;
  /** When each background run's job was last sent, and how often: by id. */
  jobs: Map<string, { at: number; times: number }>;
  /** Where runs are shown as they happen; null where nobody follows. */
  place: MirrorPlace | null;
  /** What the last run asked there. */
  asked: AskedQuestion | null;
  /** Runs that are not wholly shown there, by id. */
  followers: Map<string, Follower>;
  /** Told when one of them waits for the alarm. */
  onFollowerWaits: () => void;
  cancelIdle: (() => void) | null;
  /** Set while changes of the plan are gathered for D1. */
  cancelPlanSync: (() => void) | null;
  bornAt: number;
  /** The newest of what went wrong in this life; no word of what is said in the thread. */
  errors: { at: string; message: string }[];
  /** Set while the thread is being removed: nothing new is taken in. */
  removing: boolean;
  /** Set when its tables are gone: nothing is left to write to. */
  removed: boolean;
}

// As many as an operator reads; the log has the rest.
const MAX_ERRORS = 20;

export function noteError(life: Life, message: string): void {
  life.errors = [...life.errors, { at: isoTime(life), message: message.slice(0, 300) }].slice(-MAX_ERRORS);
}

export function isoTime(life: Life): string {
  return new Date(life.ports.clock.now()).toISOString();
}

/** Stores the thread as it is now and marks it for D1. Inside a transaction. */
export function storeThreadChange(life: Life, thread: Thread): void {
  const stored: StoredThread = { ...life.stored, thread, version: life.stored.version + 1 };
  writeMeta(life.database.sql, "thread", stored);
  life.stored = stored;
  life.thread = thread;
  life.outbox.markThread(stored);
}

/** Stores a run's change and marks it for D1. Inside a transaction. */
export function storeRun(life: Life, record: RunRecord, change: { input?: boolean } = {}): void {
  saveRun(life.database.sql, record, life.journal.newest, change);
  life.outbox.markRun(record);
}

/** The newest run before a place of the inbox that has started. */
export function findRunBefore(life: Life, position: number): RunRecord | null {
  const { newestStarted } = life;
  if (newestStarted === null || newestStarted.position < position) return newestStarted;
  return readRunBefore(life.database.sql, position);
}

export function findRun(life: Life, invocation_id: string): RunRecord | null {
  return life.live.get(invocation_id) ?? readRun(life.database.sql, invocation_id);
}

/** Why a life ends whose run did not heed its end while the thread was removed. */
export const OUTLIVED = "a run outlived its thread";

/** A transaction of facts. Where it fails, memory and storage have come apart: the life ends. */
export function transact<T>(life: Life, change: () => T): T {
  if (life.removed) {
    life.platform.abort(OUTLIVED);
    throw new Error(OUTLIVED);
  }
  try {
    return life.database.transaction(() => {
      life.outbox.storePosition(life.journal.newest);
      return change();
    });
  } catch (error) {
    life.platform.abort(`a transaction failed: ${error instanceof Error ? error.message : "unknown"}`);
    throw error;
  }
}
