// The platform may never answer a request. This bounds how long a caller waits for it.

export interface Timers {
  /** Returns a function that cancels the timer. */
  setTimer(callback: () => void, ms: number): () => void;
}

/** Settles as `promise` does, or rejects after `ms`. The operation itself continues and may still succeed. */
export function withinTime<T>(timers: Timers, ms: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = timers.setTimer(() => reject(new Error(`${what} gave no answer within ${ms / 1000} s`)), ms);
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
