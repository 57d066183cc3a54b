// People who have accounts.

/** An admin's sessions have the scope `admin` beside all that the user may do. */
export const userRoles = ["admin"] as const;
export type UserRole = (typeof userRoles)[number];

/** `deleting` until nothing is left of it, `deleted` from then on. */
export const userStates = ["active", "disabled", "deleting", "deleted"] as const;
export type UserState = (typeof userStates)[number];
