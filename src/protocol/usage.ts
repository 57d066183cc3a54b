// What the runs of a day used, over all threads of a person.
import type { Usage } from "./run.ts";

export interface UsageDay extends Usage {
  /** In UTC: `2026-11-26`. */
  date: string;
  runs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Midnight, in UTC, of the first of the `days` days that end with the one of `now`. */
export function firstMoment(days: number, now: number): string {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  return new Date(today - (days - 1) * DAY_MS).toISOString();
}
