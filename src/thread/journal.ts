// The journal: one log per thread. Each event has a number (`seq`) that only grows; gaps are allowed.
//
// Facts are rows of the object's SQLite, written in the caller's transaction. Deltas and ephemeral events live in
// memory (`frame-log`) and cost no write. A part (a text, a reasoning, a tool call) becomes one row when its message is
// stored: the row keeps `from_seq`, the number of its live START, and `seq`, that of its END. An END skips the numbers
// that a replay of the row needs for START and one CONTENT, so a replay always grows, even past a fact that was
// stored while the part was open.
//
// Numbers are reserved in blocks, and a block is stored before one of its numbers is used: no life reuses a number.
import type { ThreadEvent } from "../protocol/event.ts";
import { type Database, readMeta, readText, type Sql, writeMeta, writeText } from "./database.ts";
import { type Frame, FrameLog } from "./frame-log.ts";

/** How a part is told: `heads` open it, `content` carries text, `tails` end it. As many tails as heads. */
export interface PartShape {
  part_id: string;
  message_id: string;
  heads: ThreadEvent[];
  content: (text: string) => ThreadEvent;
  tails: ThreadEvent[];
}

/** A part while it is made, and until its message is stored. */
interface LivePart extends PartShape {
  invocation_id: string;
  from: number;
  last: number;
  pieces: string[];
  /** What stands before and after the JSON string of a delta in its frame: made once per part. */
  around: [string, string];
  /** The number of its END; null while it is open. */
  end: number | null;
}

/** `heads` is 0 for plain facts, the count of STARTs for a part, and `GAP` for numbers that are void. */
export type JournalRow = {
  seq: number;
  from_seq: number;
  last_seq: number;
  heads: number;
  invocation_id: string;
  events: string | null;
};

// A reservation is one row written; a thousand numbers last for a turn or two.
const BLOCK = 1000;
const GAP = -1;
const columns = "seq, from_seq, last_seq, heads, invocation_id";

export function frameOf(seq: number | null, event: ThreadEvent): string {
  const data = `data: ${JSON.stringify(event)}\n\n`;
  return seq === null ? data : `id: ${seq}\n${data}`;
}

export class Journal {
  readonly #sql: Sql;
  readonly #log: FrameLog;
  readonly #parts = new Map<string, LivePart>();
  #next: number;
  #reserved: number;
  #held: number | null = null;
  /** Told after each append; `urgent` where a reader should not wait for the gather window. */
  onAppend: (urgent: boolean) => void = () => {};

  constructor(database: Database) {
    this.#sql = database.sql;
    this.#reserved = readMeta<number>(this.#sql, "reserved_through") ?? 0;
    this.#next = this.#reserved + 1;
    this.#log = new FrameLog(this.#reserved);
  }

  /** The highest number given. */
  get newest(): number {
    return this.#next - 1;
  }

  /** The highest number that may be sent. */
  get released(): number {
    return this.#held === null ? this.newest : this.#held - 1;
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

  /** A fact: one event, or several that belong together, under neighbouring numbers. Inside a transaction. */
  addFact(invocation_id: string, ...events: ThreadEvent[]): number {
    const first = this.#take(events.length);
    const seq = first + events.length - 1;
    this.#insert({ seq, from_seq: first, last_seq: first, heads: 0, invocation_id, events: JSON.stringify(events) });
    this.#pushAll(first, events, true);
    return seq;
  }

  /** An event that is worth nothing later (live command output, a retry): a number, no storage. */
  addEphemeral(event: ThreadEvent): void {
    const seq = this.#take(1);
    this.#push(seq, frameOf(seq, event), false);
  }

  openPart(invocation_id: string, shape: PartShape): void {
    const from = this.#take(shape.heads.length);
    const last = from + shape.heads.length - 1;
    const around = aroundText(shape.content);
    this.#parts.set(shape.part_id, { ...shape, invocation_id, from, last, pieces: [], around, end: null });
    this.#pushAll(from, shape.heads, false);
  }

  addDelta(part_id: string, text: string): void {
    const part = this.#parts.get(part_id);
    if (part === undefined || part.end !== null) throw new Error(`the part ${part_id} is not open`);
    const seq = this.#take(1);
    const urgent = part.pieces.length === 0;
    part.pieces.push(text);
    part.last = seq;
    this.#push(seq, `id: ${seq}\ndata: ${part.around[0]}${JSON.stringify(text)}${part.around[1]}\n\n`, urgent);
  }

  /** Sends the END; the row comes with `storeParts`, or never. */
  closePart(part_id: string): void {
    const part = this.#parts.get(part_id);
    if (part === undefined || part.end !== null) return;
    this.#take(part.heads.length + 1);
    const first = this.#take(part.tails.length);
    part.end = first + part.tails.length - 1;
    this.#pushAll(first, part.tails, true);
  }

  /**
   * Makes rows of the parts of a message that `keep` names. The others are void: they are closed, their numbers become
   * a gap row, and `snapshot` is sent to those who saw them. Inside the transaction that stores the message.
   */
  storeParts(message_id: string, keep: (part_id: string) => boolean, snapshot: () => ThreadEvent): void {
    const parts = [...this.#parts.values()].filter((part) => part.message_id === message_id);
    const dropped = parts.filter((part) => !keep(part.part_id));
    for (const part of parts) {
      this.closePart(part.part_id);
      if (!dropped.includes(part)) this.#insertPart(part);
      this.#parts.delete(part.part_id);
    }
    const first = dropped[0];
    if (first === undefined) return;
    const seq = this.#insertGap(Math.min(...dropped.map((part) => part.from)), first.invocation_id);
    this.#push(seq, frameOf(seq, snapshot()), true);
  }

  /** For a life that finds an active run: what the former life may have sent after its last fact is void. */
  voidFormerLife(invocation_id: string): void {
    const stored = this.#sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM journal").toArray()[0]?.seq ?? 0;
    if (stored >= this.newest) return;
    this.#log.forget(this.#insertGap(stored + 1, invocation_id));
  }

  /** Parts whose message is not stored, in the order in which they began. */
  liveParts(): (PartShape & { open: boolean; text: string })[] {
    return [...this.#parts.values()].map((part) => ({ ...part, open: part.end === null, text: part.pieces.join("") }));
  }

  /** Frames of memory after `seq`, about `limit` characters of them. */
  framesAfter(seq: number, limit: number): Frame[] {
    return this.#log.after(seq, this.released, limit);
  }

  /** Stored rows after `seq` in order. */
  rowsAfter(seq: number, limit: number): JournalRow[] {
    return this.#sql
      .exec<JournalRow>(
        `SELECT ${columns}, events FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
        seq,
        this.released,
        limit,
      )
      .toArray();
  }

  /** What of a row a reader lacks that resumed after `resumed`, with numbers. */
  eventsOf(row: JournalRow, resumed: number): { seq: number; event: ThreadEvent }[] {
    if (row.heads === GAP) return [];
    const events = JSON.parse(readText(this.#sql, `j:${row.seq}`, row.events)) as (ThreadEvent | null)[];
    const first = row.seq - events.length + 1;
    const seen = seenLive(row, resumed);
    return events.flatMap((event, index) => {
      const seq = first + index;
      return event === null || index < seen || seq <= resumed ? [] : [{ seq, event }];
    });
  }

  /** Whether a reader that has everything up to `seq` can be given exactly the rest. */
  canResume(seq: number): boolean {
    if (seq > this.newest || this.#isAmbiguous(seq)) return false;
    if (seq >= this.#log.floor) return true;
    // The first deltas of a part that is not stored yet have left memory.
    for (const part of this.#parts.values()) if (part.from <= this.#log.floor) return false;
    return this.#sql
      .exec<JournalRow>(`SELECT ${columns}, NULL AS events FROM journal WHERE seq > ? AND from_seq < ?`, seq, seq)
      .toArray()
      .every((row) => !liesInside(row, seq));
  }

  /** Whether a replay that came to `seq` can go on from memory: no part began before `seq` and ends after it. */
  canGoLive(seq: number): boolean {
    if (seq < this.#log.floor) return false;
    for (const part of this.#parts.values()) if (part.from <= seq) return false;
    const spanning = "SELECT seq FROM journal WHERE seq > ? AND from_seq <= ? LIMIT 1";
    return this.#sql.exec<{ seq: number }>(spanning, seq, seq).toArray().length === 0;
  }

  /**
   * Whether `seq` is a fact that was stored while a part was open: who read it live has the part's START, who read it
   * in a replay has not, and the number does not tell which.
   */
  #isAmbiguous(seq: number): boolean {
    const spanned =
      [...this.#parts.values()].some((part) => part.from < seq && (part.end ?? seq + 1) > seq) ||
      this.#sql
        .exec<{ seq: number }>(
          "SELECT seq FROM journal WHERE seq > ? AND from_seq < ? AND heads > 0 AND seq - 2 * heads > ? LIMIT 1",
          seq,
          seq,
          seq,
        )
        .toArray().length > 0;
    if (!spanned) return false;
    return (
      this.#sql.exec<{ seq: number }>("SELECT seq FROM journal WHERE seq = ? AND heads = 0", seq).toArray().length > 0
    );
  }

  #take(count: number): number {
    const first = this.#next;
    const last = first + count - 1;
    if (last > this.#reserved) {
      this.#reserved = last + BLOCK;
      writeMeta(this.#sql, "reserved_through", this.#reserved);
    }
    this.#next = last + 1;
    return first;
  }

  #push(seq: number, text: string, urgent: boolean): void {
    this.#log.push(seq, text);
    this.onAppend(urgent);
  }

  #pushAll(first: number, events: ThreadEvent[], urgent: boolean): void {
    events.forEach((event, index) => {
      this.#push(first + index, frameOf(first + index, event), urgent);
    });
  }

  #insertPart(part: LivePart): void {
    const text = part.pieces.join("");
    const events = [...part.heads, text === "" ? null : part.content(text), ...part.tails];
    this.#insert({
      seq: part.end ?? this.newest,
      from_seq: part.from,
      last_seq: part.last,
      heads: part.heads.length,
      invocation_id: part.invocation_id,
      events: JSON.stringify(events),
    });
  }

  #insertGap(from: number, invocation_id: string): number {
    const seq = this.#take(1);
    this.#insert({ seq, from_seq: from - 1, last_seq: 0, heads: GAP, invocation_id, events: "[]" });
    return seq;
  }

  #insert(row: JournalRow & { events: string }): void {
    this.#sql.exec(
      `INSERT INTO journal (${columns}, events) VALUES (?, ?, ?, ?, ?, ?)`,
      row.seq,
      row.from_seq,
      row.last_seq,
      row.heads,
      row.invocation_id,
      writeText(this.#sql, `j:${row.seq}`, row.events),
    );
  }
}

/** How many of a part's events a reader saw live before it left at `seq`. */
function seenLive(row: JournalRow, seq: number): number {
  if (row.heads <= 0 || seq < row.from_seq) return 0;
  const heads = seq - row.from_seq + 1;
  if (heads <= row.heads) return heads;
  return seq === row.last_seq ? row.heads + 1 : 0;
}

/** Whether a reader that left at `seq` holds a piece of the row that the row can't complete. */
function liesInside(row: JournalRow, seq: number): boolean {
  if (row.heads === GAP) return true;
  const firstReplayed = row.seq - 2 * row.heads;
  if (row.heads === 0 || seq >= firstReplayed) return false;
  return seq !== row.last_seq && seq >= row.from_seq + row.heads;
}

/** A frame's JSON before and after the text of a delta. The mark can't occur elsewhere: ids are short and plain. */
function aroundText(content: (text: string) => ThreadEvent): [string, string] {
  const mark = "\u0001";
  const [before = "", after = ""] = JSON.stringify(content(mark)).split(JSON.stringify(mark));
  return [before, after];
}
