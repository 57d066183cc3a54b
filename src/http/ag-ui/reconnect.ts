// A run's stream that outlives the lives of its object: `HttpAgent` knows no resume, so where the object's stream breaks,
// the next life is asked for a resync, and the client, on the same response, sees everything closed that was open, both
// snapshots, everything opened again, and the rest.
//
// The stream is read when the client takes it, one read at a time, so a slow client holds up its own reader only. It ends
// cleanly after the run's terminal event and never else.
//
// What bounds it is the one request of the Worker behind it. That may last as long as its client is there, but it may make
// 50 subrequests on the smallest plan and 10,000 else, and compute for 30 s unless set otherwise (10 ms on the smallest
// plan). A write that goes through a script costs about 25 µs more than one that is passed through: hours of text at full
// pace. So deltas are told apart by a few bytes and never parsed, and what was read in one piece is sent in one.
import { logError } from "../../lib/log.ts";
import { backoffDelay } from "../../lib/retry.ts";
import { problems } from "../../protocol/error.ts";
import { Problem } from "../errors.ts";
import { FrameCutter } from "./frames.ts";
import { type BroughtResult, Told } from "./sent.ts";

// With what the request asked before, this stays below 50 subrequests. Whoever needs more lives than this is told by the
// connection's end and sends its request again.
const MOST_ASKS = 40;
// An object that can't be reached for so long won't be soon; its run goes on without this client.
const LONGEST_OUTAGE_MS = 60_000;
const BETWEEN_ASKS = { base_ms: 100, cap_ms: 5_000 };
// A life that ends sooner was none: the next ask waits for longer.
const SHORTEST_LIFE_MS = 1_000;
// The object sends a ping every 10 s. A machine that is lost says nothing, not even that it is.
const LONGEST_SILENCE_MS = 45_000;
const LONGEST_ANSWER_MS = 15_000;

const encoder = new TextEncoder();
const ping = encoder.encode(": ping\n\n");

type Bytes = ReadableStream<Uint8Array>;

/**
 * `next` asks the object again, and rejects where there is none; a `Problem` says that asking again is of no use. `brought`
 * are results that the client has and is not told.
 */
export function followLives(
  first: Bytes,
  next: () => Promise<Bytes>,
  names: Record<string, string>,
  brought: BroughtResult[] = [],
): Bytes {
  const following = new Following(first, next, brought);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const pieces = await following.read();
          if (following.hasLeft) return;
          for (const piece of pieces ?? []) controller.enqueue(piece);
          if (pieces !== null) return;
          await following.leave();
          controller.close();
        } catch (error) {
          await following.leave();
          logError("ag_ui_stream_lost", error, names);
          controller.error(error);
        }
      },
      cancel: () => following.leave(),
    },
    // Nothing is read ahead of the client.
    { highWaterMark: 0 },
  );
}

class Following {
  readonly #next: () => Promise<Bytes>;
  readonly #told: Told;
  #cutter = this.#makeCutter();
  /** The stream of the life that is followed; null between two lives. */
  #source: ReadableStreamDefaultReader<Uint8Array> | null;
  #asks = 0;
  /** Since the last life that was one: asks that failed, or found a life that ended at once. */
  #outage: { since: number; asks: number } | null = null;
  #attachedAt = 0;
  #left = false;
  /** Ends the pause between two asks. */
  #wake: () => void = () => {};
  /** When the read that is under way began. */
  #readingSince: number | null = null;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(first: Bytes, next: () => Promise<Bytes>, brought: BroughtResult[]) {
    this.#next = next;
    this.#told = new Told(brought);
    this.#source = first.getReader();
    this.#watchSilence();
  }

  get hasLeft(): boolean {
    return this.#left;
  }

  /** What the client is to be sent next; null when it has everything, or has left. */
  async read(): Promise<Uint8Array[] | null> {
    while (!this.#left) {
      const pieces = this.#source === null ? await this.#ask() : await this.#listen(this.#source);
      if (pieces === null || pieces.length > 0) return pieces;
    }
    return null;
  }

  /** Lets go of the object: its reader shall not wait for a client that has gone. */
  async leave(): Promise<void> {
    this.#left = true;
    this.#wake();
    clearTimeout(this.#watch);
    await this.#source?.cancel().catch(() => {});
  }

  /** What may be sent on of the next chunk; nothing where the stream broke, null where it ended as it should. */
  async #listen(source: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array[] | null> {
    this.#readingSince = Date.now();
    const read = await source.read().catch(() => null);
    this.#readingSince = null;
    if (read?.value !== undefined) {
      if (this.#outage !== null && Date.now() - this.#attachedAt >= SHORTEST_LIFE_MS) this.#outage = null;
      return this.#cutter.push(read.value);
    }
    this.#source = null;
    if (this.#cutter.isTorn) throw new Error("the thread's stream broke amid a frame that was sent in part");
    if (this.#told.ended) return null;
    if (!this.#told.isTracked) throw new Error("the thread's stream broke, and what it left open is not known");
    return [];
  }

  /** Asks the object for its next life. What is to be sent before it, or a sign of life where there is none yet. */
  async #ask(): Promise<Uint8Array[]> {
    this.#outage ??= { since: Date.now(), asks: 0 };
    const { since, asks } = this.#outage;
    if (asks > 0) await this.#pause(backoffDelay(asks, BETWEEN_ASKS));
    if (this.#left) return [];
    if (this.#asks === MOST_ASKS) throw new Error("the thread's stream broke too often");
    this.#asks += 1;
    this.#outage.asks += 1;
    try {
      await this.#attach();
    } catch (error) {
      const isFinal = error instanceof Problem && problems[error.failure.code].status < 500;
      if (isFinal || Date.now() - since > LONGEST_OUTAGE_MS) throw error;
      return [ping];
    }
    const endings = this.#told.endAll();
    return endings === "" ? [] : [encoder.encode(endings)];
  }

  async #attach(): Promise<void> {
    const source = (await answerWithin(this.#next(), LONGEST_ANSWER_MS)).getReader();
    if (this.#left) return source.cancel().catch(() => {});
    this.#source = source;
    this.#attachedAt = Date.now();
    // Half a frame of the former life is not to be finished by this one.
    this.#cutter = this.#makeCutter();
  }

  #makeCutter(): FrameCutter {
    return new FrameCutter((frame, whole) => this.#told.note(frame, whole));
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

  /** One timer for all reads: one for each would cost more than the rest of what is done to a token. */
  #watchSilence(): void {
    this.#watch = setTimeout(() => {
      const since = this.#readingSince;
      // Its read then ends like that of a stream that broke.
      if (since !== null && Date.now() - since >= LONGEST_SILENCE_MS) this.#source?.cancel().catch(() => {});
      this.#watchSilence();
    }, LONGEST_SILENCE_MS);
  }
}

/** The stream, unless it comes late: then it is closed when it comes. */
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
