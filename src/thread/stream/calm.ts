// Whether a thread is calm: it writes so little that every reader keeps up. Each ping looks at what was written since
// the last one, and a thread without readers remembers when it was not calm.
import type { Clock } from "./connection.ts";
import type { Journal } from "./journal/journal.ts";
import { PING_MS } from "./ping-timer.ts";
import type { Shared } from "./shared.ts";

export class Calm {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #shared: Shared;
  /** The last ping, or when the first reader came: the time, and `written` of the log then. */
  #pinged = { written: 0, at: 0 };
  /** While there are no readers: the last time at which the thread was not calm, and `written` of the log then. */
  #busy = { written: 0, at: 0 };

  constructor(journal: Journal, clock: Clock, shared: Shared) {
    this.#journal = journal;
    this.#clock = clock;
    this.#shared = shared;
  }

  /** The first reader came. */
  begin(): void {
    // Without readers no ping has checked whether the thread is calm.
    if (this.#clock.now() - this.#busy.at >= PING_MS) this.#shared.isStrained = false;
    this.#pinged = this.#now();
  }

  /** At a ping. */
  check(): boolean {
    const now = this.#now();
    const share = Math.min(1, (now.at - this.#pinged.at) / PING_MS);
    const isCalm = now.written - this.#pinged.written < this.#shared.limits.write * share;
    this.#pinged = now;
    if (isCalm) this.#shared.isStrained = false;
    return isCalm;
  }

  /** The last reader left. */
  end(): void {
    this.#busy = this.#now();
  }

  /** Something was written without readers. */
  noteUnread(): void {
    if (this.#journal.log.written - this.#busy.written >= this.#shared.limits.write) this.end();
  }

  #now(): { written: number; at: number } {
    return { written: this.#journal.log.written, at: this.#clock.now() };
  }
}
