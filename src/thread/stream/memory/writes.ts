// What is written to readers and not taken yet. Readers side by side share their bytes; others each have a write of their
// own, and there may be hundreds of a thread. All of the isolate's objects have a bound together: towards it writes are
// small, and a reader that would pass it is cut. It comes back with its last id.
import { Room, Share, STREAMS_BYTES } from "../../../lib/memory/room.ts";

const KIB = 1024;
/** In characters: about one write, big enough to be cheap in a replay, small enough for a slow reader to take. */
const WRITE_CHARS = 64 * KIB;
const SMALL_WRITE_CHARS = 4 * KIB;

const room = new Room("writes", STREAMS_BYTES / 2);

/** The characters of one write. */
export function writeChars(): number {
  return areStrained() ? SMALL_WRITE_CHARS : WRITE_CHARS;
}

/** From half of the room on writes are small, and who has taken nothing since the last ping is cut. */
export function areStrained(): boolean {
  return room.held > room.limit / 2;
}

export class Writes {
  readonly #share = new Share(room);
  /** How many readers have not taken them. */
  readonly #readers = new Map<Uint8Array, number>();

  /** Whether so many bytes more fit. */
  fit(bytes: Uint8Array): boolean {
    return room.fits(bytes.byteLength) || this.#readers.has(bytes);
  }

  begin(bytes: Uint8Array): void {
    const readers = this.#readers.get(bytes) ?? 0;
    this.#readers.set(bytes, readers + 1);
    if (readers === 0) this.#share.set(this.#share.bytes + bytes.byteLength);
  }

  end(bytes: Uint8Array): void {
    const readers = this.#readers.get(bytes);
    if (readers === undefined) return;
    if (readers > 1) this.#readers.set(bytes, readers - 1);
    else {
      this.#readers.delete(bytes);
      this.#share.set(this.#share.bytes - bytes.byteLength);
    }
  }
}
