// A limit for what a test waits for, which says what did not come.
import { setTimeout as wait } from "node:timers/promises";

export async function within<T>(promise: Promise<T>, ms: number, describe: () => string): Promise<T> {
  const over = new AbortController();
  const late = wait(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`after ${ms} ms: ${describe()}`);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}
