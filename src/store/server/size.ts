// How large D1 is. Each of its answers says so, and nothing is asked for it: whoever asks once a minute anyway notes it.
// A number of this isolate, which is as old as its newest answer.

/** From here on operators are warned: a deployment that doubles in a year has months left. */
const WARNING_SHARE = 0.7;

export interface DatabaseSize {
  bytes: number;
  limit_bytes: number;
  /** 1 is full. */
  share: number;
  is_filling: boolean;
  /** When D1 said so, in ms. */
  at: number;
}

let newest: { bytes: number; at: number } | null = null;

/** `meta` is that of an answer of D1. */
export function noteSize(meta: { size_after?: number } | undefined, now: number = Date.now()): void {
  const bytes = meta?.size_after;
  if (typeof bytes === "number" && bytes > 0) newest = { bytes, at: now };
}

/** Null if this isolate has not heard of it. */
export function databaseSize(limit_bytes: number): DatabaseSize | null {
  if (newest === null) return null;
  const { bytes, at } = newest;
  const share = bytes / limit_bytes;
  return { bytes, limit_bytes, share, is_filling: share >= WARNING_SHARE, at };
}
