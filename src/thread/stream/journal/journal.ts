// The journal: one log per thread. Each event has a number (`seq`) that only grows; gaps are allowed.
//
// Facts are rows of the object's SQLite, written in the caller's transaction. Deltas and ephemeral events live in
// memory (`frame-log`) and cost no write. A part (a text, a reasoning, a tool call) becomes one row when its message is
// stored: the row keeps `from_seq`, the number of its live START, and `seq`, that of its END. An END skips the numbers
// that a replay of the row needs for START and one CONTENT. So the numbers of a replay always grow, even past a fact
// that was stored while the part was open. `replay` says what a reader with a given number gets, `rows` which events it
// has. `numbers` gives the numbers, and no life reuses one.

import { toOneLine } from "../../../lib/json/one-line.ts";
import { isWide } from "../../../lib/memory/text-bytes.ts";
import type { ClientEvent, ThreadEvent } from "../../../protocol/event.ts";
import type { Database } from "../../rows/database.ts";
import type { Settled } from "../../rows/shapes/position.ts";
import { isAdapted } from "../ag-ui/client.ts";
import { FrameLog } from "../memory/frame-log.ts";
import { newTextOwner } from "../memory/text-pieces.ts";
import { Numbers } from "./numbers.ts";
import { addPiece, aroundText, type LivePart, type PartShape, partSoFar, type UnstoredPart } from "./parts.ts";
import { Replay } from "./replay.ts";
import { ReplayNumbers } from "./replay-numbers.ts";
import { RowWriter } from "./row-writer.ts";
import { firstUnstored, GAP, type JournalRow } from "./rows.ts";

export type { PartShape } from "./parts.ts";
export type { JournalRow } from "./rows.ts";

export function frameOf(seq: number | null, event: ClientEvent): string {
  const data = `data: ${toOneLine(event)}\n\n`;
  return seq === null ? data : `id: ${seq}\n${data}`;
}

/**
 * `urgent`: the event should not wait for more. It is called in the middle of a run, so it must be quick and not throw.
 */
export type Listen = (event: ThreadEvent, urgent: boolean) => void;

export class Journal {
  readonly #rows: RowWriter;
  readonly #log: FrameLog;
  /** Prefix of this journal's keys in `text-pieces`. */
  readonly key = newTextOwner();
  readonly #parts = new Map<string, LivePart>();
  readonly #replays = new ReplayNumbers();
  readonly #numbers: Numbers;
  /** For readers that come with a number. */
  readonly replay: Replay;
  #held: number | null = null;
  /** The newest event that is not the same for every client. */
  #adapted = 0;
  /** Listeners inside this object, by the run's id. */
  readonly #listeners = new Map<string, Listen>();
  /** Called after each append. `urgent`: readers should not wait for the gather window. */
  onAppend: (urgent: boolean) => void = () => {};

  constructor(database: Database) {
    this.#rows = new RowWriter(database.sql);
    this.#numbers = new Numbers(database.sql);
    this.#log = new FrameLog(this.#numbers.former);
    this.replay = new Replay({
      ...{ rows: this.#rows, log: this.#log, parts: this.#parts, numbers: this.#numbers, replays: this.#replays },
      released: () => this.released,
    });
  }

  /** The highest number in use. */
  get newest(): number {
    return this.#numbers.newest;
  }

  /** Whether every number so far has its row, as a later life needs to know it. To be stored in this transaction. */
  settle(): Settled | undefined {
    return this.#numbers.settle();
  }

  /** The highest number that may be sent. */
  get released(): number {
    return this.#held === null ? this.newest : this.#held - 1;
  }

  /** Whether an event in memory after `seq` is not the same for every client. */
  isAdaptedAfter(seq: number): boolean {
    return this.#adapted > seq;
  }

  get log(): FrameLog {
    return this.#log;
  }

  /** Keeps numbers from `seq` on from every reader until `release`. */
  hold(seq: number): void {
    this.#held = seq;
  }

  release(): void {
    this.#held = null;
    this.onAppend(true);
  }

  /**
   * Calls `listener` with each later event of the run, except ephemeral ones, when it gets its number. That is inside
   * the transaction that stores it, and also while it is held from readers. A run has one listener. Returns a function
   * that ends it.
   */
  listen(invocation_id: string, listener: Listen): () => void {
    this.#listeners.set(invocation_id, listener);
    return () => {
      if (this.#listeners.get(invocation_id) === listener) this.#listeners.delete(invocation_id);
    };
  }

  /**
   * Writes what `change` stores as few rows, inside a transaction: a fact joins the row before it if their numbers are
   * neighbours and no part is open.
   */
  gather<Value>(change: () => Value): Value {
    return this.#rows.gather(change);
  }

  /** Stores a fact: one event, or several that belong together, under consecutive numbers. Inside a transaction. */
  addFact(invocation_id: string, ...events: ThreadEvent[]): number {
    const from_seq = this.newest + 1;
    if (this.#parts.size > 0) this.#numbers.takeStored(events.length);
    const first = this.#numbers.takeStored(events.length);
    const seq = this.newest;
    const texts = events.map(toOneLine);
    this.#insert(
      { seq, from_seq, last_seq: seq, start_count: 0, replay_from: from_seq, replay_to: first - 1 },
      invocation_id,
      texts,
    );
    this.#pushAll(invocation_id, first, events, texts, true);
    return seq;
  }

  /** Sends an event that has no value later (live command output, a retry). It gets a number and is not stored. */
  addEphemeral(event: ThreadEvent): void {
    const seq = this.#numbers.take(1);
    this.#push(seq, frameOf(seq, event), false);
  }

  openPart(invocation_id: string, shape: PartShape): void {
    const from = this.#numbers.take(shape.startEvents.length);
    const last = from + shape.startEvents.length - 1;
    const around = aroundText(shape.content);
    const startTexts = shape.startEvents.map(toOneLine);
    const part = { ...shape, invocation_id, from, last, around, startTexts, endTexts: [] };
    this.#parts.set(shape.part_id, { ...part, pieces: [], joined: 0, chars: 0, end: null });
    this.#pushAll(invocation_id, from, shape.startEvents, startTexts, false);
  }

  addDelta(part_id: string, text: string): void {
    const part = this.#parts.get(part_id);
    if (part === undefined || part.end !== null) throw new Error(`the part ${part_id} is not open`);
    if (text === "") return;
    const seq = this.#numbers.take(1);
    const urgent = part.pieces.length === 0;
    addPiece(part, text);
    part.last = seq;
    const frame = `id: ${seq}\ndata: ${part.around[0]}${toOneLine(text)}${part.around[1]}\n\n`;
    // What is around it is ASCII.
    this.#log.push(seq, frame, isWide(text) ? frame.length * 2 : frame.length);
    this.onAppend(urgent);
    if (this.#listeners.size > 0) this.#listeners.get(part.invocation_id)?.(part.content(text), urgent);
  }

  /** Sends the END. `storeParts` stores the row, or drops the part. */
  closePart(part_id: string): void {
    const part = this.#parts.get(part_id);
    if (part === undefined || part.end !== null) return;
    const replay_from = this.newest + 1;
    this.#numbers.take(part.startEvents.length + 1 + (this.#parts.size > 1 ? part.endEvents.length : 0));
    const first = this.#numbers.take(part.endEvents.length);
    part.end = { seq: this.newest, replay_from };
    // One string, which all readers share.
    part.pieces = [part.pieces.join("")];
    part.joined = 1;
    // Not urgent: what follows a part's end (a result, the end of the run) is sent at once, together with it.
    part.endTexts = part.endEvents.map(toOneLine);
    this.#pushAll(part.invocation_id, first, part.endEvents, part.endTexts, false);
  }

  /**
   * Stores the parts of a message that `keep` accepts as rows. The others are void: they are closed, their numbers
   * become a gap row, and `snapshot` is sent to the readers that saw them. Inside the transaction that stores the
   * message.
   */
  storeParts(message_id: string, keep: (part_id: string) => boolean, snapshot: () => ThreadEvent): void {
    const parts = [...this.#parts.values()].filter((part) => part.message_id === message_id);
    for (const part of parts) this.closePart(part.part_id);
    for (const part of parts) this.#parts.delete(part.part_id);
    const dropped = parts.filter((part) => !keep(part.part_id));
    for (const part of parts) if (!dropped.includes(part)) this.#insertPart(part);
    const first = dropped[0];
    if (first === undefined) return;
    const seq = this.#insertGap(first.from, first.invocation_id);
    const event = snapshot();
    this.#pushAll(first.invocation_id, seq, [event], [toOneLine(event)], true);
  }

  /**
   * Voids what the former life may have sent and did not store. A life that finds an active run calls it before the
   * first reader comes, since a reader's number would otherwise stand for other events.
   */
  voidFormerLife(invocation_id: string): void {
    const from = firstUnstored(this.#rows.sql, this.#numbers.former);
    if (from <= this.#numbers.former) this.#log.forget(this.#insertGap(from, invocation_id));
  }

  /** Parts whose message is not stored, in the order in which they began. */
  liveParts(): (PartShape & { open: boolean; text: string })[] {
    return [...this.#parts.values()].map((part) => ({ ...part, open: part.end === null, text: part.pieces.join("") }));
  }

  /** Parts that end after `seq` and have no row yet, in the order in which they began. */
  unstoredAfter(seq: number): UnstoredPart[] {
    return [...this.#parts.values()].filter(({ end }) => end === null || end.seq > seq).map(partSoFar);
  }

  #push(seq: number, text: string, urgent: boolean): void {
    this.#log.push(seq, text);
    this.onAppend(urgent);
  }

  /** `texts` are the events as JSON. */
  #pushAll(invocation_id: string, first: number, events: ThreadEvent[], texts: string[], urgent: boolean): void {
    const listener = this.#listeners.size === 0 ? undefined : this.#listeners.get(invocation_id);
    for (const [index, text] of texts.entries()) {
      const seq = first + index;
      this.#push(seq, `id: ${seq}\ndata: ${text}\n\n`, urgent);
      const event = events[index];
      if (event !== undefined && isAdapted(event)) this.#adapted = seq;
      if (listener !== undefined && event !== undefined) listener(event, urgent);
    }
  }

  #insertPart(part: LivePart): void {
    if (part.end === null) return;
    const { seq, replay_from } = part.end;
    const text = part.pieces.join("");
    this.#insert(
      {
        seq,
        from_seq: part.from,
        last_seq: part.last,
        start_count: part.startEvents.length,
        replay_from,
        replay_to: seq - part.endEvents.length,
      },
      part.invocation_id,
      [
        ...part.startTexts,
        text === "" ? "null" : `${part.around[0]}${toOneLine(text)}${part.around[1]}`,
        ...part.endTexts,
      ],
    );
  }

  #insertGap(from_seq: number, invocation_id: string): number {
    const seq = this.#numbers.takeStored(1);
    this.#insert({ seq, from_seq, last_seq: seq, start_count: GAP, replay_from: seq, replay_to: 0 }, invocation_id, []);
    return seq;
  }

  #insert(row: Omit<JournalRow, "events">, invocation_id: string, texts: string[]): void {
    const unstored = this.#parts.size === 0 ? [] : [...this.#parts.values()].map((part) => part.from);
    this.#replays.add(row.replay_from, row.replay_to, this.#log.floor);
    this.#numbers.noteStored(row.seq);
    this.#rows.insert({ row, invocation_id, texts, unstored });
  }
}
