// A clock that strikes each whole minute, as Cloudflare's cron does: what is due at nine is not done at nine and 59 seconds.

const minuteMs = 60_000;

/** Timers may come a little early; before the minute nothing would be due. */
const marginMs = 50;

/** Strikes now, since what fell due while nothing ran is not made to wait, and then each minute. Answers what stops it. */
export function startClock(strike: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    // Anew each time: an interval would drift, and stay askew after the machine has slept.
    timer = setTimeout(
      () => {
        wait();
        strike();
      },
      minuteMs - (Date.now() % minuteMs) + marginMs,
    );
  };
  wait();
  strike();
  return () => clearTimeout(timer);
}
