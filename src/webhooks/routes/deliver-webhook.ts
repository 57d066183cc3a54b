// One try of a delivery: claims it in D1, signs and posts it, and records the outcome with the time of the next try.
// The queue is only a timer: a job that is lost, late or repeated changes nothing, since D1 says what is due. A
// receiver's answer is read to its end, so that the receiver can finish, and not stored.
import { describeError, logWarning } from "../../lib/log.ts";
import { describePlatformRefusal, MAX_REFUSAL_CHARACTERS } from "../../lib/network/platform-refusal.ts";
import type { Send } from "../../lib/network/send.ts";
import { whyNotPublic } from "../../lib/public-url.ts";
import { readRetryAfter } from "../../lib/retry.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { HOPS_HEADER } from "../../protocol/chain.ts";
import type { Job } from "../../protocol/job.ts";
import type { DeliveryName } from "../../protocol/webhook.ts";
import { openKeys } from "../../secrets/rotated.ts";
import type { SecretPorts } from "../../secrets/sealed.ts";
import { hopsOf } from "../../store/shapes/delivery.ts";
import { type ClaimedDelivery, claimDelivery, finishTry, type TriedDelivery } from "../../store/webhooks/deliveries.ts";
import { DISABLED, deleteDeliveries } from "../../store/webhooks/webhooks.ts";
import { signDelivery, waitAfter } from "../signing.ts";

/** For the whole try including the answer. A receiver that needs longer should answer first and work afterwards. */
const TRY_MS = 10_000;

/** By then a try and its work in D1 are over or have crashed. */
const LEASE_MS = 30_000;

/** Nobody reads the answer; a longer one is no answer to a webhook. */
const ANSWER_BYTES = 256 * 1024;

/** A receiver is given up after a day without any success and this many failed tries of one delivery. */
const FAILING_MS = 24 * 3_600_000;
const FAILING_TRIES = 5;

/** 410 Gone: the receiver wants no more deliveries. */
const GONE = 410;

/**
 * With the hops header: the trigger refused a delivery that too many webhooks in a row led to, and would always refuse
 * it.
 */
const TOO_MANY_HOPS = 422;

export interface DeliveryPorts extends SecretPorts {
  private_urls_allowed: boolean;
  fetch: Send;
  sendJob(job: Job, delay_ms: number): Promise<void>;
  clock: { now(): number; setTimer(callback: () => void, ms: number): () => void };
  random(): number;
}

interface Tried {
  status: number | null;
  error: string | null;
  retry_after_ms: number | null;
  /** A working receiver refused the delivery because of its hops, so it is not retried. */
  is_refused?: boolean;
}

/** Rejects if D1 fails. The message is then retried, and the delivery becomes due again in any case. */
export async function deliverWebhook(name: DeliveryName, ports: DeliveryPorts): Promise<void> {
  const { database, clock } = ports;
  const claimed = await claimDelivery(database, name, clock.now(), LEASE_MS);
  if (claimed === null) return;
  const { user_id, webhook_id, delivery_id } = name;
  if (claimed.webhook === null) return await deleteDeliveries(database, user_id, webhook_id);
  const begun = clock.now();
  const tried = await tryDelivery(claimed, claimed.webhook, ports);
  const now = clock.now();
  const result = decideNext(claimed, claimed.webhook.enabled, tried, { begun, now }, ports.random());
  const { disabled } = await finishTry(database, claimed, result, now);
  const fields = { user_id, webhook_id, delivery_id, attempt: claimed.attempts, status: tried.status };
  if (tried.error !== null) logWarning("delivery_failed", { ...fields, error: tried.error });
  if (disabled) logWarning("webhook_disabled", { user_id, webhook_id, reason: result.disable?.reason ?? null });
  else if (result.next_attempt_at !== null) await sendNext(name, Date.parse(result.next_attempt_at) - now, ports);
}

/** If the queue does not take the job, the sweep finds the delivery. */
async function sendNext(name: DeliveryName, delay_ms: number, ports: DeliveryPorts): Promise<void> {
  const { user_id, webhook_id, delivery_id } = name;
  try {
    await ports.sendJob({ type: "deliver_webhook", user_id, webhook_id, delivery_id }, delay_ms);
  } catch (error) {
    logWarning("delivery_not_announced", { user_id, webhook_id, delivery_id, error: describeError(error) });
  }
}

function decideNext(
  claimed: ClaimedDelivery,
  enabled: boolean,
  { status, error, retry_after_ms, is_refused = false }: Tried,
  { begun, now }: { begun: number; now: number },
  random: number,
): TriedDelivery {
  const tried = { at: toTime(begun), status, error, duration_ms: now - begun };
  const isGone = status === GONE;
  const wait =
    error === null || isGone || is_refused || !enabled ? null : waitAfter(claimed.attempts, retry_after_ms, random);
  const next_attempt_at = wait === null ? null : toTime(now + wait);
  if (isGone) {
    const reason = "It answered 410 Gone, which asks for no more deliveries.";
    return { tried, next_attempt_at, is_refused, disable: { reason, failing_before: toTime(now) } };
  }
  const mayDisable = error !== null && !is_refused && claimed.attempts >= FAILING_TRIES;
  if (!mayDisable) return { tried, next_attempt_at, is_refused, disable: null };
  const reason = `Nothing has gone through for ${FAILING_MS / 3_600_000} hours. The last try: ${error}`;
  return { tried, next_attempt_at, is_refused, disable: { reason, failing_before: toTime(now - FAILING_MS) } };
}

async function tryDelivery(
  claimed: ClaimedDelivery,
  { url, enabled }: { url: string; enabled: boolean },
  ports: DeliveryPorts,
): Promise<Tried> {
  if (!enabled) return failed(DISABLED);
  // Checked again before each try: the setting may have been different when the address was stored.
  const why = ports.private_urls_allowed ? null : whyNotPublic(url);
  if (why !== null)
    return failed(`The address is not reached: it ${why}, and the server's settings don't permit that.`);
  const keys = claimed.secret === null ? null : await openKeys(ports.encryption_keys, claimed.secret);
  if (keys === null) return failed("The webhook has no secret. Rotate it.");
  if (!keys.ok) return failed(keys.error.detail);
  const signature = await signDelivery(claimed.delivery_id, claimed.payload, keys.value, ports.clock.now());
  const abort = new AbortController();
  try {
    const answered = post(url, claimed.payload, signature, abort.signal, ports);
    return await withinTime(ports.clock, TRY_MS, "the receiver", answered);
  } catch (error) {
    return failed(describeFailure(error));
  } finally {
    abort.abort();
  }
}

async function post(
  url: string,
  body: string,
  signature: Record<string, string>,
  signal: AbortSignal,
  ports: DeliveryPorts,
): Promise<Tried> {
  const headers = {
    "content-type": "application/json",
    "user-agent": "Taskloom/1 (webhook)",
    [HOPS_HEADER]: String(hopsOf(body)),
    ...signature,
  };
  const response = await ports.fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
  const { status } = response;
  const begin = await readBegin(response);
  if (begin === null) return { ...failed("The answer is longer than 256 KiB."), status };
  if (status >= 200 && status < 300) return { status, error: null, retry_after_ms: null };
  if (status === TOO_MANY_HOPS && response.headers.has(HOPS_HEADER)) {
    const error = "It answered 422: too many webhooks in a row led to this delivery. It is not tried again.";
    return { ...failed(error), status, is_refused: true };
  }
  const isRedirect = status >= 300 && status < 400;
  const refused = describePlatformRefusal(begin);
  const error = isRedirect
    ? `It answered ${status}, a redirect, which is not followed.`
    : `${refused === null ? `It answered ${status}` : `It was not reached: ${refused}`}.`;
  const mayAsk = status === 429 || status === 503;
  return { status, error, retry_after_ms: mayAsk ? readRetryAfter(response.headers, ports.clock.now()) : null };
}

/** The beginning of the answer, in which Cloudflare's own are whole; null if the answer is longer than the limit. */
async function readBegin({ body }: Response): Promise<string | null> {
  let begin = "";
  if (body === null) return begin;
  const reader = body.getReader();
  let size = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    size += read.value.byteLength;
    if (begin.length <= MAX_REFUSAL_CHARACTERS) begin += new TextDecoder().decode(read.value.slice(0, 64));
    if (size <= ANSWER_BYTES) continue;
    // Not awaited: the peer may continue to send.
    reader.cancel().catch(() => {});
    return null;
  }
  return begin;
}

function failed(error: string): Tried {
  return { status: null, error, retry_after_ms: null };
}

const NOT_FOUND_OR_PRIVATE =
  "Its name was not found or leads to a private network, or no secure connection to it was possible.";

/** In our own words: the runtime's message may quote the address and says no more. */
function describeFailure(error: unknown): string {
  const text = describeError(error);
  if (/gave no answer within/.test(text)) return `It did not answer within ${TRY_MS / 1000} s.`;
  // workerd says no more, whether it found no address, found none that may be reached, or trusts no certificate. Behind
  // these words is a random reference.
  if (/^(?:Error: )?internal error/.test(text)) return NOT_FOUND_OR_PRIVATE;
  if (/dns|ENOTFOUND/i.test(text)) return "The name of its host was not found.";
  if (/tls|ssl|certificate/i.test(text)) return "No secure connection to it was possible.";
  return "It was not reached, or the connection broke.";
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}
