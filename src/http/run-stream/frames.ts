// Cuts the bytes of an event stream at the ends of its frames, however the network cut them. Only whole frames are sent
// on, because half a frame can be neither finished nor taken back when the stream breaks. Bytes are compared and never
// decoded: a line feed is one byte in UTF-8, and no other character contains that byte.
//
// A comment or `retry` between two events is a frame of one line, so that a ping is sent on at once.

/**
 * How much of one frame is held back while its rest is on the way. Almost every event is well below this limit: the
 * largest of a running run, a tool result, has 30,000 characters. A snapshot of a long conversation, a text that is
 * sent again as one piece, and a long input may exceed it. These are sent on as they arrive: after a deploy all streams
 * of an isolate get their snapshots at once, and its 128 MB would not hold them.
 */
export const MAX_HELD_BYTES = 128 * 1024;

const LINE_FEED = 0x0a;
const COLON = ":".charCodeAt(0);
const RETRY_LINE = "r".charCodeAt(0);

/**
 * Called with each frame before it is sent on; returns false to drop it. `whole` is false if the frame is too large to
 * hold: then `bytes` is only its beginning.
 */
export type Inspect = (bytes: Uint8Array, whole: boolean) => boolean;

export class FrameCutter {
  readonly #inspect: Inspect;
  readonly #isPlain: (chunk: Uint8Array, start: number) => boolean;
  /** The beginning of a frame whose end has not arrived. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #endsInLineFeed = false;
  /** Whether what is held is the beginning of a frame of one line. */
  #isLine = false;
  /** Inside a frame that is too large to hold: whether it is sent on. Null outside of one. */
  #passing: boolean | null = null;

  /** `isPlain`: whether the whole frame at `start` needs no inspection, and is sent on. */
  constructor(inspect: Inspect, isPlain: (chunk: Uint8Array, start: number) => boolean = () => false) {
    this.#inspect = inspect;
    this.#isPlain = isPlain;
  }

  /** Whether part of a frame was sent on and its end has not arrived. */
  get isTorn(): boolean {
    return this.#passing === true;
  }

  /** Returns the bytes that may be sent on, views of the chunk. Frames that arrived together stay together. */
  push(chunk: Uint8Array): Uint8Array[] {
    const out: Uint8Array[] = [];
    let from = 0;
    if (this.#heldBytes > 0 || this.#passing !== null) {
      from = this.#endFirst(chunk, out);
      if (from === 0) return out;
    }
    const rest = this.#cut(chunk, from, out);
    if (rest < chunk.length) this.#hold(chunk.subarray(rest), out);
    return out;
  }

  /** Ends the frame that an earlier chunk began. Returns where the next one begins, or 0 if it does not end here. */
  #endFirst(chunk: Uint8Array, out: Uint8Array[]): number {
    const end = this.#endOfHeld(chunk);
    if (end === 0) {
      this.#hold(chunk, out);
      return 0;
    }
    const last = chunk.subarray(0, end);
    if (this.#passing === null) {
      const frame = join([...this.#held, last]);
      this.#release();
      if (this.#inspect(frame, true)) out.push(frame);
    } else {
      if (this.#passing) out.push(last);
      this.#passing = null;
    }
    return end;
  }

  #endOfHeld(chunk: Uint8Array): number {
    if (this.#isLine) return chunk.indexOf(LINE_FEED) + 1;
    return this.#endsInLineFeed && chunk[0] === LINE_FEED ? 1 : endOfEvent(chunk, 0);
  }

  /** Inspects the frames that end in the chunk. Returns where the unfinished one begins. */
  #cut(chunk: Uint8Array, from: number, out: Uint8Array[]): number {
    let unsent = from;
    let start = from;
    for (let end = endOfFrame(chunk, start); end > 0; end = endOfFrame(chunk, start)) {
      if (!this.#isPlain(chunk, start) && !this.#inspect(chunk.subarray(start, end), true)) {
        if (start > unsent) out.push(chunk.subarray(unsent, start));
        unsent = end;
      }
      start = end;
    }
    if (start > unsent) out.push(chunk.subarray(unsent, start));
    return start;
  }

  #hold(piece: Uint8Array, out: Uint8Array[]): void {
    if (piece.length === 0) return;
    this.#endsInLineFeed = piece[piece.length - 1] === LINE_FEED;
    if (this.#passing !== null) {
      if (this.#passing) out.push(piece);
      return;
    }
    if (this.#heldBytes === 0) this.#isLine = isLine(piece[0]);
    // The chunk's buffer takes the next read.
    this.#held.push(piece.slice());
    this.#heldBytes += piece.length;
    if (this.#heldBytes <= MAX_HELD_BYTES) return;
    const beginning = join(this.#held);
    this.#release();
    this.#passing = this.#inspect(beginning, false);
    if (this.#passing) out.push(beginning);
  }

  #release(): void {
    this.#isLine = false;
    this.#held = [];
    this.#heldBytes = 0;
  }
}

/** Returns where the first frame after `from` ends, or 0 if none does. */
function endOfFrame(bytes: Uint8Array, from: number): number {
  return isLine(bytes[from]) ? bytes.indexOf(LINE_FEED, from) + 1 : endOfEvent(bytes, from);
}

function isLine(first: number | undefined): boolean {
  return first === COLON || first === RETRY_LINE;
}

/** Returns what is behind the first blank line after `from`, or 0 if there is none. */
function endOfEvent(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(LINE_FEED, from); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) {
    if (bytes[at + 1] === LINE_FEED) return at + 2;
  }
  return 0;
}

function join(pieces: Uint8Array[]): Uint8Array {
  const [only, ...more] = pieces;
  if (only !== undefined && more.length === 0) return only;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
