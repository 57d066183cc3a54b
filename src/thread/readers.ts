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
  /** What should not wait came while a write was in flight: the next one follows it at once. */
  hurried: boolean;
  /** What it is closed with when it has everything; null again where more came first. */
  farewell: Uint8Array | null;
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
  /** Told when a reader took what was written to it, or left. */
  onProgress: () => void = () => {};
  #lastFlush = 0;
  #cancelFlush: (() => void) | null = null;
  #flushQueued = false;
  #urgent = false;
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
      hurried: false,
      farewell: null,
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

  /** The thread has been idle: closes who waits for nothing in particular, with a last frame, once it has what there is. */
  closeIdle(lastFrame: string): void {
    for (const reader of this.#readers) {
      if (!reader.idles) continue;
      reader.farewell = encoder.encode(lastFrame);
      if (!reader.busy) this.#step(reader);
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
    const urgent = this.#urgent;
    this.#urgent = false;
    for (const reader of this.#readers) {
      if (reader.busy) reader.hurried ||= urgent;
      if (!reader.busy) this.#step(reader);
      else if (reader.mode === "live" && this.#journal.log.written - reader.taken > LONGEST_LAG) {
        this.#cut(reader, "the reader is too far behind; resume with the last id");
      }
    }
  }

  #schedule(urgent: boolean): void {
    if (this.#readers.size === 0) return;
    this.#urgent ||= urgent;
    if (this.#flushQueued) return;
    const wait = this.#lastFlush + GATHER_MS - this.#clock.now();
    if (urgent || wait <= 0) {
      // After the current turn: the append may stand inside a transaction.
      this.#flushQueued = true;
      queueMicrotask(() => this.flush());
      return;
    }
    this.#cancelFlush ??= this.#clock.setTimer(() => {
      // It has gone off: clearing it would cost as much as a write.
      this.#cancelFlush = null;
      this.flush();
    }, wait);
  }

  #step(reader: Reader): void {
    const next = this.#next(reader);
    if (next === "end") this.#finish(reader, null);
    else if (next === "lost") this.#cut(reader, "the stream can't go on from here; resume with the last id");
    else if (next !== "wait") this.#write(reader, next);
    else if (reader.mode === "live" && reader.farewell !== null) this.#finish(reader, reader.farewell);
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
    // A live reader waits for the window, so that what came meanwhile goes in one write; where that is a whole write
    // already, a window would only let a model that is faster than a write per window leave the reader behind.
    const isFull = this.#journal.log.written - reader.pending >= WRITE_CHARS;
    const hurried = reader.hurried || isFull;
    reader.hurried = false;
    const behind = hurried || reader.mode !== "live" || reader.farewell !== null || this.#isDone(reader);
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
      const opening = reader.opening.join("");
      reader.opening = [];
      if (opening !== "") return encoder.encode(opening);
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
    return this.#journal.canFollow(after) ? "catching_up" : "replay";
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
    reader.farewell = null;
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
  #replay(reader: Reader): Uint8Array | "wait" | "end" | "lost" | null {
    const journal = this.#journal;
    const end = reader.end() ?? Number.POSITIVE_INFINITY;
    const frames: string[] = [];
    let length = 0;
    while (length < WRITE_CHARS && reader.after < end && !this.#goLive(reader)) {
      const [row] = journal.rowsAfter(reader.after, 1);
      const floor = Math.min(journal.log.floor, journal.released);
      if (reader.after < floor && (row === undefined || row.from_seq > floor)) {
        // What lies between the last row and the floor was ephemeral: memory goes on from the floor.
        reader.after = floor;
      } else if (row !== undefined) {
        for (const { seq, event } of journal.eventsOf(row, reader.resumed)) {
          const frame = frameOf(seq, event);
          frames.push(frame);
          length += frame.length;
        }
        reader.after = row.seq;
      } else break;
    }
    if (frames.length > 0) return encoder.encode(frames.join(""));
    if (reader.mode !== "replay") return null;
    if (reader.after >= end) return "end";
    // A life that found a held end: the row is there, and comes with the release.
    return journal.log.floor > journal.released ? "wait" : "lost";
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
    this.onProgress();
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
