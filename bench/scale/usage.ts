// What a deployment uses in a month, with so many threads that are active on a day.

import { SIGN_MS } from "../../src/store/signs.ts";
import { OBJECT_GB } from "../cost/prices.ts";
import type { Counted, CountedCosts, Units } from "./units.ts";
import { platform } from "./units.ts";

export interface Usage {
  worker_requests: number;
  cpu_ms: number;
  object_requests: number;
  gb_seconds: number;
  object_rows_written: number;
  object_rows_read: number;
  d1_rows_written: number;
  d1_rows_read: number;
  log_events: number;
  object_gb: number;
  d1_gb: number;
}

/**
 * A thread that is active on a day takes three turns. Half of them are new, and one of twenty works through a plan. Its
 * steps read and write files and run commands: beside what was measured, each stores a result of six kilobytes.
 */
export const mix = {
  ...{ turns: 3, new_share: 0.5, plan_share: 0.05, plan_steps: 40, plan_seconds: 20 * 60 },
  result_bytes: 6_000,
} as const;

const DAYS = 30;
const SIGN_SECONDS = SIGN_MS / 1_000;
const GB = 1e9;

/** Of one active thread on one day. */
function perThread({ first_turn, turn, step }: Counted): number {
  const steps = mix.plan_share * mix.plan_steps;
  return mix.new_share * first_turn + (mix.turns - mix.new_share) * turn + steps * step;
}

/** What D1 and the objects grow by in a day. */
export function growth({ d1, object }: Units, threads: number): { d1: number; object: number } {
  const results = threads * mix.plan_share * mix.plan_steps * mix.result_bytes;
  // The object has it as a message and as an event.
  return { d1: threads * perThread(d1) + results, object: threads * perThread(object) + 2 * results };
}

/** What D1 keeps for ever of the threads that are made in a day, also when they are deleted. */
export function leftForEver({ tombstone }: Units, threads: number): number {
  return threads * mix.new_share * tombstone;
}

/** `kept_days`: what is older is deleted. */
export function usageOf(counted: CountedCosts, units: Units, threads: number, kept_days: number): Usage {
  const runs = threads * mix.turns * DAYS;
  const plans = threads * mix.plan_share * DAYS;
  const beats = (plans * mix.plan_seconds) / platform.heartbeat_seconds;
  const of = (cost: Counted): number => threads * DAYS * perThread(cost);
  const seconds = runs * platform.turn_seconds + plans * mix.plan_seconds;
  const requests = runs * platform.requests;
  const grown = growth(units, threads);
  return {
    worker_requests: requests,
    cpu_ms: runs * platform.turn_cpu_ms + plans * mix.plan_steps * platform.step_cpu_ms,
    object_requests: requests,
    gb_seconds: seconds * OBJECT_GB,
    // A turn that comes alone sets an alarm, and so does each beat.
    object_rows_written: of(counted.object_rows_written) + runs + beats,
    object_rows_read: of(counted.object_rows_read),
    // D1 hears of a run a second after its start, too, and every eight minutes.
    d1_rows_written: of(counted.d1_rows_written) + 2 * (runs + plans * Math.floor(mix.plan_seconds / SIGN_SECONDS)),
    d1_rows_read: of(counted.d1_rows_read) + runs * platform.rows_read,
    // Lines are written where something is wrong, and one a minute.
    log_events: DAYS * 24 * 60,
    object_gb: (grown.object * kept_days) / GB,
    d1_gb: (grown.d1 * kept_days) / GB,
  };
}
