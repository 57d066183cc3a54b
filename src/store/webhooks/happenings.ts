// What happened on a thread becomes deliveries of its user's webhooks in the very transaction that brings it to D1. Each
// statement compares what is about to be written with what is there, and so stands before the one that writes it: a batch
// that comes late, twice, or without its answer having arrived makes nothing more. Where a user has no webhook for it, a
// statement writes nothing.
//
// Runs: one delivery for one that ends. The plan: one for each task that is new, gone, or has another status or text than in
// the row that D1 has; what changed twice between two batches is told once, as it is last. A plan that is too large for its
// row stands in parts, which no statement can compare: of such a change, either way, all tasks are told as they are and none
// as deleted. (The bounds of a plan keep it far below that.)
import { END_HOPS, TASK_HOPS } from "../../protocol/chain.ts";
import { newId } from "../../protocol/ids.ts";
import type { PlanContent } from "../../protocol/plan/task.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import { type DeliveryName, isWebhookEvent, type WebhookPayload } from "../../protocol/webhook.ts";
import type { ThreadBatch } from "../batch.ts";
import { ALIVE } from "../tombstones.ts";

/** A job is sent at once; the clock looks after what it left when this has passed. */
export const FIRST_LOOK_MS = 20_000;

// A plan of all tasks that there may be, for four webhooks. It takes D1 a fraction of the time that a batch has.
const DELIVERIES_PER_BATCH = 2_000;

const COLUMNS = `(user_id, webhook_id, delivery_id, event, status, attempts, next_attempt_at, created_at, payload, tries)`;

const subscribed = (event: string) =>
  `w.user_id = ?1 AND w.enabled = 1 AND EXISTS (SELECT 1 FROM json_each(w.events) AS told WHERE told.value = ${event})`;

const TELL_ENDS = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, run.value ->> 'delivery_id', run.value ->> 'event', 'pending', 0, ?5, ?4, run.value -> 'payload', '[]'
FROM webhooks AS w CROSS JOIN json_each(?3) AS run
WHERE ${subscribed("run.value ->> 'event'")} AND ${ALIVE} AND NOT EXISTS (
  SELECT 1 FROM runs WHERE user_id = ?1 AND thread_id = ?2 AND invocation_id = run.value ->> 'invocation_id'
    AND status NOT IN ('queued', 'running'))
ON CONFLICT DO NOTHING
RETURNING user_id, webhook_id, delivery_id`;

/** The stored plan's tasks, each as a row of JSON. */
const STORED_TASKS =
  "messages AS row JOIN json_each(row.content, '$.tasks') AS old ON row.user_id = ?1 AND row.thread_id = ?2 AND row.seq = ?3";

const TELL_TASKS = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, ?6 || '_' || task.place, 'task.updated', 'pending', 0, ?5, ?4, json_object(
  'type', 'task.updated', 'timestamp', ?4, 'data', json_object(
    'thread_id', ?2, 'project_id', ?9, 'invocation_id', ?10,
    'task', json_object('id', task.id, 'status', task.status), 'seq', CAST(?11 AS INTEGER),
    'taskloom_hops', CAST(?12 AS INTEGER))), '[]'
FROM webhooks AS w CROSS JOIN (
  SELECT printf('%03d', new.key) AS place, new.value ->> 'id' AS id, new.value ->> 'status' AS status
  FROM json_each(?7) AS new
  WHERE (new.value ->> 'id', new.value ->> 'status', new.value ->> 'content') NOT IN (
    SELECT old.value ->> 'id', old.value ->> 'status', old.value ->> 'content' FROM ${STORED_TASKS})
  UNION ALL
  SELECT printf('x%03d', old.key), old.value ->> 'id', 'deleted'
  FROM ${STORED_TASKS}
  WHERE old.value ->> 'id' NOT IN (SELECT new.value ->> 'id' FROM json_each(?7) AS new)
) AS task
WHERE ${subscribed("'task.updated'")} AND ${ALIVE} AND NOT EXISTS (
  SELECT 1 FROM messages WHERE user_id = ?1 AND thread_id = ?2 AND seq = ?3 AND version >= ?8)
LIMIT ${DELIVERIES_PER_BATCH}
ON CONFLICT DO NOTHING
RETURNING user_id, webhook_id, delivery_id`;

const TELL_LOST_RUNS = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, lost.value ->> 'delivery_id', 'run.failed', 'pending', 0, ?5, ?4, json_object(
  'type', 'run.failed', 'timestamp', ?4, 'data', json_object(
    'thread_id', ?2, 'project_id', runs.run ->> 'project_id', 'invocation_id', runs.invocation_id, 'status', 'failed',
    'seq', NULL, 'taskloom_hops', coalesce(runs.run ->> 'hops', 0) + ${END_HOPS})), '[]'
FROM webhooks AS w CROSS JOIN json_each(?3) AS lost JOIN runs ON runs.user_id = ?1 AND runs.thread_id = ?2
  AND runs.invocation_id = lost.value ->> 'invocation_id' AND runs.status IN ('queued', 'running')
WHERE ${subscribed("'run.failed'")}
ON CONFLICT DO NOTHING`;

const HEARS_TASKS = `SELECT 1 AS hears_tasks FROM webhooks AS w WHERE ${subscribed("'task.updated'")} LIMIT 1`;

/** What a batch made, and whether the user is told of tasks: then changes of the plan are worth bringing to D1 at once. */
export interface Happenings {
  made: DeliveryName[];
  hears_tasks: boolean;
}

/** To stand before the statements that write the batch. */
export function tellHappenings(db: D1Database, batch: ThreadBatch, now: number): D1PreparedStatement[] {
  const { user_id } = batch.key;
  return [
    db.prepare(HEARS_TASKS).bind(user_id),
    ...tellEnds(db, batch, now),
    ...batch.messages.filter(({ type }) => type === "task_list").map((plan) => tellTasks(db, batch, plan, now)),
  ];
}

/** To stand before the statement that ends runs of which their thread knows nothing. */
export function tellLostRuns(db: D1Database, key: ThreadKey, ids: string[], now: number): D1PreparedStatement {
  const lost = ids.map((invocation_id) => ({ invocation_id, delivery_id: newId("del", now) }));
  return db.prepare(TELL_LOST_RUNS).bind(key.user_id, key.thread_id, JSON.stringify(lost), ...timesOf(now));
}

/** Out of the results of `tellHappenings`, however many more there are. */
export function readHappenings(results: D1Result<unknown>[]): Happenings {
  const rows = results.flatMap(({ results }) => results as Partial<DeliveryName & { hears_tasks: number }>[]);
  return {
    made: rows.filter((row): row is DeliveryName => row.delivery_id !== undefined),
    hears_tasks: rows.some((row) => row.hears_tasks === 1),
  };
}

function tellEnds(db: D1Database, { key, runs }: ThreadBatch, now: number): D1PreparedStatement[] {
  const ends = runs.flatMap((run) => {
    const { invocation_id, thread_id, project_id, status, finished_at, hops } = run;
    const event = `run.${status}`;
    // A run that has not ended is no event.
    if (!isWebhookEvent(event)) return [];
    const payload: WebhookPayload = {
      type: event,
      timestamp: finished_at ?? new Date(now).toISOString(),
      data: { thread_id, project_id, invocation_id, status, seq: run.end_seq ?? null, taskloom_hops: hops + END_HOPS },
    };
    return [{ invocation_id, event, delivery_id: newId("del", now), payload }];
  });
  if (ends.length === 0) return [];
  const values = [key.user_id, key.thread_id, JSON.stringify(ends), ...timesOf(now)];
  return [db.prepare(TELL_ENDS).bind(...values)];
}

function tellTasks(
  db: D1Database,
  { key, plan_change }: ThreadBatch,
  plan: ThreadBatch["messages"][number],
  now: number,
): D1PreparedStatement {
  const { tasks } = plan.content as PlanContent;
  const { seq = null, invocation_id = null, hops = 0 } = plan_change ?? {};
  const values = [key.user_id, key.thread_id, plan.seq, ...timesOf(now), newId("del", now)];
  return db
    .prepare(TELL_TASKS)
    .bind(...values, JSON.stringify(tasks), plan.version, plan.project_id, invocation_id, seq, hops + TASK_HOPS);
}

/** When a delivery is made, and when it is looked after. */
function timesOf(now: number): string[] {
  return [now, now + FIRST_LOOK_MS].map((time) => new Date(time).toISOString());
}
