// What is asked of the platform may never be answered: here nothing waits for it longer than it says.

interface Timers {
  /** Returns what cancels it. */
  setTimer(callback: () => void, ms: number): () => void;
}

/** Settles as `promise` does, or rejects after `ms`; what was asked may still happen then. */
export function withinTime<T>(timers: Timers, ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.setTimer(() => reject(new Error(`${what} gave no answer within ${ms / 1000} s`)), ms);
    promise.then(resolve, reject).finally(cancel);
  });
}
