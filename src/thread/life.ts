// One life of a thread's object: all it holds in memory, made from its SQLite when it wakes. The other files of this
// folder are functions over it; only the object owns it.
import type { Sandbox } from "../agent/sandbox.ts";
import { newId } from "../protocol/ids.ts";
import { isTerminal, type Run } from "../protocol/run.ts";
import type { SlackPlace } from "../protocol/slack.ts";
import type { Thread } from "../protocol/thread.ts";
import { type AskedInSlack, readAsked, readFollowers, readPlace } from "./follow/follower-rows.ts";
import { type Follower, followRun } from "./follow/followers.ts";
import { hasSteered } from "./inbox/steering.ts";
import { Outbox } from "./outbox.ts";
import type { Ports } from "./ports.ts";
import { createTables, type Database, hasTables, readMeta, writeMeta } from "./rows/database.ts";
import {
  insertRun,
  type RunRecord,
  readLastPosition,
  readLiveRuns,
  readRun,
  readRunBefore,
  saveRun,
} from "./rows/runs.ts";
import { ThreadState } from "./rows/state.ts";
import { countLife } from "./run/run-start.ts";
import { schedule } from "./scheduler.ts";
import { Journal } from "./stream/journal.ts";
import { Readers } from "./stream/readers.ts";
import { trimMemory, watchIdle } from "./stream/streams.ts";

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
  condemnedAt: number | null;
  done: Promise<void>;
}

/** The stored thread: what D1 shows of it, and what only the object knows. */
export interface StoredThread {
  thread: Thread;
  version: number;
  /** Name of the project that was made with the thread; null where the project was there before. */
  made_project: { name: string; created_at: string } | null;
  /** The request that made it, which may be repeated. */
  request_id?: string;
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
  place: SlackPlace | null;
  /** The message with buttons of the last run, which asked something. */
  asked: AskedInSlack | null;
  /** Runs that are not wholly shown there, by id. */
  followers: Map<string, Follower>;
  /** Told when one of them waits for the alarm. */
  onFollowerWaits: () => void;
  cancelIdle: (() => void) | null;
  /** Set while changes of the plan are gathered for D1. */
  cancelNews: (() => void) | null;
  bornAt: number;
  /** The newest of what went wrong in this life; no word of what is said in the thread. */
  errors: { at: string; message: string }[];
  /** Set while the thread is being removed: nothing new is taken in. */
  removing: boolean;
  /** Set when its tables are gone: nothing is left to write to. */
  removed: boolean;
}

/** Wakes the thread that is stored; null where there is none, and then nothing is written. */
export function wakeLife(database: Database, ports: Ports, platform: Platform): Life | null {
  if (!hasTables(database.sql) || readMeta(database.sql, "removed") !== null) return null;
  const stored = readMeta<StoredThread>(database.sql, "thread");
  if (stored === null) return null;
  createTables(database.sql);
  const journal = new Journal(database);
  const live = new Map(readLiveRuns(database.sql).map((record) => [record.run.invocation_id, record]));
  const newestStarted = readRunBefore(database.sql, Number.MAX_SAFE_INTEGER);
  const life: Life = {
    instance_id: newId("inst"),
    database,
    ports,
    platform,
    journal,
    readers: new Readers(journal, ports.clock),
    state: new ThreadState(database.sql),
    outbox: new Outbox(database, ports, () => journal.newest),
    stored,
    thread: stored.thread,
    live,
    active: null,
    lastPosition: readLastPosition(database.sql),
    newestStarted: newestStarted && (live.get(newestStarted.run.invocation_id) ?? newestStarted),
    hasSteered: hasSteered(database.sql),
    accepting: Promise.resolve(),
    sandbox: null,
    openSteps: new Set(),
    waiters: new Map(),
    alarmAt: null,
    jobs: new Map(),
    place: readPlace(database.sql),
    asked: readAsked(database.sql),
    followers: new Map(readFollowers(database.sql).map((row) => [row.invocation_id, { row, isActive: false }])),
    onFollowerWaits: () => {},
    cancelIdle: null,
    cancelNews: null,
    bornAt: ports.clock.now(),
    errors: [],
    removing: false,
    removed: false,
  };
  life.readers.onProgress = () => {
    trimMemory(life);
    if (life.readers.count === 0) watchIdle(life);
  };
  life.outbox.onFailure = () => platform.waitUntil(schedule(life));
  life.onFollowerWaits = () => platform.waitUntil(schedule(life));
  life.outbox.onNews = () => syncSoon(life);
  adoptRun(life);
  return life;
}

// Long enough to gather what a step changes, short enough for who watches the tasks elsewhere.
const NEWS_AFTER_MS = 1_000;

/** Brings D1 up to date once for all changes of a second. */
function syncSoon(life: Life): void {
  life.cancelNews ??= life.ports.clock.setTimer(() => {
    life.cancelNews = null;
    life.platform.waitUntil(life.outbox.sync());
  }, NEWS_AFTER_MS);
}

/** Before any reader comes: what a former life left amid a run. */
function adoptRun(life: Life): void {
  const [record] = life.live.values();
  if (record === undefined) return;
  if (record.end_seq !== null) life.journal.hold(record.end_seq);
  condemnReplaced(life);
  if (record.run.status === "queued" && record.startable) {
    // Nothing kept the former life from starting it.
    transact(life, () => {
      countLife(life, record);
      storeRun(life, record);
    });
  }
  if (record.run.status !== "running") return;
  transact(life, () => life.journal.voidFormerLife(record.run.invocation_id));
  // Their STEP_STARTED is stored: a reader has it, or gets it with its resync.
  for (const task of life.state.plan.tasks) if (task.status === "in_progress") life.openSteps.add(task.id);
}

/** The former life ended between the accept of a replacing run and the end of those before it. */
function condemnReplaced(life: Life): void {
  const runs = [...life.live.values()];
  const place = runs.findLastIndex(({ run, input }) => run.status === "queued" && input?.on_busy === "replace");
  const spared = runs.slice(0, Math.max(0, place)).filter(({ run, verdict }) => !isTerminal(run.status) && !verdict);
  if (spared.length === 0) return;
  transact(life, () => {
    for (const record of spared) {
      record.verdict = { status: "cancelled" };
      storeRun(life, record);
    }
  });
}

// As many as an operator reads; the log has the rest.
const MOST_ERRORS = 20;

export function noteError(life: Life, message: string): void {
  life.errors = [...life.errors, { at: isoTime(life), message: message.slice(0, 300) }].slice(-MOST_ERRORS);
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

/** Stores a new run and marks it for D1. Inside a transaction. */
export function storeNewRun(life: Life, record: RunRecord): void {
  insertRun(life.database.sql, record, life.journal.newest);
  life.live.set(record.run.invocation_id, record);
  life.lastPosition = Math.max(life.lastPosition, record.position);
  life.outbox.markRun(record);
  followRun(life, record.run);
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
