// A clock whose timers end with their life.
import type { Clock } from "../../src/thread/stream/readers.ts";
import type { Pulse } from "./object-world.ts";

/** Timers end with their life. */
export function clockOf(pulse: Pick<Pulse, "alive">, inner: Clock): Clock {
  return {
    now: () => inner.now(),
    setTimer: (callback, ms) =>
      inner.setTimer(() => {
        if (pulse.alive) callback();
      }, ms),
  };
}
