// Holds users to the quotas that are rates, and to those of what is open. Nothing here writes to D1 or asks a thread's
// object. What this isolate refuses costs a look into its memory.
//
// A user's requests may come to many isolates. Where the number matters to others, an isolate that sees more than a
// tenth of a quota asks Cloudflare's rate limits, which count for a location. So usual requests ask nobody.
import { configOf, type Env } from "../../config.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import type { Failure } from "../../protocol/error.ts";
import { exceeded, type LimitName, limits, type Quotas, quotaOf } from "../../protocol/money/quotas.ts";
import { endSilentStreams } from "../../thread/stream/streams-here.ts";
import { type Counts, createCounts } from "./counts.ts";

/** Whose quotas count. */
export interface Holder {
  user_id: string;
  /** An admin's numbers for this user. */
  quotas?: Quotas | null;
}

/** The part of a quota that each isolate may use without a question. */
const UNASKED_PART = 0.1;
/** Of the binding USER_LIMIT in wrangler.toml. A quota is spread over as many of its counters as it needs. */
const COUNTER_LIMIT = 10;
const WINDOW_SECONDS = 60;
/** Enough to find out why a client fails. */
const LINES_A_MINUTE = 120;
/** Of refused bodies, which may be 16 MiB. Whoever comes too often reads in the first answers how long to wait. */
const DROPS_A_MINUTE = 60;
/** Until something that is open may be closed. */
const CLOSED_SECONDS = 5;

const known = new WeakMap<Env, Counts>();

function countsOf(env: Env): Counts {
  const counts = known.get(env) ?? createCounts();
  known.set(env, counts);
  return counts;
}

/** Counts one, or returns the refusal. */
export async function takeOne(env: Env, holder: Holder, name: LimitName, now = Date.now()): Promise<Failure | null> {
  const quota = quotaOf(configOf(env), holder.quotas, name);
  const key = `${name}/${holder.user_id}`;
  const counts = countsOf(env);
  const { wait_ms, taken, total } = counts.take(key, quota, now);
  if (wait_ms > 0) return refuse(counts, key, holder, exceeded(name, quota, Math.ceil(wait_ms / 1000)), now);
  if (limits[name].counted !== "location" || taken <= quota * UNASKED_PART) return null;
  const counter = total % Math.ceil(quota / COUNTER_LIMIT);
  if (await isWithin(env, `${key}/${counter}`)) return null;
  counts.refuse(key, now);
  return refuse(counts, key, holder, exceeded(name, quota, WINDOW_SECONDS), now);
}

/** What `takeOne` would refuse, as far as this isolate knows. Takes nothing. */
export function peekOne(env: Env, holder: Holder, name: LimitName, now = Date.now()): Failure | null {
  const quota = quotaOf(configOf(env), holder.quotas, name);
  const key = `${name}/${holder.user_id}`;
  const counts = countsOf(env);
  const wait_ms = counts.waitFor(key, quota, now);
  return wait_ms === 0 ? null : refuse(counts, key, holder, exceeded(name, quota, Math.ceil(wait_ms / 1000)), now);
}

/** The refusal of what another place has counted. */
export function refuseOne(env: Env, holder: Holder, name: LimitName, retry_after_s: number, now = Date.now()): Failure {
  const quota = quotaOf(configOf(env), holder.quotas, name);
  return refuse(countsOf(env), `${name}/${holder.user_id}`, holder, exceeded(name, quota, retry_after_s), now);
}

/** Whether the log may have one more line of those that `key` names. A flood must not cost the operator a line each. */
export function takeLine(env: Env, key: string, now = Date.now()): boolean {
  return countsOf(env).take(key, LINES_A_MINUTE, now).wait_ms === 0;
}

/**
 * Whether the body of a refused request may be read and dropped. Those of a flood are cut off, which costs nothing. All
 * who have no key that is known count together.
 */
export function takeDrop(env: Env, user_id: string | null, now = Date.now()): boolean {
  return countsOf(env).take(`drops/${user_id ?? ""}`, DROPS_A_MINUTE, now).wait_ms === 0;
}

/** Whether to say this: once a minute, as far as this isolate knows. */
export function takeNotice(env: Env, key: string, now = Date.now()): boolean {
  return countsOf(env).takeNotice(key, now);
}

/** Counts something that is open until `close` is called, and no longer than `lives_ms`. */
export function openOne(
  env: Env,
  holder: Holder,
  name: LimitName,
  lives_ms?: number,
): { close: () => void } | { refusal: Failure } {
  const quota = quotaOf(configOf(env), holder.quotas, name);
  const key = `${name}/${holder.user_id}`;
  const counts = countsOf(env);
  const now = Date.now();
  const open = () => counts.open(key, quota, now, lives_ms);
  // Some may be of objects that have ended without a word.
  const close = open() ?? (name === "streams" && endSilentStreams(now) ? open() : null);
  if (close !== null) return { close };
  return { refusal: refuse(counts, key, holder, exceeded(name, quota, CLOSED_SECONDS), now) };
}

/** A missing or failing rate limit keeps nobody out. */
async function isWithin(env: Env, key: string): Promise<boolean> {
  try {
    return (await env.USER_LIMIT?.limit({ key }))?.success ?? true;
  } catch (error) {
    logWarning("rate_limit_failed", { name: "USER_LIMIT", error: describeError(error) });
    return true;
  }
}

function refuse(counts: Counts, key: string, { user_id }: Holder, failure: Failure, now: number): Failure {
  if (counts.takeNotice(key, now)) logWarning("quota_exceeded", { user_id, quota: key.slice(0, key.indexOf("/")) });
  return failure;
}
