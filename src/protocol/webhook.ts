// Webhooks out: which events a user may be told, and what a delivery says. It is thin: ids, a state and a number to go on
// from. Who wants more asks the API with a key, so that nothing of a thread goes to an address by itself.

export const webhookEvents = [
  "run.completed",
  "run.failed",
  "run.interrupted",
  "run.cancelled",
  "task.updated",
] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

/** The body of a delivery, as Standard Webhooks has it. */
export interface WebhookPayload {
  type: WebhookEvent;
  /** When it happened. */
  timestamp: string;
  data: {
    thread_id: string;
    project_id: string;
    /** Null for a change of the plan that no run made. */
    invocation_id: string | null;
    /** Of the run. */
    status?: string;
    /** Of `task.updated`. */
    task?: { id: string; status: string };
    /** The event in the thread's stream that tells it; null where it left none, as a run that was cancelled unstarted. */
    seq: number | null;
  };
}

export type DeliveryStatus = "pending" | "delivered" | "failed";

export interface DeliveryTry {
  at: string;
  /** HTTP's; null where no answer came. */
  status: number | null;
  /** Null where it went through. */
  error: string | null;
  duration_ms: number;
}
