// Which services are not asked for a while. An empty account or a refused key stays so until the operator acts, so
// asking each time would only cost time. Kept in the isolate, for the settings it belongs to.
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

/** A deployment has one; tests and previews have a few in one isolate. */
const MAX_KNOWN = 16;

const known = new Map<string, Resting>();

/**
 * Each object reads the settings for itself, so they are recognized by what is in them. A new key begins without a
 * rest.
 */
export function restingOf({ services }: Pick<SearchSettings, "services">): Resting {
  const key = JSON.stringify(services);
  const resting = known.get(key) ?? createResting();
  known.set(key, resting);
  const [oldest] = known.keys();
  if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  return resting;
}

export function createResting(): Resting {
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
