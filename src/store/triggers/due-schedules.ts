// Schedules that are due, as the sweep finds and moves them. `next_at` is moved only from the value that was read, so
// only one of two concurrent sweeps moves it. It is moved after the job was sent, so a sweep that dies sends a job
// twice rather than never. Schedules of users who may not act take no turns; they are moved on without a job, so that what
// they missed is not made up for.
import { mayAct, quotasOf } from "../people/acting.ts";

export interface DueSchedule {
  user_id: string;
  trigger_id: string;
  next_at: string;
  cron: string;
  timezone: string;
}

/** A schedule as it was read, with its next due time; null means never. */
export interface MovedSchedule extends Pick<DueSchedule, "user_id" | "trigger_id" | "next_at"> {
  following: string | null;
}

/** A schedule that can't be read any more. `due_at` and `delivery_id` belong to the log row that says so. */
export interface ParkedSchedule extends MovedSchedule {
  following: null;
  delivery_id: string;
  reason: string;
}

export interface WaitingSchedule {
  user_id: string;
  trigger_id: string;
  due_at: string;
  /** Null if it waits for the run before it, and not for room in a quota. */
  retry_at: string | null;
}

/**
 * Users take turns: the first due schedule of each user comes before the second of any. Only `triggers_due` is read to
 * rank them, since its entries hold the key, and settings only of those that are returned.
 */
export const READ_DUE_SCHEDULES = `
SELECT user_id, trigger_id, due.next_at AS next_at, coalesce(settings ->> '$.cron', '') AS cron, coalesce(settings ->> '$.timezone', '') AS timezone
FROM (
  SELECT user_id, trigger_id, next_at, turn FROM (
    SELECT user_id, trigger_id, next_at, row_number() OVER (PARTITION BY user_id ORDER BY next_at, trigger_id) AS turn
    FROM triggers WHERE next_at <= ?1 AND ${mayAct("triggers.user_id")}) AS ranked
  WHERE turn <= ?2 ORDER BY turn, next_at, user_id LIMIT ?3) AS due
JOIN triggers USING (user_id, trigger_id) ORDER BY turn, next_at, user_id`;

/** Of each user at most `limits.user`, the longest due first. */
export async function readDueSchedules(
  db: D1Database,
  now: number,
  limits: { user: number; all: number },
): Promise<DueSchedule[]> {
  const read = await db
    .prepare(READ_DUE_SCHEDULES)
    .bind(new Date(now).toISOString(), limits.user, limits.all)
    .all<DueSchedule>();
  return read.results;
}

const READ_RESTING_SCHEDULES = `
SELECT user_id, trigger_id, next_at, coalesce(settings ->> '$.cron', '') AS cron, coalesce(settings ->> '$.timezone', '') AS timezone
FROM triggers WHERE next_at <= ?1 AND NOT ${mayAct("triggers.user_id")} LIMIT ?2`;

/** Due schedules of users who may not act. */
export async function readRestingSchedules(db: D1Database, now: number, limit: number): Promise<DueSchedule[]> {
  return (await db.prepare(READ_RESTING_SCHEDULES).bind(new Date(now).toISOString(), limit).all<DueSchedule>()).results;
}

export const MOVE_SCHEDULES = `
UPDATE triggers SET next_at = moved.value ->> '$.following' FROM json_each(?1) AS moved
WHERE triggers.user_id = moved.value ->> '$.user_id' AND triggers.trigger_id = moved.value ->> '$.trigger_id'
  AND triggers.next_at = moved.value ->> '$.next_at'`;

export async function moveSchedules(db: D1Database, moved: MovedSchedule[]): Promise<void> {
  if (moved.length > 0) await db.prepare(MOVE_SCHEDULES).bind(JSON.stringify(moved)).run();
}

/** Disables schedules, each with a row in its log that says why. */
export async function parkSchedules(db: D1Database, parked: ParkedSchedule[], now: number): Promise<void> {
  if (parked.length === 0) return;
  const json = JSON.stringify(parked);
  await db.batch([
    db
      .prepare(
        `INSERT OR IGNORE INTO trigger_deliveries (user_id, trigger_id, created_at, delivery_id, status, reason, source_id)
         SELECT user_id, trigger_id, next_at, parked.value ->> '$.delivery_id', 'refused', parked.value ->> '$.reason', next_at
         FROM json_each(?1) AS parked JOIN triggers ON user_id = parked.value ->> '$.user_id'
           AND trigger_id = parked.value ->> '$.trigger_id' AND next_at = parked.value ->> '$.next_at'`,
      )
      .bind(json),
    db
      .prepare(
        `UPDATE triggers SET enabled = 0, next_at = NULL, updated_at = ?2 FROM json_each(?1) AS parked
         WHERE triggers.user_id = parked.value ->> '$.user_id' AND triggers.trigger_id = parked.value ->> '$.trigger_id'
           AND triggers.next_at = parked.value ->> '$.next_at'`,
      )
      .bind(json, new Date(now).toISOString()),
  ]);
}

/**
 * A third of what a user may start in a minute is for due times that wait for room: the user's other runs find room, too,
 * and a thousand due times are done in less than half an hour.
 */
const RETRIED_PART = 3;

/**
 * The oldest waiting due time of each trigger; users take turns here too. Of those that wait for room in a quota, the
 * ones that have waited the longest, no more than may find some. The index is named, since SQLite would rather read the
 * whole table in the order of its groups.
 */
export const READ_WAITING_SCHEDULES = `
SELECT user_id, trigger_id, due_at, retry_at FROM (
  SELECT user_id, trigger_id, due_at, retry_at,
    row_number() OVER (PARTITION BY user_id, retry_at IS NULL ORDER BY retry_at, due_at, trigger_id) AS turn
  FROM (
    SELECT user_id, trigger_id, min(created_at) AS due_at, retry_at
    FROM trigger_deliveries INDEXED BY trigger_deliveries_waiting WHERE status = 'waiting' GROUP BY user_id, trigger_id
  ) AS oldest WHERE (retry_at IS NULL OR retry_at <= ?2) AND ${mayAct("oldest.user_id")}) AS ranked
WHERE retry_at IS NULL
  OR turn <= max(1, coalesce(${quotasOf("ranked.user_id")} ->> '$.runs_per_minute', ?3) / ${RETRIED_PART})
ORDER BY turn, due_at, user_id LIMIT ?1`;

const SKIP_WAITING = `
UPDATE trigger_deliveries INDEXED BY trigger_deliveries_waiting SET status = 'skipped', reason = ?2
WHERE status = 'waiting' AND user_id = ?1`;

/** Ends the waiting due times of a user. Reads the index over those of all users, who have few. */
export async function skipWaiting(db: D1Database, user_id: string, reason: string): Promise<void> {
  await db.prepare(SKIP_WAITING).bind(user_id, reason).run();
}

/** `runs`: how many a user may start in a minute. */
export async function readWaitingSchedules(
  db: D1Database,
  now: number,
  limits: { runs: number; all: number },
): Promise<WaitingSchedule[]> {
  const asked = db.prepare(READ_WAITING_SCHEDULES).bind(limits.all, new Date(now).toISOString(), limits.runs);
  return (await asked.all<WaitingSchedule>()).results;
}

const END_RETRIES = `
UPDATE trigger_deliveries SET status = 'skipped', reason = reason || ' ' || ?2
WHERE status = 'waiting' AND (user_id, trigger_id, created_at, delivery_id) IN (
  SELECT user_id, trigger_id, created_at, delivery_id FROM trigger_deliveries INDEXED BY trigger_deliveries_waiting
  WHERE status = 'waiting' AND retry_at <= ?1 LIMIT ?3)`;

/** Skips due times that were first to be tried again at `since` or earlier. Returns how many. */
export async function endRetries(db: D1Database, since: string, reason: string, limit: number): Promise<number> {
  return (await db.prepare(END_RETRIES).bind(since, reason, limit).run()).meta.changes;
}
