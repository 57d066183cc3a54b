// Webhooks and their deliveries as the API returns them.
import type { Delivery as StoredDelivery, Webhook as StoredWebhook, WebhookEvent } from "../../../protocol/webhook.ts";

export type Webhook = Omit<StoredWebhook, "user_id" | "updated_at">;
export type Delivery = Omit<StoredDelivery, "user_id" | "webhook_id">;

/** In the order of the documentation. */
export const eventNames: WebhookEvent[] = [
  "run.completed",
  "run.failed",
  "run.interrupted",
  "run.cancelled",
  "task.updated",
  "task.verified",
  "task.check_failed",
  "budget.warning",
  "budget.reached",
];

/** In that order, so that ticking and clearing a box changes nothing. */
export function withEvent(chosen: WebhookEvent[], event: WebhookEvent, isChosen: boolean): WebhookEvent[] {
  return eventNames.filter((each) => (each === event ? isChosen : chosen.includes(each)));
}

/** The target, told apart from others on its host; a query may be long. */
export function shortAddress(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.host}${parsed.pathname === "/" ? "" : parsed.pathname}`;
}

/** Whether nothing is sent but pings, since its receiver has not answered one yet. */
export function isUnverified({ enabled, unverified_since }: Webhook): boolean {
  return enabled && unverified_since !== null;
}
