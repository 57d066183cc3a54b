// Waits that end at once when a signal aborts.
import type { Clock } from "./stream/readers.ts";

/** Resolves after `ms`, or when the signal aborts. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const cancel = clock.setTimer(finish, ms);
    signal.addEventListener("abort", finish);
    function finish(): void {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    }
  });
}

/** What `promise` resolves to, or null if the signal aborts first. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<{ value: T } | null> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return resolve(null);
    const stop = () => resolve(null);
    signal.addEventListener("abort", stop);
    promise.then((value) => resolve({ value }), reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
