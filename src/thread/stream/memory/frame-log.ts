// The newest frames of a thread's stream in memory: those sent in this life that readers may still need. Bounded per
// thread, and for all threads of the isolate. What is dropped is either a row of the journal, or a resync can send it
// again.
import { Room, STREAMS_BYTES } from "../../../lib/memory/room.ts";
import { bytesOf } from "../../../lib/memory/text-bytes.ts";

/** An SSE frame and its number. */
export interface Frame {
  seq: number;
  text: string;
  bytes: number;
}

/** In characters: several times what a reader may be behind. */
const MEMORY_OF_THREAD = 4 * 1024 * 1024;
/**
 * In bytes. When all threads hold too much together, each still keeps this much: enough for readers that keep up. Where
 * there are many threads, they share what all may keep in any case.
 */
const MOST_FLOOR = 256 * 1024;
const LEAST_FLOOR = 8 * 1024;
const FLOORS = 4 * 1024 * 1024;
/** The largest log gives a portion at a time, so that logs of one size give alike. */
const PORTION = 16 * 1024;
/** A frame's object, and the parts that its text is joined from. */
const FRAME_BYTES = 100;

/** In characters and in bytes. */
interface Size {
  chars: number;
  bytes: number;
}

// Objects of one isolate share module scope. Counts and frames may live there, but clients and promises may not.
const room = new Room("frames", STREAMS_BYTES);
const logs = new Map<Size, WeakRef<FrameLog>>();
// An object that ends in mid-run does not clear its log. Its memory is given back when the log is collected.
const abandoned = new FinalizationRegistry<Size>((size) => {
  room.add(-size.bytes);
  logs.delete(size);
});

/** Shrinks the largest logs, not those that grew last: readers wait for the newest frames of their thread. */
function makeRoom(): void {
  const floor = Math.max(LEAST_FLOOR, Math.min(MOST_FLOOR, FLOORS / logs.size));
  while (!room.fits(0)) {
    let [largest] = logs.keys();
    for (const size of logs.keys()) if (largest === undefined || size.bytes > largest.bytes) largest = size;
    if (largest === undefined || largest.bytes <= floor) break;
    const log = logs.get(largest)?.deref();
    if (log === undefined) {
      // The log is collected, and `abandoned` has not run for it yet.
      room.add(-largest.bytes);
      largest.bytes = 0;
    } else log.shrinkTo(Math.max(floor, largest.bytes - PORTION));
  }
}

const DROPPED: Frame = { seq: 0, text: "", bytes: 0 };

export class FrameLog {
  #frames: Frame[] = [];
  /** Index of the first frame kept. Those before it are removed now and then, not each time. */
  #first = 0;
  readonly #size: Size = { chars: 0, bytes: 0 };
  #written = 0;
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
    logs.set(this.#size, new WeakRef(this));
    abandoned.register(this, this.#size);
  }

  /** Everything after this number is in memory. */
  get floor(): number {
    return this.#floor;
  }

  /** Characters in memory. */
  get memory(): number {
    return this.#size.chars;
  }

  /** Bytes in memory. */
  get bytes(): number {
    return this.#size.bytes;
  }

  /** Characters ever pushed. Compared with the value at a reader's frame, it says how far behind the reader is. */
  get written(): number {
    return this.#written;
  }

  /** `text_bytes`: what the text takes, for whoever knows it. */
  push(seq: number, text: string, text_bytes = bytesOf(text)): void {
    const bytes = text_bytes + FRAME_BYTES;
    this.#frames.push({ seq, text, bytes });
    this.#size.chars += text.length;
    this.#size.bytes += bytes;
    this.#written += text.length;
    while (this.#size.chars > MEMORY_OF_THREAD) this.#dropFirst();
    room.add(bytes);
    if (!room.fits(0)) makeRoom();
  }

  /** Drops the oldest frames until no more than so many bytes are left. */
  shrinkTo(bytes: number): void {
    while (this.#size.bytes > bytes) this.#dropFirst();
  }

  /** Length of the newest frame. 0 if there is none. */
  get newestChars(): number {
    return this.#frames.at(-1)?.text.length ?? 0;
  }

  /** Frames after `seq` and up to `last`, until about `limit` characters are reached. */
  after(seq: number, last: number, limit: number): Frame[] {
    const frames: Frame[] = [];
    let length = 0;
    for (let index = this.#indexAfter(seq); index < this.#frames.length && length < limit; index++) {
      const frame = this.#frames[index];
      if (frame === undefined || frame.seq > last) break;
      frames.push(frame);
      length += frame.text.length;
    }
    return frames;
  }

  /** The text of `after`, and the number of its last frame. Null if there is none. */
  read(seq: number, last: number, limit: number): { to: number; text: string } | null {
    let text = "";
    let to = seq;
    for (let index = this.#indexAfter(seq); index < this.#frames.length && text.length < limit; index++) {
      const frame = this.#frames[index];
      if (frame === undefined || frame.seq > last) break;
      text += frame.text;
      to = frame.seq;
    }
    return to === seq ? null : { to, text };
  }

  /** Drops frames up to `seq`. */
  forget(seq: number): void {
    while (this.#first < this.#frames.length && (this.#frames[this.#first]?.seq ?? 0) <= seq) this.#dropFirst();
    this.#floor = Math.max(this.#floor, seq);
    this.#compact();
  }

  /** Gives the isolate its memory back. */
  clear(): void {
    this.forget(this.#frames.at(-1)?.seq ?? this.#floor);
  }

  #dropFirst(): void {
    const frame = this.#frames[this.#first];
    if (frame === undefined) return;
    // Its place stays for a while, and must not keep its text.
    this.#frames[this.#first] = DROPPED;
    this.#first += 1;
    this.#size.chars -= frame.text.length;
    this.#size.bytes -= frame.bytes;
    room.add(-frame.bytes);
    this.#floor = frame.seq;
    if (this.#first > 4096) this.#compact();
  }

  #compact(): void {
    if (this.#first === 0) return;
    this.#frames.splice(0, this.#first);
    this.#first = 0;
  }

  #indexAfter(seq: number): number {
    let low = this.#first;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#frames[middle]?.seq ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
