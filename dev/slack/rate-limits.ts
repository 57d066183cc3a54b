/**
 * Slack's limits: per method and workspace by the method's tier, and one message per second and channel for posting.
 *
 * Slack promises "at least" so many per minute and tolerates bursts without a promise. This double allows only what is
 * promised: a tier is counted over any sixty seconds, without a burst; posting has the short burst that the page names.
 */
import type { Clock } from "./clock.ts";

const tiers = { tier1: 1, tier2: 20, tier3: 50, tier4: 100 } as const;
/** `assistant.threads.setStatus` and `oauth.v2.access` state this number; for the others the page says "hundreds". */
const special = 600;
/** "Several hundred messages per minute" for a workspace; the page gives no number. */
const postsPerMinute = 300;
const minute = 60_000;

const methodLimits: Record<string, number> = {
  "chat.startStream": tiers.tier2,
  "chat.appendStream": tiers.tier4,
  "chat.stopStream": tiers.tier2,
  "chat.postMessage": postsPerMinute,
  "chat.update": tiers.tier3,
  "chat.delete": tiers.tier3,
  "chat.postEphemeral": tiers.tier4,
  "conversations.replies": tiers.tier3,
  "conversations.history": tiers.tier3,
  "conversations.info": tiers.tier3,
  "conversations.open": tiers.tier3,
  "views.open": tiers.tier4,
  "views.update": tiers.tier4,
  "views.push": tiers.tier4,
  "views.publish": tiers.tier4,
  "assistant.threads.setTitle": tiers.tier4,
  "assistant.threads.setSuggestedPrompts": tiers.tier4,
  "agents.sessions.setStatus": tiers.tier3,
  "agents.sessions.rename": tiers.tier3,
  "auth.revoke": tiers.tier3,
  "apps.uninstall": tiers.tier1,
  "users.info": tiers.tier4,
  "bots.info": tiers.tier3,
  "team.info": tiers.tier3,
};

export interface PostBurst {
  /** Messages that a channel accepts at once after a pause. */
  size: number;
  /** After the burst, one message per this many milliseconds. */
  everyMs: number;
}

export interface RateLimits {
  /** Counts the call and returns 0, or returns the seconds to wait, for `Retry-After`. */
  take(method: string, workspace: string, channel: string | undefined): number;
  /** Overrides Slack's limits for tests: calls of a method per minute. */
  limit(method: string, perMinute: number): void;
  burst(burst: PostBurst): void;
  /** Removes all limits. */
  lift(): void;
}

export function createRateLimits(clock: Clock): RateLimits {
  const limits = new Map(Object.entries(methodLimits));
  const calls = new Map<string, number[]>();
  const buckets = new Map<string, { tokens: number; at: number }>();
  let burst: PostBurst = { size: 3, everyMs: 1000 };
  let lifted = false;

  const windowOf = (key: string): number[] => {
    const kept = (calls.get(key) ?? []).filter((at) => at > clock.now() - minute);
    calls.set(key, kept);
    return kept;
  };
  const bucketOf = (key: string): { tokens: number; at: number } => {
    const now = clock.now();
    const last = buckets.get(key) ?? { tokens: burst.size, at: now };
    const bucket = { tokens: Math.min(burst.size, last.tokens + (now - last.at) / burst.everyMs), at: now };
    buckets.set(key, bucket);
    return bucket;
  };
  const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

  return {
    take(method, workspace, channel) {
      if (lifted) return 0;
      const limit = limits.get(method) ?? special;
      const window = windowOf(`${workspace} ${method}`);
      const oldest = window[window.length - limit];
      if (window.length >= limit) return seconds((oldest ?? clock.now()) + minute - clock.now());
      if (method === "chat.postMessage" && channel !== undefined) {
        const bucket = bucketOf(`${workspace} ${channel}`);
        if (bucket.tokens < 1) return seconds((1 - bucket.tokens) * burst.everyMs);
        bucket.tokens -= 1;
      }
      window.push(clock.now());
      return 0;
    },
    limit: (method, perMinute) => void limits.set(method, perMinute),
    burst: (next) => {
      burst = next;
      buckets.clear();
    },
    lift: () => {
      lifted = true;
    },
  };
}
