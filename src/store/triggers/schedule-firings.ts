// The outcome of each due time of a schedule: one row, whose key is derived from trigger and due time, so that a
// repeated job finds it. Its `created_at` is the due time, not the time of writing.
import type { ThreadKey } from "../../protocol/thread.ts";
import type { Trigger, TriggerDeliveryStatus } from "../../protocol/trigger.ts";
import { mayAct } from "../people/acting.ts";

export interface DueTime {
  user_id: string;
  trigger_id: string;
  due_at: string;
  delivery_id: string;
  /**
   * Its outcome ends the due time before it, if that one still waits for room in a quota. The value is when the trigger
   * was fired before, or empty: if that was after the wait began, the former one may have a run already.
   */
  ends_former?: string;
}

export interface Outcome {
  status: TriggerDeliveryStatus;
  reason: string | null;
  run: (ThreadKey & { invocation_id: string }) | null;
  /** When one that waits for room in a quota is first tried again. */
  retry_at?: string;
}

export interface StoredOutcome {
  status: TriggerDeliveryStatus;
  retry_at: string | null;
}

const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

// Waiting rows are the newest ones. Between them are at most this many runs that a person started by hand.
const NEWEST_ROWS = 100;

export async function readOutcome(db: D1Database, due: DueTime): Promise<StoredOutcome | null> {
  return await db
    .prepare(
      "SELECT status, retry_at FROM trigger_deliveries WHERE user_id = ?1 AND trigger_id = ?2 AND created_at = ?3 AND delivery_id = ?4",
    )
    .bind(due.user_id, due.trigger_id, due.due_at, due.delivery_id)
    .first<StoredOutcome>();
}

/**
 * Records the outcome of a due time. A started run overrides any other outcome; without one, a waiting outcome may
 * change and a final one stays. One that waits may begin to wait for room, once. A trigger deleted in the meantime gets no row. Also deletes rows that are 30 days
 * older.
 */
export async function recordOutcome(db: D1Database, due: DueTime, outcome: Outcome): Promise<void> {
  const { user_id, trigger_id, due_at, delivery_id, ends_former } = due;
  const { status, reason, run, retry_at } = outcome;
  const oldest = new Date(Date.parse(due_at) - KEPT_MS).toISOString();
  await db.batch([
    db
      .prepare(
        `INSERT INTO trigger_deliveries
           (user_id, trigger_id, created_at, delivery_id, status, reason, source_id, thread_id, invocation_id, retry_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?3, ?7, ?8, ?9
         WHERE EXISTS (SELECT 1 FROM triggers WHERE user_id = ?1 AND trigger_id = ?2)
         ON CONFLICT DO UPDATE SET status = excluded.status, reason = excluded.reason, thread_id = excluded.thread_id,
           invocation_id = excluded.invocation_id, retry_at = excluded.retry_at
         WHERE status = 'waiting' AND (excluded.status <> 'waiting' OR retry_at IS NULL AND excluded.retry_at IS NOT NULL)
           OR status <> 'accepted' AND excluded.status = 'accepted'`,
      )
      .bind(
        user_id,
        trigger_id,
        due_at,
        delivery_id,
        status,
        reason,
        run?.thread_id ?? null,
        run?.invocation_id ?? null,
        retry_at ?? null,
      ),
    db
      .prepare("DELETE FROM trigger_deliveries WHERE user_id = ?1 AND trigger_id = ?2 AND created_at < ?3")
      .bind(user_id, trigger_id, oldest),
    ...(ends_former === undefined
      ? []
      : [db.prepare(END_FORMER).bind(user_id, trigger_id, due_at, saySuperseded(due_at), ends_former)]),
  ]);
}

/** Reads the row before the due time. What it leaves, such as one behind a run by hand, ends when it is tried again. */
const END_FORMER = `
UPDATE trigger_deliveries SET status = 'skipped', reason = ?4
WHERE user_id = ?1 AND trigger_id = ?2 AND status = 'waiting' AND retry_at > ?5 AND created_at = (
  SELECT max(created_at) FROM trigger_deliveries WHERE user_id = ?1 AND trigger_id = ?2 AND created_at < ?3)`;

export function saySuperseded(later: string): string {
  return `There was no room for it before ${later}, when the schedule was due again.`;
}

/**
 * Makes this run the trigger's newest. Of two concurrent due times one succeeds, and the other sees a run before it.
 * False if the newest run is neither the one that was read nor this one, or if the trigger is gone or paused, or its user
 * may not act.
 */
export async function claimRun(
  db: D1Database,
  { user_id, trigger_id, last_invocation_id }: Trigger,
  run: { thread_id: string; invocation_id: string },
  now: number,
): Promise<boolean> {
  const claimed = await db
    .prepare(
      `UPDATE triggers SET last_thread_id = ?3, last_invocation_id = ?4, last_fired_at = ?6
       WHERE user_id = ?1 AND trigger_id = ?2 AND enabled = 1
         AND (last_invocation_id IS ?5 OR last_invocation_id = ?4) AND ${mayAct("?1")}`,
    )
    .bind(user_id, trigger_id, run.thread_id, run.invocation_id, last_invocation_id, new Date(now).toISOString())
    .run();
  return claimed.meta.changes > 0;
}

/** The due times of a trigger that wait for the run before them, oldest first. */
export async function listWaiting(db: D1Database, user_id: string, trigger_id: string): Promise<DueTime[]> {
  const waiting = await db
    .prepare(
      `SELECT user_id, trigger_id, created_at AS due_at, delivery_id FROM (
         SELECT * FROM trigger_deliveries WHERE user_id = ?1 AND trigger_id = ?2 ORDER BY created_at DESC LIMIT ?3)
       WHERE status = 'waiting' ORDER BY created_at`,
    )
    .bind(user_id, trigger_id, NEWEST_ROWS)
    .all<DueTime>();
  return waiting.results;
}
