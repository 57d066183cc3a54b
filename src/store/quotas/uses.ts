// What users have used today of the quotas that are counted over a day. The statement that counts one looks first, so no
// number of uses at once gets past the quota, and one that is refused writes nothing.
import type { Failure } from "../../protocol/error.ts";
import { type DailyName, dayOf, exceeded, secondsOfDay } from "../../protocol/money/quotas.ts";
import { limitOf, readHeld, type UsualQuota } from "./held.ts";

/** What comes a moment after the account's rows were deleted leaves none. */
export const IS_ALIVE = "NOT EXISTS (SELECT 1 FROM users WHERE users.user_id = ?1 AND users.deleted_at IS NOT NULL)";

const CARRIED = "iif(quota_uses.period < excluded.period, 0, quota_uses.used)";

/** Adds a row that is selected. A day that is over is not counted any more; what comes late for it counts for the next. */
export const ADD = `ON CONFLICT (user_id, name) DO UPDATE SET used = ${CARRIED} + excluded.used,
  period = max(quota_uses.period, excluded.period)`;

const take = (limit: string) => `
INSERT INTO quota_uses (user_id, name, period, used) SELECT ?1, ?2, ?3, 1 WHERE ${limit} >= 1 AND ${IS_ALIVE}
${ADD} WHERE ${CARRIED} + 1 <= ${limit} RETURNING used`;

/** Counts one more, or returns why not. */
export async function takeUse(
  db: D1Database,
  user_id: string,
  name: DailyName,
  now: number,
  usual: UsualQuota,
): Promise<Failure | null> {
  const limit = limitOf(name, usual(name));
  const taken = await db.prepare(take(limit)).bind(user_id, name, dayOf(now)).first();
  if (taken !== null) return null;
  const [[most = 0] = []] = await db.prepare(`SELECT ${limit}`).bind(user_id).raw<number[]>();
  return exceeded(name, most, secondsOfDay(now));
}

/** The refusal of the first that is used up; null if all have room. Takes nothing. */
export async function findUsedUp(
  db: D1Database,
  user_id: string,
  names: DailyName[],
  now: number,
  usual: UsualQuota,
): Promise<Failure | null> {
  const held = await readHeld(db, user_id, names, usual);
  const full = names.find((name) => held[name].used >= held[name].limit);
  return full === undefined ? null : exceeded(full, held[full].limit, secondsOfDay(now));
}
