// When frames are written to the readers. A write costs about 40 µs however small it is, so frames are gathered for 16 ms.
// After a pause, and for the first delta of a part, they are sent at once. Windows that follow load or lag measured worse.
import { giveWay } from "../../lib/time-limit.ts";
import type { Clock } from "./connection.ts";

const GATHER_MS = 16;

export class GatherWindow {
  readonly #clock: Clock;
  readonly #write: (urgent: boolean) => void;
  #written_at = 0;
  /** Whether there is something to write. */
  #isWaiting = false;
  #urgent = false;
  #isDeciding = false;
  /** It fires even if an urgent frame came first: to clear it costs as much, and the next window can use it. */
  #cancelTimer: (() => void) | null = null;
  /** Whether something was written since the timer was set. */
  #hasWritten = false;

  constructor(clock: Clock, write: (urgent: boolean) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Call this for each frame. `isLong`: what is to be written is worth a turn of its own. */
  add(urgent: boolean, isLong = false): void {
    this.#isWaiting = true;
    this.#urgent ||= urgent;
    if (this.#isDeciding || (!urgent && this.#cancelTimer !== null)) return;
    // After the current synchronous code: the frame may be inside a transaction, and one network read brings many.
    this.#isDeciding = true;
    void (isLong ? giveWay(this.#clock) : Promise.resolve()).then(() => {
      this.#isDeciding = false;
      this.#decide();
    });
  }

  /** Something is to be written with the next frame, or in 16 ms. */
  open(): void {
    this.#isWaiting = true;
    this.#startTimer(GATHER_MS);
  }

  /** There is nobody to write to. */
  close(): void {
    this.#isWaiting = false;
    this.#urgent = false;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #decide(): void {
    if (!this.#isWaiting) return;
    const now = this.#clock.now();
    // The clock may have been set back.
    const left = Math.min(GATHER_MS, this.#written_at + GATHER_MS - now);
    if (left > 0 && !this.#urgent) this.#startTimer(left);
    else this.#writeAll(now);
  }

  #writeAll(now: number): void {
    const urgent = this.#urgent;
    this.#isWaiting = false;
    this.#urgent = false;
    this.#hasWritten = true;
    this.#written_at = now;
    this.#write(urgent);
  }

  #startTimer(ms: number): void {
    if (this.#cancelTimer !== null) return;
    this.#hasWritten = false;
    this.#cancelTimer = this.#clock.setTimer(() => {
      this.#cancelTimer = null;
      if (this.#hasWritten) this.#decide();
      else if (this.#isWaiting) this.#writeAll(this.#clock.now());
    }, ms);
  }
}
