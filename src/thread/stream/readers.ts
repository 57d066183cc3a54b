// Readers of a thread's stream. Each has a cursor and one write in flight; no reader slows the run or another reader.
//
// Frames go through an `IdentityTransformStream`. Its writes wait for the object's output gate, so no reader sees what
// a crash could undo, and a write resolves only when its bytes are taken (`desiredSize` says nothing).
//
// A write costs about 40 µs however small it is, so frames are gathered (`gather-window`).
//
// A reader that takes nothing looks the same whether it is slow or dead. The kernels of both ends and the proxies
// between buffer megabytes for it, a receiver reports what it has read only a segment at a time, and a client whose
// window is closed acknowledges for ever. So a time limit decides, on a write that is small: a reader that does not
// take it in ten minutes (about 100 bytes a second) is cut. This costs a slow reader nothing, since it comes back with
// its last id. Left alone, it would keep the object in memory, which is billed, and count among the readers that a
// thread may have.
import { logError } from "../../lib/log.ts";
import { Calm } from "./calm.ts";
import type { Clock, Sink } from "./connection.ts";
import { Cursor, type ReaderRequest } from "./cursor.ts";
import { checkWithin, type Opener } from "./ended-keys.ts";
import { GatherWindow } from "./gather-window.ts";
import type { Journal } from "./journal/journal.ts";
import { Leaving } from "./leaving.ts";
import { areStrained, Writes } from "./memory/writes.ts";
import { PING_MS, PingTimer } from "./ping-timer.ts";
import type { Reader } from "./reader.ts";
import { Shared, usualLimits } from "./shared.ts";

export type { Clock, Sink } from "./connection.ts";
export type { ReaderRequest } from "./cursor.ts";

const MAX_WRITE_MS = 600_000;
const TAKES_NOTHING = "the reader takes nothing; resume with the last id";
// A relayed chunk is read and written once more, so of a fast reply two windows are gathered: three frames or more in one
// are over a hundred tokens a second. The next flush comes 16 ms later, and no frame waits for 50 ms.
const FAST_BYTES = 300;
const RELAYED_GATHER_MS = 24;
/** Each reader may hold a write of its own, and costs a write at each event. */
export const MAX_READERS = 500;

/** Characters that take some twenty milliseconds to write. */
const LONG_TEXT = 500_000;
const encoder = new TextEncoder();
// Without a blank line, at which some clients dispatch an event without data.
const ping = encoder.encode(": ping\n");

export class Readers {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #readers = new Set<Reader>();
  readonly #leaving: Leaving;
  /** Called when a reader took what was written to it, or left. */
  onProgress: () => void = () => {};
  /** Called when a reader came. */
  onCome: () => void = () => {};
  /** Called when a reader left, whatever the reason, with the run that it read; without one it read the thread. */
  onLeave: (run: string | undefined) => void = () => {};
  /** Called every ten seconds while there are readers, or sooner for a key that was asked for long ago. */
  onPing: () => void = () => {};
  readonly #window: GatherWindow;
  readonly #pings: PingTimer;
  readonly #shared: Shared;
  readonly #calm: Calm;
  readonly #writes = new Writes();
  /** Characters that there were when frames were last written. */
  #flushed = 0;

  constructor(journal: Journal, clock: Clock, limits = usualLimits) {
    this.#journal = journal;
    this.#clock = clock;
    this.#shared = new Shared(journal, limits);
    this.#calm = new Calm(journal, clock, this.#shared);
    this.#pings = new PingTimer(clock, () => this.#pingAll());
    this.#leaving = new Leaving(clock, () => this.#restWhenEmpty());
    this.#window = new GatherWindow(clock, (urgent) => this.#flush(urgent));
    journal.onAppend = (urgent) => this.#schedule(urgent);
  }

  get count(): number {
    return this.#readers.size;
  }

  /** Whether the thread has the maximum number of readers. */
  get isFull(): boolean {
    return this.#readers.size + this.#leaving.count >= MAX_READERS;
  }

  /**
   * Adds a reader and begins to write. It is removed at its end, when it is cut, or when its client is gone. Returns what
   * to call if the platform says that it is.
   */
  add(sink: Sink, request: ReaderRequest, opener: Opener | null = null): () => void {
    if (!this.#pings.isRunning) this.#calm.begin();
    this.#pings.ensureWithin(opener === null ? PING_MS : checkWithin(opener, this.openers, this.#clock.now()));
    const cursor = new Cursor(this.#journal, request, this.#shared);
    const wrote = { at: 0, bytes: 0 };
    const state = { wrote, writing: null, hurried: false, closingFrame: null, taken: 0 };
    const reader: Reader = { sink, request, opener, cursor, ...state };
    this.#readers.add(reader);
    // A run that is about to start brings its first events in the same write.
    if (request.begin?.() === null) this.#window.open();
    else this.#step(reader);
    this.onCome();
    return () => this.#cut(reader, "the client has left");
  }

  /** Whether somebody reads this run, or the thread with it. */
  watches(run: string): boolean {
    for (const { request } of this.#readers) if (request.run === undefined || request.run === run) return true;
    return false;
  }

  /** Whether a reader waits for no certain run. */
  get hasIdle(): boolean {
    for (const { request } of this.#readers) if (request.idles) return true;
    return false;
  }

  /** The lowest position of the readers that need memory. The newest number if there are none. */
  lowestCursor(): number {
    let lowest = this.#journal.newest;
    for (const { cursor } of this.#readers) if (cursor.needsMemory) lowest = Math.min(lowest, cursor.after);
    return lowest;
  }

  /** Closes readers of an idle thread that wait for no certain run. Each first gets everything, then `lastFrame`. */
  closeIdle(lastFrame: string): void {
    for (const reader of this.#readers) {
      if (!reader.request.idles) continue;
      reader.closingFrame = encoder.encode(lastFrame);
      if (reader.writing === null) this.#step(reader);
    }
  }

  /** Ends readers that wait for a run that will not start. */
  endWaiting(run: string, lastFrames: string): void {
    for (const reader of this.#readers) {
      const { request, cursor } = reader;
      if (request.begin === undefined || request.run !== run) continue;
      const last = request.client?.frames(lastFrames) ?? lastFrames;
      this.#finish(reader, encoder.encode(cursor.takeOpening() + last));
    }
  }

  /** Cuts every reader, since what they wait for will not come. */
  cutAll(reason: string): void {
    for (const reader of this.#readers) this.#cut(reader, reason);
  }

  /** Who opened the streams, where that is to be checked. */
  get openers(): Opener[] {
    return [...this.#readers].flatMap(({ opener }) => opener ?? []);
  }

  /** Cuts the readers of these keys, also those that have come since `openers` was read. */
  cutOpenedBy(key_ids: Set<string>): void {
    for (const reader of this.#readers) {
      if (reader.opener !== null && key_ids.has(reader.opener.key_id)) this.#cut(reader, "the key no longer holds");
    }
  }

  /** Writes a comment to readers to which nothing is being written. A reader whose client is gone then leaves. */
  ping(): void {
    for (const reader of this.#readers) if (reader.writing === null) this.#write(reader, ping);
  }

  /** Cuts who reads with this ticket. Its address may have leaked, so nobody reads beside whoever opened it last. */
  cutWithTicket(ticket: string): void {
    for (const reader of this.#readers) {
      if (reader.request.ticket === ticket) this.#cut(reader, "the ticket was used again");
    }
  }

  /** Writes the gathered frames. */
  #flush(urgent: boolean): void {
    this.#flushed = this.#journal.log.written;
    // The newest frame does not count: it may be a mebibyte (a run's end has its result), and no reader is behind yet.
    const due = this.#journal.log.written - this.#journal.log.newestChars;
    for (const reader of this.#readers) {
      if (reader.writing === null && !urgent && this.#gathersMore(reader)) this.#window.open();
      else if (reader.writing === null) this.#step(reader);
      else if (reader.cursor.isLive && due - reader.taken > this.#shared.limits.lag) {
        this.#cutBehind(reader, "the reader is too far behind; resume with the last id");
      } else reader.hurried ||= urgent;
    }
  }

  #gathersMore({ request, cursor, wrote, closingFrame }: Reader): boolean {
    if (request.relayed !== true || !cursor.isLive || closingFrame !== null || wrote.bytes < FAST_BYTES) return false;
    const since = this.#clock.now() - wrote.at;
    // The clock may have been set back.
    return since >= 0 && since < RELAYED_GATHER_MS;
  }

  #schedule(urgent: boolean): void {
    if (this.#readers.size === 0) this.#calm.noteUnread();
    else this.#window.add(urgent, this.#journal.log.written - this.#flushed > LONG_TEXT);
  }

  #step(reader: Reader): void {
    const next = this.#nextOf(reader);
    if (next === null) return;
    if (next === "end") this.#finish(reader, null);
    else if (next === "lost") this.#cutBehind(reader, "the stream can't go on from here; resume with the last id");
    else if (next !== "wait") {
      reader.closingFrame = null;
      this.#write(reader, next);
    } else {
      if (!reader.cursor.isLive) return;
      reader.taken = reader.cursor.given;
      if (reader.closingFrame !== null) this.#finish(reader, reader.closingFrame);
    }
  }

  /** Null if it can't be read: that costs this reader its connection, and the others, who are served next, nothing. */
  #nextOf(reader: Reader): ReturnType<Cursor["next"]> | null {
    try {
      return reader.cursor.next();
    } catch (error) {
      logError("stream_failed", error, { invocation_id: reader.request.run ?? null });
      this.#cut(reader, "the stream failed; resume with the last id");
      return null;
    }
  }

  #write(reader: Reader, bytes: Uint8Array): void {
    if (!this.#writes.fit(bytes))
      return void this.#cutBehind(reader, "the server is short of memory; resume with the last id");
    const now = this.#clock.now();
    reader.wrote = { at: now, bytes: bytes.byteLength };
    reader.writing = { since: now, written: this.#journal.log.written, bytes };
    this.#writes.begin(bytes);
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
    this.#endWrite(reader);
    reader.taken = cursor.given;
    this.onProgress();
    // A live reader waits for the window, so that all events since then go in one write. If they already fill a write,
    // it does not wait: otherwise a model faster than one write per window would leave the reader behind.
    const isFull = written - cursor.given >= this.#shared.limits.write;
    const hurried = reader.hurried || isFull;
    reader.hurried = false;
    const behind = hurried || !cursor.isLive || reader.closingFrame !== null || cursor.isDone;
    if (behind) this.#step(reader);
    else if (this.#journal.released > cursor.after) this.#schedule(false);
  }

  #endWrite(reader: Reader): void {
    if (reader.writing !== null) this.#writes.end(reader.writing.bytes);
    reader.writing = null;
  }

  #finish(reader: Reader, last: Uint8Array | null): void {
    this.#leaving.close(reader.sink, last);
    this.#remove(reader);
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
    this.#endWrite(reader);
    if (this.#readers.delete(reader)) this.onLeave(reader.request.run);
    this.onProgress();
    this.#restWhenEmpty();
  }

  #restWhenEmpty(): void {
    if (this.#readers.size + this.#leaving.count > 0) return;
    this.#window.close();
    this.#pings.stop();
    this.#calm.end();
  }

  #pingAll(): void {
    const isCalm = this.#calm.check();
    // One that takes its small write within a ping is slow, and not dead.
    const oldest = this.#clock.now() - (areStrained() ? PING_MS : MAX_WRITE_MS);
    for (const reader of this.#readers) {
      if (isCalm) reader.cursor.calm();
      if (reader.writing === null) this.#write(reader, ping);
      else if (reader.writing.since <= oldest) this.#cut(reader, TAKES_NOTHING);
    }
    this.#leaving.cutOlder(oldest, TAKES_NOTHING);
    this.onPing();
    this.#restWhenEmpty();
  }
}
