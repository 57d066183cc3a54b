// Stores a webhook together with the secret that signs its deliveries.
import type { Result } from "../protocol/error.ts";
import type { Webhook } from "../protocol/webhook.ts";
import { whileMakerLives } from "../store/keys/maker.ts";
import type { UsualQuota } from "../store/quotas/held.ts";
import { createWebhook, type StoredWebhook } from "../store/webhooks/webhooks.ts";
import { type RotatedName, sealFirst } from "./rotated.ts";
import type { SecretPorts } from "./sealed.ts";

/** Stores both, or neither. */
export async function storeWebhook(
  ports: SecretPorts,
  webhook: Webhook,
  secret: string,
  usual?: UsualQuota,
): Promise<Result<StoredWebhook>> {
  const sealed = await sealFirst(ports.encryption_keys, signingSecretOf(webhook), secret, webhook.created_at);
  if (!sealed.ok) return sealed;
  const now = Date.parse(webhook.created_at);
  const made = await whileMakerLives(createWebhook(ports.database, webhook, sealed.value, now, usual));
  return made.ok ? made.value : made;
}

export function signingSecretOf({ user_id, webhook_id }: Webhook): RotatedName {
  return { user_id, kind: "webhook", name: webhook_id };
}
