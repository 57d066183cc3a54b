// One timer of the platform for several limits at once. Setting and clearing one takes longer than all that is done
// here, and hardly any limit is ever reached: what is cancelled leaves the timer as it is while something else waits, and
// when that fires too early it is set again. Without anything that waits there is no timer, which would keep the object
// from sleeping.
import type { Clock } from "./stream/readers.ts";

interface Waiting {
  at: number;
  callback: () => void;
}

export class SharedTimer {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  /** When the platform's timer fires. */
  #firesAt = Number.POSITIVE_INFINITY;
  /** The newest time that is known to have been reached. */
  #reached = Number.NEGATIVE_INFINITY;
  #cancel = (): void => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns a function that cancels it. */
  setTimer(callback: () => void, ms: number): () => void {
    const now = this.#now();
    const waiting = { at: now + ms, callback };
    this.#waiting.add(waiting);
    if (waiting.at < this.#firesAt) this.#set(waiting.at, ms);
    return () => {
      this.#waiting.delete(waiting);
      if (this.#waiting.size > 0) return;
      this.#cancel();
      this.#firesAt = Number.POSITIVE_INFINITY;
    };
  }

  #set(at: number, ms: number): void {
    if (this.#firesAt !== Number.POSITIVE_INFINITY) this.#cancel();
    this.#firesAt = at;
    this.#cancel = this.#clock.setTimer(() => this.#fire(), ms);
  }

  /** The clock may have been set back. What waits then waits no longer than it was to wait. */
  #now(): number {
    const now = this.#clock.now();
    const back = this.#reached - now;
    this.#reached = now;
    if (back > 0) {
      this.#firesAt -= back;
      for (const waiting of this.#waiting) waiting.at -= back;
    }
    return now;
  }

  /** What is due by the timer is due, whatever the clock says. */
  #fire(): void {
    this.#reached = this.#firesAt;
    const now = this.#now();
    this.#firesAt = Number.POSITIVE_INFINITY;
    const due: Waiting[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      if (waiting.at <= now) due.push(waiting);
      else next = Math.min(next, waiting.at);
    }
    for (const waiting of due) this.#waiting.delete(waiting);
    if (next !== Number.POSITIVE_INFINITY) this.#set(next, next - now);
    for (const { callback } of due) callback();
  }
}
