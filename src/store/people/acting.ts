// Whether a user may act. Statements that let something happen for a user without a request of that user ask it
// themselves, so that it costs no read of its own and holds in the moment of the write.
import { type SQL, sql } from "drizzle-orm";
import type { Quotas } from "../../protocol/money/quotas.ts";

/** Why a user may not act: reversibly, or because the account is being emptied. */
export type Rest = "disabled" | "deleted";

/** The first user has no row until one is needed. */
const REST = `SELECT CASE WHEN resting.deleted_at IS NOT NULL THEN 'deleted' WHEN resting.disabled_at IS NOT NULL THEN 'disabled' END
  FROM users AS resting WHERE resting.user_id =`;

/**
 * An SQL expression: the user's `Rest`, null if the user may act. `user_id` is a placeholder, or a column with its table's
 * name: without that it would be the column of `users`.
 */
export function restOf(user_id: string): string {
  return `(${REST} ${user_id})`;
}

/** The same as a condition. */
export function mayAct(user_id: string): string {
  return `${restOf(user_id)} IS NULL`;
}

/** An SQL expression: the quotas that an admin gave the user, as JSON. `user_id` is as above. */
export function quotasOf(user_id: string): string {
  return `(SELECT holding.quotas FROM users AS holding WHERE holding.user_id = ${user_id})`;
}

/** Null for none, and for what is no JSON. */
export function readQuotas(stored: string | null): Quotas | null {
  try {
    return stored === null ? null : (JSON.parse(stored) as Quotas | null);
  } catch {
    return null;
  }
}

/** `mayAct` for drizzle; `user_id` is a value. */
export function userMayAct(user_id: string): SQL {
  return sql`(${sql.raw(REST)} ${user_id}) IS NULL`;
}
