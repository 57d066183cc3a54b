// Replays deliveries under their former ids, so a receiver recognizes one that it has seen. Pings are not replayed: a
// new one can be sent.
import { and, eq, ne, sql } from "drizzle-orm";
import { type Result, succeed } from "../../protocol/error.ts";
import { firstIdAt } from "../../protocol/ids.ts";
import type { Page } from "../../protocol/page.ts";
import { type Delivery, type DeliveryName, PING } from "../../protocol/webhook.ts";
import { open } from "../database.ts";
import { decodeCursor, encodeCursor } from "../page.ts";
import { deliveries } from "../schema.ts";
import { FIRST_LOOK_MS } from "./event-deliveries.ts";

/** The limit of one request; a larger replay continues with its cursor. */
export const MAX_REPLAYS = 1_000;

/** Null if there is no such delivery, it is a ping, or its webhook is disabled or not verified. */
export async function replayDelivery(db: D1Database, name: DeliveryName, now: number): Promise<Delivery | null> {
  const { user_id, webhook_id, delivery_id } = name;
  const [row] = await open(db)
    .update(deliveries)
    .set({ status: "pending", attempts: 0, next_attempt_at: firstLook(now), finished_at: null })
    .where(
      and(
        eq(deliveries.user_id, user_id),
        eq(deliveries.webhook_id, webhook_id),
        eq(deliveries.delivery_id, delivery_id),
        ne(deliveries.event, PING),
        sql`EXISTS (SELECT 1 FROM webhooks WHERE user_id = ${user_id} AND webhook_id = ${webhook_id} AND enabled = 1
          AND unverified_since IS NULL)`,
      ),
    )
    .returning();
  return row ?? null;
}

const REPLAY_RANGE = `
UPDATE deliveries SET status = 'pending', attempts = 0, next_attempt_at = ?6, finished_at = NULL
WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id IN (
  SELECT delivery_id FROM deliveries
  WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id > ?3 AND delivery_id < ?4
    AND status <> 'pending' AND event <> '${PING}' AND (?5 = 'all' OR status = ?5)
  ORDER BY delivery_id LIMIT ${MAX_REPLAYS})
AND EXISTS (SELECT 1 FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2 AND enabled = 1 AND unverified_since IS NULL)
RETURNING user_id, webhook_id, delivery_id`;

export interface ReplayRange {
  /** Times in ms, both inclusive. */
  since: number;
  until: number;
  status: "failed" | "all";
  cursor: string | null;
}

/** The oldest finished deliveries that were made in the range. */
export async function replayRange(
  db: D1Database,
  user_id: string,
  webhook_id: string,
  range: ReplayRange,
  now: number,
): Promise<Result<Page<DeliveryName>>> {
  const after = range.cursor === null ? null : decodeCursor<[string]>(range.cursor, [""]);
  if (after !== null && !after.ok) return after;
  const from = after?.value[0] ?? firstIdAt("del", range.since);
  const values = [user_id, webhook_id, from, firstIdAt("del", range.until + 1), range.status, firstLook(now)];
  const { results } = await db
    .prepare(REPLAY_RANGE)
    .bind(...values)
    .all<DeliveryName>();
  const last = results
    .map(({ delivery_id }) => delivery_id)
    .toSorted()
    .at(-1);
  const isFull = results.length === MAX_REPLAYS && last !== undefined;
  return succeed({ data: results, next_cursor: isFull ? encodeCursor([last]) : null });
}

function firstLook(now: number): string {
  return new Date(now + FIRST_LOOK_MS).toISOString();
}
