// A clock that runs faster than the real one, so that a day's wait takes seconds: `Date`, timers and alarms agree about
// it. It is set before the product is evaluated, which keeps these functions in some places.

const readClock = Date.now;
const setTimer = globalThis.setTimeout;
const clearTimer = globalThis.clearTimeout;

/** Seconds of this clock in a real second. */
let speed = 1;
let realStart = readClock();
let start = realStart;

/** The time of this clock in ms. */
export function now(): number {
  return Math.floor(start + (readClock() - realStart) * speed);
}

/** Timers that run already keep their end in real time: change the speed when nothing runs. */
export function setSpeed(to: number): void {
  [start, realStart, speed] = [now(), readClock(), to];
}

/** When the real clock shows what this one shows at `time`. */
export function toRealTime(time: number): number {
  return readClock() + (time - now()) / speed;
}

/** Timers that the product set and that have not ended. */
export interface TimerWatch {
  /** Returns what is to be called when the timer has ended. */
  onTimer(): () => void;
}

let watch: TimerWatch = { onTimer: () => () => {} };

export function watchTimers(to: TimerWatch): void {
  watch = to;
}

/** A timer that belongs to no part of the product and is not watched. It takes `least_ms` of real time or more. */
export function setUnwatchedTimer(callback: () => void, ms: number, least_ms: number): ReturnType<typeof setTimeout> {
  return setTimer(callback, Math.max(least_ms, ms / speed));
}

export function clearUnwatchedTimer(timer: ReturnType<typeof setTimeout>): void {
  clearTimer(timer);
}

class FastDate extends Date {
  // Without arguments it is now, on this clock.
  constructor(...values: unknown[]) {
    super(...((values.length === 0 ? [now()] : values) as [number]));
  }
  static override now = now;
}
globalThis.Date = FastDate as DateConstructor;

const ends = new Map<unknown, () => void>();

function endTimer(timer: unknown): void {
  ends.get(timer)?.();
  ends.delete(timer);
}

globalThis.setTimeout = ((callback: (...values: unknown[]) => void, ms = 0, ...values: unknown[]) => {
  const timer = setTimer(() => {
    endTimer(timer);
    callback(...values);
  }, ms / speed);
  ends.set(timer, watch.onTimer());
  return timer;
}) as typeof setTimeout;

globalThis.clearTimeout = ((timer: ReturnType<typeof setTimeout>) => {
  endTimer(timer);
  clearTimer(timer);
}) as typeof clearTimeout;

// One that ends without having been waited for holds nobody, so it is not watched.
const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (ms) => timeout(Math.max(1, ms / speed));
