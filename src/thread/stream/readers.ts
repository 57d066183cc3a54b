// Readers of a thread's stream. Each has a cursor and one write in flight; no reader slows the run or another reader.
//
// Frames go through an `IdentityTransformStream`: its writes wait for the object's output gate, so that nobody sees what
// a crash could undo, and a write resolves only when its bytes were taken (`desiredSize` says nothing).
//
// A write costs about 40 µs however small it is, so frames are gathered for 16 ms: at once after a pause and for the
// first delta of a part, together otherwise. Windows that follow load or lag measured worse.
//
// A reader that takes nothing looks the same whether it is slow or dead: the kernels of both ends and the proxies between
// hold megabytes for it, a receiver owns up to what it has read only a segment at a time, and a client whose window is
// shut acknowledges for ever. So time decides, over a write that is small: who does not take it in ten minutes (about 100
// bytes a second) is cut. It costs a slow reader nothing, since it comes back with its last id; left alone, it would keep
// the object in memory, which is billed, and be counted among the readers that a thread may have.
import { Cursor, type Limits, type ReaderRequest, type Shared } from "./cursor.ts";
import type { Frame } from "./frame-log.ts";
import type { Journal } from "./journal.ts";

export type { ReaderRequest } from "./cursor.ts";

const GATHER_MS = 16;
// A client that went away shows when a write fails, so up to two pings later.
const PING_MS = 10_000;
const usual: Limits = { write: 64 * 1024, slow: 128 * 1024, lag: 1024 * 1024 };
const LONGEST_WRITE_MS = 600_000;
/** Each may hold a write of its own, so this bounds what readers that take nothing can hold of the process's memory. */
export const MOST_READERS = 500;

/** The writing half of a reader's connection. Rejects when the client is gone. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
  abort(reason: string): Promise<void>;
}

interface Reader {
  sink: Sink;
  request: ReaderRequest;
  cursor: Cursor;
  /** The write in flight: since when, and what the log had written then. */
  writing: { since: number; written: number } | null;
  /** What should not wait came while a write was in flight: the next one follows it at once. */
  hurried: boolean;
  /** What it is closed with when it has everything; null again where more came first. */
  farewell: Uint8Array | null;
  /** `written` of the log at the last frame that it took. */
  taken: number;
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
  /** Connections whose last bytes are not taken yet, and since when. */
  readonly #leaving = new Map<Sink, number>();
  /** Told when a reader took what was written to it, or left. */
  onProgress: () => void = () => {};
  #lastFlush = 0;
  #cancelFlush: (() => void) | null = null;
  #flushQueued = false;
  #urgent = false;
  #cancelPing: (() => void) | null = null;
  /** `written` of the log at the last ping, or when the first reader came. */
  #pingedAt = 0;
  /** While nobody reads: `written` of the log when a calm thread would have written less, and when that was. */
  #busy = { written: 0, at: 0 };
  /** The last bytes made and the frames they hold: readers side by side share one encoding. */
  #bytes: { from: number; to: number; bytes: Uint8Array } = { from: 0, to: 0, bytes: ping };
  readonly #shared: Shared;

  constructor(journal: Journal, clock: Clock, limits = usual) {
    this.#journal = journal;
    this.#clock = clock;
    this.#shared = { encode: (from, to, frames) => this.#encode(from, to, frames), isStrained: false, limits };
    journal.onAppend = (urgent) => this.#schedule(urgent);
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Whether the thread has as many readers as it may. */
  get isFull(): boolean {
    return this.#readers.size + this.#leaving.size >= MOST_READERS;
  }

  /** Adds a reader and begins to write. It leaves by itself: at its end, when it is cut, or when its client is gone. */
  add(sink: Sink, request: ReaderRequest): void {
    this.#watch();
    const cursor = new Cursor(this.#journal, request, this.#shared);
    const reader: Reader = { sink, request, cursor, writing: null, hurried: false, farewell: null, taken: 0 };
    this.#readers.add(reader);
    this.#step(reader);
  }

  /** The lowest number that every reader has of those that memory is kept for, or the newest where there is none. */
  lowestCursor(): number {
    let lowest = this.#journal.newest;
    for (const { cursor } of this.#readers) if (cursor.needsMemory) lowest = Math.min(lowest, cursor.after);
    return lowest;
  }

  /** The thread has been idle: closes who waits for nothing in particular, with a last frame, once it has what there is. */
  closeIdle(lastFrame: string): void {
    for (const reader of this.#readers) {
      if (!reader.request.idles) continue;
      reader.farewell = encoder.encode(lastFrame);
      if (reader.writing === null) this.#step(reader);
    }
  }

  /** Ends readers that wait for a run which will not start. */
  endWaiting(run: string, lastFrames: string): void {
    for (const reader of this.#readers) {
      const { request } = reader;
      if (request.begin !== undefined && request.run === run) this.#finish(reader, encoder.encode(lastFrames));
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
    // Without the newest frame, which may be a mebibyte by itself (a run's end has its result) and leaves nobody behind.
    const due = this.#journal.log.written - this.#journal.log.newestChars;
    for (const reader of this.#readers) {
      if (reader.writing === null) this.#step(reader);
      else if (reader.cursor.isLive && due - reader.taken > this.#shared.limits.lag) {
        this.#cutBehind(reader, "the reader is too far behind; resume with the last id");
      } else reader.hurried ||= urgent;
    }
  }

  #schedule(urgent: boolean): void {
    if (this.#readers.size === 0) {
      if (this.#journal.log.written - this.#busy.written >= this.#shared.limits.write) this.#noteBusy();
      return;
    }
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
    const next = reader.cursor.next();
    if (next === "end") this.#finish(reader, null);
    else if (next === "lost") this.#cutBehind(reader, "the stream can't go on from here; resume with the last id");
    else if (next !== "wait") {
      reader.farewell = null;
      this.#write(reader, next);
    } else {
      if (!reader.cursor.isLive) return;
      reader.taken = reader.cursor.given;
      if (reader.farewell !== null) this.#finish(reader, reader.farewell);
    }
  }

  #write(reader: Reader, bytes: Uint8Array): void {
    reader.writing = { since: this.#clock.now(), written: this.#journal.log.written };
    reader.sink.write(bytes).then(
      () => this.#took(reader),
      () => this.#remove(reader),
    );
  }

  #took(reader: Reader): void {
    if (!this.#readers.has(reader)) return;
    const { cursor } = reader;
    const { written } = this.#journal.log;
    cursor.took(written - (reader.writing?.written ?? written));
    reader.writing = null;
    reader.taken = cursor.given;
    this.onProgress();
    // A live reader waits for the window, so that what came meanwhile goes in one write; where that is a whole write
    // already, a window would only let a model that is faster than a write per window leave the reader behind.
    const isFull = written - cursor.given >= this.#shared.limits.write;
    const hurried = reader.hurried || isFull;
    reader.hurried = false;
    const behind = hurried || !cursor.isLive || reader.farewell !== null || cursor.isDone;
    if (behind) this.#step(reader);
    else if (this.#journal.released > cursor.after) this.#schedule(false);
  }

  #encode(from: number, to: number, frames: Frame[]): Uint8Array {
    if (this.#bytes.from === from && this.#bytes.to === to) return this.#bytes.bytes;
    const bytes = encoder.encode(frames.map((frame) => frame.text).join(""));
    this.#bytes = { from, to, bytes };
    return bytes;
  }

  #finish(reader: Reader, last: Uint8Array | null): void {
    const { sink } = reader;
    this.#leaving.set(sink, this.#clock.now());
    this.#remove(reader);
    const closing = last === null ? sink.close() : sink.write(last).then(() => sink.close());
    const left = (): void => {
      this.#leaving.delete(sink);
      this.#rest();
    };
    closing.then(left, left);
  }

  #cutBehind(reader: Reader, reason: string): void {
    this.#shared.isStrained = true;
    this.#cut(reader, reason);
  }

  #cut(reader: Reader, reason: string): void {
    this.#remove(reader);
    reader.sink.abort(reason).catch(() => {});
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader);
    this.onProgress();
    this.#rest();
  }

  #watch(): void {
    if (this.#cancelPing !== null) return;
    // Without readers there was no ping to tell that the thread is calm.
    if (this.#clock.now() - this.#busy.at >= PING_MS) this.#shared.isStrained = false;
    this.#pingedAt = this.#journal.log.written;
    this.#schedulePing();
  }

  #schedulePing(): void {
    this.#cancelPing = this.#clock.setTimer(() => this.#pingAll(), PING_MS);
  }

  #rest(): void {
    if (this.#readers.size + this.#leaving.size > 0) return;
    this.#cancelPing?.();
    this.#cancelPing = null;
    this.#noteBusy();
  }

  #noteBusy(): void {
    this.#busy = { written: this.#journal.log.written, at: this.#clock.now() };
  }

  #pingAll(): void {
    this.#schedulePing();
    const { written } = this.#journal.log;
    const isCalm = written - this.#pingedAt < this.#shared.limits.write;
    this.#pingedAt = written;
    if (isCalm) this.#shared.isStrained = false;
    const oldest = this.#clock.now() - LONGEST_WRITE_MS;
    for (const reader of this.#readers) {
      if (isCalm) reader.cursor.calm();
      if (reader.writing === null) this.#write(reader, ping);
      else if (reader.writing.since <= oldest) this.#cut(reader, "the reader takes nothing; resume with the last id");
    }
    for (const [sink, since] of this.#leaving) {
      if (since > oldest) continue;
      this.#leaving.delete(sink);
      sink.abort("the reader takes nothing; resume with the last id").catch(() => {});
    }
    this.#rest();
  }
}
