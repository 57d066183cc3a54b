// How long a key may live that somebody makes here.
import type { Account } from "../state/account.ts";

const lives = [7, 30, 90, 365];
const dayMs = 86_400_000;

/**
 * `end`: when the new key expires unless a time is chosen; null for never. No key makes one that lives longer than
 * itself. A key that is made in a session continues after it.
 */
export function keyLife(account: Pick<Account, "expires_at" | "session_id">, now: number) {
  const end = account.session_id === null ? account.expires_at : null;
  const left = end === null ? Number.POSITIVE_INFINITY : Date.parse(end) - now;
  return { end, days: lives.filter((count) => count * dayMs < left) };
}
