// Turns what checks say of tasks into deliveries: `task.verified` once a completed task is verified, and
// `task.check_failed` once a task has a check that failed. Like the other events of a plan they follow from the difference
// between the new row and the stored one, so a repeated batch makes no second one. A check that fails again is none: the
// task has failed already. All tasks of a batch are one event, and a plan without such tasks costs no statement.
import { TASK_HOPS } from "../../protocol/chain.ts";
import { newId } from "../../protocol/ids.ts";
import type { Task } from "../../protocol/plan/task.ts";
import type { CheckEvent, CheckedTask } from "../../protocol/webhook.ts";
import type { ThreadBatch } from "../batch.ts";
import { ALIVE } from "../tombstones.ts";
import { COLUMNS, STORED_TASKS, subscribed, timesOf } from "./event-deliveries.ts";

type PlanRow = Extract<ThreadBatch["messages"][number], { type: "task_list" }>;

interface Kind {
  holds: (task: Task) => boolean;
  /** The same of a task of the stored plan. */
  held: string;
}

const kinds: Record<CheckEvent, Kind> = {
  "task.verified": {
    holds: ({ status, verification }) => status === "completed" && verification === "verified",
    held: "old.value ->> 'status' = 'completed' AND old.value ->> 'verification' = 'verified'",
  },
  "task.check_failed": {
    holds: ({ verification }) => verification === "failed",
    held: "old.value ->> 'verification' = 'failed'",
  },
};

const insert = (event: CheckEvent) => `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, ?6, '${event}', 'pending', 0, ?5, ?4, json_object(
  'type', '${event}', 'timestamp', ?4, 'data', json_object(
    'thread_id', ?2, 'project_id', ?9, 'invocation_id', ?10,
    'task', changed.tasks -> '$[0]', 'tasks', json(changed.tasks), 'seq', CAST(?11 AS INTEGER),
    'taskloom_hops', CAST(?12 AS INTEGER))), '[]'
FROM webhooks AS w CROSS JOIN (
  SELECT json_group_array(json(task.shown)) AS tasks FROM (
    SELECT new.value AS shown FROM json_each(?7) AS new
    WHERE new.value ->> 'id' NOT IN (SELECT old.value ->> 'id' FROM ${STORED_TASKS} WHERE ${kinds[event].held})
    ORDER BY new.key) AS task
) AS changed
WHERE changed.tasks <> '[]' AND ${subscribed(`'${event}'`)} AND ${ALIVE} AND NOT EXISTS (
  SELECT 1 FROM messages WHERE user_id = ?1 AND thread_id = ?2 AND seq = ?3 AND version >= ?8)
ON CONFLICT DO NOTHING
RETURNING user_id, webhook_id, delivery_id`;

/** These statements must precede the one that writes the plan. */
export function insertCheckDeliveries(db: D1Database, batch: ThreadBatch, now: number): D1PreparedStatement[] {
  return batch.messages.flatMap((row) => (row.type === "task_list" ? insertOf(db, batch, row, now) : []));
}

function insertOf(
  db: D1Database,
  { key, plan_change }: ThreadBatch,
  plan: PlanRow,
  now: number,
): D1PreparedStatement[] {
  const { seq = null, invocation_id = null, hops = 0 } = plan_change ?? {};
  const names = Object.keys(kinds) as CheckEvent[];
  return names.flatMap((event) => {
    const tasks = plan.content.tasks.filter(kinds[event].holds);
    if (tasks.length === 0) return [];
    const values = [key.user_id, key.thread_id, plan.seq, ...timesOf(now), newId("del", now)];
    const shown = JSON.stringify(tasks.map(showTask));
    const cause = [plan.version, plan.project_id, invocation_id, seq, hops + TASK_HOPS];
    return [db.prepare(insert(event)).bind(...values, shown, ...cause)];
  });
}

/** Neither commands nor outputs: a receiver that needs them asks with a key. */
function showTask({ id, status, verification = "none", checks = [] }: Task): CheckedTask {
  const shown = checks.map(({ id, author, spec, result }) => ({
    ...{ id, type: spec.type, author, outcome: result?.outcome ?? null, receipt_id: result?.receipt_id ?? null },
  }));
  return { id, status, verification, checks: shown };
}
