// People who have accounts.

/** An admin's sessions have the scope `admin` beside all that the user may do. */
export const userRoles = ["admin"] as const;
export type UserRole = (typeof userRoles)[number];

/** `deleting` until nothing is left of it, `deleted` from then on. */
export const userStates = ["active", "disabled", "deleting", "deleted"] as const;
export type UserState = (typeof userStates)[number];

import type { PeriodCaps } from "../money/caps.ts";
import type { Quotas } from "../money/quotas.ts";

export interface User {
  user_id: string;
  name: string | null;
  email: string | null;
  role: UserRole | null;
  state: UserState;
  /** Null for a first user, who was there from the start. */
  created_at: string | null;
  disabled_at: string | null;
  deleted_at: string | null;
  /** An admin's, in place of the settings' caps for every user. Null for those of the settings. */
  caps?: PeriodCaps | null;
  /** An admin's, in place of the usual ones. Null for the usual ones. */
  quotas?: Quotas | null;
  /** An admin's, in place of RETENTION_DAYS; 0 keeps threads for ever. Null for the setting. */
  retention_days?: number | null;
}

/** How much there is of a user. */
export interface UserCounts {
  api_keys: number;
  sessions: number;
  threads: number;
  projects: number;
  triggers: number;
  webhooks: number;
  slack_workspaces: number;
}
