// A client of a scripted thread: its connection breaks after a given number of frames, it reconnects with its last id,
// and its conversation must be consistent at every event.
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { Conversation, parseFrames } from "./conversation.ts";
import type { ScriptedThread } from "./scripted-thread.ts";
import { FakeSink } from "./stream.ts";

export interface ClientPlan {
  /** How many frames each connection lives for, in turn; after the last it never breaks again. */
  cuts: number[];
  /** Steps of the script between a break and the reconnect. */
  away: number;
  /** How many steps a write takes; 0 means at once. */
  pace: number;
}

export class ScriptedClient {
  conversation = new Conversation();
  readonly received: { seq: number; event: ThreadEvent }[] = [];
  lastId = 0;
  resyncs = 0;
  /** What it was sent and could not interpret. */
  readonly problems: string[] = [];
  /** Resyncs that were not needed, as far as this client knows. */
  readonly needless: string[] = [];
  /** Cut by the server though it had taken everything. */
  readonly unfair: string[] = [];
  sink: FakeSink | null = null;
  readonly #thread: ScriptedThread;
  readonly #plan: ClientPlan;
  #connections = 0;
  #left = 0;
  #wait = 0;
  #rest = "";
  readonly #applied: (ThreadEvent | "resync")[] = [];
  /** How many of them came up to the last number. */
  #confirmed = 0;

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

  /** From now on the connection does not break. */
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
    this.#goBack();
    const request = this.#thread.request(this.lastId);
    if (!request.exact) {
      this.resyncs += 1;
      this.#judge();
      this.#applied.push("resync");
      this.conversation.beginResync();
    }
    const sink: FakeSink = new FakeSink({
      paced: this.#plan.pace > 0,
      onWrite: (text) => {
        for (const { seq, event } of parseFrames(this.#whole(text))) this.#receive(seq, event, sink);
      },
    });
    this.sink = sink;
    this.#rest = "";
    this.#thread.readers.add(sink, request);
    if (request.exact && sink.aborted?.includes("can't go on")) this.unfair.push(`${this.lastId}: ${sink.aborted}`);
  }

  #receive(seq: number | null, event: ThreadEvent, sink: FakeSink): void {
    if (!sink.isOpen) return;
    if (this.#left <= 0) {
      sink.leave();
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
    this.#applied.push(event);
    if (seq === null) return;
    this.#confirmed = this.#applied.length;
    this.lastId = seq;
    this.received.push({ seq, event });
  }

  /** Events after the last number do not count: they will be sent again, or otherwise. */
  #goBack(): void {
    if (this.#applied.length === this.#confirmed) return;
    this.#applied.length = this.#confirmed;
    this.conversation = new Conversation();
    for (const event of this.#applied) {
      if (event === "resync") this.conversation.beginResync();
      else this.conversation.apply(event);
    }
  }

  /** Complete frames received; the rest waits for the next bytes. */
  #whole(text: string): string {
    const come = this.#rest + text;
    const end = come.lastIndexOf("\n\n") + 2;
    this.#rest = end < 2 ? come : come.slice(end);
    return end < 2 ? "" : come.slice(0, end);
  }

  #check(seq: number | null): void {
    if (seq === null) return;
    const { held } = this.#thread;
    if (seq <= this.lastId) this.problems.push(`the number ${seq} came after ${this.lastId}`);
    if (held !== null && seq >= held) this.problems.push(`${seq} was sent while ${held} was held`);
  }

  /** A resync must be needed: something this client has is void, or incomplete, or no longer in memory. */
  #judge(): void {
    const { parts, journal, lost } = this.#thread;
    const n = this.lastId;
    if (n > journal.newest) return;
    const live = this.#thread.live.some(([, { from }]) => from <= Math.max(journal.log.floor, n));
    const afterLastRow = lost.some(({ from, to }) => from <= n && n <= to);
    const seen = [...this.conversation.parts].flatMap(([id, own]) => {
      const part = parts.get(id);
      return part === undefined ? [] : [{ own, part, starts: part.kind === "reasoning" ? 2 : 1 }];
    });
    const open = seen.filter(({ own }) => own.open);
    const [row] = journal.replay.rowsAfter(n, 1);
    const held =
      seen.some(({ part }) => part.state === "void") ||
      open.some(({ part, starts }) => n >= part.from + starts && n < part.last) ||
      // Begun, and not the next to be sent.
      open.some(({ part }) => open.length > 1 || part.from !== row?.from_seq);
    if (!live && !afterLastRow && !held) this.needless.push(`after ${n} (floor ${journal.log.floor})`);
  }
}
