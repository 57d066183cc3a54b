// Turns what a run noted of caps into deliveries of its user's webhooks. The id of a delivery is derived from what
// happened: repeats of a batch and all threads that meet the same cap in the same period make one.
import { BUDGET_HOPS } from "../../protocol/chain.ts";
import { derivedId, firstIdAt } from "../../protocol/ids.ts";
import type { BudgetEvent, ThreadBatch } from "../batch.ts";
import { ALIVE } from "../tombstones.ts";
import { COLUMNS, subscribed, timesOf } from "./event-deliveries.ts";

const INSERT = `
INSERT INTO deliveries ${COLUMNS}
SELECT ?1, w.webhook_id, noted.value ->> 'delivery_id', noted.value ->> 'event', 'pending', 0, ?5, ?4,
  json_set(noted.value -> 'payload', '$.data.project_id',
    (SELECT project_id FROM threads WHERE user_id = ?1 AND thread_id = ?2)), '[]'
FROM webhooks AS w CROSS JOIN json_each(?3) AS noted
WHERE ${subscribed("noted.value ->> 'event'")} AND ${ALIVE}
ON CONFLICT DO NOTHING
RETURNING user_id, webhook_id, delivery_id`;

/** No statement without events. It must follow those that write the thread. */
export async function insertBudgetDeliveries(
  db: D1Database,
  batch: ThreadBatch,
  now: number,
): Promise<D1PreparedStatement[]> {
  const { key, budget_events = [] } = batch;
  if (budget_events.length === 0) return [];
  const noted = await Promise.all(
    budget_events.map(async (each) => ({
      delivery_id: await nameDelivery(batch, each),
      event: each.event,
      payload: describe(each, key.thread_id, now),
    })),
  );
  return [db.prepare(INSERT).bind(key.user_id, key.thread_id, JSON.stringify(noted), ...timesOf(now))];
}

/**
 * Ids sort by time, and the clock deletes by it: this one has the beginning of its period or run. A project's cap has no
 * period, and its runs tell it once a day. Where a cap has no period, one that was raised is another one.
 */
async function nameDelivery({ key, runs }: ThreadBatch, { event, id, cap, invocation_id }: BudgetEvent) {
  const { scope, period, limit } = cap;
  const isOfRun = scope === "run" || scope === "agent" || scope === "trigger";
  const place = isOfRun ? [key.thread_id, invocation_id] : scope === "project" ? [id] : [];
  const derived = await derivedId("del", key.user_id, event, scope, cap.name, period ?? String(limit), ...place);
  const created_at = runs.find((run) => run.invocation_id === invocation_id)?.created_at ?? "";
  const time = Date.parse(period ?? (scope === "project" ? created_at.slice(0, "2026-11-28".length) : created_at));
  return `${firstIdAt("del", Number.isNaN(time) ? 0 : time)}${derived.slice(-16)}`;
}

/** How much all users together may spend is the operator's to know. */
function describe({ event, cap, used, invocation_id, hops }: BudgetEvent, thread_id: string, now: number) {
  const { limit, ...named } = cap;
  const amounts = cap.scope === "deployment" ? { cap: named } : { cap: { ...named, limit }, used };
  const data = { thread_id, project_id: null, invocation_id, ...amounts, taskloom_hops: hops + BUDGET_HOPS };
  return { type: event, timestamp: new Date(now).toISOString(), data };
}
