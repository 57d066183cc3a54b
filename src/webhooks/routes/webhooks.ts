// Webhooks: the addresses that a user's events are sent to. A secret is shown when it is made, and never again.
import type { z } from "@hono/zod-openapi";
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../../http/lists/near.ts";
import { addOperation } from "../../http/operation.ts";
import { usualQuotas } from "../../http/ownership.ts";
import { takeOne } from "../../http/quotas/quotas.ts";
import { pageOf, pageQuery } from "../../http/schemas.ts";
import { whyNotPublic } from "../../lib/public-url.ts";
import { newId } from "../../protocol/ids.ts";
import type { Webhook } from "../../protocol/webhook.ts";
import { rotateSecret } from "../../secrets/rotated.ts";
import type { SecretPorts } from "../../secrets/sealed.ts";
import { signingSecretOf, storeWebhook } from "../../secrets/webhook-keys.ts";
import { createPing } from "../../store/webhooks/pings.ts";
import {
  deleteWebhook,
  listWebhooks,
  readWebhook,
  type StoredWebhook,
  updateWebhook,
} from "../../store/webhooks/webhooks.ts";
import { makeSigningSecret } from "../signing.ts";
import { announce } from "./announce.ts";
import {
  delivery,
  newWebhook,
  rotateBody,
  showDelivery,
  webhook,
  webhookBody,
  webhookParams,
  webhookPatch,
} from "./schemas.ts";

const tag = "Webhooks";

export function addWebhooks(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/webhooks",
      tag,
      summary: "Create a webhook",
      description:
        "Events of all your threads are sent to it, signed by the Standard Webhooks scheme, once it has answered a ping with 2xx. `secret` is shown only in this answer. Each webhook has another address.",
      body: webhookBody,
      answers: { 201: { description: "The webhook with its secret.", schema: newWebhook } },
      problems: ["invalid_operation", "already_exists", "version_conflict", "rate_limited"],
      audit: "webhook.create",
      quota: "webhooks",
    },
    async (context, { body }) => {
      requirePublic(context, body.url);
      if (body.enabled) await takePing(context);
      const { secret = makeSigningSecret(), ...fields } = body;
      const made = unwrap(
        await storeWebhook(portsOf(context), toWebhook(context, fields), secret, usualQuotas(context)),
      );
      await sendPing(context, made);
      return context.json({ ...showWebhook(made.webhook), secret }, 201);
    },
  );
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/webhooks",
      // An address may itself be a secret, as those of chat platforms are.
      scope: "write",
      tag,
      summary: "List webhooks",
      description: "Newest first, without their secrets.",
      query: pageQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Without secrets, newest first.", schema: pageOf(webhook), headers: nearAnswer } },
      problems: ["bad_cursor"],
    },
    async (context, { query }) => {
      const request = { limit: query.limit, cursor: query.cursor ?? null };
      const page = unwrap(await readNear(context, (db) => listWebhooks(db, context.get("caller").user_id, request)));
      return context.json({ ...page, data: page.data.map(showWebhook) });
    },
  );
  addOne(app);
  addRotation(app);
}

function addOne(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/webhooks/{webhook_id}",
      scope: "write",
      tag,
      summary: "Read a webhook",
      description: "Without its secret. Includes since when it fails, and why it was disabled.",
      params: webhookParams,
      answers: { 200: { description: "The webhook, without its secret.", schema: webhook } },
      problems: ["not_found"],
    },
    async (context, { params }) => context.json(showWebhook(await requireWebhook(context, params.webhook_id))),
  );
  addOperation(
    app,
    {
      method: "patch",
      path: "/v1/webhooks/{webhook_id}",
      tag,
      summary: "Change a webhook",
      description:
        "Enabling a webhook clears its record of failures. Disabling it ends its pending deliveries as failed; you can replay them. Another `url` has to answer a ping first.",
      params: webhookParams,
      body: webhookPatch,
      answers: { 200: { description: "The changed webhook.", schema: webhook } },
      problems: ["not_found", "already_exists", "version_conflict", "rate_limited"],
      audit: "webhook.update",
    },
    async (context, { params, body }) => {
      const { user_id, webhook_id, url, ...stored } = await requireWebhook(context, params.webhook_id);
      const { key_id: maker } = context.get("caller");
      const { url: wanted = url, ...others } = body;
      if (body.url !== undefined) requirePublic(context, wanted);
      const owesAnswer = wanted !== url || (body.enabled === true && stored.unverified_since !== null);
      const asks = owesAnswer && (body.enabled ?? stored.enabled);
      if (asks) await takePing(context);
      const patch = wanted === url ? others : body;
      const changed = unwrap(
        await updateWebhook(context.env.DB, { user_id, webhook_id, asks, maker }, patch, Date.now()),
      );
      if (!changed) throw missing(params.webhook_id);
      await sendPing(context, changed);
      return context.json(showWebhook(changed.webhook));
    },
  );
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/webhooks/{webhook_id}/ping",
      tag,
      summary: "Send a ping to a webhook",
      description:
        "A delivery of the event `webhook.ping`. Once the receiver has answered one with 2xx, the webhook gets events.",
      params: webhookParams,
      answers: { 202: { description: "The ping, on its way.", schema: delivery } },
      problems: ["not_found", "invalid_operation", "rate_limited"],
    },
    async (context, { params }) => {
      const { user_id, webhook_id } = await requireWebhook(context, params.webhook_id);
      await takePing(context);
      const ping = await createPing(context.env.DB, user_id, webhook_id, Date.now());
      if (ping === null) throw new Problem("invalid_operation", "The webhook is disabled. Enable it first.");
      await announce(context, [ping]);
      return context.json(showDelivery(ping), 202);
    },
  );
  addOperation(
    app,
    {
      method: "delete",
      path: "/v1/webhooks/{webhook_id}",
      tag,
      summary: "Delete a webhook",
      description: "Deletes its secret and its deliveries too; waiting deliveries are not sent.",
      params: webhookParams,
      answers: { 204: { description: "The webhook is deleted." } },
      problems: ["not_found"],
      audit: "webhook.delete",
    },
    async (context, { params }) => {
      const deleted = await deleteWebhook(context.env.DB, context.get("caller").user_id, params.webhook_id);
      if (!deleted) throw missing(params.webhook_id);
      return context.body(null, 204);
    },
  );
}

function addRotation(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/webhooks/{webhook_id}/rotate",
      tag,
      summary: "Give a webhook another secret",
      description: "Until the overlap ends, each delivery has a signature of the former secret too.",
      params: webhookParams,
      body: rotateBody,
      answers: { 200: { description: "The webhook with its new secret, shown this once.", schema: newWebhook } },
      problems: ["not_found", "version_conflict"],
      audit: "webhook.rotate_secret",
    },
    async (context, { params, body }) => {
      const found = await requireWebhook(context, params.webhook_id);
      const { secret = makeSigningSecret(), overlap_seconds } = body;
      unwrap(await rotateSecret(portsOf(context), signingSecretOf(found), secret, overlap_seconds * 1000, Date.now()));
      return context.json({ ...showWebhook(found), secret });
    },
  );
}

/** The caller's webhook; another user's is not found. */
export async function requireWebhook(context: AppContext, webhook_id: string): Promise<Webhook> {
  const found = await readWebhook(context.env.DB, context.get("caller").user_id, webhook_id);
  if (!found) throw missing(webhook_id);
  return found;
}

function missing(webhook_id: string): Problem {
  return new Problem("not_found", `There is no webhook ${webhook_id}.`);
}

/** Checked again before each try, since the operator may have changed the setting by then. */
function requirePublic(context: AppContext, url: string): void {
  const why = context.get("config").private_urls_allowed ? null : whyNotPublic(url);
  if (why === null) return;
  throw new Problem("invalid_field", `url: ${why}, and the server's settings don't permit that`);
}

/**
 * Counts a ping that the caller is about to send. Without this limit, a loop that makes and deletes webhooks would send
 * somebody else as many requests as it makes. A missing or failing rate limit keeps nobody out.
 */
async function takePing(context: AppContext): Promise<void> {
  const refusal = await takeOne(context.env, context.get("caller"), "pings_per_minute");
  // The code that this had before there were quotas.
  if (refusal !== null) throw new Problem("rate_limited", refusal.detail, false, refusal.retry_after_s);
}

async function sendPing(context: AppContext, { ping }: StoredWebhook): Promise<void> {
  if (ping !== null) await announce(context, [ping]);
}

function portsOf(context: AppContext): SecretPorts {
  return { database: context.env.DB, encryption_keys: context.get("config").encryption_keys };
}

function toWebhook(context: AppContext, fields: Pick<Webhook, "url" | "events" | "enabled">): Webhook {
  const now = new Date().toISOString();
  return {
    user_id: context.get("caller").user_id,
    webhook_id: newId("hook"),
    ...fields,
    failing_since: null,
    disabled_at: null,
    disabled_reason: null,
    unverified_since: now,
    created_at: now,
    updated_at: now,
    made_by: context.get("caller").key_id,
  };
}

function showWebhook(stored: Webhook): z.infer<ReturnType<typeof webhook>> {
  const { webhook_id, url, events, enabled, created_at, made_by } = stored;
  const { unverified_since, failing_since, disabled_at, disabled_reason } = stored;
  const state = { unverified_since, failing_since, disabled_at, disabled_reason };
  return { webhook_id, url, events, enabled, ...state, created_at, made_by };
}
