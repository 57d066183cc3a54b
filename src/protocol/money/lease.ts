// Leases: what a thread may spend of the caps that hold over many threads. D1 has a row for each scope and period
// (`budgets`); a lease is a part of it that was granted to one run, and is counted there as if it were spent until the
// run gives back the rest. It does not expire by time.
import type { CapName, CapScope, Caps } from "./caps.ts";

/** Whole numbers: nanodollars, tokens, milliseconds. */
export interface Amount {
  cost: number;
  tokens: number;
  ms: number;
}

export const nothing: Amount = { cost: 0, tokens: 0, ms: 0 };

/** A scope with a cap over many threads. */
export interface BudgetScope {
  scope: Extract<CapScope, "project" | "user" | "deployment">;
  /** The project's or user's id; empty for the deployment. */
  id: string;
  /** `2026-11-28`, `2026-11`, or `all` for a project. */
  period: string;
  caps: Caps;
}

export interface LeaseRequest {
  user_id: string;
  thread_id: string;
  invocation_id: string;
  /** Derived from the run and the number of the lease: a repeat is the same lease. */
  lease_id: string;
  scopes: BudgetScope[];
  /** The least that is of use: the next call with the shortest reply. */
  least: Amount;
  /** The next call's worst case. */
  need: Amount;
  /** Several calls. Near a cap, a lease is worth one. */
  wanted: Amount;
  /** The run's leases that D1 may still count as open: no other run holds these. Absent without any. */
  own_leases?: string[];
  /** The lease pays for what its run has used so far: a row that is made for it does not count that. */
  pays_before?: true;
  now: number;
}

export interface Lease {
  lease_id: string;
  amount: Amount;
  /** The names of its scopes: `user/2026-11-28`. */
  periods: { scope: BudgetScope["scope"]; period: string }[];
}

export type LeaseAnswer =
  | { kind: "granted"; lease: Lease; near: NearCap[] }
  /**
   * No room for the least. `is_held`: other runs hold so much of the cap in leases that there would be room without
   * them. Asked again when they have given back, it may be granted.
   */
  | { kind: "refused"; cap: NearCap; is_held: boolean }
  /** The lease was granted and closed already: take another id. */
  | { kind: "closed" };

/** A cap of which at least four fifths are granted, or that refuses. */
export interface NearCap {
  scope: BudgetScope["scope"];
  name: CapName;
  period: string;
  /** In the cap's own unit, as the next. */
  limit: number;
  /** What is granted: spent, or leased. */
  used: number;
}

/** What a run has spent of a lease that it gives back. */
export interface ClosedLease {
  lease_id: string;
  spent: Amount;
}
