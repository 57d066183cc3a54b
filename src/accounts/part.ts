// What a feature has of an account. A user who is disabled or deleted makes no more requests, but threads, schedules,
// webhooks and sandboxes work by themselves: each feature says in a file `routes/account.ts` of its room how its part
// pauses, and how it goes. `src/account-parts.ts` lists them in order.
import type { Config, Env } from "../config.ts";

export interface AccountScope {
  env: Env;
  config: Config;
  user_id: string;
  now: number;
  /** Whether the user was disabled or deleted longer ago than this. */
  isOlderThan(ms: number): boolean;
  /** Aborted when the time of a piece is over. */
  signal: AbortSignal;
}

export interface AccountPart {
  /** For the log. */
  name: string;
  /**
   * Ends what continues for a disabled user and can't be held by a condition of its statement. Everything stays that is
   * needed to continue once the user is enabled. May be called again.
   */
  pause?(scope: AccountScope): Promise<void>;
  /**
   * Deletes a bounded piece, in some seconds: a queue's consumer is killed after 15 minutes, and may be at any time. So
   * what is left is found anew with each call. `done` if nothing is. Rejects if something can't be deleted now, after
   * what can be was: it is called again later.
   */
  remove(scope: AccountScope): Promise<"done" | "more">;
}
