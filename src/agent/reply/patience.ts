// How long a model call waits before it is repeated, and when it gives up. A failure uses up an attempt. A rate limit
// uses up time instead: its server works, and says when it has room again.
import { type Backoff, backoffDelay } from "../../lib/retry.ts";
import type { ModelFailure } from "../model.ts";

/** With the waits below, about eight seconds of failures. A longer outage is for a person to see. */
export const MAX_ATTEMPTS = 5;
const backoff: Backoff = { base_ms: 500, cap_ms: 30_000 };
/** Servers that fail may ask for a wait of hours. A run that shows nothing for so long looks dead. */
const MAX_RETRY_AFTER_MS = 60_000;
/**
 * In all, for one call. Limits by the minute end ten times in it: the lowest tiers allow three requests a minute, and
 * parallel runs share them. A day's limit is not waited out.
 */
export const PATIENCE_MS = 10 * 60_000;
/** A person prefers the next model's answer to a longer wait for this one's. */
const PATIENCE_WITH_FALLBACK_MS = 60_000;

export interface Tries {
  has_fallback: boolean;
  failures: number;
  limits: number;
  /** How long the call may still wait for limits. */
  patience_ms: number;
}

export function newTries(has_fallback: boolean): Tries {
  return { has_fallback, failures: 0, limits: 0, patience_ms: has_fallback ? PATIENCE_WITH_FALLBACK_MS : PATIENCE_MS };
}

/** The wait before the next attempt, counted in `tries`; null if there is none. */
export function planRetry(failure: ModelFailure, tries: Tries): number | null {
  if (!failure.retryable || failure.too_long) return null;
  const asked_ms = failure.retry_after_ms ?? 0;
  if (failure.reason === "rate_limited") {
    tries.limits++;
    // Some servers always ask for a second, whatever is left of the minute, so later waits grow.
    const after_ms = Math.max(asked_ms, backoffDelay(tries.limits, backoff));
    if (after_ms > tries.patience_ms) return null;
    tries.patience_ms -= after_ms;
    return after_ms;
  }
  tries.failures++;
  // Each attempt at a silent server takes minutes, and the next model may answer at once.
  if (tries.has_fallback && failure.reason === "timeout") return null;
  if (tries.failures >= MAX_ATTEMPTS) return null;
  return Math.max(Math.min(asked_ms, MAX_RETRY_AFTER_MS), backoffDelay(tries.failures, backoff));
}

/** What to add to the words of a limit that asks for more than the patience that is left. */
export function describeImpatience({ reason, retryable, retry_after_ms }: ModelFailure, tries: Tries): string {
  if (reason !== "rate_limited" || !retryable || retry_after_ms === null) return "";
  if (retry_after_ms <= tries.patience_ms) return "";
  return ` It asks to wait ${describeWait(retry_after_ms)}. Try again then, or choose another model.`;
}

/** In two units at most: `2 h 5 min`, `90 s`. */
function describeWait(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
