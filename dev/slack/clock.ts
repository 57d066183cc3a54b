// The fake's clock. Limits, expiries and retries take minutes; a test advances its own clock instead of waiting.
// Signatures carry the real time, since an app checks them against its own clock.

export interface Clock {
  now(): number;
  /** Resolves after that time. Rejects when the signal aborts first. */
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
  /** Advances the time and resumes everyone whose time has come. */
  advance(ms: number): Promise<void>;
  /** How many are waiting. */
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
      // Those who were resumed may have work to do at once.
      await new Promise((resolve) => setImmediate(resolve));
    },
    waiting: () => waiters.size,
  };
}
