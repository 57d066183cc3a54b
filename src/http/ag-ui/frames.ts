// Cuts the bytes of an event stream at the ends of its frames, however the network cut them, so that nothing but whole
// frames is sent on: half a frame could be neither finished nor taken back when the stream breaks. Bytes are looked at and
// never decoded: a line break is one byte, and no byte of another character equals it.

/**
 * The most of one frame that is kept while its rest is on the way. Every event is well below it (a tool's result, the
 * largest of a run at work, is 30,000 characters) but for the snapshot of a long conversation, a text that is told again
 * as one piece, and a long input. Those are sent on as they come: after a deploy all streams of an isolate get their
 * snapshots at once, and its 128 MB would not hold them.
 */
export const LARGEST_HELD_BYTES = 128 * 1024;

const LINE_FEED = 0x0a;

/**
 * Told of each frame before it is sent on; false keeps it from being sent. `whole` is false where the frame is too large
 * to be held: `bytes` are its beginning.
 */
export type Inspect = (bytes: Uint8Array, whole: boolean) => boolean;

export class FrameCutter {
  readonly #inspect: Inspect;
  /** The beginning of a frame whose end has not come. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #endsInLineFeed = false;
  /** Amid a frame that is too large to be held: whether it is sent on. */
  #passing: boolean | null = null;

  constructor(inspect: Inspect) {
    this.#inspect = inspect;
  }

  /** Whether a part of a frame was sent on whose end has not come. */
  get isTorn(): boolean {
    return this.#passing === true;
  }

  /** What of the stream may be sent on. Frames that came together stay together. */
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

  /** Ends the frame that an earlier chunk began; where the next one begins, or 0 where its end is not here either. */
  #endFirst(chunk: Uint8Array, out: Uint8Array[]): number {
    const end = this.#endsInLineFeed && chunk[0] === LINE_FEED ? 1 : endOfFrame(chunk, 0);
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

  /** Inspects the frames that end in the chunk; returns where the one begins that does not. */
  #cut(chunk: Uint8Array, from: number, out: Uint8Array[]): number {
    let unsent = from;
    let start = from;
    for (let end = endOfFrame(chunk, start); end > 0; end = endOfFrame(chunk, start)) {
      if (!this.#inspect(chunk.subarray(start, end), true)) {
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
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes <= LARGEST_HELD_BYTES) return;
    const beginning = join(this.#held);
    this.#release();
    this.#passing = this.#inspect(beginning, false);
    if (this.#passing) out.push(beginning);
  }

  #release(): void {
    this.#held = [];
    this.#heldBytes = 0;
  }
}

/** Where the first frame after `from` ends; 0 where none does. */
function endOfFrame(bytes: Uint8Array, from: number): number {
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
