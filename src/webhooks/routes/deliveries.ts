// Routes that list the deliveries of a webhook and replay them.
import type { App, AppContext } from "../../http/context.ts";
import { Problem, unwrap } from "../../http/errors.ts";
import { nearAnswer, nearHeaders, readNear } from "../../http/lists/near.ts";
import { addOperation } from "../../http/operation.ts";
import { pageOf } from "../../http/schemas.ts";
import { listDeliveries } from "../../store/webhooks/deliveries.ts";
import { MAX_REPLAYS, replayDelivery, replayRange } from "../../store/webhooks/replays.ts";
import { MAX_TRIES_PER_MINUTE } from "../../store/webhooks/tries.ts";
import { announce } from "./announce.ts";
import {
  delivery,
  deliveryParams,
  deliveryQuery,
  replayBody,
  replayed,
  showDelivery,
  webhookParams,
} from "./schemas.ts";
import { requireWebhook } from "./webhooks.ts";

const tag = "Webhooks";

export function addWebhookDeliveries(app: App): void {
  addOperation(
    app,
    {
      method: "get",
      path: "/v1/webhooks/{webhook_id}/deliveries",
      tag,
      summary: "List deliveries of a webhook",
      description: "Finished deliveries are kept for 30 days. `tries` holds the newest 12, oldest first.",
      params: webhookParams,
      query: deliveryQuery,
      headers: nearHeaders,
      answers: { 200: { description: "Deliveries, newest first.", schema: pageOf(delivery), headers: nearAnswer } },
      problems: ["not_found", "bad_cursor"],
    },
    async (context, { params, query }) => {
      const { user_id } = context.get("caller");
      const request = { limit: query.limit, cursor: query.cursor ?? null, status: query.status ?? null };
      const page = unwrap(await readNear(context, (db) => listDeliveries(db, user_id, params.webhook_id, request)));
      // None is listed without its webhook, so only a page without any asks for it.
      if (page.data.length === 0) await requireWebhook(context, params.webhook_id);
      return context.json({ ...page, data: page.data.map(showDelivery) });
    },
  );
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
      tag,
      summary: "Send a delivery again",
      description:
        "The delivery starts again under the same id, so a receiver can recognize it. Pings are not replayed; send a new one.",
      params: deliveryParams,
      answers: { 202: { description: "The delivery, on its way.", schema: delivery } },
      problems: ["not_found", "invalid_operation"],
    },
    async (context, { params }) => {
      const { user_id, webhook_id } = await requireEnabled(context, params.webhook_id);
      const name = { user_id, webhook_id, delivery_id: params.delivery_id };
      const begun = await replayDelivery(context.env.DB, name, Date.now());
      if (!begun) throw new Problem("not_found", `There is no delivery ${params.delivery_id}, or it is a ping.`);
      await announce(context, [name]);
      return context.json(showDelivery(begun), 202);
    },
  );
  addRange(app);
}

function addRange(app: App): void {
  addOperation(
    app,
    {
      method: "post",
      path: "/v1/webhooks/{webhook_id}/replay",
      tag,
      summary: "Send the deliveries of a time again",
      description: `Finished deliveries, the oldest first, ${MAX_REPLAYS} a request: \`next_cursor\` says that more are left.`,
      params: webhookParams,
      body: replayBody,
      answers: { 202: { description: "How many are on their way.", schema: replayed } },
      problems: ["not_found", "invalid_operation", "bad_cursor"],
    },
    async (context, { params, body }) => {
      const { user_id, webhook_id } = await requireEnabled(context, params.webhook_id);
      const now = Date.now();
      const range = {
        since: Date.parse(body.since),
        until: body.until === undefined ? now : Date.parse(body.until),
        status: body.status,
        cursor: body.cursor ?? null,
      };
      const begun = unwrap(await replayRange(context.env.DB, user_id, webhook_id, range, now));
      // More could not be sent in a minute, and would stand before everybody else's jobs in the queue.
      await announce(context, begun.data.slice(0, MAX_TRIES_PER_MINUTE));
      return context.json({ replayed: begun.data.length, next_cursor: begun.next_cursor }, 202);
    },
  );
}

async function requireEnabled(context: AppContext, webhook_id: string) {
  const found = await requireWebhook(context, webhook_id);
  if (!found.enabled) throw new Problem("invalid_operation", "The webhook is disabled. Enable it first.");
  if (found.unverified_since !== null) {
    throw new Problem("invalid_operation", "The webhook's receiver has not answered a ping yet. Send one first.");
  }
  return found;
}
