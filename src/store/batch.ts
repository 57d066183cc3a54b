// The rows that a thread's object writes to D1 in one transaction.
import type { MessageRow } from "../protocol/message.ts";
import type { ReachedCap } from "../protocol/money/caps.ts";
import type { ClosedLease } from "../protocol/money/lease.ts";
import type { Run } from "../protocol/run.ts";
import type { Thread, ThreadKey } from "../protocol/thread.ts";
import type { WebhookEvent } from "../protocol/webhook.ts";

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

export interface ThreadBatch {
  key: ThreadKey;
  /** The project made for this thread; null if there is none or D1 has it already. */
  project: { project_id: string; name: string; created_at: string } | null;
  thread: (Thread & { version: number }) | null;
  messages: (MessageRow & { version: number })[];
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
