// Exponential back-off between attempts up to a cap. Half of each wait is random, so that clients that failed at the
// same moment don't return at the same moment.

export interface Backoff {
  base_ms: number;
  cap_ms: number;
}

/** The wait after failed attempt number `attempt` (from 1). `random` is in [0, 1). */
export function backoffDelay(attempt: number, backoff: Backoff, random: number = Math.random()): number {
  const whole = Math.min(backoff.cap_ms, backoff.base_ms * 2 ** (Math.max(1, attempt) - 1));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** Reads `Retry-After` (seconds or a date) and the finer `retry-after-ms`; null if neither is usable. */
export function readRetryAfter(headers: Headers, now: number = Date.now()): number | null {
  const milliseconds = readNumber(headers.get("retry-after-ms"));
  if (milliseconds !== null) return Math.max(0, milliseconds);
  const text = headers.get("retry-after");
  const seconds = readNumber(text);
  if (seconds !== null) return Math.max(0, seconds * 1000);
  const date = text === null ? Number.NaN : Date.parse(text);
  return Number.isFinite(date) ? Math.max(0, date - now) : null;
}

function readNumber(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
