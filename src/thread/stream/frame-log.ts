// The newest frames of a thread's stream in memory: those sent in this life that readers may still need. Bounded per
// thread and per process. What is dropped is either a row of the journal, or a resync can send it again.

/** An SSE frame and its number. */
export interface Frame {
  seq: number;
  text: string;
}

// In characters. A thread keeps several times what a reader may be behind. All threads of a process share 128 MB.
const MEMORY_OF_THREAD = 4 * 1024 * 1024;
const MEMORY_OF_PROCESS = 32 * 1024 * 1024;
// Past the process's limit a thread still keeps this much: enough for readers that keep up.
const MEMORY_FLOOR = 128 * 1024;
// Past the limit, room is made once for each portion of this size and not for each frame: finding the largest log takes
// time.
const PORTION = 64 * 1024;

interface Account {
  memory: number;
}

// Objects of one isolate share module scope. Counts and frames may live there, but clients and promises may not.
let processMemory = 0;
let weighedAt = 0;
const logs = new Map<Account, WeakRef<FrameLog>>();
// An object that ends in mid-run does not clear its log. Its memory is given back when the log is collected.
const abandoned = new FinalizationRegistry<Account>((account) => {
  processMemory -= account.memory;
  logs.delete(account);
});

/** Shrinks the largest log, not the one that grew last: readers wait for the newest frames of their thread. */
function makeRoom(): void {
  if (processMemory <= MEMORY_OF_PROCESS) {
    weighedAt = 0;
    return;
  }
  if (processMemory < weighedAt + PORTION) return;
  while (processMemory > MEMORY_OF_PROCESS) {
    let [largest] = logs.keys();
    for (const account of logs.keys()) if (largest === undefined || account.memory > largest.memory) largest = account;
    if (largest === undefined || largest.memory <= MEMORY_FLOOR) break;
    const log = logs.get(largest)?.deref();
    if (log === undefined) {
      // The log is collected, and `abandoned` has not run for it yet.
      processMemory -= largest.memory;
      largest.memory = 0;
    } else log.shrink(Math.max(MEMORY_FLOOR, largest.memory - PORTION));
  }
  weighedAt = processMemory;
}

export class FrameLog {
  #frames: Frame[] = [];
  /** Index of the first frame kept. Those before it are removed now and then, not each time. */
  #first = 0;
  readonly #account: Account = { memory: 0 };
  #written = 0;
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
    logs.set(this.#account, new WeakRef(this));
    abandoned.register(this, this.#account);
  }

  /** Everything after this number is in memory. */
  get floor(): number {
    return this.#floor;
  }

  get memory(): number {
    return this.#account.memory;
  }

  /** Characters ever pushed. Compared with the value at a reader's frame, it says how far behind the reader is. */
  get written(): number {
    return this.#written;
  }

  push(seq: number, text: string): void {
    this.#frames.push({ seq, text });
    this.#account.memory += text.length;
    this.#written += text.length;
    processMemory += text.length;
    this.shrink(MEMORY_OF_THREAD);
    makeRoom();
  }

  /** Drops the oldest frames until no more than `chars` characters are left. */
  shrink(chars: number): void {
    while (this.#account.memory > chars) this.#dropFirst();
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

  /** Gives the process its memory back. */
  clear(): void {
    this.forget(this.#frames.at(-1)?.seq ?? this.#floor);
  }

  #dropFirst(): void {
    const frame = this.#frames[this.#first];
    if (frame === undefined) return;
    this.#first += 1;
    this.#account.memory -= frame.text.length;
    processMemory -= frame.text.length;
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
