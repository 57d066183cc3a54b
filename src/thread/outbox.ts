// Replicates this object's SQLite to D1 in batches of guarded upserts, which may arrive twice. A position says what D1
// has. It is stored with the next fact, so after a crash some rows are sent again.
import { SMALL_BYTES, workRoom } from "../lib/memory/room.ts";
import { giveWay, withinTime } from "../lib/time-limit.ts";
import type { Job } from "../protocol/job.ts";
import type { Run } from "../protocol/run.ts";
import type { ThreadBatch } from "../store/batch.ts";
import type { SyncAnswer } from "../store/sync.ts";
import { BackOff } from "./back-off.ts";
import { announce } from "./replica/announce.ts";
import { type Changes, lacksMessages, lacksOther, openChanges, storePosition } from "./replica/changes.ts";
import { composeBatch, type NextRows, noteSent, readNextRows } from "./replica/next-batch.ts";
import type { Database } from "./rows/database.ts";
import { lastMessageSeq } from "./rows/messages.ts";
import { countReceiptsAfter } from "./rows/receipts.ts";
import type { RunRecord } from "./rows/runs.ts";
import type { Position } from "./rows/shapes/position.ts";
import type { StoredThread } from "./rows/stored-thread.ts";
import type { WakingRuns } from "./rows/waking-runs.ts";
import { SharedTimer } from "./shared-timer.ts";
import type { Journal } from "./stream/journal/journal.ts";
import type { Clock } from "./stream/readers.ts";
import { nothingSuperseded, type Superseded } from "./supersede/marks.ts";

interface OutboxPorts {
  syncThread(batch: ThreadBatch): Promise<SyncAnswer>;
  sendJobs(jobs: Job[]): Promise<void>;
  clock: Clock;
}

// Two bytes each for the rows, for the statement and for the request. Read again once there is room for that.
const BYTES_PER_CHARACTER = 6;
// After this time a batch has failed or gone through. Sending it again is safe.
const BATCH_LIMIT_MS = 40_000;

export class Outbox {
  readonly #ports: OutboxPorts;
  readonly #changes: Changes;
  /** Whether D1 may lack messages that no due change of a run or of the plan speaks for. Null: nobody has looked. */
  #hasMessages: boolean | null;
  /** Whether a webhook receives task events, as of the last batch. */
  #tasksSubscribed = false;
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
    runs: Pick<WakingRuns, "live" | "changed">,
    newest: () => number,
    superseded: Superseded = nothingSuperseded(),
  ) {
    this.#ports = ports;
    const { user_id, thread_id } = stored.thread;
    this.#backOff = new BackOff(database, `${user_id}/${thread_id}`, ports.clock.now());
    this.timer = new SharedTimer(ports.clock);
    this.#changes = openChanges(database, runs, () => ports.clock.now(), { stored: { ...stored }, superseded, newest });
    this.#hasMessages = lacksMessages(this.#changes);
  }

  get #position(): Readonly<Position> {
    return this.#changes.progress.position;
  }

  /** Call it after the run is stored. */
  markRun(record: RunRecord): void {
    this.#changes.runs.mark(record);
    this.#hasMessages ||= null;
  }

  /** Call it after a message is stored, unless its run or the plan is marked too. */
  markMessages(): void {
    this.#hasMessages = true;
  }

  /** `run` is null if the plan was changed between runs. `hops` are those of a change that was not the run's. */
  markPlan(run: Run | null, hops: number): void {
    this.#changes.plan.mark(run, hops);
    if (this.#tasksSubscribed) this.onPlanChange();
  }

  markThread(stored: StoredThread): void {
    this.#changes.stored.thread = stored.thread;
    this.#changes.stored.version = stored.version;
  }

  /** D1 lacks what it had, as after a restore: the next batch brings the thread and the project that it made. */
  sendThreadAgain(): void {
    if (this.#position.thread_version <= 0) return;
    // Not 0: D1 is not asked again whether the owner is deleted, since it may be another D1 that was bound by mistake.
    this.#changes.progress.mark({ thread_version: -1, project: this.#changes.stored.made_project === null });
    this.#changes.runs.forgetHeard();
  }

  /** When to try again after D1 failed. Null if no retry is due. */
  get retryAt(): number | null {
    return this.#stopped ? null : this.#backOff.retryAt;
  }

  /** When D1 last got this run from this life. */
  heardAt(invocation_id: string): number | null {
    return this.#changes.runs.heardAt(invocation_id);
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

  /** Whether D1 has the thread, with the project that it made, as it is now. */
  get hasThread(): boolean {
    return this.#position.thread_version >= this.#changes.stored.version;
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
      messages: lastMessageSeq(this.#changes.sql) - this.#position.message_seq,
      runs: this.#changes.runs.count,
      receipts: countReceiptsAfter(this.#changes.sql, this.receiptsThrough),
      ...this.#backOff.shown,
    };
  }

  /** D1 has all receipts up to this place. */
  get receiptsThrough(): number {
    return this.#position.receipt_seq ?? 0;
  }

  /** Whether D1 has said that the owner is deleted. */
  get ownerDeleted(): boolean {
    return this.#ownerDeleted;
  }

  /** Sends nothing more, since the thread's rows are gone. */
  stop(): void {
    this.#stopped = true;
  }

  /** Whether D1 lacks something that its readers wait for. A live run's row may wait for a sign of life. */
  get pending(): boolean {
    if (this.#stopped) return false;
    if (lacksOther(this.#changes)) return true;
    this.#hasMessages ??= lacksMessages(this.#changes);
    return this.#hasMessages;
  }

  /** Readers may see what ended up to this number. Stored with the next transaction, as the position is. */
  noteReleased(seq: number): void {
    this.#changes.progress.mark({ released: seq });
  }

  /** Stores the position if it moved, and the end of a live run would not do so soon. Inside the transaction of a fact. */
  storePosition(journal: Pick<Journal, "newest" | "settle">): void {
    storePosition(this.#changes, journal);
  }

  /**
   * Sends all that is pending. False if D1 failed. Never rejects, and concurrent calls share one batch. `whole`: for who
   * reads D1 next, also what could wait.
   */
  async sync({ whole = false } = {}): Promise<boolean> {
    for (let isFirst = true; ; isFirst = false) {
      if (whole) this.#changes.runs.demand();
      // A long history takes hundreds of batches, and others get a turn between them.
      if (!isFirst && this.pending) await giveWay(this.#ports.clock);
      if (!this.pending) return true;
      this.#sending ??= this.#sendBatch().finally(() => {
        this.#sending = null;
      });
      if (!(await this.#sending)) return false;
    }
  }

  /** Waits for `sync` for at most `ms`. Returns whether D1 has everything. */
  syncWithin(ms: number, { whole = false } = {}): Promise<boolean> {
    if (whole) this.#changes.runs.demand();
    if (!this.pending) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const cancel = this.timer.setTimer(() => resolve(false), ms);
      this.sync({ whole }).then((isCurrent) => {
        cancel();
        resolve(isCurrent);
      }, reject);
    });
  }

  async #sendBatch(): Promise<boolean> {
    this.countTry();
    const next = readNextRows(this.#changes);
    const weight = BYTES_PER_CHARACTER * next.characters;
    return weight < SMALL_BYTES ? this.#sendNext(next) : this.#sendLarge(weight);
  }

  async #sendLarge(weight: number): Promise<boolean> {
    const leave = await workRoom.enter(weight);
    try {
      return this.#stopped ? false : await this.#sendNext(readNextRows(this.#changes));
    } finally {
      leave?.();
    }
  }

  async #sendNext(rows: NextRows): Promise<boolean> {
    const next = composeBatch(this.#changes, rows);
    this.#hasMessages = false;
    try {
      const sent = this.#ports.syncThread(next.batch);
      this.#isAsking = true;
      const answer = await withinTime(this.timer, BATCH_LIMIT_MS, "D1", sent);
      this.#isAsking = false;
      if (answer.owner_deleted) return this.#endWithOwner();
      this.#tasksSubscribed = answer.tasks_subscribed;
      announce((jobs) => this.#ports.sendJobs(jobs), next.batch.key, answer.made);
    } catch (error) {
      this.#isAsking = false;
      next.giveBack();
      this.#hasMessages = true;
      this.#fail(error);
      return false;
    }
    // The tables are gone, so no run can be read.
    if (this.#stopped) return true;
    noteSent(this.#changes, next);
    if (rows.seen.isCut || (rows.isCut && lacksMessages(this.#changes))) this.#hasMessages = true;
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

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#backOff.noteFailure(error, this.#ports.clock.now());
    this.onFailure();
  }
}
