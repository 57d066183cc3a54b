// Caches the endpoints of sandboxes' ports for a moment: one page loads a hundred files, and finding an endpoint takes
// requests to the provider. That a sandbox does not run is also cached, but only for seconds. While the provider's API
// is unavailable a known endpoint stays cached, since the sandbox itself may be reachable.
import type { PortEndpoint } from "../../../agent/workspace.ts";
import { putNewest } from "../../../lib/memory/newest.ts";

/** An outdated endpoint leads to a refusal and is then looked up again, so a minute does no harm. */
const CACHED_MS = 60_000;
/** A program's own answer sometimes looks like a refusal. Such answers cause at most one look-up in this time. */
export const LOOK_UP_MS = 3_000;
/** Many requests of one page see at once that their endpoint is outdated. Together they cause one look-up. */
export const LOOK_UP_AGAIN_MS = 250;
const MAX_ENDPOINTS = 1_000;

export interface KnownEndpoint {
  /** Null if the sandbox does not run. */
  endpoint: PortEndpoint | null;
  asked_at: number;
}

export interface EndpointCache {
  /**
   * The cached endpoint if it is younger than `age_ms`, else the result of `find`. Rejects if that fails and none is
   * cached.
   */
  read(key: string, find: () => Promise<PortEndpoint | null>, age_ms?: number): Promise<KnownEndpoint>;
}

export function createEndpointCache(now: () => number): EndpointCache {
  const known = new Map<string, KnownEndpoint>();
  return {
    async read(key, find, age_ms = CACHED_MS) {
      const found = known.get(key);
      const limit = found?.endpoint === null ? LOOK_UP_MS : age_ms;
      if (found !== undefined && found.asked_at > now() - limit) return found;
      const asked_at = now();
      const endpoint = await find().catch((error: unknown) => {
        if (!found?.endpoint) throw error;
        return found.endpoint;
      });
      const fresh = { asked_at, endpoint };
      putNewest(known, key, fresh, MAX_ENDPOINTS);
      return fresh;
    },
  };
}

/** A restarted sandbox needs other headers, and a new sandbox has another address. */
export function isSameEndpoint(one: PortEndpoint, other: PortEndpoint): boolean {
  return one.address === other.address && JSON.stringify(one.headers) === JSON.stringify(other.headers);
}
