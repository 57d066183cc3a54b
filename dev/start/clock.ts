// Calls a function just after each whole minute, as Cloudflare's cron does: what is due at nine is not done at nine and
// 59 seconds.

const minuteMs = 60_000;

/** Timers may fire a little early, and before the minute nothing would be due. */
const marginMs = 50;

/**
 * Calls it now, since what fell due while nothing ran should not wait, and then each minute. Returns a function that
 * stops it.
 */
export function startClock(tick: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    // A new timer each time: an interval would drift, and stay off the minute after the machine has slept.
    timer = setTimeout(
      () => {
        wait();
        tick();
      },
      minuteMs - (Date.now() % minuteMs) + marginMs,
    );
  };
  wait();
  tick();
  return () => clearTimeout(timer);
}
