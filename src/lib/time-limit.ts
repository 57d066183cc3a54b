// How long a caller waits for the platform, which may never answer, and how it lets others have a turn.

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

/** What others ask takes some turns of the event loop to be answered. */
const TURNS = 6;

/** Resolves after some turns of the event loop: others are answered meanwhile. */
export async function giveWay(timers: Timers): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => void timers.setTimer(resolve, 0));
}
