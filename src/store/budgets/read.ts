// What running runs hold: their open leases, of which a part may be spent.
import type { Amount } from "../../protocol/money/lease.ts";

/** A lease has a row for each of its scopes, all with the same amount. */
const READ_RESERVED = `
SELECT user_id, sum(cost) AS cost, sum(tokens) AS tokens, sum(ms) AS ms FROM (
  SELECT user_id, max(cost) AS cost, max(tokens) AS tokens, max(ms) AS ms FROM leases
  WHERE closed_at IS NULL AND (?1 IS NULL OR user_id IN (SELECT value FROM json_each(?1)))
  GROUP BY user_id, thread_id, lease_id)
GROUP BY user_id`;

/** By user: of these, or of all. Users without an open lease are left out. Reads every open lease, which runs have. */
export async function readReserved(db: D1Database, user_ids?: string[]): Promise<Map<string, Amount>> {
  const { results } = await db
    .prepare(READ_RESERVED)
    .bind(user_ids === undefined ? null : JSON.stringify(user_ids))
    .all<Amount & { user_id: string }>();
  return new Map(results.map(({ user_id, ...amount }) => [user_id, amount]));
}
