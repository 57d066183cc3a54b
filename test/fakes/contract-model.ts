// The contract of a thread's inbox as a small state machine: it is notified of every post, of every committed change of
// the object's runs and of every answer, and records each violation.
import type { Result } from "../../src/protocol/error.ts";
import type { BusyPolicy, Run } from "../../src/protocol/run.ts";
import type { AcceptedRun } from "../../src/protocol/thread.ts";

export type Kind = "text" | "tool" | "ask" | "plan";

/** What a client may post under an id. A repeat has the same policy; another `body` is another text. */
export interface Post {
  id: string;
  body: number;
  kind: Kind;
  policy: BusyPolicy;
  background: boolean;
}

export function textOf({ kind, id, body }: Pick<Post, "kind" | "id" | "body">): string {
  return `${kind} ${id} ${body}`;
}

/** A run as the object has stored it. */
export type RunRow = {
  invocation_id: string;
  position: number;
  status: string;
  version: number;
  attempt: number;
  /** The text that it was posted with. */
  text: string | null;
};

interface ModelRun extends RunRow {
  /** The step in which a later `replace` was stored; null where there was none. */
  replacedAt: number | null;
}

const next: Record<string, string[]> = {
  queued: ["running", "cancelled", "failed"],
  running: ["completed", "failed", "cancelled", "interrupted"],
};

export function isOver(status: string): boolean {
  return status !== "queued" && status !== "running";
}

export class ContractModel {
  readonly problems: string[] = [];
  readonly runs = new Map<string, ModelRun>();
  /** Messages that were added to a run, by their own id, and whether the run took them. */
  readonly steered = new Map<string, { run_id: string; taken: boolean }>();
  /** Which run a message was added to, even where it became a run of its own. */
  readonly #steeredTo = new Map<string, string>();
  /** The text that was accepted first under an id. */
  readonly texts = new Map<string, string>();
  readonly acknowledged = new Set<string>();
  /** Runs that waited when the queue gave up their job, once that was acknowledged. */
  readonly deadLettered = new Set<string>();
  removal: "no" | "asked" | "done" = "no";
  /** Steps of the script, and the last one in which a run was queued or running. */
  now = 0;
  #busyAt = -1;
  readonly #posts: Map<string, Post>;

  constructor(posts: Post[]) {
    this.#posts = new Map(posts.map((post) => [post.id, post]));
  }

  get isBusy(): boolean {
    return [...this.runs.values()].some(({ status }) => !isOver(status));
  }

  blame(problem: string): void {
    this.problems.push(`step ${this.now}: ${problem}`);
  }

  step(): void {
    this.now += 1;
    if (this.isBusy) this.#busyAt = this.now;
  }

  /** The object has committed: each change must be one that the contract allows. */
  observe(rows: RunRow[], steered: { id: string; run_id: string; text: string | null }[]): void {
    this.#observeSteered(steered, rows);
    for (const row of rows) {
      const known = this.runs.get(row.invocation_id);
      if (known === undefined) this.#observeNew(row, rows);
      else this.#observeChange(known, row, rows);
    }
    const gone = [...this.runs.keys()].filter((id) => !rows.some(({ invocation_id }) => invocation_id === id));
    if (gone.length > 0) this.blame(`the runs ${gone} are gone`);
    if (rows.filter(({ status }) => status === "running").length > 1) this.blame("two runs are at work");
    if (this.isBusy) this.#busyAt = this.now;
  }

  /** The object cleared its storage. */
  clear(): void {
    if (this.removal === "no") this.blame("the thread was cleared, and nobody had asked for it");
    this.runs.clear();
    this.steered.clear();
  }

  expectAccepted(post: Post, since: number, result: Result<AcceptedRun>): void {
    const known = this.texts.get(post.id);
    if (result.ok) {
      const { invocation_id } = result.value.run;
      if (known !== textOf(post)) this.blame(`${post.id} was accepted with another body`);
      const steeredTo = this.#steeredTo.get(post.id);
      if (this.removal === "no" && invocation_id !== post.id && invocation_id !== steeredTo) {
        this.blame(`${post.id} was answered with ${invocation_id}`);
      }
      this.acknowledged.add(post.id);
      return;
    }
    const { code } = result.error;
    if (code === "busy") {
      if (post.policy !== "reject") this.blame(`${post.id} was refused, and had not asked for that`);
      if (this.#busyAt < since) this.blame(`${post.id} was refused as busy by an idle thread`);
      if (this.runs.has(post.id)) this.blame(`${post.id} was refused and is a run`);
    } else if (code === "idempotency_conflict") {
      if (known === undefined || known === textOf(post)) this.blame(`${post.id} is said to be a conflict`);
    } else if (code !== "not_found" || this.removal === "no") {
      this.blame(`${post.id} was refused: ${code}, ${result.error.detail}`);
    }
  }

  /** `isKnown`: whether the run existed when the cancel was sent; one that is accepted meanwhile may be missed. */
  expectCancelled(id: string, isKnown: boolean, result: Result<Run>): void {
    if (result.ok && !isOver(result.value.status)) this.blame(`a cancel of ${id} was answered: ${result.value.status}`);
    if (result.ok || this.removal !== "no") return;
    if (result.error.code !== "not_found" || isKnown) this.blame(`a cancel of ${id}: ${result.error.code}`);
  }

  #observeSteered(rows: { id: string; run_id: string; text: string | null }[], runs: RunRow[]): void {
    for (const { id, run_id, text } of rows) {
      const known = this.steered.get(id);
      if (known === undefined) {
        if (this.#posts.get(id)?.policy !== "steer") this.blame(`${id} steers, and had not asked for that`);
        if (this.runs.get(run_id)?.status !== "running") this.blame(`${id} steers ${run_id}, which is not at work`);
        if (text !== null) this.texts.set(id, text);
      } else if (known.taken && text !== null) this.blame(`${id} was taken, and waits again`);
      this.steered.set(id, { run_id, taken: text === null });
      this.#steeredTo.set(id, run_id);
    }
    for (const [id, { taken }] of this.steered) {
      if (rows.some((row) => row.id === id)) continue;
      if (taken || !runs.some(({ invocation_id }) => invocation_id === id)) this.blame(`the message ${id} was lost`);
      this.steered.delete(id);
    }
  }

  #observeNew(row: RunRow, rows: RunRow[]): void {
    const id = row.invocation_id;
    const post = this.#posts.get(id);
    if (post === undefined) {
      this.blame(`nobody posted ${id}`);
      return;
    }
    const others = rows.filter((other) => other !== row);
    if (isOver(row.status)) this.blame(`${id} began as ${row.status}`);
    if ([...this.runs.values()].some(({ position }) => position >= row.position))
      this.blame(`${id} is not the last of the inbox`);
    const busy = others.find(({ status }) => !isOver(status));
    if (post.policy === "reject" && busy !== undefined) this.blame(`${id} should have been refused`);
    if (post.policy === "steer" && others.some(({ status }) => status === "running")) {
      this.blame(`${id} should have steered`);
    }
    const run = { ...row, replacedAt: null };
    this.runs.set(id, run);
    // One that nothing is before starts when it is accepted.
    if (row.status === "running") this.#observeStart(run, rows);
    if (row.status === "running" && post.background) this.blame(`${id} started without its job`);
    if (row.text !== null) this.texts.set(id, row.text);
    if (post.policy !== "replace") return;
    for (const other of this.runs.values()) {
      if (other.position < row.position && !isOver(other.status)) other.replacedAt ??= this.now;
    }
  }

  #observeChange(known: ModelRun, row: RunRow, rows: RunRow[]): void {
    const id = row.invocation_id;
    if (row.version < known.version) this.blame(`${id} went from version ${known.version} to ${row.version}`);
    if (row.attempt < known.attempt) this.blame(`${id} went from attempt ${known.attempt} to ${row.attempt}`);
    if (row.status !== known.status) {
      if (!next[known.status]?.includes(row.status)) this.blame(`${id} went from ${known.status} to ${row.status}`);
      if (known.status === "queued" && row.status === "running") this.#observeStart(known, rows);
      if (known.status === "running") this.#observeEnd(known, row);
    }
    this.runs.set(id, { ...row, replacedAt: known.replacedAt });
  }

  #observeStart(run: ModelRun, rows: RunRow[]): void {
    const id = run.invocation_id;
    const before = rows.filter(({ position, status }) => position < run.position && !isOver(status));
    if (before.length > 0) this.blame(`${id} started before ${before.map(({ invocation_id }) => invocation_id)}`);
    if (run.replacedAt !== null && run.replacedAt < this.now) this.blame(`${id} was replaced, and started`);
  }

  /**
   * A run that is replaced at the moment of its end has completed; later it can only be cancelled, or its job given up.
   */
  #observeEnd(run: ModelRun, row: RunRow): void {
    if (run.replacedAt === null || run.replacedAt === this.now) return;
    if (row.status === "cancelled" || row.status === "failed") return;
    this.blame(`${run.invocation_id} was replaced, and later ended as ${row.status}`);
  }
}
