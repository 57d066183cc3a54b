// Outgoing webhooks: the events that a user can subscribe to, and the payload of a delivery. The payload is thin: ids,
// a state and a number to continue from. A receiver that needs more asks the API with a key, so no content of a thread
// is sent to an address.
import type { ReachedCap } from "./money/caps.ts";
import type { CheckAuthor, CheckedTasks, CheckOutcome, CheckType, Verification } from "./plan/check.ts";

export const webhookEvents = [
  "run.completed",
  "run.failed",
  "run.interrupted",
  "run.cancelled",
  "task.updated",
  "task.verified",
  "task.check_failed",
  "budget.warning",
  "budget.reached",
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

/** Asks a receiver to prove that it wants deliveries. Nobody subscribes to it. */
export const PING = "webhook.ping";
export type DeliveryEvent = WebhookEvent | typeof PING;

export type BudgetEvent = Extract<WebhookEvent, `budget.${string}`>;

/** Events of tasks that have checks. */
export type CheckEvent = "task.verified" | "task.check_failed";

/** The body of a delivery, in the format of Standard Webhooks. */
export type WebhookPayload = ThreadPayload | BudgetPayload;

/** Of events of runs and plans. */
export interface ThreadPayload {
  type: Exclude<WebhookEvent, BudgetEvent>;
  /** When the event happened. */
  timestamp: string;
  data: {
    thread_id: string;
    project_id: string;
    /** Null for a change of the plan outside of a run. */
    invocation_id: string | null;
    /** The run's status. */
    status?: string;
    /** Of a run that ended: how many tasks have which verification. Absent if none has checks. */
    checked_tasks?: CheckedTasks;
    /** All tasks that the event is of, in the plan's order. For `task.updated`, `deleted` ones come last. */
    tasks?: ChangedTask[] | CheckedTask[];
    /** The first of them. */
    task?: ChangedTask | CheckedTask;
    /**
     * A number in the thread's event stream to continue from. For a run: its last event, or the thread's newest if the
     * run left none, such as one cancelled before it started. For a task: the event of its change or a later one. Null
     * if the thread's object does not know the run.
     */
    seq: number | null;
    /**
     * One more than the run's hops. The name is unique so that no other sender's payload contains it.
     */
    taskloom_hops: number;
    cap?: never;
    used?: never;
  };
}

/** A run came near to a cap, or was refused by it. */
export interface BudgetPayload {
  type: BudgetEvent;
  timestamp: string;
  data: {
    thread_id: string;
    project_id: string;
    /** The run that noticed it. Other runs may have spent the most. */
    invocation_id: string;
    cap: ReachedCap;
    /**
     * In the unit of `cap.limit`. For a user's or project's: with what running runs may still spend. Absent for the
     * deployment's, as the limit is.
     */
    used?: number;
    /** `BUDGET_HOPS` more than the run's hops. */
    taskloom_hops: number;
  } & { [Name in "status" | "tasks" | "task" | "checked_tasks" | "seq"]?: never };
}

export interface ChangedTask {
  id: string;
  /** The task's status, or `deleted`. */
  status: string;
}

/** A task with checks, without what these hold and saw. */
export interface CheckedTask extends ChangedTask {
  verification: Verification;
  checks: {
    id: string;
    type: CheckType;
    author: CheckAuthor;
    /** Null before it ran, as `receipt_id`. */
    outcome: CheckOutcome | null;
    receipt_id: string | null;
  }[];
}

export interface PingPayload {
  type: typeof PING;
  timestamp: string;
  data: { webhook_id: string };
}

export type DeliveryStatus = "pending" | "delivered" | "failed";

export interface DeliveryTry {
  at: string;
  /** HTTP status; null if no answer came. */
  status: number | null;
  /** Null if the try succeeded. */
  error: string | null;
  duration_ms: number;
}

/** The id is derived from the event: webhooks notified of the same event share it. */
export interface DeliveryName {
  user_id: string;
  webhook_id: string;
  delivery_id: string;
}

/** As stored; its secret is stored elsewhere. */
export interface Webhook {
  user_id: string;
  webhook_id: string;
  url: string;
  events: WebhookEvent[];
  enabled: boolean;
  failing_since: string | null;
  disabled_at: string | null;
  disabled_reason: string | null;
  /** Since when its receiver owes an answer to a ping; until it answers, nothing else is sent. */
  unverified_since: string | null;
  created_at: string;
  updated_at: string;
  /** The id of the key that made it or named its address; null or absent if that is not known. */
  made_by?: string | null;
}

/** As stored. */
export interface Delivery extends DeliveryName {
  event: DeliveryEvent;
  status: DeliveryStatus;
  /** Tries since the delivery began or was replayed. */
  attempts: number;
  next_attempt_at: string | null;
  created_at: string;
  finished_at: string | null;
  payload: WebhookPayload | PingPayload;
  /** The newest tries, oldest first. */
  tries: DeliveryTry[];
}
