// Time as the fake sees it. Limits, expiries and retries count in minutes; a test moves a clock of its own instead of
// waiting. Signatures carry the real time: an app checks them against its own clock.

export interface Clock {
  now(): number;
  /** Resolves after that long; rejects where the signal ends it before. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new Error("the wait was ended"));
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", end);
        resolve();
      }, ms);
      const end = (): void => {
        clearTimeout(timer);
        reject(new Error("the wait was ended"));
      };
      signal.addEventListener("abort", end, { once: true });
    }),
};

export interface ManualClock extends Clock {
  /** Moves the time on. Who waits for a time that has come goes on. */
  advance(ms: number): Promise<void>;
  /** How many wait. */
  waiting(): number;
}

export function createManualClock(start: number = Date.now()): ManualClock {
  let now = start;
  const waiters = new Set<{ due: number; wake: () => void }>();
  return {
    now: () => now,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new Error("the wait was ended"));
        const waiter = {
          due: now + ms,
          wake: (): void => {
            waiters.delete(waiter);
            signal.removeEventListener("abort", end);
            resolve();
          },
        };
        const end = (): void => {
          waiters.delete(waiter);
          reject(new Error("the wait was ended"));
        };
        waiters.add(waiter);
        signal.addEventListener("abort", end, { once: true });
      }),
    advance: async (ms) => {
      now += ms;
      for (const waiter of [...waiters]) if (waiter.due <= now) waiter.wake();
      // Those who were woken may have something to do at once.
      await new Promise((resolve) => setImmediate(resolve));
    },
    waiting: () => waiters.size,
  };
}
