// Closes leases: the amounts become what was spent, and the triggers of `leases` give the rest back to the budgets. A
// lease is closed once; what comes later changes nothing. What was spent may be more than the lease, where a provider
// counted more than was expected, and is then charged as it is.
import type { ClosedLease } from "../../protocol/money/lease.ts";
import type { ThreadKey } from "../../protocol/thread.ts";

/** By the key, of the leases that are named: the `+` keeps SQLite from reading everybody's open ones. */
export const CLOSE = `
UPDATE leases SET closed_at = ?4, cost = coalesce(spent.value ->> '$.spent.cost', cost),
  tokens = coalesce(spent.value ->> '$.spent.tokens', tokens), ms = coalesce(spent.value ->> '$.spent.ms', ms)
FROM json_each(?3) AS spent
WHERE leases.user_id = ?1 AND leases.thread_id = ?2 AND leases.lease_id = spent.value ->> 'lease_id'
  AND leases.lease_id IN (SELECT value ->> 'lease_id' FROM json_each(?3)) AND +leases.closed_at IS NULL`;

/** Without `spent`, nobody knows it any more: all of the lease counts as spent. */
type Closing = Pick<ClosedLease, "lease_id"> & Partial<ClosedLease>;

/** Of the thread's leases, whatever their number: those of deleted threads alone are closed like this. */
export const CLOSE_OTHERS = `
UPDATE leases SET closed_at = ?4, ${["cost", "tokens", "ms"]
  .map((name) => `${name} = iif(invocation_id IN (SELECT value FROM json_each(?3)), ${name}, 0)`)
  .join(", ")}
WHERE user_id = ?1 AND thread_id = ?2 AND +closed_at IS NULL`;

/**
 * For a thread that is deleted, after those that it knows: a lease is stored before it is spent, so nothing was spent of
 * the others, unless the run that would know can't be read.
 */
export function closeOthers(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  unread_runs: string[],
  now: number,
): D1PreparedStatement {
  return db.prepare(CLOSE_OTHERS).bind(user_id, thread_id, JSON.stringify(unread_runs), new Date(now).toISOString());
}

/** No statement if there is nothing to close. */
export function closeStatements(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  leases: Closing[] | undefined,
  now: number,
): D1PreparedStatement[] {
  if (leases === undefined || leases.length === 0) return [];
  return [db.prepare(CLOSE).bind(user_id, thread_id, JSON.stringify(leases), new Date(now).toISOString())];
}

export async function closeLeases(db: D1Database, key: ThreadKey, leases: Closing[], now: number): Promise<void> {
  const [statement] = closeStatements(db, key, leases, now);
  await statement?.run();
}

export interface OpenLeases extends ThreadKey {
  lease_ids: string[];
  /** When the newest of them was granted. */
  granted_at: string;
}

/** A run has one or two open; a thread whose object was away for long may have many. */
const LEASES_AT_ONCE = 100;

/**
 * Leases of runs that are not live, by thread. Users take turns, and in no order beyond that, so that threads whose
 * objects don't answer hold up no other. Only open leases are read, and the runs that they name.
 */
export const LIST_OPEN = `
SELECT user_id, thread_id, lease_ids, granted_at FROM (
  SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY random()) AS turn FROM (
    SELECT user_id, thread_id, json_group_array(lease_id) AS lease_ids, max(granted_at) AS granted_at FROM (
      SELECT *, row_number() OVER (PARTITION BY user_id, thread_id) AS place FROM (
        SELECT DISTINCT user_id, thread_id, lease_id, granted_at FROM leases AS open INDEXED BY leases_by_time
        WHERE closed_at IS NULL AND granted_at < ?1 AND NOT EXISTS (
          SELECT 1 FROM runs WHERE runs.user_id = open.user_id AND runs.thread_id = open.thread_id
            AND runs.invocation_id = open.invocation_id AND runs.status IN ('queued', 'running'))))
    WHERE place <= ${LEASES_AT_ONCE} GROUP BY user_id, thread_id))
ORDER BY turn, random() LIMIT ?2`;

export async function listOpenLeases(db: D1Database, before: number, limit: number): Promise<OpenLeases[]> {
  const { results } = await db
    .prepare(LIST_OPEN)
    .bind(new Date(before).toISOString(), limit)
    .all<Omit<OpenLeases, "lease_ids"> & { lease_ids: string }>();
  return results.map((row) => ({ ...row, lease_ids: JSON.parse(row.lease_ids) as string[] }));
}
