// Webhooks and their deliveries as the API answers them.
import type { Delivery as StoredDelivery, Webhook as StoredWebhook, WebhookEvent } from "../../../protocol/webhook.ts";

export type Webhook = Omit<StoredWebhook, "user_id" | "updated_at">;
export type Delivery = Omit<StoredDelivery, "user_id" | "webhook_id">;

/** In the order of the documents. */
export const eventNames: WebhookEvent[] = [
  "run.completed",
  "run.failed",
  "run.interrupted",
  "run.cancelled",
  "task.updated",
];

/** Kept in that order, so that a box that is ticked and cleared again changes nothing. */
export function withEvent(chosen: WebhookEvent[], event: WebhookEvent, isChosen: boolean): WebhookEvent[] {
  return eventNames.filter((each) => (each === event ? isChosen : chosen.includes(each)));
}

/** Where it goes, without what makes addresses long. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}
