// Ends any wait, a pause or an idle stream, when there is something to do.
import { pause } from "../client/follow.ts";

/** The waits between attempts to reach the server. */
const [firstRetryMs, maxRetryMs] = [500, 8_000];

export class Rest {
  #rest = new AbortController();

  get signal(): AbortSignal {
    return this.#rest.signal;
  }

  wake(): void {
    const rest = this.#rest;
    this.#rest = new AbortController();
    rest.abort();
  }

  /** Until something wakes it. */
  sleep(): Promise<void> {
    const { signal } = this.#rest;
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  /** Longer after each failure, and at least `told` ms. */
  waitOut(failures: number, told: number): Promise<void> {
    const ms = Math.max(told, Math.min(maxRetryMs, firstRetryMs * 2 ** failures));
    return pause(ms, this.#rest.signal).catch(() => {});
  }
}
