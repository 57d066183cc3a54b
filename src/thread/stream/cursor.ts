// The position of one reader in a thread, and what it gets next: its opening, rows, then frames from memory.
//
// A reader that keeps up gets rows until memory can take over, then frames as they are made. A reader slower than its
// thread would fall out of memory in the middle of a text again and again. So a slow reader that has no partial text
// (after a snapshot, or in a replay) stays with rows: it gets each text whole, at its own pace, until the thread is
// calm. Then it gets a snapshot of what is open (`open-parts`), and memory takes over.
import type { ClientEvents } from "./ag-ui/client.ts";
import { frameOf, type Journal, type JournalRow } from "./journal/journal.ts";
import { GAP } from "./journal/rows.ts";
import { inPieces } from "./memory/text-pieces.ts";
import { entryOfPart, framesWithLastId, renderEntries, type SnapshotEntry } from "./open-parts.ts";
import { type Chunk, encodeChunk, type Shared } from "./shared.ts";

/** What to send to a reader. */
export interface ReaderRequest {
  /** The last number it has. It gets exactly what comes after. */
  after: number;
  /** Text to begin with (a resync), in pieces, before what follows `after`. */
  opening: Iterable<string>;
  /** Whether it has nothing, after its opening, of the parts that were open at `after`. */
  bare?: boolean;
  /** The number of the event it ends with. Null until that is known. */
  end: () => number | null;
  /** Whether it may be closed while no run is active. */
  idles: boolean;
  /** Whether a Worker reads it and writes each chunk again, which costs as much as to send it. */
  relayed?: boolean;
  /** For a reader of a run that has not started: the number to begin after. Null until there is one. */
  begin?: () => number | null;
  /** A reader below this number can't go on from rows: they have messages that are superseded since. */
  floor?: () => number;
  /** The run that it reads. Without one it reads the thread. */
  run?: string;
  /** Set for a client that gets some events in another form. */
  client?: ClientEvents | undefined;
  /** The ticket with which it reads. */
  ticket?: string | null;
}

// Rows that may be stored while one part is open. With more of them the snapshot is too long, and a reader waits until
// the part is stored.
const MAX_SNAPSHOT_ROWS = 100;

type Output = { text: string } | "wait" | "end" | "lost";

const encoder = new TextEncoder();

export class Cursor {
  after: number;
  /** `written` of the log at the last frame that this cursor returned. */
  given = 0;
  readonly #journal: Journal;
  readonly #request: ReaderRequest;
  readonly #shared: Shared;
  /** The number it resumed after. Which events of a row it lacks depends on this number. */
  #resumed: number;
  #bare: boolean;
  #isSound = false;
  #mode: "opening" | "waiting" | "replay" | "catching_up" | "live" = "opening";
  /** A long text that is being sent. */
  #source: Iterator<string> | null;
  #keepsUp: boolean;
  /** `replayable` of the journal when there was no further row to send. */
  #exhaustedAt: number | null = null;

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

  /** Whether the log must keep the frames after its position. */
  get needsMemory(): boolean {
    return this.#mode === "catching_up" || this.#mode === "live";
  }

  get isDone(): boolean {
    const end = this.#request.end();
    return end !== null && this.after >= end;
  }

  /** Notes that the reader took a write while the thread wrote `lag` characters. */
  took(lag: number): void {
    if (lag > this.#shared.limits.slow) this.#keepsUp = false;
  }

  /** Notes that the thread writes so little that every reader keeps up. */
  calm(): void {
    this.#keepsUp = true;
    this.#exhaustedAt = null;
  }

  /** Returns the next bytes and moves past them. */
  next(): Uint8Array | "wait" | "end" | "lost" {
    const opening = this.#mode === "opening";
    if (opening) this.#mode = this.#firstMode();
    const drained = this.#drain();
    if (drained !== "" && this.#source !== null) return encoder.encode(drained);
    if (drained !== "") {
      if (this.#mode === "waiting") this.#begin();
      if (this.needsMemory) return encoder.encode(drained + (this.#take()?.text ?? ""));
      // A resync is sent in one write if it fits.
      const room = opening && this.#bare && !this.isDone ? this.#shared.limits.write - drained.length : 0;
      const more = room > 0 ? this.#replay(room) : null;
      return encoder.encode(drained + (typeof more === "object" && more !== null ? more.text : ""));
    }
    if (this.#mode === "waiting" && !this.#begin()) return "wait";
    if (this.isDone) return "end";
    if (this.#mode !== "replay" && this.after < this.#journal.log.floor && !this.#fallBack()) return "lost";
    if (this.#mode === "replay") {
      const output = this.#replay(this.#shared.limits.write);
      if (output !== null) return typeof output === "object" ? encoder.encode(output.text) : output;
    }
    return this.#follow();
  }

  /** The opening of a reader that has not had it, if it is short. */
  takeOpening(): string {
    if (this.#mode !== "opening") return "";
    this.#mode = "waiting";
    return this.#drain();
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
    return this.#journal.replay.canFollow(after) ? "catching_up" : "replay";
  }

  /** Goes on from rows after memory dropped the next frame. False if the reader has a partial text. */
  #fallBack(): boolean {
    if (!this.#journal.replay.canReplay(this.after)) return false;
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
    const chunk = this.#take();
    if (chunk !== null) return encodeChunk(chunk);
    this.#mode = "live";
    this.given = this.#journal.log.written;
    return "wait";
  }

  /** Takes the next frames from memory. None if memory has dropped some that the reader lacks. */
  #take(): Chunk | null {
    if (this.after < this.#journal.log.floor) return null;
    const chunk = this.#shared.read(this.after, this.#request.end() ?? Number.POSITIVE_INFINITY);
    if (chunk === null) return null;
    this.after = chunk.to;
    this.given += chunk.text.length;
    const { client } = this.#request;
    if (client === undefined || !this.#journal.isAdaptedAfter(chunk.from)) return chunk;
    return { ...chunk, text: client.frames(chunk.text), bytes: null };
  }

  /** About `limit` characters of rows as frames. Null once memory can take over. */
  #replay(limit: number): Output | null {
    const journal = this.#journal;
    if (this.#exhaustedAt === journal.replay.replayable) return "wait";
    if (this.after < (this.#request.floor?.() ?? 0)) return "lost";
    if (this.#hasVoidOpening()) return "lost";
    const end = this.#request.end() ?? Number.POSITIVE_INFINITY;
    let text = "";
    while (text.length < limit && this.#source === null && this.after < end && !this.#goLive()) {
      const [row] = journal.replay.rowsAfter(this.after, 1);
      const floor = Math.min(journal.log.floor, journal.replay.replayable);
      if (this.after < floor && (row === undefined || row.from_seq > floor)) {
        // Only ephemeral events lie between the last row and the floor, so memory goes on from the floor.
        this.after = floor;
      } else if (row === undefined) break;
      else text += this.#renderRow(row);
    }
    if (text !== "") return { text: text + (text.length < limit ? this.#drain() : "") };
    if (this.#source !== null) return { text: this.#drain() };
    if (this.#mode !== "replay") return null;
    if (this.after >= end) return "end";
    return this.#sendOpenParts();
  }

  /**
   * Whether the opening had something that became void: ended parts of a message that was then not stored. It is
   * checked before the first row, which comes once all those messages are stored or dropped. From then on the reader's
   * numbers say that it has nothing of them.
   */
  #hasVoidOpening(): boolean {
    if (!this.#bare || this.#isSound || this.#journal.replay.replayable <= this.#resumed) return false;
    this.#isSound = !this.#journal.replay.isVoid(this.#resumed);
    return !this.#isSound;
  }

  /** The row's frames. If they are long, they become the source, which is sent in pieces. */
  #renderRow(row: JournalRow): string {
    this.after = row.seq;
    const text = this.#framesOf(row);
    if (text.length <= this.#shared.limits.write) return text;
    const key = `${this.#journal.key}r:${row.seq}:${this.#resumed}:${this.#bare}:${this.#clientKey}`;
    this.#source = inPieces(key, () => {
      const [again] = this.#journal.replay.rowsAfter(row.seq - 1, 1);
      return again === undefined ? "" : this.#framesOf(again);
    });
    return "";
  }

  #framesOf(row: JournalRow): string {
    const events = this.#journal.replay.eventsOf(row, this.#resumed, this.#bare);
    return events.map(({ seq, event }) => frameOf(seq, this.#request.client?.event(event) ?? event)).join("");
  }

  get #clientKey(): string {
    return this.#request.client?.key ?? "";
  }

  #goLive(): boolean {
    if (!this.#keepsUp || !this.#journal.replay.canGoLive(this.after)) return false;
    this.#mode = "catching_up";
    return true;
  }

  /**
   * Sends a snapshot of what is open. All rows before the oldest open part are sent; that part, or the held end of the
   * run, keeps back the rest. Only the last frame has a number, which says that the reader has all of it.
   */
  #sendOpenParts(): Output | null {
    const journal = this.#journal;
    const parts = journal.unstoredAfter(this.after);
    const waits = !this.#keepsUp || this.#request.end() !== null || journal.replay.replayable === journal.released;
    if (waits || !this.#hasNoPartialText()) return this.#wait();
    const rows = journal.replay.releasedRowsAfter(this.after, MAX_SNAPSHOT_ROWS);
    if (rows.length === MAX_SNAPSHOT_ROWS) return this.#wait();
    const entries = [
      ...rows.filter(({ start_count }) => start_count !== GAP).map((row) => this.#entryOfRow(row.seq)),
      ...parts.map((part) => entryOfPart(journal.key, part)),
    ].sort((one, other) => (one.at === other.at ? 0 : one.at - other.at));
    this.#source = renderEntries(entries, journal.released);
    this.after = journal.released;
    this.#mode = "catching_up";
    this.#bare = false;
    return entries.length === 0 ? null : { text: this.#drain() };
  }

  /** Reads the row again when it is needed: rows may be long, and are not kept in memory. */
  #entryOfRow(seq: number): SnapshotEntry {
    const [resumed, bare] = [this.#resumed, this.#bare];
    const frames = (last: number | null): string => {
      const [row] = this.#journal.replay.releasedRowsAfter(seq - 1, 1);
      const events = row === undefined ? [] : this.#journal.replay.eventsOf(row, resumed, bare);
      return framesWithLastId(
        events.map(({ event }) => this.#request.client?.event(event) ?? event),
        last,
      );
    };
    return { at: seq, chunks: [{ key: `${this.#journal.key}j:${seq}:${resumed}:${this.#clientKey}`, frames }] };
  }

  #wait(): "wait" {
    this.#exhaustedAt = this.#journal.replay.replayable;
    return "wait";
  }

  #hasNoPartialText(): boolean {
    return this.#bare || this.after > this.#resumed || this.#journal.replay.hasNothingOpen(this.after);
  }
}
