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

export function isWebhookEvent(name: string): name is WebhookEvent {
  return (webhookEvents as readonly string[]).includes(name);
}

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
    /** Of `task.updated`: a task's status, or `deleted`. */
    task?: { id: string; status: string };
    /**
     * An event in the thread's stream to go on from: of a run its last one, or the newest where it left none, as one that was
     * cancelled unstarted. Of a task the event that tells it or a later one. Null where the thread knows nothing of the run.
     */
    seq: number | null;
    /** Of this delivery: one more than those of the run. Named so that no other sender's payload has it. Former versions sent none. */
    taskloom_hops?: number;
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

/** Its id is the event's: webhooks that are told of the same thing share it. */
export interface DeliveryName {
  user_id: string;
  webhook_id: string;
  delivery_id: string;
}

/** As it is stored; its secret is apart. */
export interface Webhook {
  user_id: string;
  webhook_id: string;
  url: string;
  events: WebhookEvent[];
  enabled: boolean;
  failing_since: string | null;
  disabled_at: string | null;
  disabled_reason: string | null;
  created_at: string;
  updated_at: string;
}

/** As it is stored. */
export interface Delivery extends DeliveryName {
  event: WebhookEvent;
  status: DeliveryStatus;
  /** Since the last time that it began anew. */
  attempts: number;
  next_attempt_at: string | null;
  created_at: string;
  finished_at: string | null;
  payload: WebhookPayload;
  /** The newest, oldest first. */
  tries: DeliveryTry[];
}

/** What a stored delivery carries. Those of former versions say nothing: they count as the first, as all did. */
export function hopsOf(payload: string): number {
  const { data } = JSON.parse(payload) as Partial<WebhookPayload>;
  return data?.taskloom_hops ?? 1;
}
