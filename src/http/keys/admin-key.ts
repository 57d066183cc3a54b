// What ADMIN_API_KEY may do. It acts as the first user until that user has a key of its own, or a setting says that it
// never does; from then on it administers only. D1 knows which it is, and is asked as for any other key: a few seconds
// apart, and while it fails the last answer counts. Without an answer the key administers only, since it could
// otherwise read what it must not.
import { withinTime } from "../../lib/time-limit.ts";
import type { Quotas } from "../../protocol/money/quotas.ts";
import { readAdminKeyActs } from "../../store/people/admin-key.ts";
import { lacksTables } from "../../store/server/full.ts";
import { clock } from "../../thread/ports.ts";
import { TRUSTED_WITHOUT_D1_MS } from "../../thread/stream/ended-keys.ts";

/** As for other keys: `CACHED_MS` and the times beside it in `../auth.ts`. */
const CACHED_MS = 10_000;
const D1_LIMIT_MS = 3_000;
const D1_PAUSE_MS = 2_000;

/** `acts`: as the first user, too. Otherwise why it does not. `unknown`: D1 could not be asked. */
export type AdminStanding = "acts" | "own_key" | "setting" | "unknown" | "no_tables";

export interface AdminKeyState {
  standing: AdminStanding;
  confirmed_at: number;
  /** Of the first user, if the key acts for it. */
  quotas?: Quotas | null;
}

export interface AdminKey {
  /** Never rejects. */
  read(db: D1Database, isOnlyAdmin: boolean): Promise<AdminKeyState>;
  /** Call this when a key of the first user, or its state, has changed. */
  forget(): void;
}

interface Known {
  acts: boolean;
  quotas: Quotas | null;
  confirmed_at: number;
}

export function createAdminKey(now: () => number = Date.now): AdminKey {
  let known: Known | null = null;
  let standing: "unknown" | "no_tables" = "unknown";
  /** D1 is not asked again before this time. */
  let until = 0;
  // Counts calls of `forget`: an answer to a question from before one counts for its request only.
  let forgotten = 0;

  async function ask(db: D1Database): Promise<Known> {
    const [confirmed_at, before] = [now(), forgotten];
    const answer = { ...(await withinTime(clock, D1_LIMIT_MS, "D1", readAdminKeyActs(db))), confirmed_at };
    if (before === forgotten) {
      known = answer;
      until = confirmed_at + CACHED_MS;
    }
    return answer;
  }

  return {
    async read(db, isOnlyAdmin) {
      if (isOnlyAdmin) return { standing: "setting", confirmed_at: now() };
      const pause = (error: unknown) => {
        standing = lacksTables(error) ? "no_tables" : "unknown";
        until = now() + D1_PAUSE_MS;
        return known;
      };
      const last = now() < until ? known : await ask(db).catch(pause);
      if (last === null) return { standing, confirmed_at: now() };
      const { acts, confirmed_at, quotas } = last;
      if (!acts) return { standing: "own_key", confirmed_at };
      const isOld = now() - confirmed_at > TRUSTED_WITHOUT_D1_MS;
      return isOld ? { standing: "unknown", confirmed_at } : { standing: "acts", confirmed_at, quotas };
    },
    forget() {
      forgotten += 1;
      known = null;
      until = 0;
    },
  };
}

/** For people: what to do instead. */
export const adminKeyDetails = {
  own_key: "ADMIN_API_KEY only administers, since user_first has a key of its own or is disabled: use a user's key.",
  setting: "ADMIN_API_KEY only administers here (ADMIN_KEY_ONLY_ADMIN=1): use a user's key.",
} as const;

export const ADMIN_KEY_UNKNOWN =
  "The server could not find out whether ADMIN_API_KEY still acts for user_first. Try again, or use a user's key.";
