// How much time is left, in the largest unit that fits.
export interface TimeLeft {
  count: number;
  unit: "hour" | "minute" | "second";
  /** When the text changes. */
  changesInMs: number;
}

const [second, minute, hour] = [1_000, 60_000, 3_600_000];

/** Null where a date says more, and where none is left. */
export function timeLeft(ms: number): TimeLeft | null {
  if (ms <= 0 || ms > 24 * hour) return null;
  const [unit, size] =
    ms >= 2 * hour
      ? (["hour", hour] as const)
      : ms >= minute
        ? (["minute", minute] as const)
        : (["second", second] as const);
  const count = Math.floor(ms / size);
  return { count, unit, changesInMs: (ms % size) + 1 };
}
