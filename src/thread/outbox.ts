// Replicates this object's SQLite to D1 in batches of guarded upserts, which may arrive twice. A position says what D1
// has. It is stored with the next fact, so after a crash some rows are sent again.
import { describeError, logWarning } from "../lib/log.ts";
import { enter, isolateMemory } from "../lib/memory/isolate.ts";
import { withinTime } from "../lib/time-limit.ts";
import type { Job } from "../protocol/job.ts";
import { isTerminal, type Run } from "../protocol/run.ts";
import type { DeliveryName } from "../protocol/webhook.ts";
import type { ThreadBatch } from "../store/batch.ts";
import type { SyncAnswer } from "../store/sync.ts";
import { BackOff } from "./back-off.ts";
import { type Database, writeMeta } from "./rows/database.ts";
import { lastMessageSeq, readNextMessages, readPlanMessage } from "./rows/messages.ts";
import { type RunRecord, readRun, type WakingRuns } from "./rows/runs.ts";
import { type Position, readPosition } from "./rows/shapes/position.ts";
import type { StoredThread } from "./rows/stored-thread.ts";
import { SharedTimer } from "./shared-timer.ts";
import { collectSpending, forgetSent } from "./spending/given-back.ts";
import type { Clock } from "./stream/readers.ts";
import { forgetRanges, nothingSuperseded, type Superseded, writeSuperseded } from "./supersede/marks.ts";

interface OutboxPorts {
  syncThread(batch: ThreadBatch): Promise<SyncAnswer>;
  sendJobs(jobs: Job[]): Promise<void>;
  clock: Clock;
}

// A batch is one transaction in D1, of at most 30 s. This many rows and characters take far less.
const MESSAGES_PER_BATCH = { limit: 100, characters: 500_000 };
// Two bytes each for the rows, for the statement and for the request. Read again once there is room for that.
const BYTES_PER_CHARACTER = 6;
// A run's row is at most a megabyte. Each is a statement of its own, and a batch may have a few hundred statements.
const RUNS_PER_BATCH = 20;
// After this time a batch has failed or gone through. Sending it again is safe.
const BATCH_LIMIT_MS = 40_000;

export class Outbox {
  readonly #database: Database;
  readonly #ports: OutboxPorts;
  readonly #stored: StoredThread;
  #position: Position;
  #positionStored = true;
  /** Whether D1 may lack messages that no change of a run or of the plan speaks for. */
  #hasMessages: boolean;
  /** Runs that changed since D1 had them, by id. Null for those that are read only when they are sent. */
  readonly #runs = new Map<string, RunRecord | null>();
  /** When D1 got the newest version of each live run. */
  readonly #heard = new Map<string, number>();
  #planDirty: boolean;
  /** The run that changed the plan last. */
  #planRun: string | null;
  /** The highest number of hops of the runs that changed it since the last batch. */
  #planHops: number;
  /** Whether a webhook receives task events, as of the last batch. */
  #tasksSubscribed = false;
  readonly #newest: () => number;
  readonly #superseded: Superseded;
  #sending: Promise<boolean> | null = null;
  #isAsking = false;
  readonly #backOff: BackOff;
  #stopped = false;
  #ownerDeleted = false;
  /** For all that waits for D1 or to ask it. */
  readonly timer: SharedTimer;
  /** Called when D1 failed. `retryAt` says when to try again. */
  onFailure: () => void = () => {};
  /** Called when the plan changed and a webhook waits for it, so that it does not wait for the next batch. */
  onPlanChange: () => void = () => {};
  /**
   * Called when D1 says that the owner is deleted. Nothing is sent from then on, and nothing of this is stored: a later
   * life asks again.
   */
  onOwnerDeleted: () => void = () => {};

  /** `newest` returns the journal's newest number. */
  constructor(
    database: Database,
    ports: OutboxPorts,
    stored: StoredThread,
    { live, changed }: Pick<WakingRuns, "live" | "changed">,
    newest: () => number,
    superseded: Superseded = nothingSuperseded(),
  ) {
    this.#superseded = superseded;
    this.#database = database;
    this.#ports = ports;
    this.#newest = newest;
    const { user_id, thread_id } = stored.thread;
    this.#backOff = new BackOff(database, `${user_id}/${thread_id}`, ports.clock.now());
    this.timer = new SharedTimer(ports.clock);
    this.#stored = { ...stored };
    this.#position = readPosition(database.sql, stored.made_project === null);
    this.#hasMessages = lastMessageSeq(database.sql) > this.#position.message_seq;
    for (const id of changed) this.#runs.set(id, null);
    this.#planDirty = true;
    const begun = [...live.values()].find(({ start_seq }) => start_seq !== null)?.run;
    this.#planRun = begun?.invocation_id ?? null;
    this.#planHops = begun?.hops ?? 0;
  }

  /**
   * Call it after the run is stored. It keeps the records of one batch, and only the ids of a backlog: results are
   * long.
   */
  markRun(record: RunRecord): void {
    const { invocation_id } = record.run;
    this.#runs.set(invocation_id, null);
    if (this.#runs.size <= RUNS_PER_BATCH) this.#runs.set(invocation_id, record);
  }

  /** Call it after a message is stored, unless its run or the plan is marked too. */
  markMessages(): void {
    this.#hasMessages = true;
  }

  /** `run` is null if the plan was changed between runs. `hops` are those of a change that was not the run's. */
  markPlan(run: Run | null, hops: number): void {
    this.#planDirty = true;
    this.#planRun = run?.invocation_id ?? null;
    this.#planHops = Math.max(this.#planHops, run?.hops ?? 0, hops);
    if (this.#tasksSubscribed) this.onPlanChange();
  }

  markThread(stored: StoredThread): void {
    this.#stored.thread = stored.thread;
    this.#stored.version = stored.version;
  }

  /** D1 lacks what it had, as after a restore: the next batch brings the thread and the project that it made. */
  sendThreadAgain(): void {
    if (this.#position.thread_version <= 0) return;
    // Not 0: D1 is not asked again whether the owner is deleted, since it may be another D1 that was bound by mistake.
    this.#position.thread_version = -1;
    this.#position.project = this.#stored.made_project === null;
    this.#positionStored = false;
  }

  /** When to try again after D1 failed. Null if no retry is due. */
  get retryAt(): number | null {
    return this.#stopped ? null : this.#backOff.retryAt;
  }

  /** When D1 last got this run from this life. */
  heardAt(invocation_id: string): number | null {
    return this.#heard.get(invocation_id) ?? null;
  }

  /** Whether a try is due, or was counted as one. What a person has just done asks at once all the same. */
  get isDue(): boolean {
    return this.#backOff.isDue(this.#ports.clock.now());
  }

  /** Whether D1 failed a moment ago, so that one more reader need not ask. */
  get hasJustFailed(): boolean {
    return this.#backOff.hasJustFailed(this.#ports.clock.now());
  }

  /** Counts the try that is due. Call it before the alarm is set that serves if the life ends during the try. */
  countTry(): void {
    if (this.pending && !this.#isAsking) this.#backOff.noteTry(this.#ports.clock.now());
  }

  /** Whether D1 has never said that it has the thread, or that it may not have it. */
  get isUnknown(): boolean {
    return this.#position.thread_version === 0;
  }

  /** Whether a batch was sent and has no answer yet. */
  get isSending(): boolean {
    return this.#isAsking;
  }

  /** What D1 has and what is missing there, for operators. */
  get backlog() {
    return {
      pending: this.pending,
      synced_through: this.#position.message_seq,
      messages: lastMessageSeq(this.#database.sql) - this.#position.message_seq,
      runs: this.#runs.size,
      ...this.#backOff.shown,
    };
  }

  /** Whether D1 has said that the owner is deleted. */
  get ownerDeleted(): boolean {
    return this.#ownerDeleted;
  }

  /** Sends nothing more, since the thread's rows are gone. */
  stop(): void {
    this.#stopped = true;
  }

  get pending(): boolean {
    if (this.#stopped) return false;
    return (
      this.#runs.size > 0 ||
      this.#planDirty ||
      this.#superseded.ranges.length > 0 ||
      this.#stored.version > this.#position.thread_version ||
      this.#hasMessages
    );
  }

  /** Readers may see what ended up to this number. Stored with the next transaction, as the position is. */
  noteReleased(seq: number): void {
    this.#position.released = seq;
    this.#positionStored = false;
  }

  /**
   * Call it before a run's end is stored. Where a former version has stored the position, all that has ended is released,
   * and only a number tells it from what ends now.
   */
  noteEnding(newest: number): void {
    if (this.#position.released === undefined) this.noteReleased(newest);
  }

  /** Stores the position if it moved. Inside the transaction of the next fact. */
  storePosition(journalSeq: number): void {
    if (this.#positionStored) return;
    if (this.#runs.size === 0) this.#position.run_seq = journalSeq;
    writeMeta(this.#database.sql, "synced", this.#position);
    if (this.#superseded.isChanged) writeSuperseded(this.#database.sql, this.#superseded);
    this.#positionStored = true;
  }

  /** Sends all that is pending. False if D1 failed. Never rejects, and concurrent calls share one batch. */
  async sync(): Promise<boolean> {
    while (this.pending) {
      this.#sending ??= this.#sendBatch().finally(() => {
        this.#sending = null;
      });
      if (!(await this.#sending)) return false;
    }
    return true;
  }

  /** Waits for `sync` for at most `ms`. Returns whether D1 has everything. */
  syncWithin(ms: number): Promise<boolean> {
    if (!this.pending) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const cancel = this.timer.setTimer(() => resolve(false), ms);
      this.sync().then((isCurrent) => {
        cancel();
        resolve(isCurrent);
      }, reject);
    });
  }

  async #sendBatch(): Promise<boolean> {
    this.countTry();
    const next = this.#readMessages();
    const weight = BYTES_PER_CHARACTER * next.characters;
    return isolateMemory.isSmall(weight) ? this.#sendNext(next) : this.#sendLarge(weight);
  }

  async #sendLarge(weight: number): Promise<boolean> {
    const leave = await enter(weight);
    try {
      return this.#stopped ? false : await this.#sendNext(this.#readMessages());
    } finally {
      leave?.();
    }
  }

  #readMessages(): ReturnType<typeof readNextMessages> {
    const { message_seq } = this.#position;
    return readNextMessages(this.#database.sql, this.#stored.thread, message_seq, MESSAGES_PER_BATCH);
  }

  async #sendNext({ messages, isCut }: ReturnType<typeof readNextMessages>): Promise<boolean> {
    const { thread, version, made_project } = this.#stored;
    const { sql } = this.#database;
    const plan = this.#planDirty ? readPlanMessage(sql, thread) : null;
    // A run that ended before it started has no event. A reader that continues from the newest number misses nothing.
    const runs = this.#nextRuns().map((record) => ({
      record,
      run: { ...record.run, version: record.version, end_seq: record.end_seq ?? this.#newest() },
    }));
    const spending = collectSpending(runs.map(({ record }) => record));
    const superseded = [...this.#superseded.ranges];
    const planIsNew = plan !== null && plan.version > this.#position.plan_version;
    const hops = this.#planHops;
    const sendsThread = version > this.#position.thread_version;
    const project =
      this.#position.project || made_project === null ? null : { project_id: thread.project_id, ...made_project };
    this.#planDirty = false;
    this.#planHops = 0;
    this.#hasMessages = false;
    try {
      const sent = this.#ports.syncThread({
        key: { user_id: thread.user_id, thread_id: thread.thread_id },
        ...(this.#position.thread_version === 0 ? { is_first: true } : {}),
        project,
        thread: sendsThread ? { ...thread, version } : null,
        ...(planIsNew
          ? { plan_change: { seq: this.#newest(), invocation_id: this.#planRun, ...(hops > 0 && { hops }) } }
          : {}),
        messages: planIsNew ? [...messages.filter((row) => row.seq !== plan.seq), plan] : messages,
        ...(superseded.length > 0 ? { superseded } : {}),
        runs: runs.map(({ run }) => run),
        ...spending,
      });
      this.#isAsking = true;
      const answer = await withinTime(this.timer, BATCH_LIMIT_MS, "D1", sent);
      const { made, tasks_subscribed } = answer;
      this.#isAsking = false;
      if (answer.owner_deleted) return this.#endWithOwner();
      this.#tasksSubscribed = tasks_subscribed;
      this.#announce(made);
    } catch (error) {
      this.#isAsking = false;
      this.#planDirty = true;
      this.#planHops = Math.max(this.#planHops, hops);
      this.#hasMessages = true;
      this.#fail(error);
      return false;
    }
    // The tables are gone, so no run can be read.
    if (this.#stopped) return true;
    // What was not in this batch may be wanted again since it was sent.
    if (project !== null) this.#position.project = true;
    if (sendsThread) this.#position.thread_version = Math.max(this.#position.thread_version, version);
    this.#position.message_seq = messages.at(-1)?.seq ?? this.#position.message_seq;
    if (isCut && lastMessageSeq(sql) > this.#position.message_seq) this.#hasMessages = true;
    if (planIsNew) this.#position.plan_version = plan.version;
    forgetRanges(this.#superseded, superseded, this.#position.message_seq);
    for (const { record, run } of runs) {
      const id = run.invocation_id;
      forgetSent(record, spending);
      if (isTerminal(run.status)) this.#heard.delete(id);
      else this.#heard.set(id, this.#ports.clock.now());
      if (this.#pendingRun(id)?.version === run.version) this.#runs.delete(id);
    }
    this.#positionStored = false;
    this.#backOff.noteSuccess();
    return true;
  }

  /** The position stays, so that a life which ends here leaves the next one the same question. */
  #endWithOwner(): true {
    if (this.#stopped) return true;
    this.#ownerDeleted = true;
    this.#stopped = true;
    this.onOwnerDeleted();
    return true;
  }

  /** Nothing waits for the queue: the scheduled sweep finds deliveries whose job was lost. */
  #announce(made: DeliveryName[]): void {
    if (made.length === 0) return;
    const jobs = made.map((name): Job => ({ type: "deliver_webhook", ...name }));
    this.#ports.sendJobs(jobs).catch((error: unknown) => {
      const { user_id, thread_id } = this.#stored.thread;
      logWarning("deliveries_not_announced", { user_id, thread_id, count: made.length, error: describeError(error) });
    });
  }

  /** The runs that have waited longest. Any number may wait after a long outage of D1. */
  #nextRuns(): RunRecord[] {
    const next: RunRecord[] = [];
    for (const id of this.#runs.keys()) {
      const record = this.#pendingRun(id);
      if (record === null) this.#runs.delete(id);
      else if (next.push(record) === RUNS_PER_BATCH) break;
    }
    return next;
  }

  #pendingRun(id: string): RunRecord | null {
    const record = this.#runs.get(id);
    return record === null ? readRun(this.#database.sql, id) : (record ?? null);
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#backOff.noteFailure(error, this.#ports.clock.now());
    this.onFailure();
  }
}
