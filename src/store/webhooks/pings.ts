// Pings: deliveries that ask a webhook's receiver to prove that it wants deliveries at all. They are tried like any
// other, and the first one that is answered with 2xx verifies the webhook (`finishTry`). A disabled webhook gets none.
// A new ping ends the former one: somebody who asks again and again makes no crowd of pings that are each tried for a
// day. For the same reason pings are not replayed.

import { firstIdAt, newId } from "../../protocol/ids.ts";
import { type Delivery, PING, type PingPayload } from "../../protocol/webhook.ts";
import { FIRST_LOOK_MS } from "./event-deliveries.ts";
import { appendTry } from "./tries.ts";

const PUT_PING = `
INSERT INTO deliveries (user_id, webhook_id, delivery_id, event, status, attempts, next_attempt_at, created_at, payload, tries)
SELECT ?1, ?2, ?3, '${PING}', 'pending', 0, ?5, ?4, ?6, '[]'
FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2 AND enabled = 1
RETURNING delivery_id`;

/** A ping is tried for a day. */
const TRIED_MS = 2 * 24 * 3_600_000;

const END_FORMER = `
UPDATE deliveries SET status = 'failed', next_attempt_at = NULL, finished_at = ?4, tries = ${appendTry("?5")}
WHERE user_id = ?1 AND webhook_id = ?2 AND delivery_id > ?3 AND event = '${PING}' AND status = 'pending'`;

/** Its result has a row if the webhook exists and is enabled. */
export function insertPing(
  db: D1Database,
  user_id: string,
  webhook_id: string,
  now: number,
): { ping: Delivery; statement: D1PreparedStatement } {
  const created_at = new Date(now).toISOString();
  const payload: PingPayload = { type: PING, timestamp: created_at, data: { webhook_id } };
  const ping: Delivery = {
    ...{ user_id, webhook_id, delivery_id: newId("del", now) },
    ...{ event: PING, status: "pending", attempts: 0, tries: [], payload, created_at, finished_at: null },
    next_attempt_at: new Date(now + FIRST_LOOK_MS).toISOString(),
  };
  const values = [user_id, webhook_id, ping.delivery_id, created_at, ping.next_attempt_at, JSON.stringify(payload)];
  return { ping, statement: db.prepare(PUT_PING).bind(...values) };
}

/** Null if there is no such webhook, or it is disabled. */
export async function createPing(
  db: D1Database,
  user_id: string,
  webhook_id: string,
  now: number,
): Promise<Delivery | null> {
  const { ping, statement } = insertPing(db, user_id, webhook_id, now);
  const last = { at: ping.created_at, status: null, error: "A newer ping took its place.", duration_ms: 0 };
  const former = [user_id, webhook_id, firstIdAt("del", now - TRIED_MS), ping.created_at, JSON.stringify(last)];
  const [, made] = await db.batch([db.prepare(END_FORMER).bind(...former), statement]);
  return (made?.results.length ?? 0) > 0 ? ping : null;
}
