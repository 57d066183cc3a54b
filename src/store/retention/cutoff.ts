// Up to when a thread's newest activity must lie for it to be too old: what the rules of its user, its project and the
// deployment say together. The clock's walk uses them for a page of threads (scan.ts), and a thread asks for itself
// before it goes: a rule may have changed since it was found.
import type { ThreadKey } from "../../protocol/thread.ts";

/**
 * Of `owner` (users), `home` (projects) and the deployment's `days`: an admin's number for the user takes the place of the
 * deployment's, where 0 means for ever. Of this and the project's, the shorter.
 */
export function cutoffOf(at: string, days: string): string {
  const ofUser = `iif(owner.retention_days IS NULL, ${days}, nullif(owner.retention_days, 0))`;
  const shorter = `coalesce(min(${ofUser}, home.retention_days), ${ofUser}, home.retention_days)`;
  return `strftime('%Y-%m-%dT%H:%M:%fZ', ${at}, '-' || ${shorter} || ' days')`;
}

/** Of `each` (threads): nothing says that it is kept. */
export const IS_AGED = `NOT iif(json_valid(each.metadata), coalesce(each.metadata ->> '$.keep', 0), 0) IS 1
    AND NOT EXISTS (SELECT 1 FROM triggers WHERE triggers.user_id = each.user_id AND triggers.thread = each.thread_id)`;

const READ = `
SELECT ${cutoffOf("?4", "?3")} AS cutoff FROM threads AS each
LEFT JOIN users AS owner ON owner.user_id = each.user_id
LEFT JOIN projects AS home ON home.user_id = each.user_id AND home.project_id = each.project_id
WHERE each.user_id = ?1 AND each.thread_id = ?2 AND each.deleted_at IS NULL AND ${IS_AGED}`;

/** As of `at`, in ms. Null for a thread that no rule makes old. `days` is the deployment's. */
export async function readCutoff(
  db: D1Database,
  { user_id, thread_id }: ThreadKey,
  days: number | null,
  at: number,
): Promise<string | null> {
  const values = [user_id, thread_id, days, new Date(at).toISOString()];
  return await db
    .prepare(READ)
    .bind(...values)
    .first<string>("cutoff");
}
