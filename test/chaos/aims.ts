// What a kill waits for: a moment in a given phase, or only a time.
import type { Moment } from "./moments.ts";
import { type Met, type Phase, phases } from "./phases.ts";

/** Numbers from 0 up to 1 that a seed determines. */
export type Random = () => number;

/** Mulberry32: small, and good enough to choose moments. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pickNumber(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}

export interface Aim {
  name: Phase | "any moment";
  /** Called for each moment. Returns whether to kill now. */
  fits: (moment: Moment) => boolean;
  /** The latest time to kill, in ms. */
  within_ms: number;
}

// A whole run takes about this long, so by then each phase has occurred.
const PATIENCE_MS = 9_000;
const MAX_ANY_MS = 2_500;

export function aimAtAnyMoment(random: Random): Aim {
  return { name: "any moment", fits: () => false, within_ms: pickNumber(random, 0, MAX_ANY_MS) };
}

/** Aims at one of the phases with the fewest hits. */
export function aimAtRarest(hits: ReadonlyMap<Met, number>, random: Random): Aim {
  const least = Math.min(...phases.map((phase) => hits.get(phase) ?? 0));
  const rarest = phases.filter((phase) => (hits.get(phase) ?? 0) === least);
  const name = rarest[pickNumber(random, 0, rarest.length - 1)] ?? phases[0];
  const fits = momentsOf(name, random);
  // A run ends once, and starts many commands.
  const isRare = name === "between the stored and the released end";
  return { name, fits: skip(isRare ? 0 : pickNumber(random, 0, 1), fits), within_ms: PATIENCE_MS };
}

/** Skips some of the moments that would fit. */
function skip(count: number, fits: (moment: Moment) => boolean): (moment: Moment) => boolean {
  let left = count;
  return (moment) => fits(moment) && left-- <= 0;
}

function momentsOf(phase: Phase, random: Random): (moment: Moment) => boolean {
  const tokens = pickNumber(random, 3, 12);
  const reads = pickNumber(random, 2, 9);
  const isLate = random() < 0.5;
  switch (phase) {
    case "before the first token":
      return ({ kind }) => kind === "model_called";
    case "mid-text":
      return (moment) => moment.kind === "token" && moment.count === tokens;
    case "between assistant message and tool":
      return (moment) => moment.kind === "command_asked" && !moment.again && moment.place === 0;
    case "mid-command":
      return (moment) => moment.kind === "command_read" && moment.count === reads;
    case "between two tool results":
      return (moment) => moment.kind === "command_asked" && !moment.again && moment.place > 0;
    case "before the D1 write":
      return (moment) => moment.kind === "write_asked" && !moment.queued && !moment.ends;
    case "between the stored and the released end":
      return (moment) => moment.kind === (isLate ? "write_done" : "write_asked") && moment.ends;
  }
}
