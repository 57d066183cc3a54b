// A client of a scripted thread: its connection breaks after so many frames, it comes back with its last id, and its
// conversation must hold at every event.
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { Conversation, parseFrames } from "./conversation.ts";
import type { ScriptedThread } from "./scripted-thread.ts";
import { FakeSink } from "./stream.ts";

export interface ClientPlan {
  /** Frames that each connection lives for, in turn; then it never breaks again. */
  cuts: number[];
  /** Steps of the script between a break and the return. */
  away: number;
  /** Steps that it takes to take a write; 0 takes at once. */
  pace: number;
}

export class ScriptedClient {
  readonly conversation = new Conversation();
  readonly received: { seq: number; event: ThreadEvent }[] = [];
  lastId = 0;
  resyncs = 0;
  /** What it was sent and could not make sense of. */
  readonly problems: string[] = [];
  /** Resyncs that were not needed, as far as this client can tell. */
  readonly needless: string[] = [];
  /** Cut by the server though it had taken everything. */
  readonly unfair: string[] = [];
  sink: FakeSink | null = null;
  readonly #thread: ScriptedThread;
  readonly #plan: ClientPlan;
  #connections = 0;
  #left = 0;
  #wait = 0;

  constructor(thread: ScriptedThread, plan: ClientPlan) {
    this.#thread = thread;
    this.#plan = plan;
  }

  /** After each step of the script. */
  live(): void {
    if (this.#wait > 0) {
      this.#wait -= 1;
      return;
    }
    if (this.sink?.isOpen !== true) this.connect();
    else if (this.#plan.pace > 0) {
      this.sink.take();
      this.#wait = this.#plan.pace - 1;
    }
  }

  /** From now on the connection is good. */
  hurry(): void {
    this.#wait = 0;
    this.#left = Number.POSITIVE_INFINITY;
    this.#connections = this.#plan.cuts.length;
    if (this.sink?.isOpen === true) this.sink.take();
    else this.connect();
  }

  connect(): void {
    this.#left = this.#plan.cuts[this.#connections] ?? Number.POSITIVE_INFINITY;
    this.#connections += 1;
    const request = this.#thread.request(this.lastId);
    if (!request.exact) {
      this.resyncs += 1;
      this.#judge();
      this.conversation.beginResync();
    }
    let inOpening = !request.exact;
    const sink: FakeSink = new FakeSink({
      paced: this.#plan.pace > 0,
      onWrite: (text) => {
        // Half a resync is none: the opening comes whole.
        this.#receive(text, sink, inOpening);
        inOpening = false;
      },
    });
    this.sink = sink;
    this.#thread.readers.add(sink, request);
    if (request.exact && sink.aborted?.includes("can't go on")) this.unfair.push(`${this.lastId}: ${sink.aborted}`);
  }

  #receive(text: string, sink: FakeSink, whole: boolean): void {
    for (const { seq, event } of parseFrames(text)) {
      if (this.#left <= 0 && !whole) {
        if (sink.isOpen) sink.leave();
        this.#wait = this.#plan.away;
        return;
      }
      this.#left -= 1;
      this.#check(seq);
      try {
        this.conversation.apply(event);
      } catch (error) {
        this.problems.push(`at ${seq}: ${error instanceof Error ? error.message : error}`);
      }
      if (seq === null) continue;
      this.lastId = seq;
      this.received.push({ seq, event });
    }
  }

  #check(seq: number | null): void {
    if (seq === null) return;
    const { held } = this.#thread;
    if (seq <= this.lastId) this.problems.push(`the number ${seq} came after ${this.lastId}`);
    if (held !== null && seq >= held) this.problems.push(`${seq} was sent while ${held} was held`);
  }

  /** A resync must be needed: something this client has is void, or half had, or is no longer in memory. */
  #judge(): void {
    const { parts, journal, lost } = this.#thread;
    const n = this.lastId;
    if (n > journal.newest) return;
    const live = this.#thread.live.some(([, { from }]) => from <= Math.max(journal.log.floor, n));
    const afterLastRow = lost.some(({ from, to }) => from <= n && n <= to);
    const seen = [...this.conversation.parts].flatMap(([id, own]) => {
      const part = parts.get(id);
      return part === undefined ? [] : [{ own, part, heads: part.kind === "reasoning" ? 2 : 1 }];
    });
    const open = seen.filter(({ own }) => own.open);
    const [row] = journal.rowsAfter(n, 1);
    const held =
      seen.some(({ part }) => part.state === "void") ||
      open.some(({ part, heads }) => n >= part.from + heads && n < part.last) ||
      // Begun, and not the next to be told.
      open.some(({ part }) => open.length > 1 || part.from !== row?.from_seq);
    if (!live && !afterLastRow && !held) this.needless.push(`after ${n} (floor ${journal.log.floor})`);
  }
}
