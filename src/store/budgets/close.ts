// Closes leases: the amounts become what was spent, and the triggers of `leases` give the rest back to the budgets. A
// lease is closed once; what comes later changes nothing. What was spent may be more than the lease, where a provider
// counted more than was expected, and is then charged as it is.
import type { ClosedLease } from "../../protocol/money/lease.ts";
import type { ThreadKey } from "../../protocol/thread.ts";

const CLOSE = `
UPDATE leases SET closed_at = ?4, cost = spent.value ->> '$.spent.cost', tokens = spent.value ->> '$.spent.tokens',
  ms = spent.value ->> '$.spent.ms'
FROM json_each(?3) AS spent
WHERE leases.user_id = ?1 AND leases.thread_id = ?2 AND leases.lease_id = spent.value ->> 'lease_id'
  AND leases.closed_at IS NULL`;

/** No statement if there is nothing to close. */
export function closeStatements(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  leases: ClosedLease[] | undefined,
  now: number,
): D1PreparedStatement[] {
  if (leases === undefined || leases.length === 0) return [];
  return [db.prepare(CLOSE).bind(user_id, thread_id, JSON.stringify(leases), new Date(now).toISOString())];
}

export async function closeLeases(db: D1Database, key: ThreadKey, leases: ClosedLease[], now: number): Promise<void> {
  const [statement] = closeStatements(db, key, leases, now);
  await statement?.run();
}

const CLOSE_IN_FULL = `
UPDATE leases SET closed_at = ?4 WHERE user_id = ?1 AND thread_id = ?2 AND closed_at IS NULL AND granted_at < ?5
  AND lease_id IN (SELECT value FROM json_each(?3))`;

/** For leases that nobody knows of any more: all of them counts as spent. */
export async function closeInFull(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  lease_ids: string[],
  before: number,
  now: number,
): Promise<void> {
  const times = [now, before].map((time) => new Date(time).toISOString());
  await db
    .prepare(CLOSE_IN_FULL)
    .bind(user_id, thread_id, JSON.stringify(lease_ids), ...times)
    .run();
}

export interface OpenLeases extends ThreadKey {
  lease_ids: string[];
}

/** A run that goes on after its cap was reached has one; a thread whose object was away for long has more. */
const LEASES_AT_ONCE = 100;

/**
 * Leases of runs that are not live, by thread. Users take turns, and in no order beyond that, so that threads whose
 * objects don't answer hold up no other. Only open leases are read, and the runs that they name.
 */
export const LIST_OPEN = `
SELECT user_id, thread_id, lease_ids FROM (
  SELECT user_id, thread_id, lease_ids, row_number() OVER (PARTITION BY user_id ORDER BY random()) AS turn FROM (
    SELECT user_id, thread_id, json_group_array(lease_id) AS lease_ids FROM (
      SELECT user_id, thread_id, lease_id, row_number() OVER (PARTITION BY user_id, thread_id) AS place FROM (
        SELECT DISTINCT user_id, thread_id, lease_id FROM leases AS open INDEXED BY leases_by_time
        WHERE closed_at IS NULL AND granted_at < ?1 AND NOT EXISTS (
          SELECT 1 FROM runs WHERE runs.user_id = open.user_id AND runs.thread_id = open.thread_id
            AND runs.invocation_id = open.invocation_id AND runs.status IN ('queued', 'running'))))
    WHERE place <= ${LEASES_AT_ONCE} GROUP BY user_id, thread_id))
ORDER BY turn, random() LIMIT ?2`;

export async function listOpenLeases(db: D1Database, before: number, limit: number): Promise<OpenLeases[]> {
  const { results } = await db
    .prepare(LIST_OPEN)
    .bind(new Date(before).toISOString(), limit)
    .all<ThreadKey & { lease_ids: string }>();
  return results.map((row) => ({ ...row, lease_ids: JSON.parse(row.lease_ids) as string[] }));
}
