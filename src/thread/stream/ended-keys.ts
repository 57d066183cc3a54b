// Asks which API keys no longer hold, for as long as something is open that a key opened: a stream of a thread, a
// terminal, a download. What an ended key opened ends within 15 s: the first question comes 13 s at most after the key
// was last known to hold, however long a Worker has remembered that, and is answered within two.
import { withinTime } from "../../lib/time-limit.ts";
import type { Clock } from "./connection.ts";

/** How often to ask. Readers are asked for at each ping. */
export const CHECK_KEYS_MS = 10_000;

// A Worker remembers a key for ten seconds (`CACHED_MS` in http/auth.ts), so three are left for what it opens then.
const FIRST_CHECK_MS = 13_000;
const SOONEST_CHECK_MS = 3_000;
const ANSWER_MS = 2_000;

/**
 * Runs go on while D1 fails, and their users must be able to watch and cancel them. So a key that held this recently
 * still does.
 */
export const TRUSTED_WITHOUT_D1_MS = 15 * 60_000;

/** The key that opened something, and when D1 last said that it holds. */
export interface Opener {
  key_id: string;
  confirmed_at: number;
  /** Null if the key never expires. */
  expires_at: number | null;
}

/**
 * When to ask at the latest, from now on. The others may know more of the same key: then this one does too, so that a
 * key that opens many streams brings no question forward.
 */
export function checkWithin(opener: Opener, others: Opener[], now: number): number {
  for (const { key_id, confirmed_at } of others) {
    if (key_id === opener.key_id) opener.confirmed_at = Math.max(opener.confirmed_at, confirmed_at);
  }
  const left = opener.confirmed_at + FIRST_CHECK_MS - now;
  return Math.min(CHECK_KEYS_MS, Math.max(SOONEST_CHECK_MS, left));
}

export interface KeyCheck {
  ended: Set<string>;
  /** Why D1 could not be asked. */
  failure: unknown;
}

/** Notes in each opener whose key holds that it was confirmed. */
export async function checkKeys(
  clock: Clock,
  openers: Opener[],
  findEnded: (key_ids: string[]) => Promise<string[]>,
): Promise<KeyCheck> {
  const asked_at = clock.now();
  const confirmed = new Map<string, number>();
  for (const { key_id, confirmed_at } of openers) {
    confirmed.set(key_id, Math.max(confirmed_at, confirmed.get(key_id) ?? confirmed_at));
  }
  try {
    const ended = new Set(await withinTime(clock, ANSWER_MS, "D1", findEnded([...confirmed.keys()])));
    for (const opener of openers) if (!ended.has(opener.key_id)) opener.confirmed_at = asked_at;
    return { ended, failure: null };
  } catch (failure) {
    const oldest = clock.now() - TRUSTED_WITHOUT_D1_MS;
    const untrusted = [...confirmed].filter(([, at]) => at < oldest);
    const expired = openers.filter((opener) => isExpired(opener, clock.now()));
    return {
      ended: new Set([...untrusted.map(([key_id]) => key_id), ...expired.map(({ key_id }) => key_id)]),
      failure,
    };
  }
}

export function isExpired({ expires_at }: Pick<Opener, "expires_at">, now: number): boolean {
  return expires_at !== null && expires_at <= now;
}

/**
 * Adds the opener of a stream to a request for a thread's object. Times are relative, because two machines have two
 * clocks.
 */
export function writeOpener(params: URLSearchParams, { key_id, confirmed_at, expires_at }: Opener, now: number): void {
  params.set("key_id", key_id);
  params.set("key_age", String(Math.max(0, now - confirmed_at)));
  if (expires_at !== null) params.set("key_left", String(Math.max(0, expires_at - now)));
}

/** Null if the request names no key, so that there is nothing to ask. */
export function readOpener(params: URLSearchParams, now: number): Opener | null {
  const key_id = params.get("key_id");
  if (key_id === null) return null;
  const left = params.get("key_left");
  return {
    key_id,
    confirmed_at: now - (Number(params.get("key_age")) || 0),
    expires_at: left === null ? null : now + (Number(left) || 0),
  };
}
