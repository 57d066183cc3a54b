// The hours in which a user's sandboxes run. `running_at` of a sandbox says up to when they are counted. The clock sees
// every ten minutes whether it still runs, and deleting a sandbox counts what was left.
import { dayOf } from "../../protocol/money/quotas.ts";
import { type HeldQuota, limitOf, type UsualQuota } from "./held.ts";
import { ADD, IS_ALIVE } from "./uses.ts";

const NAME = "sandbox_hours_per_day";

/** Where the clock did not look for longer, nobody knows whether the sandbox ran. */
const MAX_HOURS = 1;

/**
 * Counts what selected rows of `sandboxes` have run since they were last counted. ?1 is the user, ?4 the time, ?5 its
 * day.
 */
export const countHours = (condition: string) => `
INSERT INTO quota_uses (user_id, name, period, used)
SELECT ?1, '${NAME}', ?5, max(0, min(${MAX_HOURS}, (julianday(?4) - julianday(running_at)) * 24))
FROM sandboxes WHERE running_at IS NOT NULL AND ${condition} AND ${IS_ALIVE}
${ADD}`;

const ONE = "user_id = ?1 AND project_id = ?2 AND running_at = ?3";

/** A time that was counted meanwhile is not counted twice. */
const COUNT = countHours(ONE);
const GO_ON = `UPDATE sandboxes SET running_at = iif(?5, ?4, NULL) WHERE ${ONE}`;

export interface RunningSandbox {
  user_id: string;
  project_id: string;
  running_at: string;
}

/** Counts up to `now`. Returns the row if it is still counted, and what the user has used and may use today. */
export async function countRunning(
  db: D1Database,
  { user_id, project_id, running_at }: RunningSandbox,
  isRunning: boolean,
  now: number,
  usual: UsualQuota,
): Promise<HeldQuota> {
  const at = new Date(now).toISOString();
  const own = [user_id, project_id, running_at, at] as const;
  const [, , read] = await db.batch([
    db.prepare(COUNT).bind(...own, dayOf(now)),
    db.prepare(GO_ON).bind(...own, isRunning ? 1 : 0),
    db
      .prepare(`SELECT coalesce((SELECT used FROM quota_uses WHERE user_id = ?1 AND name = '${NAME}' AND period = ?2), 0)
      AS used, ${limitOf(NAME, usual(NAME))} AS "limit"`)
      .bind(user_id, dayOf(now)),
  ]);
  const [held] = (read?.results ?? []) as HeldQuota[];
  return held ?? { used: 0, limit: usual(NAME) };
}

/** Sandboxes that ran when they were last looked at, before `before`. In no order: those that can't be read hold up no other. */
export async function listRunning(db: D1Database, before: number, limit: number): Promise<RunningSandbox[]> {
  const { results } = await db
    .prepare(
      `SELECT user_id, project_id, running_at FROM sandboxes INDEXED BY sandboxes_running
       WHERE running_at IS NOT NULL AND running_at < ?1 ORDER BY random() LIMIT ?2`,
    )
    .bind(new Date(before).toISOString(), limit)
    .all<RunningSandbox>();
  return results;
}
