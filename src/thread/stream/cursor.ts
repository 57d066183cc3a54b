// Where one reader stands in a thread, and what it is told next: its opening, rows, then memory.
//
// A reader that keeps up is told rows until memory can take over, then frames as they are made. One that is slower than
// its thread would fall out of memory amid a text again and again. So who has nothing half told (after a snapshot, or in a
// replay) and does not keep up stays with rows: it gets each text when it is whole, at its own pace, until the thread is
// calm. What is then in the making it is told as far as it is (it *joins*), and memory goes on.
import type { Frame } from "./frame-log.ts";
import { framesWithout, type Joined, tellJoined, tellPart } from "./joined.ts";
import { frameOf, type Journal, type JournalRow } from "./journal.ts";
import { GAP } from "./journal-rows.ts";
import { inPieces } from "./text-pieces.ts";

/** What a reader wants. */
export interface ReaderRequest {
  /** The last number it has; it gets exactly what comes after. */
  after: number;
  /** Text to begin with (a resync), in pieces: it comes before what follows `after`. */
  opening: Iterable<string>;
  /** After its opening it has nothing of what was open at `after`. */
  bare?: boolean;
  /** The number of the event it ends with, null while that is not known. */
  end: () => number | null;
  /** Whether it may be closed while no run is active. */
  idles: boolean;
  /** For a reader of a run that has not started: the number to begin after, null until there is one. */
  begin?: () => number | null;
  run?: string;
}

/** What the readers of a thread share. */
export interface Shared {
  encode(from: number, to: number, frames: Frame[]): Uint8Array;
  /** Whether a reader was cut for being behind since the thread was last calm: it comes back, and is as slow as it was. */
  isStrained: boolean;
  limits: Limits;
}

/** In characters. */
export interface Limits {
  /** About one write: big enough to be cheap in a replay, small enough for a slow reader to take. */
  write: number;
  /** What a thread may write while a reader takes one write, if the reader is to keep up. */
  slow: number;
  /** Live data that a reader may be behind what it took; then it is cut, and resumes when it can. */
  lag: number;
}

// Facts that may come while one part is in the making; with more of them a reader waits for its row.
const MOST_JOINED = 100;

type Told = { text: string } | "wait" | "end" | "lost";

const encoder = new TextEncoder();

export class Cursor {
  after: number;
  /** `written` of the log at the last frame given. */
  given = 0;
  readonly #journal: Journal;
  readonly #request: ReaderRequest;
  readonly #shared: Shared;
  /** Number it resumed after: rows are told against it. */
  #resumed: number;
  #bare: boolean;
  #isSound = false;
  #mode: "opening" | "waiting" | "replay" | "catching_up" | "live" = "opening";
  /** A long text that is being told. */
  #source: Iterator<string> | null;
  #keepsUp: boolean;
  /** Where rows ended when there was nothing to tell. */
  #waitedAt: number | null = null;

  constructor(journal: Journal, request: ReaderRequest, shared: Shared) {
    this.#journal = journal;
    this.#request = request;
    this.#shared = shared;
    this.#keepsUp = !shared.isStrained;
    this.after = this.#resumed = request.after;
    this.#bare = request.bare ?? false;
    this.#source = request.opening[Symbol.iterator]();
  }

  get isLive(): boolean {
    return this.#mode === "live";
  }

  /** Whether memory after it must be kept. */
  get needsMemory(): boolean {
    return this.#mode === "catching_up" || this.#mode === "live";
  }

  get isDone(): boolean {
    const end = this.#request.end();
    return end !== null && this.after >= end;
  }

  /** It took a write, while the thread wrote `lag` characters. */
  took(lag: number): void {
    if (lag > this.#shared.limits.slow) this.#keepsUp = false;
  }

  /** The thread writes so little that anybody keeps up. */
  calm(): void {
    this.#keepsUp = true;
    this.#waitedAt = null;
  }

  /** The next bytes, and the cursor moved past them. */
  next(): Uint8Array | "wait" | "end" | "lost" {
    const opening = this.#mode === "opening";
    if (opening) this.#mode = this.#firstMode();
    const drained = this.#drain();
    if (drained !== "" && this.#source !== null) return encoder.encode(drained);
    if (drained !== "") {
      // A resync comes in one write where that holds it.
      const room = opening && this.#bare && !this.isDone ? this.#shared.limits.write - drained.length : 0;
      const more = room > 0 ? this.#replay(room) : null;
      return encoder.encode(drained + (typeof more === "object" && more !== null ? more.text : ""));
    }
    if (this.#mode === "waiting" && !this.#begin()) return "wait";
    if (this.isDone) return "end";
    if (this.#mode !== "replay" && this.after < this.#journal.log.floor && !this.#fallBack()) return "lost";
    if (this.#mode === "replay") {
      const told = this.#replay(this.#shared.limits.write);
      if (told !== null) return typeof told === "object" ? encoder.encode(told.text) : told;
    }
    return this.#follow();
  }

  #firstMode(): "waiting" | "replay" | "catching_up" {
    if (this.#request.begin !== undefined) return "waiting";
    return this.#bare ? "replay" : this.#modeAt(this.after);
  }

  #begin(): boolean {
    const begin = this.#request.begin?.() ?? null;
    if (begin === null) return false;
    this.after = this.#resumed = begin;
    this.#mode = this.#modeAt(begin);
    return true;
  }

  #modeAt(after: number): "catching_up" | "replay" {
    return this.#journal.canFollow(after) ? "catching_up" : "replay";
  }

  /** Memory has lost what comes next: rows go on where it has nothing half told. */
  #fallBack(): boolean {
    if (!this.#journal.canReplay(this.after)) return false;
    this.#mode = "replay";
    this.#resumed = this.after;
    this.#bare = false;
    this.#keepsUp = false;
    return true;
  }

  #drain(): string {
    let text = "";
    while (this.#source !== null && text.length < this.#shared.limits.write) {
      const piece = this.#source.next();
      if (piece.done === true) this.#source = null;
      else text += piece.value;
    }
    return text;
  }

  #follow(): Uint8Array | "wait" {
    const end = this.#request.end() ?? Number.POSITIVE_INFINITY;
    const frames = this.#journal.framesAfter(this.after, this.#shared.limits.write).filter((frame) => frame.seq <= end);
    const last = frames.at(-1);
    if (last === undefined) {
      this.#mode = "live";
      this.given = this.#journal.log.written;
      return "wait";
    }
    const bytes = this.#shared.encode(this.after, last.seq, frames);
    this.after = last.seq;
    for (const frame of frames) this.given += frame.text.length;
    return bytes;
  }

  /** Rows as frames, about `limit` characters of them; null once memory can take over. */
  #replay(limit: number): Told | null {
    const journal = this.#journal;
    if (this.#waitedAt === journal.tellable) return "wait";
    if (this.#isVoid()) return "lost";
    const end = this.#request.end() ?? Number.POSITIVE_INFINITY;
    let text = "";
    while (text.length < limit && this.#source === null && this.after < end && !this.#goLive()) {
      const [row] = journal.rowsAfter(this.after, 1);
      const floor = Math.min(journal.log.floor, journal.tellable);
      if (this.after < floor && (row === undefined || row.from_seq > floor)) {
        // What lies between the last row and the floor was ephemeral: memory goes on from the floor.
        this.after = floor;
      } else if (row === undefined) break;
      else text += this.#tellRow(row);
    }
    if (text !== "") return { text: text + (text.length < limit ? this.#drain() : "") };
    if (this.#source !== null) return { text: this.#drain() };
    if (this.#mode !== "replay") return null;
    if (this.after >= end) return "end";
    return this.#join();
  }

  /**
   * Whether something is void that its opening told: parts that had ended, of a message that was then not stored. Asked
   * before the first row, which comes when all of that is decided: from then on its numbers say that it had nothing of it.
   */
  #isVoid(): boolean {
    if (!this.#bare || this.#isSound || this.#journal.tellable <= this.#resumed) return false;
    this.#isSound = !this.#journal.isVoid(this.#resumed);
    return !this.#isSound;
  }

  /** The row's frames, or what comes of them one after another where they are long. */
  #tellRow(row: JournalRow): string {
    this.after = row.seq;
    const text = this.#framesOf(row);
    if (text.length <= this.#shared.limits.write) return text;
    const key = `${this.#journal.key}r:${row.seq}:${this.#resumed}:${this.#bare}`;
    this.#source = inPieces(key, () => {
      const [again] = this.#journal.rowsAfter(row.seq - 1, 1);
      return again === undefined ? "" : this.#framesOf(again);
    });
    return "";
  }

  #framesOf(row: JournalRow): string {
    const told = this.#journal.eventsOf(row, this.#resumed, this.#bare);
    return told.map(({ seq, event }) => frameOf(seq, event)).join("");
  }

  #goLive(): boolean {
    if (!this.#keepsUp || !this.#journal.canGoLive(this.after)) return false;
    this.#mode = "catching_up";
    return true;
  }

  /**
   * Rows have told what they can: a part in the making holds back the rest, or the end of the run is held. What is there
   * is told as far as it is, without numbers but for the last, which says that the reader has it all.
   */
  #join(): Told | null {
    const journal = this.#journal;
    const parts = journal.unstoredAfter(this.after);
    const waits = !this.#keepsUp || this.#request.end() !== null || journal.tellable === journal.released;
    if (waits || !this.#hasNothingHalf()) return this.#wait();
    const rows = journal.releasedRowsAfter(this.after, MOST_JOINED);
    if (rows.length === MOST_JOINED) return this.#wait();
    const told = [
      ...rows.filter(({ heads }) => heads !== GAP).map((row) => this.#rowSoFar(row.seq)),
      ...parts.map((part) => tellPart(journal.key, part)),
    ].sort((one, other) => (one.at === other.at ? 0 : one.at - other.at));
    this.#source = tellJoined(told, journal.released);
    this.after = journal.released;
    this.#mode = "catching_up";
    this.#bare = false;
    return told.length === 0 ? null : { text: this.#drain() };
  }

  /** A row is not held: it may be long, and is read again. */
  #rowSoFar(seq: number): Joined {
    const [resumed, bare] = [this.#resumed, this.#bare];
    const frames = (last: number | null): string => {
      const [row] = this.#journal.releasedRowsAfter(seq - 1, 1);
      const told = row === undefined ? [] : this.#journal.eventsOf(row, resumed, bare);
      return framesWithout(
        told.map(({ event }) => event),
        last,
      );
    };
    return { at: seq, tellings: [{ key: `${this.#journal.key}j:${seq}:${resumed}`, frames }] };
  }

  #wait(): "wait" {
    this.#waitedAt = this.#journal.tellable;
    return "wait";
  }

  #hasNothingHalf(): boolean {
    return this.#bare || this.after > this.#resumed || this.#journal.hasNothingOpen(this.after);
  }
}
