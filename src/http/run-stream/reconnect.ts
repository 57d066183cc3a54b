// Reconnects a run's stream when a life of the thread's object ends, for clients that can't resume. When the object's
// stream breaks, this asks the next life for a resync. On the same response the client sees the end of everything that
// was open, both snapshots, everything opened again, and the rest.
//
// A chunk is read once the one before it was taken, so a slow client delays only its own reader. The stream ends
// cleanly after the run's terminal event, and after RUN_ERROR once the client's key no longer holds. In every other
// case it is aborted.
//
// One request of the Worker is behind it. That may last as long as its client is connected, but it may make 50
// subrequests on the smallest plan and 10,000 on others, and compute for 30 s unless configured otherwise (10 ms on the
// smallest plan). A write through a script costs about 25 µs more than a passed-through one: 30 s are enough for hours
// of text at full speed. So deltas are recognized by a few bytes and never parsed, and a chunk is sent on as one piece.
import { logError } from "../../lib/log.ts";
import { backoffDelay } from "../../lib/retry.ts";
import { type ByteReader, openByteReader } from "../../models/exchange/byte-reader.ts";
import { type Failure, type ProblemCode, problems } from "../../protocol/error.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { Problem } from "../errors.ts";
import { FrameCutter } from "./frames.ts";
import { type ClientResult, SentEvents } from "./sent.ts";

// Together with the request's other calls, this stays below 50 subrequests. A client that needs more lives sees its
// connection break, and sends its request again.
const MAX_RECONNECTS = 40;
// An object that can't be reached for this long will not be reachable soon. Its run continues without this client.
const MAX_OUTAGE_MS = 60_000;
const RECONNECT_BACKOFF = { base_ms: 100, cap_ms: 5_000 };
// A life that ends sooner counts as a failed attempt: the next one waits longer.
const MIN_LIFE_MS = 1_000;
// The object sends a ping every 10 s. A lost machine does not even close its connections.
const MAX_SILENCE_MS = 45_000;
const MAX_ANSWER_MS = 15_000;
// As much as the object sends at once. Most reads have a few hundred bytes, and most buffers stay as small as they
// begin.
const BUFFER_BYTES = 64 * 1024;

/** What a client reads whose key no longer holds, or whose account is disabled. */
const refusals: ProblemCode[] = ["unauthorized", "forbidden"];

const encoder = new TextEncoder();
const ping = encoder.encode(": ping\n");

type Bytes = ReadableStream<Uint8Array>;

/**
 * `next` opens a stream of the object's next life, and rejects if it can't be reached. If it rejects with a `Problem`
 * of a status below 500, trying again is useless. `unauthorized` and `forbidden`: the client may not see more of the
 * run, which continues. `clientResults` are tool results that the client sent itself: their events are dropped.
 */
export function followLives(
  first: Bytes,
  next: () => Promise<Bytes>,
  names: Record<string, string>,
  clientResults: ClientResult[] = [],
): RunFollower {
  return new RunFollower(first, next, names, clientResults);
}

export class RunFollower {
  readonly #next: () => Promise<Bytes>;
  readonly #names: Record<string, string>;
  readonly #sent: SentEvents;
  #cutter = this.#makeCutter();
  /** The stream of the current life; null between two lives. */
  #source: ByteReader | null;
  #reconnects = 0;
  /** Attempts since the last life of some length: those that failed, or found a life that ended at once. */
  #outage: { since: number; attempts: number } | null = null;
  #attachedAt = 0;
  #closed = false;
  /** Whether the client has read that its key no longer holds. */
  #isRefused = false;
  /** Ends the pause between two attempts. */
  #wake: () => void = () => {};
  /** When the current read began; null between reads. */
  #readingSince: number | null = null;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(first: Bytes, next: () => Promise<Bytes>, names: Record<string, string>, clientResults: ClientResult[]) {
    this.#next = next;
    this.#names = names;
    this.#sent = new SentEvents(clientResults);
    this.#source = openByteReader(first, BUFFER_BYTES);
    this.#watchSilence();
  }

  /** Writes everything to the client's stream, one read and one write after the other, and ends it. Never rejects. */
  async pipeTo(destination: WritableStream<Uint8Array>, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const writer = destination.getWriter();
    signal?.addEventListener("abort", () => void this.close(), { once: true });
    // A client that leaves ends the current read, too.
    writer.closed.catch(() => this.close());
    try {
      for (let pieces = await this.read(); pieces !== null; pieces = await this.read()) {
        for (const piece of pieces) if (!(await isWritten(writer, piece))) return await this.close();
      }
    } catch (error) {
      await this.close();
      logError("ag_ui_stream_lost", error, this.#names);
      return await writer.abort(error).catch(() => {});
    }
    await this.close();
    await writer.close().catch(() => {});
  }

  /**
   * Returns what to send to the client next, valid until the next call; null when it has everything, or has
   * disconnected.
   */
  async read(): Promise<Uint8Array[] | null> {
    while (!this.#closed && !this.#isRefused) {
      const pieces = this.#source === null ? await this.#reconnect() : await this.#readChunk(this.#source);
      if (pieces === null || pieces.length > 0) return pieces;
    }
    return null;
  }

  /** Disconnects from the object, so that its reader does not wait for a client that has gone. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    clearTimeout(this.#watch);
    await this.#source?.cancel();
  }

  /** Returns what of the next chunk may be sent on: nothing if the stream broke, null after the run's end. */
  async #readChunk(source: ByteReader): Promise<Uint8Array[] | null> {
    this.#readingSince = Date.now();
    const chunk = await source.read().catch(() => null);
    this.#readingSince = null;
    if (chunk !== null) {
      if (this.#outage !== null && Date.now() - this.#attachedAt >= MIN_LIFE_MS) this.#outage = null;
      return this.#cutter.push(chunk);
    }
    this.#source = null;
    if (this.#cutter.isTorn) throw new Error("the thread's stream broke within a frame that was sent in part");
    if (this.#sent.ended) return null;
    if (!this.#sent.isTracked) throw new Error("the thread's stream broke, and what it left open is not known");
    return [];
  }

  /** Connects to the object's next life. Returns the end events to send before its stream, or a ping if it failed. */
  async #reconnect(): Promise<Uint8Array[]> {
    this.#outage ??= { since: Date.now(), attempts: 0 };
    const { since, attempts } = this.#outage;
    if (attempts > 0) await this.#pause(backoffDelay(attempts, RECONNECT_BACKOFF));
    if (this.#closed) return [];
    if (this.#reconnects === MAX_RECONNECTS) throw new Error("the thread's stream broke too often");
    this.#reconnects += 1;
    this.#outage.attempts += 1;
    try {
      await this.#attach();
    } catch (error) {
      if (error instanceof Problem && refusals.includes(error.failure.code)) return [this.#refuse(error.failure)];
      const isFinal = error instanceof Problem && problems[error.failure.code].status < 500;
      if (isFinal || Date.now() - since > MAX_OUTAGE_MS) throw error;
      return [ping];
    }
    const endings = this.#sent.endAll();
    return endings === "" ? [] : [encoder.encode(endings)];
  }

  /** AG-UI's client has no way to catch that its stream breaks, and shows the message of this event. */
  #refuse({ code, detail }: Failure): Uint8Array {
    this.#isRefused = true;
    const error: ThreadEvent = { type: "RUN_ERROR", message: detail, code };
    return encoder.encode(`${this.#sent.endAll()}data: ${JSON.stringify(error)}\n\n`);
  }

  async #attach(): Promise<void> {
    const source = openByteReader(await answerWithin(this.#next(), MAX_ANSWER_MS), BUFFER_BYTES);
    if (this.#closed) return await source.cancel();
    this.#source = source;
    this.#attachedAt = Date.now();
    // Drops half a frame of the former life, so that this one does not finish it.
    this.#cutter = this.#makeCutter();
  }

  #makeCutter(): FrameCutter {
    return new FrameCutter(
      (frame, whole) => this.#sent.track(frame, whole),
      (chunk, start) => this.#sent.isDelta(chunk, start),
    );
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** One timer for all reads: a timer for each would cost more than everything else that is done for a token. */
  #watchSilence(): void {
    this.#watch = setTimeout(() => {
      const since = this.#readingSince;
      // The read then ends as it does when the stream breaks.
      if (since !== null && Date.now() - since >= MAX_SILENCE_MS) void this.#source?.cancel();
      this.#watchSilence();
    }, MAX_SILENCE_MS);
  }
}

async function isWritten(writer: WritableStreamDefaultWriter<Uint8Array>, piece: Uint8Array): Promise<boolean> {
  try {
    await writer.write(piece);
    return true;
  } catch {
    return false;
  }
}

/** Resolves with the stream, or rejects after `ms`. A stream that arrives later is cancelled. */
function answerWithin(asked: Promise<Bytes>, ms: number): Promise<Bytes> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new Error("the thread does not answer"));
    }, ms);
    asked.then(
      (stream) => {
        clearTimeout(timer);
        if (isLate) stream.cancel().catch(() => {});
        else resolve(stream);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
