// Schedules that are due, as the sweep finds and moves them. `next_at` is moved only from the value that was read, so
// only one of two concurrent sweeps moves it. It is moved after the job was sent, so a sweep that dies sends a job
// twice rather than never.

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
}

/** `next_at <= ?1` alone lets SQLite use the partial index `triggers_due`, which has this order. */
export const READ_DUE_SCHEDULES = `
SELECT user_id, trigger_id, next_at, coalesce(settings ->> '$.cron', '') AS cron, coalesce(settings ->> '$.timezone', '') AS timezone
FROM triggers WHERE next_at <= ?1 AND (next_at, user_id, trigger_id) > (?2, ?3, ?4)
ORDER BY next_at, user_id, trigger_id LIMIT ?5`;

/** The longest due first. `after` is the last schedule of the page before. */
export async function readDueSchedules(
  db: D1Database,
  now: number,
  after: DueSchedule | null,
  limit: number,
): Promise<DueSchedule[]> {
  const read = await db
    .prepare(READ_DUE_SCHEDULES)
    .bind(new Date(now).toISOString(), after?.next_at ?? "", after?.user_id ?? "", after?.trigger_id ?? "", limit)
    .all<DueSchedule>();
  return read.results;
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

/** The oldest waiting due time of each trigger. `rows` limits the rows read, `limit` the rows returned. */
export const READ_WAITING_SCHEDULES = `
SELECT user_id, trigger_id, min(created_at) AS due_at FROM (
  SELECT user_id, trigger_id, created_at FROM trigger_deliveries WHERE status = 'waiting' ORDER BY created_at LIMIT ?1)
GROUP BY user_id, trigger_id ORDER BY due_at LIMIT ?2`;

export async function readWaitingSchedules(db: D1Database, rows: number, limit: number): Promise<WaitingSchedule[]> {
  return (await db.prepare(READ_WAITING_SCHEDULES).bind(rows, limit).all<WaitingSchedule>()).results;
}
