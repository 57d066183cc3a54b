// Which runs D1 lacks. Most changes of a live run say nothing to readers of D1, who see it as live in any case: they
// wait for its next sign of life, its end, or a read of the thread. A change of the row costs two rows written in D1.
import { isTerminal, type Run } from "../../protocol/run.ts";
import { SIGN_MS } from "../../store/signs.ts";
import type { Sql } from "../rows/database.ts";
import { type RunRecord, readRun } from "../rows/runs.ts";
import type { SentRun } from "../rows/shapes/position.ts";

// A run's row is at most a megabyte. Each is a statement of its own, and a batch may have a few hundred statements.
const RUNS_PER_BATCH = 20;

/** What D1 got of a live run from this life. */
interface Heard {
  at: number;
  status: Run["status"];
}

export class ChangedRuns {
  readonly #sql: Sql;
  readonly #now: () => number;
  /** Those that the next batch has, by id. Null for those that are read only when they are sent. */
  readonly #due = new Map<string, RunRecord | null>();
  /** Live runs whose change can wait. */
  readonly #quiet = new Map<string, RunRecord>();
  readonly #heard = new Map<string, Heard>();
  #lastSent: SentRun | undefined;

  /** `changed` are ids of runs that D1 may not have. */
  constructor(sql: Sql, changed: string[], now: () => number) {
    this.#sql = sql;
    this.#now = now;
    for (const id of changed) this.#due.set(id, null);
  }

  /** It keeps the records of one batch, and only the ids of a backlog: results are long. */
  mark(record: RunRecord): void {
    const { invocation_id } = record.run;
    if (!this.#due.has(invocation_id) && this.#canWait(record)) {
      this.#quiet.set(invocation_id, record);
      return;
    }
    this.#quiet.delete(invocation_id);
    this.#due.set(invocation_id, null);
    if (this.#due.size <= RUNS_PER_BATCH) this.#due.set(invocation_id, record);
  }

  /** For whoever reads D1 next: nothing waits. */
  demand(): void {
    for (const record of [...this.#quiet.values()]) {
      this.#heard.delete(record.run.invocation_id);
      this.mark(record);
    }
  }

  /** D1 lacks what it had. */
  forgetHeard(): void {
    this.#heard.clear();
    this.demand();
  }

  /** Whether a live run is known to D1, so that its end will be stored and sent by this life. */
  get hasLive(): boolean {
    return this.#heard.size > 0;
  }

  get isDue(): boolean {
    return this.#due.size > 0;
  }

  /** How many D1 does not have as they are. */
  get count(): number {
    return this.#due.size + this.#quiet.size;
  }

  /** What this life sent last; undefined if nothing. */
  get lastSent(): SentRun | undefined {
    return this.#lastSent;
  }

  /** When D1 last got this run from this life. */
  heardAt(invocation_id: string): number | null {
    return this.#heard.get(invocation_id)?.at ?? null;
  }

  /** The due runs that have waited longest. Any number may wait after a long outage of D1. */
  next(): RunRecord[] {
    const next: RunRecord[] = [];
    for (const id of this.#due.keys()) {
      const record = this.#find(id);
      if (record === null) this.#due.delete(id);
      else if (next.push(record) === RUNS_PER_BATCH) break;
    }
    return next;
  }

  /** `run` is what D1 got: its record may have changed since. */
  noteSent(run: Pick<RunRecord, "version"> & { run: Pick<Run, "invocation_id" | "status"> }): void {
    const { invocation_id: id, status } = run.run;
    this.#lastSent = { id, version: run.version };
    if (isTerminal(status)) this.#heard.delete(id);
    else this.#heard.set(id, { at: this.#now(), status });
    const record = this.#find(id);
    if (record === null) return;
    this.#due.delete(id);
    if (record.version !== run.version) this.mark(record);
  }

  /** Leases that it gives back and events of its caps wait for nothing. */
  #canWait({ run, spending }: RunRecord): boolean {
    const heard = this.#heard.get(run.invocation_id);
    if (heard === undefined || heard.status !== run.status) return false;
    if (spending.closed.length > 0 || spending.events.length > 0) return false;
    const since = this.#now() - heard.at;
    // The clock may have been set back.
    return since >= 0 && since < SIGN_MS;
  }

  #find(id: string): RunRecord | null {
    const record = this.#due.get(id);
    return record === null ? readRun(this.#sql, id) : (record ?? null);
  }
}
