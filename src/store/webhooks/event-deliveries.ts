// Turns events of a thread into deliveries of its user's webhooks, in the same transaction that writes the events to
// D1. Each statement compares the new rows with the stored ones, so it must precede the statement that writes them. A
// batch that arrives late or twice, or whose answer was lost, therefore makes no second delivery. A statement inserts
// nothing if the user has no webhook for its event.
//
// Runs: one delivery for each run that ends. The plan: one with all tasks that are new, gone, or have another status or
// text than in D1's row. So a request that changes forty tasks is one event, as are several changes between two
// batches, with the last state. A plan too large for its row is stored in parts, which no statement can compare: such a
// change, in either direction, delivers the state of all tasks and reports none as deleted. (The limits of a plan keep
// it far below that size.)
import { END_HOPS, TASK_HOPS } from "../../protocol/chain.ts";
import { newId } from "../../protocol/ids.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import type { DeliveryName, WebhookEvent, WebhookPayload } from "../../protocol/webhook.ts";
import type { ThreadBatch } from "../batch.ts";
import { ALIVE } from "../tombstones.ts";
import { MAX_TRIES_PER_MINUTE } from "./tries.ts";

/** A job is sent immediately; if it is lost, the sweep sends another after this time. */
export const FIRST_LOOK_MS = 20_000;

export const COLUMNS = `(user_id, webhook_id, delivery_id, event, status, attempts, next_attempt_at, created_at, payload, tries)`;

const IS_OPEN = "w.user_id = ?1 AND w.enabled = 1 AND w.unverified_since IS NULL";
/** For statements whose first value is the user's id. */
export const NO_WEBHOOK = `NOT EXISTS (SELECT 1 FROM webhooks AS w WHERE ${IS_OPEN})`;
const takes = (event: string) => `${event} IN (SELECT value FROM json_each(w.events))`;
/** Webhooks that take the event, an expression. */
export const subscribed = (event: string) => `${IS_OPEN} AND ${takes(event)}`;

const INSERT_RUN_DELIVERIES = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, run.value ->> 'delivery_id', run.value ->> 'event', 'pending', 0, ?5, ?4, run.value -> 'payload', '[]'
FROM webhooks AS w CROSS JOIN json_each(?3) AS run
WHERE ${subscribed("run.value ->> 'event'")} AND ${ALIVE} AND NOT EXISTS (
  SELECT 1 FROM runs WHERE user_id = ?1 AND thread_id = ?2 AND invocation_id = run.value ->> 'invocation_id'
    AND status NOT IN ('queued', 'running'))
ON CONFLICT DO NOTHING
RETURNING user_id, webhook_id, delivery_id`;

/** Above the place of any task of a plan. */
const AFTER_ALL_TASKS = 100_000;

/** The stored plan's tasks, one JSON row each. */
export const STORED_TASKS =
  "messages AS row JOIN json_each(row.content, '$.tasks') AS old ON row.user_id = ?1 AND row.thread_id = ?2 AND row.seq = ?3";

const INSERT_TASK_DELIVERIES = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, ?6, 'task.updated', 'pending', 0, ?5, ?4, json_object(
  'type', 'task.updated', 'timestamp', ?4, 'data', json_object(
    'thread_id', ?2, 'project_id', ?9, 'invocation_id', ?10,
    'task', changed.tasks -> '$[0]', 'tasks', json(changed.tasks), 'seq', CAST(?11 AS INTEGER),
    'taskloom_hops', CAST(?12 AS INTEGER))), '[]'
FROM webhooks AS w CROSS JOIN (
  SELECT json_group_array(json_object('id', task.id, 'status', task.status)) AS tasks FROM (
    SELECT new.key AS place, new.value ->> 'id' AS id, new.value ->> 'status' AS status
    FROM json_each(?7) AS new
    WHERE (new.value ->> 'id', new.value ->> 'status', new.value ->> 'content') NOT IN (
      SELECT old.value ->> 'id', old.value ->> 'status', old.value ->> 'content' FROM ${STORED_TASKS})
    UNION ALL
    SELECT old.key + ${AFTER_ALL_TASKS}, old.value ->> 'id', 'deleted'
    FROM ${STORED_TASKS}
    WHERE old.value ->> 'id' NOT IN (SELECT new.value ->> 'id' FROM json_each(?7) AS new)
    ORDER BY place) AS task
) AS changed
WHERE changed.tasks <> '[]' AND ${subscribed("'task.updated'")} AND ${ALIVE} AND NOT EXISTS (
  SELECT 1 FROM messages WHERE user_id = ?1 AND thread_id = ?2 AND seq = ?3 AND version >= ?8)
ON CONFLICT DO NOTHING
RETURNING user_id, webhook_id, delivery_id`;

const INSERT_LOST_RUN_DELIVERIES = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, lost.value ->> 'delivery_id', 'run.failed', 'pending', 0, ?5, ?4, json_object(
  'type', 'run.failed', 'timestamp', ?4, 'data', json_object(
    'thread_id', ?2, 'project_id', runs.run ->> 'project_id', 'invocation_id', runs.invocation_id, 'status', 'failed',
    'seq', NULL, 'taskloom_hops', coalesce(runs.run ->> 'hops', 0) + ${END_HOPS})), '[]'
FROM webhooks AS w CROSS JOIN json_each(?3) AS lost JOIN runs ON runs.user_id = ?1 AND runs.thread_id = ?2
  AND runs.invocation_id = lost.value ->> 'invocation_id' AND runs.status IN ('queued', 'running')
WHERE ${subscribed("'run.failed'")}
ON CONFLICT DO NOTHING`;

/** A webhook is full if it has had its tries of this minute (?2). */
const READ_WEBHOOKS = `
SELECT EXISTS (SELECT 1 FROM json_each(w.events) WHERE value GLOB 'task.*') AS tasks_subscribed,
  iif(w.sent_minute = ?2 AND w.sent_count >= ${MAX_TRIES_PER_MINUTE}, w.webhook_id, NULL) AS full_webhook
FROM webhooks AS w WHERE ${IS_OPEN}`;

/**
 * The deliveries made by a batch, and whether a webhook wants task events: changes of the plan are then written to D1
 * immediately. Those of a full webhook are left to the sweep, where users take turns: their jobs would send nothing,
 * and stand before everybody else's in the queue.
 */
export interface EventDeliveries {
  made: DeliveryName[];
  tasks_subscribed: boolean;
}

interface WebhookRow {
  tasks_subscribed: number;
  full_webhook: string | null;
}

/** These statements must precede those that write the batch. */
export function insertEventDeliveries(db: D1Database, batch: ThreadBatch, now: number): D1PreparedStatement[] {
  const { user_id } = batch.key;
  return [
    db.prepare(READ_WEBHOOKS).bind(user_id, Math.floor(now / 60_000)),
    ...insertRunDeliveries(db, batch, now),
    ...batch.messages.flatMap((row) => (row.type === "task_list" ? [insertTaskDeliveries(db, batch, row, now)] : [])),
  ];
}

/** This statement must precede the one that ends runs which their thread's object does not know. */
export function insertLostRunDeliveries(
  db: D1Database,
  key: ThreadKey,
  ids: string[],
  now: number,
): D1PreparedStatement {
  const lost = ids.map((invocation_id) => ({ invocation_id, delivery_id: newId("del", now) }));
  return db.prepare(INSERT_LOST_RUN_DELIVERIES).bind(key.user_id, key.thread_id, JSON.stringify(lost), ...timesOf(now));
}

/** Reads the results of the statements of `insertEventDeliveries`; more results may follow them. */
export function readEventDeliveries(results: D1Result<unknown>[]): EventDeliveries {
  const rows = results.flatMap(({ results }) => results as Partial<DeliveryName & WebhookRow>[]);
  const full = new Set(rows.map((row) => row.full_webhook ?? null));
  const isSent = (row: Partial<DeliveryName>): row is DeliveryName =>
    row.delivery_id !== undefined && !full.has(row.webhook_id ?? null);
  return {
    made: rows.filter(isSent),
    tasks_subscribed: rows.some((row) => row.tasks_subscribed === 1),
  };
}

/** Whether the user has a webhook that may get events, by the same results. */
export function hasWebhook(results: D1Result<unknown>[]): boolean {
  return results.some(({ results }) =>
    (results as Partial<WebhookRow>[]).some((row) => row.full_webhook !== undefined),
  );
}

function insertRunDeliveries(db: D1Database, { key, runs }: ThreadBatch, now: number): D1PreparedStatement[] {
  const ends = runs.flatMap((run) => {
    const { invocation_id, thread_id, project_id, status, finished_at, hops, checked_tasks } = run;
    if (!isTerminal(status)) return [];
    const event: WebhookEvent = `run.${status}`;
    const payload: WebhookPayload = {
      type: event,
      timestamp: finished_at ?? new Date(now).toISOString(),
      data: {
        ...{ thread_id, project_id, invocation_id, status, seq: run.end_seq ?? null, taskloom_hops: hops + END_HOPS },
        ...(checked_tasks === undefined ? {} : { checked_tasks }),
      },
    };
    return [{ invocation_id, event, delivery_id: newId("del", now), payload }];
  });
  if (ends.length === 0) return [];
  const values = [key.user_id, key.thread_id, JSON.stringify(ends), ...timesOf(now)];
  return [db.prepare(INSERT_RUN_DELIVERIES).bind(...values)];
}

function insertTaskDeliveries(
  db: D1Database,
  { key, plan_change }: ThreadBatch,
  plan: Extract<ThreadBatch["messages"][number], { type: "task_list" }>,
  now: number,
): D1PreparedStatement {
  const { tasks } = plan.content;
  const { seq = null, invocation_id = null, hops = 0 } = plan_change ?? {};
  const values = [key.user_id, key.thread_id, plan.seq, ...timesOf(now), newId("del", now)];
  return db
    .prepare(INSERT_TASK_DELIVERIES)
    .bind(...values, JSON.stringify(tasks), plan.version, plan.project_id, invocation_id, seq, hops + TASK_HOPS);
}

/** When a delivery is made, and when the sweep first looks at it. */
export function timesOf(now: number): string[] {
  return [now, now + FIRST_LOOK_MS].map((time) => new Date(time).toISOString());
}
