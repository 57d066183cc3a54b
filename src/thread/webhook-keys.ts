// The secrets that webhooks are signed with: encrypted on their way into the store, and opened for the one request that they
// sign. They leave this file as an answer to who made or rotated one, and as keys of a delivery.
import { rotateKeys, type SigningKey } from "../integrations/index.ts";
import { createSeal } from "../lib/seal.ts";
import { fail, type Result, succeed } from "../protocol/error.ts";
import { newId } from "../protocol/ids.ts";
import type { Webhook } from "../protocol/webhook.ts";
import { readSecret, replaceSecret, type Secret } from "../store/secrets.ts";
import { createWebhook, MOST_WEBHOOKS } from "../store/webhooks.ts";

export interface WebhookPorts {
  database: D1Database;
  /** The first seals, each opens; none where the server has no ENCRYPTION_KEY. */
  encryption_keys: string[];
}

/** Stores the webhook with its secret. */
export async function storeWebhook(ports: WebhookPorts, webhook: Webhook, secret: string): Promise<Result<Webhook>> {
  const sealed = await sealKeys(ports, webhook, [{ secret, until: null }], webhook.created_at);
  if (!sealed.ok) return sealed;
  if (await createWebhook(ports.database, webhook, sealed.value)) return succeed(webhook);
  return fail("invalid_operation", `There are ${MOST_WEBHOOKS} webhooks, as many as there may be. Delete one first.`);
}

// Each loses to another that came between.
const ROTATIONS_TRIED = 5;

/** `secret` signs from now on, beside those before it for as long as the overlap is. */
export async function rotateSecret(
  ports: WebhookPorts,
  webhook: Webhook,
  secret: string,
  overlap_ms: number,
  now: number,
): Promise<Result<null>> {
  const { user_id, webhook_id } = webhook;
  for (let time = 0; time < ROTATIONS_TRIED; time++) {
    const former = await readSecret(ports.database, { user_id, kind: "webhook", name: webhook_id });
    if (former === null) return fail("not_found", `There is no webhook ${webhook_id}.`);
    const opened = await openKeys(ports, former);
    // What can't be opened signs nothing, so nothing overlaps with it.
    const keys = rotateKeys(opened.ok ? opened.value : [], secret, overlap_ms, now);
    const sealed = await sealKeys(ports, webhook, keys, new Date(now).toISOString());
    if (!sealed.ok) return sealed;
    if (await replaceSecret(ports.database, sealed.value, former.secret_id)) return succeed(null);
  }
  return fail("version_conflict", "The secret is being rotated by others just now.");
}

export async function openKeys({ encryption_keys }: WebhookPorts, row: Secret): Promise<Result<SigningKey[]>> {
  if (encryption_keys.length === 0) return noKey;
  const opened = await createSeal(encryption_keys).open(row, [row.user_id, row.secret_id]);
  if (opened.ok) return succeed(JSON.parse(opened.text) as SigningKey[]);
  const why =
    opened.reason === "key_missing"
      ? "the key that encrypted it is not in the server's ENCRYPTION_KEY any more"
      : "it is damaged";
  return fail("not_configured", `The webhook's secret can't be opened: ${why}. Rotate it.`);
}

const noKey = fail(
  "not_configured",
  "Secrets of webhooks can't be kept: the server's setting ENCRYPTION_KEY is missing.",
);

async function sealKeys(
  { encryption_keys }: WebhookPorts,
  { user_id, webhook_id }: Webhook,
  keys: SigningKey[],
  at: string,
): Promise<Result<Secret>> {
  if (encryption_keys.length === 0) return noKey;
  const secret_id = newId("sec");
  const sealed = await createSeal(encryption_keys).seal(JSON.stringify(keys), [user_id, secret_id]);
  return succeed({ user_id, kind: "webhook", name: webhook_id, secret_id, created_at: at, updated_at: at, ...sealed });
}
