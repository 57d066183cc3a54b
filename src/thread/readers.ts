// Readers of a thread's stream. Each has a cursor and one write in flight; no reader slows the run or another reader.
//
// Frames go through an `IdentityTransformStream`: its writes wait for the object's output gate, so that nobody sees what
// a crash could undo, and a write resolves only when its bytes were taken (`desiredSize` says nothing).
//
// A write costs about 40 µs however small it is, so frames are gathered for 16 ms: at once after a pause and for the
// first delta of a part, together otherwise. Windows that follow load or lag measured worse.
import type { Frame } from "./frame-log.ts";
import { frameOf, type Journal } from "./journal.ts";

const GATHER_MS = 16;
// A client that went away shows when a write fails, so up to two pings later.
const PING_MS = 10_000;
// Live data that a reader may be behind what it took, in characters; then it is cut, and resumes when it can.
const LONGEST_LAG = 1024 * 1024;
// One write: big enough to be cheap in a replay, small enough for a slow reader to take.
const WRITE_CHARS = 64 * 1024;
const ROWS_PER_READ = 32;

/** What a reader wants. */
export interface ReaderRequest {
  /** The last number it has; it gets exactly what comes after. */
  after: number;
  /** Frames to begin with (a resync): they come before what follows `after`. */
  opening: string[];
  /** The number of the event it ends with, null while that is not known. */
  end: () => number | null;
  /** Whether it may be closed while no run is active. */
  idles: boolean;
  /** For a reader of a run that has not started: the number to begin after, null until there is one. */
  begin?: () => number | null;
  run?: string;
}

/** The writing half of a reader's connection. Rejects when the client is gone. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(reason: string): Promise<void>;
}

interface Reader extends ReaderRequest {
  sink: Sink;
  /** Number it resumed after: rows are told against it. */
  resumed: number;
  mode: "opening" | "waiting" | "replay" | "catching_up" | "live";
  busy: boolean;
  /** `written` of the log at the last frame that it took. */
  taken: number;
  pending: number;
}

export interface Clock {
  now(): number;
  setTimer(callback: () => void, ms: number): () => void;
}

const encoder = new TextEncoder();
const ping = encoder.encode(": ping\n\n");

export class Readers {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #readers = new Set<Reader>();
  /** Told when a reader took what was written to it. */
  onProgress: () => void = () => {};
  #lastFlush = 0;
  #cancelFlush: (() => void) | null = null;
  #flushQueued = false;
  #cancelPing: (() => void) | null = null;
  /** The last bytes made and the frames they hold: readers side by side share one encoding. */
  #shared: { from: number; to: number; bytes: Uint8Array } = { from: 0, to: 0, bytes: ping };

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    journal.onAppend = (urgent) => this.#schedule(urgent);
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Adds a reader and begins to write. It leaves by itself: at its end, when it is cut, or when its client is gone. */
  add(sink: Sink, request: ReaderRequest): void {
    const reader: Reader = {
      ...request,
      sink,
      mode: "opening",
      resumed: request.after,
      busy: false,
      taken: 0,
      pending: 0,
    };
    this.#readers.add(reader);
    this.#cancelPing ??= this.#clock.setTimer(() => this.#pingAll(), PING_MS);
    this.#step(reader);
  }

  /** The lowest number that every reader has, or the newest where there is none. */
  lowestCursor(): number {
    let lowest = this.#journal.newest;
    for (const reader of this.#readers) {
      if (reader.mode !== "replay" && reader.mode !== "waiting") lowest = Math.min(lowest, reader.after);
    }
    return lowest;
  }

  /** Closes readers that wait for nothing in particular, with a last frame: the thread has been idle. */
  closeIdle(lastFrame: string): void {
    for (const reader of this.#readers) {
      if (!reader.busy && reader.mode === "live" && reader.idles) this.#finish(reader, encoder.encode(lastFrame));
    }
  }

  /** Ends readers that wait for a run which will not start. */
  endWaiting(run: string, lastFrames: string): void {
    for (const reader of this.#readers) {
      if (reader.begin !== undefined && reader.run === run) this.#finish(reader, encoder.encode(lastFrames));
    }
  }

  /** Cuts every reader: what they wait for will not come. */
  cutAll(reason: string): void {
    for (const reader of this.#readers) this.#cut(reader, reason);
  }

  /** Writes what has been gathered. */
  flush(): void {
    this.#flushQueued = false;
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#lastFlush = this.#clock.now();
    for (const reader of this.#readers) {
      if (!reader.busy) this.#step(reader);
      else if (reader.mode === "live" && this.#journal.log.written - reader.taken > LONGEST_LAG) {
        this.#cut(reader, "the reader is too far behind; resume with the last id");
      }
    }
  }

  #schedule(urgent: boolean): void {
    if (this.#readers.size === 0 || this.#flushQueued) return;
    const wait = this.#lastFlush + GATHER_MS - this.#clock.now();
    if (urgent || wait <= 0) {
      // After the current turn: the append may stand inside a transaction.
      this.#flushQueued = true;
      queueMicrotask(() => this.flush());
      return;
    }
    this.#cancelFlush ??= this.#clock.setTimer(() => this.flush(), wait);
  }

  #step(reader: Reader): void {
    const next = this.#next(reader);
    if (next === "end") this.#finish(reader, null);
    else if (next === "lost") this.#cut(reader, "the stream can't go on from here; resume with the last id");
    else if (next !== "wait") this.#write(reader, next);
  }

  #write(reader: Reader, bytes: Uint8Array): void {
    reader.busy = true;
    reader.sink.write(bytes).then(
      () => this.#took(reader),
      () => this.#remove(reader),
    );
  }

  #took(reader: Reader): void {
    if (!this.#readers.has(reader)) return;
    reader.busy = false;
    reader.taken = reader.pending;
    this.onProgress();
    const behind = reader.mode !== "live" || this.#isDone(reader);
    // A live reader waits for the window, so that what came meanwhile goes in one write.
    if (behind) this.#step(reader);
    else if (this.#journal.released > reader.after) this.#schedule(false);
  }

  #isDone(reader: Reader): boolean {
    const end = reader.end();
    return end !== null && reader.after >= end;
  }

  /** The next bytes, and the cursor moved past them. */
  #next(reader: Reader): Uint8Array | "wait" | "end" | "lost" {
    if (reader.mode === "opening") {
      reader.mode = reader.begin === undefined ? this.#modeAt(reader.after) : "waiting";
      if (reader.opening.length > 0) return encoder.encode(reader.opening.join(""));
    }
    if (reader.mode === "waiting" && !this.#begin(reader)) return "wait";
    if (this.#isDone(reader)) return "end";
    if (reader.mode === "replay") {
      const replayed = this.#replay(reader);
      if (replayed !== null) return replayed;
    }
    if (reader.after < this.#journal.log.floor) return "lost";
    return this.#follow(reader);
  }

  #begin(reader: Reader): boolean {
    const begin = reader.begin?.() ?? null;
    if (begin === null) return false;
    reader.after = reader.resumed = begin;
    reader.mode = this.#modeAt(begin);
    return true;
  }

  #modeAt(after: number): "catching_up" | "replay" {
    return after >= this.#journal.log.floor ? "catching_up" : "replay";
  }

  #follow(reader: Reader): Uint8Array | "wait" {
    const end = reader.end() ?? Number.POSITIVE_INFINITY;
    const frames = this.#journal.framesAfter(reader.after, WRITE_CHARS).filter((frame) => frame.seq <= end);
    const last = frames.at(-1);
    if (last === undefined) {
      reader.mode = "live";
      reader.taken = reader.pending = this.#journal.log.written;
      return "wait";
    }
    const bytes = this.#encode(reader.after, last.seq, frames);
    reader.after = last.seq;
    for (const frame of frames) reader.pending += frame.text.length;
    return bytes;
  }

  #encode(from: number, to: number, frames: Frame[]): Uint8Array {
    if (this.#shared.from === from && this.#shared.to === to) return this.#shared.bytes;
    const bytes = encoder.encode(frames.map((frame) => frame.text).join(""));
    this.#shared = { from, to, bytes };
    return bytes;
  }

  /** Rows as frames, about one write of them; null once memory can take over. */
  #replay(reader: Reader): Uint8Array | "lost" | null {
    const frames: string[] = [];
    let length = 0;
    while (length < WRITE_CHARS && reader.mode === "replay" && !this.#isDone(reader)) {
      const before = frames.length;
      if (!this.#replayRows(reader, frames)) {
        if (frames.length === 0) return "lost";
        break;
      }
      for (const frame of frames.slice(before)) length += frame.length;
    }
    return frames.length > 0 ? encoder.encode(frames.join("")) : null;
  }

  /** One page of rows. False where neither rows nor memory can go on. */
  #replayRows(reader: Reader, frames: string[]): boolean {
    const journal = this.#journal;
    const end = reader.end() ?? Number.POSITIVE_INFINITY;
    for (const row of journal.rowsAfter(reader.after, ROWS_PER_READ)) {
      if (this.#goLive(reader)) return true;
      // What lies between the last row and the floor was ephemeral: memory goes on from the floor.
      if (reader.after < journal.log.floor && row.from_seq > journal.log.floor) {
        reader.after = journal.log.floor;
        if (this.#goLive(reader)) return true;
      }
      if (row.seq > end) {
        reader.after = end;
        return true;
      }
      for (const { seq, event } of journal.eventsOf(row, reader.resumed)) frames.push(frameOf(seq, event));
      reader.after = row.seq;
    }
    if (this.#goLive(reader) || journal.rowsAfter(reader.after, 1).length > 0) return true;
    reader.after = Math.max(reader.after, Math.min(journal.log.floor, journal.released));
    return this.#goLive(reader);
  }

  #goLive(reader: Reader): boolean {
    if (!this.#journal.canGoLive(reader.after)) return false;
    reader.mode = "catching_up";
    return true;
  }

  #finish(reader: Reader, last: Uint8Array | null): void {
    this.#remove(reader);
    const closing = last === null ? reader.sink.close() : reader.sink.write(last).then(() => reader.sink.close());
    closing.catch(() => {});
  }

  #cut(reader: Reader, reason: string): void {
    this.#remove(reader);
    reader.sink.abort(reason).catch(() => {});
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#cancelPing?.();
    this.#cancelPing = null;
  }

  #pingAll(): void {
    this.#cancelPing = this.#clock.setTimer(() => this.#pingAll(), PING_MS);
    for (const reader of this.#readers) {
      if (!reader.busy) this.#write(reader, ping);
    }
  }
}
