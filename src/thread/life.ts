// A life is one stay of a thread's object in memory. `Life` is all that the object holds in memory; `wake.ts` rebuilds
// it from SQLite. Eviction, a deploy or a crash may end a life at any moment, so what must outlast it is stored. The
// other files of this folder are functions over a life, and only the object owns it.
import type { Sandbox } from "../agent/sandbox.ts";
import type { MirrorPlace } from "../protocol/mirror.ts";
import type { Run } from "../protocol/run.ts";
import type { Thread } from "../protocol/thread.ts";
import type { CheckRunRecord } from "./checks/check-run-row.ts";
import type { AskedQuestion, Follower } from "./follow/follower-rows.ts";
import type { ThreadMemory } from "./memory/thread-memory.ts";
import type { Outbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { type Database, writeMeta } from "./rows/database.ts";
import type { EnvironmentNotes } from "./rows/environment-notes.ts";
import type { StoredProject } from "./rows/project-checks.ts";
import { type RunRecord, readRun, readRunBefore, saveRun } from "./rows/runs.ts";
import type { RequestedEnd } from "./rows/shapes/run-record.ts";
import type { ThreadState } from "./rows/state.ts";
import type { StoredThread } from "./rows/stored-thread.ts";
import type { CallTimes } from "./run/call-times.ts";
import type { Journal } from "./stream/journal/journal.ts";
import type { Readers } from "./stream/readers.ts";
import type { Superseded } from "./supersede/marks.ts";
import { countWork } from "./usage/record.ts";

/** What an object needs from the platform. */
export interface Platform {
  waitUntil(promise: Promise<unknown>): void;
  setAlarm(at: number): Promise<void>;
  /** Ends this life. Used when memory and storage may differ: a new life reads what is stored. */
  abort(reason: string): void;
}

/** The run that this life works on. */
export interface ActiveRun {
  record: RunRecord;
  /** Aborted when the run is cancelled. */
  cancel: AbortController;
  /** When this life began to end the run. Null while no end is requested. */
  endRequestedAt: number | null;
  /** Up to when its working time is counted, and up to when its row has it. */
  countedAt: number;
  storedAt: number;
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
  /** What the model has learned once of the day and of its sandbox. */
  environment: EnvironmentNotes;
  /** The project's own checks. Null until they were read. */
  project: StoredProject | null;
  /** Which messages are superseded, as far as readers and D1 may not know it. */
  superseded: Superseded;
  /** What each run needs and only the first reads. */
  memory: ThreadMemory;
  stored: StoredThread;
  thread: Thread;
  /**
   * Runs that are not over for readers, in the order of the inbox. Each has one record: every change of a run is made
   * here.
   */
  live: Map<string, RunRecord>;
  active: ActiveRun | null;
  /** The checks that a person has run again last, as they are stored, and this life's work on them. */
  checked: CheckRunRecord | null;
  checking: { cancel: AbortController; done: Promise<void> } | null;
  /** The run that was stored as started when it was accepted, until this life works on it. */
  begun: RunRecord | null;
  /**
   * Facts of the run after which others follow in the same turn of the event loop: a reply that probably ends it, or
   * whose calls begin at once. The next transaction stores them. Whoever waits for something else calls `storeHeld`
   * first.
   */
  held: { record: RunRecord; stores: (() => void)[] } | null;
  /** The last position in the inbox that is taken. */
  lastPosition: number;
  /** The started run with the highest position. */
  newestStarted: RunRecord | null;
  /** Whether a message was ever added to an active run. If not, the table `steered` is not read. */
  hasSteered: boolean;
  /** The last accept in progress. The next one is stored after it. */
  accepting: Promise<void>;
  /** Inputs that are not stored or refused yet. */
  arriving: number;
  /** The project's sandbox. Null until a run needs it. */
  sandbox: Promise<Sandbox> | null;
  /** Ids of tasks with a sent STEP_STARTED and no STEP_FINISHED yet. */
  openSteps: Set<string>;
  callTimes: CallTimes;
  /** Called when a run was released, or a queued one was cancelled. */
  waiters: Map<string, Set<(run: Run) => void>>;
  /** The time of the alarm. Null if this life has not set it. */
  alarmAt: number | null;
  /** When each background run's job was last sent, and how often. The key is the run's id. */
  jobs: Map<string, { at: number; times: number }>;
  /** Where runs are mirrored. Null if nothing follows the thread. */
  place: MirrorPlace | null;
  /** The question that the last run asked there. */
  asked: AskedQuestion | null;
  /** Runs that are not completely shown there yet, by id. */
  followers: Map<string, Follower>;
  /** Called when a follower waits for the alarm. */
  onFollowerWaits: () => void;
  /** Which runs readers keep from being cancelled, and when those whose readers have left are. */
  watched: Map<string, number | null>;
  /** Set while readers are pinged more often, since a run ends when they leave. */
  cancelProbe: (() => void) | null;
  cancelIdle: (() => void) | null;
  /** Set while changes of the plan are gathered for D1. */
  cancelPlanSync: (() => void) | null;
  bornAt: number;
  /** The newest errors of this life, without any content of the thread. */
  errors: { at: string; message: string }[];
  /** True while the thread is being removed. It accepts nothing new. */
  removing: boolean;
  /** True when its tables are gone. Nothing can be written. */
  removed: boolean;
}

// As many as an operator reads. The log has the rest.
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
  saveCounted(life, record, change);
  life.outbox.markRun(record);
}

/** Stores the time that the run has worked. D1 gets it with the next change, or with a sign of life. */
export function storeWork(life: Life, record: RunRecord): void {
  saveCounted(life, record);
}

function saveCounted(life: Life, record: RunRecord, change: { input?: boolean } = {}): void {
  countActive(life, record);
  saveRun(life.database.sql, record, life.journal.newest, change);
  if (life.active?.record === record) life.active.storedAt = life.active.countedAt;
}

/** For a run that waits for something before its next fact. */
export function storeHeld(life: Life): void {
  if (life.held !== null) transact(life, () => {});
}

/** Adds the time in which this life has worked on the run since the last count. */
export function countActive({ active, ports }: Life, record: RunRecord): void {
  if (active?.record !== record || record.run.status !== "running") return;
  const now = ports.clock.now();
  countWork(record, now - active.countedAt);
  active.countedAt = now;
}

/** Stores how a run is to end. Only the first request counts. */
export function storeRequestedEnd(life: Life, record: RunRecord, end: RequestedEnd): void {
  if (record.requested_end !== null) return;
  transact(life, () => {
    record.requested_end = end;
    storeRun(life, record);
  });
}

/** Makes the run end if this life works on it. */
export function stopActive({ active, ports }: Life, record: RunRecord): void {
  if (active?.record !== record) return;
  active.endRequestedAt ??= ports.clock.now();
  active.cancel.abort();
}

/** The newest started run before a position in the inbox. */
export function findRunBefore(life: Life, position: number): RunRecord | null {
  const { newestStarted } = life;
  if (newestStarted === null || newestStarted.position < position) return newestStarted;
  return readRunBefore(life.database.sql, position);
}

export function findRun(life: Life, invocation_id: string): RunRecord | null {
  return life.live.get(invocation_id) ?? readRun(life.database.sql, invocation_id);
}

/** Why a life ends if its run did not end while the thread was removed. */
export const OUTLIVED = "a run outlived its thread";

/** Calls `change`, after what is held is stored. */
function withHeld<T>(life: Life, change: () => T): T {
  const { held } = life;
  if (held === null) return change();
  life.held = null;
  const { record, stores } = held;
  const { version } = record;
  for (const store of stores) store();
  const value = change();
  // Most changes are the run's end, which stores its row too.
  if (record.version === version) storeRun(life, record);
  return value;
}

/** A transaction of facts. If it fails, memory and storage differ, so it ends the life. */
export function transact<T>(life: Life, change: () => T): T {
  if (life.removed) {
    life.platform.abort(OUTLIVED);
    throw new Error(OUTLIVED);
  }
  try {
    return life.database.transaction(() => {
      life.outbox.storePosition(life.journal);
      return life.journal.gather(() => withHeld(life, change));
    });
  } catch (error) {
    life.platform.abort(`a transaction failed: ${error instanceof Error ? error.message : "unknown"}`);
    throw error;
  }
}
