// Arithmetic of figures that may be missing.

export function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Null where either value is missing. */
export function difference(one: number | null | undefined, other: number | null | undefined): number | null {
  return one == null || other == null ? null : one - other;
}

/** Null where either value is missing, or nothing can be compared. */
export function ratio(one: number | null | undefined, other: number | null | undefined): number | null {
  return one == null || other == null || other <= 0 ? null : one / other;
}

export function present(values: (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

export function divide(value: number | null, by: number): number | null {
  return value === null ? null : value / by;
}

export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
