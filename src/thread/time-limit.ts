// What is asked of the platform may never be answered: here nothing waits for it longer than it says.
import type { Clock } from "./readers.ts";

/** Settles as `promise` does, or rejects after `ms`; what was asked may still happen then. */
export function withinTime<T>(clock: Clock, ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(() => reject(new Error(`${what} gave no answer within ${ms / 1000} s`)), ms);
    promise.then(resolve, reject).finally(cancel);
  });
}
