// Pings: deliveries that ask a webhook's receiver to prove that it wants deliveries at all. They are tried like any
// other, and the first one that is answered with 2xx verifies the webhook (`finishTry`). A disabled webhook gets none.
import { newId } from "../../protocol/ids.ts";
import { type Delivery, PING, type PingPayload } from "../../protocol/webhook.ts";
import { FIRST_LOOK_MS } from "./event-deliveries.ts";

const PUT_PING = `
INSERT INTO deliveries (user_id, webhook_id, delivery_id, event, status, attempts, next_attempt_at, created_at, payload, tries)
SELECT ?1, ?2, ?3, '${PING}', 'pending', 0, ?5, ?4, ?6, '[]'
FROM webhooks WHERE user_id = ?1 AND webhook_id = ?2 AND enabled = 1
RETURNING delivery_id`;

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
  const { results } = await statement.all();
  return results.length > 0 ? ping : null;
}
