// D1 in the busiest hour of a day: turns and signs of life arrive at random, and one database works on one of them at a
// time. The numbers are the same in each run.
import { platform } from "./units.ts";
import { mix } from "./usage.ts";

/** The busiest hour has a tenth of the day. */
const PEAK_SHARE = 0.1;
const HOUR_S = 3_600;
/** As much of it is simulated: longer than a queue takes to show itself. */
const SLICE_S = 600;

export interface Peak {
  turns_per_second: number;
  /** How much of the time D1 works. */
  busy: number;
  /** What a write waits before it begins, in ms: the 99th of a hundred. Null if it ends with a queue that grew. */
  wait_ms: number | null;
}

interface Arrival {
  at: number;
  ms: number;
}

export function simulatePeak(threads: number): Peak {
  const share = PEAK_SHARE * (SLICE_S / HOUR_S);
  const turns = threads * mix.turns * share;
  const beats = (threads * mix.plan_share * share * mix.plan_seconds) / platform.heartbeat_seconds;
  const random = createRandom(threads);
  const reads = platform.requests - 1;
  const arrivals: Arrival[] = [
    ...arriving(turns, platform.d1_write_ms, random),
    ...arriving(beats, platform.d1_write_ms, random),
    ...arriving(turns * reads, platform.d1_read_ms, random),
  ].sort((one, other) => one.at - other.at);
  const waits: number[] = [];
  let free = 0;
  let worked = 0;
  for (const { at, ms } of arrivals) {
    const begun = Math.max(at, free);
    waits.push(begun - at);
    free = begun + ms;
    worked += ms;
  }
  const isBehind = free > (SLICE_S + 1) * 1000;
  waits.sort((one, other) => one - other);
  return {
    turns_per_second: turns / SLICE_S,
    busy: worked / (SLICE_S * 1000),
    wait_ms: isBehind ? null : (waits[Math.floor(waits.length * 0.99)] ?? 0),
  };
}

function arriving(count: number, ms: number, random: () => number): Arrival[] {
  return Array.from({ length: Math.round(count) }, () => ({
    at: random() * SLICE_S * 1000,
    ms: -Math.log(1 - random()) * ms,
  }));
}

/** Mulberry32: short, and good enough for arrivals. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
