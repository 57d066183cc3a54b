// What the readers of a thread share: the frames that were read last, and whether they keep up.
import type { Journal } from "./journal/journal.ts";
import { writeChars } from "./memory/writes.ts";

/** In characters. */
export interface Limits {
  /** About one write: big enough to be cheap in a replay, small enough for a slow reader to take. */
  write: number;
  /** A reader keeps up if the thread writes no more than this while the reader takes one write. */
  slow: number;
  /** A reader that is further than this behind live data is cut, and resumes when it can. */
  lag: number;
}

export const usualLimits: Limits = {
  get write() {
    return writeChars();
  },
  slow: 128 * 1024,
  lag: 1024 * 1024,
};

/** Frames of memory: those after `from` and up to `to`. */
export interface Chunk {
  from: number;
  to: number;
  text: string;
  /** `text` encoded, once a reader needed that. */
  bytes: Uint8Array | null;
  /** What they were read with: the last number allowed, and `written` of the log. */
  through: number;
  written: number;
}

const KEPT_CHARS = 4 * 1024;

const encoder = new TextEncoder();

export function encodeChunk(chunk: Chunk): Uint8Array {
  chunk.bytes ??= encoder.encode(chunk.text);
  return chunk.bytes;
}

export class Shared {
  readonly limits: Limits;
  /**
   * Whether a reader was cut for being behind since the thread was last calm. It comes back, and is as slow as before.
   */
  isStrained = false;
  readonly #journal: Journal;
  #newest: Chunk | null = null;
  /** Instead of it, if it is large: an idle thread must not hold it. */
  #newestLarge: WeakRef<Chunk> | null = null;

  constructor(journal: Journal, limits: Limits) {
    this.#journal = journal;
    this.limits = limits;
  }

  /**
   * About one write of the frames after `from`, as far as they are released and not past `end`. Null if there are none.
   * Readers side by side get the same chunk.
   */
  read(from: number, end: number): Chunk | null {
    const { log, released } = this.#journal;
    const through = Math.min(end, released);
    if (through <= from) return null;
    const { written } = log;
    const known = this.#newest ?? this.#newestLarge?.deref();
    if (known?.from === from && known.through === through && known.written === written) return known;
    const read = log.read(from, through, this.limits.write);
    if (read === null) return null;
    const chunk: Chunk = { from, through, written, ...read, bytes: null };
    const isLarge = read.text.length > KEPT_CHARS;
    this.#newest = isLarge ? null : chunk;
    this.#newestLarge = isLarge ? new WeakRef(chunk) : null;
    return chunk;
  }
}
