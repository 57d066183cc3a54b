// Asks services one after the other until one answers. A rate limit of a second, as small plans have, is waited for if
// no other service answers: calls of one message run at the same time.
import type { CallSpending } from "../../../agent/spending.ts";
import type { SearchServiceName } from "../../../config/search.ts";
import { logWarning } from "../../../lib/log.ts";
import type { Failure } from "../../../protocol/error.ts";
import type { Resting } from "./resting.ts";
import type { FoundPage, SearchFailure, SearchRequest, SearchService } from "./search-service.ts";

export interface Asking {
  services: SearchService[];
  resting: Resting;
  now: () => number;
  spending: CallSpending;
  /** Counts a search, or refuses it. */
  take: () => Promise<Failure | null>;
  /** Rejects with the signal's reason once that aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export type Asked =
  | { ok: true; service: SearchServiceName; pages: FoundPage[] }
  | { ok: false; failures: SearchFailure[] };

/** Services answer within two seconds, SearXNG within its own limit of some seconds. */
const SERVICE_LIMIT_MS = 10_000;
/** For all together. A search that takes longer holds up more than it helps. */
export const SEARCH_LIMIT_MS = 30_000;
/** The longest wait for a rate limit, and the one for a service that names none. */
const MAX_WAIT_MS = 3000;
const USUAL_WAIT_MS = 1100;
/** Several calls wait at the same time, and one of them is let through each second. */
const MAX_WAITS = 4;

/**
 * Throws only the reason of `signal`. It is one search, whichever services it asks and however often, and none if it asks
 * only those that ask a model.
 */
export async function askInOrder(given: Asking, request: SearchRequest, signal: AbortSignal): Promise<Asked> {
  let taken: Promise<Failure | null> | null = null;
  const take = () => {
    taken ??= given.take();
    return taken;
  };
  const asking = { ...given, take };
  const end = asking.now() + SEARCH_LIMIT_MS;
  const failures = new Map<SearchServiceName, SearchFailure>();
  for (let waits = 0; ; waits++) {
    const asked = await askEach(asking, request, end, signal, failures);
    if (asked !== null) return asked;
    const wait = waits < MAX_WAITS ? findWait([...failures.values()]) : null;
    if (wait === null || asking.now() + wait >= end) return { ok: false, failures: [...failures.values()] };
    await asking.sleep(wait, signal);
  }
}

/** Null if none answers; then `failures` says why. Those that failed for another reason than a rate are asked once. */
async function askEach(
  { services, resting, now, spending, take }: Asking,
  request: SearchRequest,
  end: number,
  signal: AbortSignal,
  failures: Map<SearchServiceName, SearchFailure>,
): Promise<Asked | null> {
  for (const service of services) {
    const { name } = service;
    const former = failures.get(name);
    if (former !== undefined && former.reason !== "rate_limited") continue;
    const rest = resting.find(name, now());
    if (rest !== null) {
      failures.set(name, { ...rest.failure, retry_after_ms: rest.until - now() });
      continue;
    }
    const limit_ms = Math.min(service.limit_ms ?? SERVICE_LIMIT_MS, end - now());
    if (limit_ms <= 0) continue;
    const refusal = service.asks_model ? null : await take();
    if (refusal !== null) {
      const retry_after_ms = (refusal.retry_after_s ?? 0) * 1000;
      failures.set(name, { reason: "over_quota", status: null, retry_after_ms });
      continue;
    }
    const outcome = await service.search(request, { now: now(), limit_ms, spending, signal });
    if (outcome.ok) return { ok: true, service: name, pages: outcome.pages };
    const { failure } = outcome;
    logWarning("search_failed", { service: name, ...failure });
    resting.note(name, failure, now());
    failures.set(name, failure);
  }
  return null;
}

/** Null if no service's limit ends soon. */
function findWait(failures: SearchFailure[]): number | null {
  const waits = failures
    .filter(({ reason }) => reason === "rate_limited")
    .map(({ retry_after_ms }) => Math.max(retry_after_ms ?? USUAL_WAIT_MS, 50))
    .filter((wait) => wait <= MAX_WAIT_MS);
  return waits.length > 0 ? Math.min(...waits) : null;
}
