// Which services are not asked for a while. An empty account or a refused key stays so until the operator acts, so asking
// each time would only cost time. Kept in the isolate, for the settings it belongs to.
import type { SearchServiceName, SearchSettings } from "../../../config/search.ts";
import type { SearchFailure } from "./search-service.ts";

export interface Resting {
  /** The failure that a service rests for; null if it may be asked. */
  find(name: SearchServiceName, now: number): { failure: SearchFailure; until: number } | null;
  note(name: SearchServiceName, failure: SearchFailure, now: number): void;
}

/** An operator who tops up an account or changes a key waits this long at most. */
const ACCOUNT_REST_MS = 5 * 60_000;
/** Of a service that asks for a time. */
const MAX_LIMIT_REST_MS = 5 * 60_000;

const known = new WeakMap<SearchSettings, Resting>();

export function restingOf(settings: SearchSettings): Resting {
  const resting = known.get(settings) ?? createResting();
  known.set(settings, resting);
  return resting;
}

function createResting(): Resting {
  const entries = new Map<SearchServiceName, { failure: SearchFailure; until: number }>();
  return {
    find: (name, now) => {
      const entry = entries.get(name);
      return entry !== undefined && now < entry.until ? entry : null;
    },
    note: (name, failure, now) => {
      const rest = restOf(failure);
      if (rest > 0) entries.set(name, { failure, until: now + rest });
    },
  };
}

function restOf({ reason, retry_after_ms }: SearchFailure): number {
  if (reason === "key_refused" || reason === "account_empty") return ACCOUNT_REST_MS;
  return reason === "rate_limited" ? Math.min(retry_after_ms ?? 0, MAX_LIMIT_REST_MS) : 0;
}
