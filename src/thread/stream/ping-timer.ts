// When a stream's readers get a ping: each ten seconds while there are readers, or sooner for a key that was asked for
// long ago.
import type { Clock } from "./connection.ts";

// A client that is gone is noticed at once where the platform says so, else when a write fails, up to two pings later.
export const PING_MS = 10_000;

export class PingTimer {
  readonly #clock: Clock;
  readonly #ping: () => void;
  #cancel: (() => void) | null = null;
  #due = 0;

  constructor(clock: Clock, ping: () => void) {
    this.#clock = clock;
    this.#ping = ping;
  }

  get isRunning(): boolean {
    return this.#cancel !== null;
  }

  /** The next ping comes after `ms` at the latest. */
  ensureWithin(ms: number): void {
    if (this.#cancel === null || this.#clock.now() + ms < this.#due) this.#set(ms);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #set(ms: number): void {
    this.#cancel?.();
    this.#due = this.#clock.now() + ms;
    this.#cancel = this.#clock.setTimer(() => {
      // The timer has fired, and need not be cleared.
      this.#cancel = null;
      this.#set(PING_MS);
      this.#ping();
    }, ms);
  }
}
