// How busy the machine is, for tests of a promise in seconds: they allow for what trivial requests take at that time.
import { setTimeout } from "node:timers/promises";

const PAUSE_MS = 50;

/** The slowest of such requests, which are made one after another until `work` has ended. */
export async function slowestDuring(work: Promise<unknown>, ask: () => Promise<unknown>): Promise<number> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  const over = work.then(end, end);
  let slowest = 0;
  while (!isOver) {
    const begun = performance.now();
    await ask();
    slowest = Math.max(slowest, performance.now() - begun);
    await Promise.race([over, setTimeout(PAUSE_MS)]);
  }
  return slowest;
}
