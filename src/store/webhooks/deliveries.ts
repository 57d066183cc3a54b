// Pending deliveries. D1 holds the schedule: whoever moves `next_attempt_at` owns the try, and moves it in one guarded
// statement, so only one of twenty concurrent jobs sends it. The new time is after the end of the try, so a try that
// crashed becomes due again by itself.
import { and, desc, eq, lt, sql } from "drizzle-orm";
import { type Result, succeed } from "../../protocol/error.ts";
import { firstIdAt } from "../../protocol/ids.ts";
import { fixedLimits } from "../../protocol/money/quotas.ts";
import type { Page, PageRequest } from "../../protocol/page.ts";
import {
  type Delivery,
  type DeliveryEvent,
  type DeliveryName,
  type DeliveryStatus,
  type DeliveryTry,
  PING,
} from "../../protocol/webhook.ts";
import { open } from "../database.ts";
import { readPosition, toPage } from "../page.ts";
import { mayAct } from "../people/acting.ts";
import { deliveries, webhooks } from "../schema.ts";
import type { Secret } from "../secrets.ts";
import { appendTry, MAX_TRIES_PER_MINUTE } from "./tries.ts";
import { endWaiting } from "./webhooks.ts";

/** How long a finished delivery can be read and replayed. */
const KEPT_MS = 30 * 24 * 3_600_000;

/** How many old deliveries the end of one may delete: more than one, so that a backlog shrinks. */
const DELETED_AT_ONCE = 20;

/** The limit of all webhooks of a user together. */
const ATTEMPTS = fixedLimits.webhook_attempts_per_minute;

// The clocks of the queue and the server may differ, and a second early does no harm.
const EARLY_MS = 1_000;

// A delivery that was never tried can be claimed at any time, even before the sweep would look for it. One that is not
// claimed because of the limit of its webhook or its user, or because its webhook is not verified, stays due, and the sweep looks at it again. One
// of a disabled webhook is claimed, and ends without a request. What a disabled user has waits until the user is enabled.
const claim = () => `
UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = ?5
WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id = ?3 AND status = 'pending'
  AND (attempts = 0 OR next_attempt_at <= ?4) AND ${mayAct("?1")}
  AND (SELECT coalesce(sum(iif(sent_minute = ?6, sent_count, 0)), 0) FROM webhooks WHERE user_id = ?1) < ${ATTEMPTS.usual}
  AND NOT EXISTS (
    SELECT 1 FROM webhooks AS w WHERE w.user_id = ?1 AND w.webhook_id = ?2 AND (
      (w.sent_minute = ?6 AND w.sent_count >= ${MAX_TRIES_PER_MINUTE})
      OR (w.unverified_since IS NOT NULL AND w.enabled = 1 AND deliveries.event <> '${PING}')))
RETURNING attempts, event, payload`;

/** Counts the try that was claimed until ?4. */
const COUNT_TRY = `
UPDATE webhooks SET sent_count = iif(sent_minute = ?5, sent_count + 1, 1), sent_minute = ?5
WHERE user_id = ?1 AND webhook_id = ?2 AND EXISTS (
  SELECT 1 FROM deliveries WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id = ?3 AND next_attempt_at = ?4)`;

export interface ClaimedDelivery extends DeliveryName {
  /** The number of this try. */
  attempts: number;
  event: DeliveryEvent;
  /** The exact JSON that is sent. */
  payload: string;
  /** Identifies this try: the time that it moved the delivery to. */
  lease: string;
  /** Null if the webhook was deleted. */
  webhook: { url: string; enabled: boolean } | null;
  secret: Secret | null;
}

/** Null if the delivery has ended, is being tried, is not due yet, has to wait or does not exist. */
export async function claimDelivery(
  db: D1Database,
  name: DeliveryName,
  now: number,
  lease_ms: number,
): Promise<ClaimedDelivery | null> {
  const key = keyOf(name);
  const [user_id, webhook_id] = key;
  const lease = toTime(now + lease_ms);
  const minute = Math.floor(now / 60_000);
  const [claimed, webhook, secret] = await db.batch([
    db.prepare(claim()).bind(...key, toTime(now + EARLY_MS), lease, minute),
    db.prepare("SELECT url, enabled FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2").bind(user_id, webhook_id),
    db.prepare("SELECT * FROM secrets WHERE user_id = ?1 AND kind = 'webhook' AND name = ?2").bind(user_id, webhook_id),
    db.prepare(COUNT_TRY).bind(...key, lease, minute),
  ]);
  const row = claimed?.results[0] as Pick<ClaimedDelivery, "attempts" | "event" | "payload"> | undefined;
  if (row === undefined) return null;
  const found = webhook?.results[0] as { url: string; enabled: number } | undefined;
  return {
    ...name,
    ...row,
    lease,
    webhook: found === undefined ? null : { url: found.url, enabled: found.enabled === 1 },
    secret: (secret?.results[0] as Secret | undefined) ?? null,
  };
}

// If the delivery was replayed or ended in the meantime, only the try is recorded: another try owns it now. But a
// success makes it delivered, even if it was just given up.
const IS_OURS = "((status = 'pending' AND next_attempt_at = ?4) OR (status = 'failed' AND ?6 = 'delivered'))";

const NOTE_TRY = `
UPDATE deliveries SET tries = ${appendTry("?5")}, status = iif(${IS_OURS}, ?6, status),
  finished_at = iif(${IS_OURS}, ?8, finished_at), next_attempt_at = iif(${IS_OURS}, ?7, next_attempt_at)
WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id = ?3`;

/** ?4 is the event that was delivered; null if a working receiver refused one. */
const NOTE_SUCCESS = `
UPDATE webhooks SET failing_since = NULL, unverified_since = iif(?4 = '${PING}', NULL, unverified_since)
WHERE user_id = ?1 AND webhook_id = ?2 AND url = ?3
  AND (failing_since IS NOT NULL OR (?4 = '${PING}' AND unverified_since IS NOT NULL))`;

const NOTE_FAILURE = `
UPDATE webhooks SET failing_since = ?4
WHERE user_id = ?1 AND webhook_id = ?2 AND failing_since IS NULL AND enabled = 1 AND url = ?3`;

const DISABLE = `
UPDATE webhooks SET enabled = 0, disabled_at = ?4, disabled_reason = ?5
WHERE user_id = ?1 AND webhook_id = ?2 AND enabled = 1 AND url = ?3 AND failing_since <= ?6
RETURNING webhook_id`;

const DELETE_OLD = `
DELETE FROM deliveries WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id IN (
  SELECT delivery_id FROM deliveries
  WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id < ?3 AND finished_at < ?4 LIMIT ${DELETED_AT_ONCE})`;

export interface TriedDelivery {
  tried: DeliveryTry;
  /** When to try again; null if it was delivered or that was the last try. */
  next_attempt_at: string | null;
  /** Disables the webhook if every try since `failing_before` has failed. */
  disable: { reason: string; failing_before: string } | null;
  /** A working receiver refused it because of what led to it. */
  is_refused: boolean;
}

/** Records the outcome of a try. Returns whether this disabled the webhook. */
export async function finishTry(
  db: D1Database,
  claimed: ClaimedDelivery,
  { tried, next_attempt_at, disable, is_refused }: TriedDelivery,
  now: number,
): Promise<{ disabled: boolean }> {
  const key = keyOf(claimed);
  const [user_id, webhook_id] = key;
  const hook = [user_id, webhook_id, claimed.webhook?.url ?? ""];
  const status: DeliveryStatus = tried.error === null ? "delivered" : next_attempt_at === null ? "failed" : "pending";
  const finished_at = status === "pending" ? null : toTime(now);
  const statements = [
    db.prepare(NOTE_TRY).bind(...key, claimed.lease, JSON.stringify(tried), status, next_attempt_at, finished_at),
    status === "delivered" || is_refused
      ? db.prepare(NOTE_SUCCESS).bind(...hook, is_refused ? null : claimed.event)
      : db.prepare(NOTE_FAILURE).bind(...hook, toTime(now)),
  ];
  if (disable !== null) {
    statements.push(db.prepare(DISABLE).bind(...hook, toTime(now), disable.reason, disable.failing_before));
    statements.push(endWaiting(db, user_id, webhook_id, now));
  }
  if (status !== "pending") {
    const before = now - KEPT_MS;
    statements.push(db.prepare(DELETE_OLD).bind(user_id, webhook_id, firstIdAt("del", before), toTime(before)));
  }
  const results = await db.batch(statements);
  return { disabled: disable !== null && (results[2]?.results.length ?? 0) > 0 };
}

/** About as many as a webhook may send until the next sweep; more would be jobs that claim nothing. */
export const MAX_OVERDUE_PER_WEBHOOK = 100;

/**
 * Overdue deliveries that may be sent. Users take turns, and of a user the webhooks; of a webhook, the longest overdue
 * comes first. Of `deliveries`, only entries of the partial index `deliveries_due` are read, which the literal condition
 * lets SQLite use, and the events of webhooks that are not verified. Those of a disabled webhook are listed, since their
 * try ends them. Those of users who may not act are not.
 */
export const LIST_OVERDUE = `
SELECT user_id, webhook_id, delivery_id FROM (
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY place, next_attempt_at) AS turn FROM (
    SELECT user_id, webhook_id, delivery_id, next_attempt_at,
      row_number() OVER (PARTITION BY user_id, webhook_id ORDER BY next_attempt_at) AS place
    FROM deliveries AS due WHERE next_attempt_at IS NOT NULL AND next_attempt_at < ?1 AND ${mayAct("due.user_id")}
    AND NOT EXISTS (
      SELECT 1 FROM webhooks AS w
      WHERE w.user_id = due.user_id AND w.webhook_id = due.webhook_id AND w.unverified_since IS NOT NULL
        AND w.enabled = 1 AND '${PING}' <> (SELECT event FROM deliveries AS it WHERE it.user_id = due.user_id
          AND it.webhook_id = due.webhook_id AND it.delivery_id = due.delivery_id)))
  WHERE place <= ${MAX_OVERDUE_PER_WEBHOOK})
ORDER BY turn, next_attempt_at LIMIT ?2`;

export async function listOverdue(db: D1Database, before: number, limit: number): Promise<DeliveryName[]> {
  return (await db.prepare(LIST_OVERDUE).bind(toTime(before), limit).all<DeliveryName>()).results;
}

/**
 * A webhook that is sent more than its limit a minute lets through would have ever more that wait. What is overdue
 * beyond an hour's worth ends, and a person can replay it.
 */
const MAX_WAITING = 10_000;

/** A statement of D1 has half a minute; the next sweep ends as many. */
const ENDED_AT_ONCE = 5_000;

const END_SURPLUS = `
UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = ?2, tries = ${appendTry("?3")}
WHERE next_attempt_at < ?1 AND (user_id, webhook_id, delivery_id) IN (
  SELECT user_id, webhook_id, delivery_id FROM (
    SELECT user_id, webhook_id, delivery_id,
      row_number() OVER (PARTITION BY user_id, webhook_id ORDER BY next_attempt_at) AS place
    FROM deliveries WHERE next_attempt_at IS NOT NULL AND next_attempt_at < ?1)
  WHERE place > ${MAX_WAITING} LIMIT ${ENDED_AT_ONCE})`;

/** Ends the newest of a webhook's overdue deliveries if too many wait. */
export async function endSurplus(db: D1Database, before: number, now: number): Promise<void> {
  const error = `More than ${MAX_WAITING} deliveries were waiting, so this one was not sent. Replay it later.`;
  const last = { at: toTime(now), status: null, error, duration_ms: 0 };
  await db.prepare(END_SURPLUS).bind(toTime(before), toTime(now), JSON.stringify(last)).run();
}

/** Newest first, by their ids, which sort by time of creation. */
export async function listDeliveries(
  db: D1Database,
  user_id: string,
  webhook_id: string,
  request: PageRequest & { status: DeliveryStatus | null },
): Promise<Result<Page<Delivery>>> {
  const position = readPosition(request.cursor);
  if (!position.ok) return position;
  const rows = await open(db)
    .select()
    .from(deliveries)
    .where(
      and(
        eq(deliveries.user_id, user_id),
        eq(deliveries.webhook_id, webhook_id),
        position.value ? lt(deliveries.delivery_id, position.value[1]) : undefined,
        request.status ? eq(deliveries.status, request.status) : undefined,
        // Those of a deleted webhook may still be there.
        sql`EXISTS (SELECT 1 FROM ${webhooks} WHERE ${and(eq(webhooks.user_id, user_id), eq(webhooks.webhook_id, webhook_id))})`,
      ),
    )
    .orderBy(desc(deliveries.delivery_id))
    .limit(request.limit + 1);
  return succeed(
    toPage(
      rows,
      request.limit,
      (row) => row,
      (row) => [row.created_at, row.delivery_id],
    ),
  );
}

function keyOf({ user_id, webhook_id, delivery_id }: DeliveryName): [string, string, string] {
  return [user_id, webhook_id, delivery_id];
}

function toTime(ms: number): string {
  return new Date(ms).toISOString();
}
