// Time and connections for tests of streams: a clock that stands until it is moved, and a sink whose writes are taken
// when the test says so.
import type { Clock, Sink } from "../../src/thread/stream/readers.ts";

export class FakeClock implements Clock {
  #now = 1_000_000;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** What only gives others a turn needs no time to pass. */
  setTimer(callback: () => void, ms: number): () => void {
    if (ms === 0) {
      const turn = setImmediate(callback);
      return () => clearImmediate(turn);
    }
    const timer = { at: this.#now + ms, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time on, and calls due timers in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = until;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class FakeSink implements Sink {
  readonly bytes: Uint8Array[] = [];
  closed = false;
  aborted: string | null = null;
  /** Writes made while another was not taken yet. */
  overlapping = 0;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly #paced: boolean;
  readonly #onWrite: (text: string) => void;

  /** `paced`: each write waits for `take`. */
  constructor({ paced = false, onWrite = () => {} }: { paced?: boolean; onWrite?: (text: string) => void } = {}) {
    this.#paced = paced;
    this.#onWrite = onWrite;
  }

  get writes(): string[] {
    return this.bytes.map((bytes) => decoder.decode(bytes));
  }

  get text(): string {
    return this.writes.join("");
  }

  get isBusy(): boolean {
    return this.#waiting.length > 0;
  }

  get isOpen(): boolean {
    return !this.closed && this.aborted === null;
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!this.isOpen) return Promise.reject(new Error("the connection is closed"));
    if (this.#waiting.length > 0) this.overlapping += 1;
    this.bytes.push(bytes);
    this.#onWrite(decoder.decode(bytes));
    if (!this.isOpen) return Promise.reject(new Error("the client went away"));
    if (!this.#paced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  /** The client takes the write that is in flight. */
  take(): void {
    this.#waiting.shift()?.resolve();
  }

  /** The client leaves. */
  leave(): void {
    this.aborted ??= "the client went away";
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("the client went away"));
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  abort(reason: string): Promise<void> {
    this.aborted = reason;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error(reason));
    return Promise.resolve();
  }
}

/** Lets everything continue that waits for a promise. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const NOTHING = new Uint8Array();

/** And what hashes, which threads do beside this one: on a busy machine they are late. */
async function settleHashes(): Promise<void> {
  await settle();
  await crypto.subtle.digest("SHA-256", NOTHING);
  await settle();
}

/** Lets time pass in small steps, and settles promises between them. */
export async function passTime(clock: FakeClock, ms: number): Promise<void> {
  const step = Math.max(20, ms / 100);
  for (let passed = 0; passed < ms; passed += step) {
    await settleHashes();
    clock.advance(Math.min(step, ms - passed));
  }
  await settleHashes();
}
