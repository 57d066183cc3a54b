// The rows that a thread's object writes to D1 in one transaction.
import type { MessageRow } from "../protocol/message.ts";
import type { ReachedCap } from "../protocol/money/caps.ts";
import type { ClosedLease } from "../protocol/money/lease.ts";
import type { Run } from "../protocol/run.ts";
import type { Thread, ThreadKey } from "../protocol/thread.ts";
import type { WebhookEvent } from "../protocol/webhook.ts";
import type { PlacedReceipt } from "./receipts/put.ts";

/** A run came near to a cap, or was refused by it. */
export interface BudgetEvent {
  event: Extract<WebhookEvent, `budget.${string}`>;
  /** The project's id for its cap. The others' follow from the user and the run. */
  id: string;
  cap: ReachedCap;
  /** In the unit of the cap's limit. Left out of the payload for the deployment's, as the limit is. */
  used: number;
  invocation_id: string;
  /** The run's. */
  hops: number;
}

/** Rows that a run has superseded: all of them from one place to another, but the plan's. */
export interface SupersededRange {
  by: string;
  at: string;
  from: number;
  through: number;
  /** The row that gave its id to the message in its place. */
  renamed?: { seq: number; message_id: string };
}

export interface ThreadBatch {
  key: ThreadKey;
  /** D1 may not have the thread yet. */
  is_first?: boolean;
  /** The project made for this thread; null if there is none or D1 has it already. */
  project: { project_id: string; name: string; created_at: string } | null;
  thread: (Thread & { version: number }) | null;
  messages: (MessageRow & { version: number })[];
  /** As D1 keeps them. Of the thread's plan, or of one that it had. */
  receipts?: PlacedReceipt[];
  /** Of rows in D1 and of this batch. */
  superseded?: SupersededRange[];
  /**
   * Set if the plan is among the messages: the newest event number of the journal, and the run that changed the plan,
   * with its hops.
   */
  plan_change?: { seq: number; invocation_id: string | null; hops?: number };
  /** `end_seq` is the number of the run's terminal event, or of the newest event if it has none. */
  runs: (Run & { version: number; end_seq?: number | null })[];
  /** What ended runs give back. */
  leases?: ClosedLease[];
  budget_events?: BudgetEvent[];
}

/** What is said of a thread that is deleted, beside the leases that its runs give back. */
export interface ThreadEnd {
  /**
   * Runs that can't be read: what they leased counts as spent. All other leases of the thread were never used. Undefined
   * if nobody knows that, as for a thread that only D1 has: then the others stay open.
   */
  unread_runs?: string[];
  /** The thread found that its owner is deleted, perhaps long after everything else of the account was. */
  owner_deleted?: boolean;
  /** It is deleted because it is too old. */
  is_expired?: boolean;
}
