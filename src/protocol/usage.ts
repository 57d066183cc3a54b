// What the runs of a day used, over all threads of a user.
import type { Usage } from "./run.ts";

export interface UsageSum extends Usage {
  runs: number;
}

export interface UsageDay extends UsageSum {
  /** In UTC: `2026-11-26`. */
  date: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Midnight UTC at the start of a range of `days` days that ends with the day of `now`. */
export function firstMoment(days: number, now: number): string {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  return new Date(today - (days - 1) * DAY_MS).toISOString();
}
