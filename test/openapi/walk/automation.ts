// Triggers with a signed delivery, and webhooks with a receiver.
import { Webhook } from "standardwebhooks";
import { PING } from "../../../src/protocol/webhook.ts";
import type { Stage } from "./stage.ts";
import type { Walker } from "./walker.ts";

export async function walkTriggers({ ask }: Walker): Promise<void> {
  const body = { type: "webhook", prompt: "[[text Hooked.]]", verify: { scheme: "standard" } };
  const made = await ask("POST /v1/triggers", { body });
  const schedule = { type: "schedule", cron: "0 9 * * MON-FRI", timezone: "Europe/Berlin", prompt: "[[text Due.]]" };
  await ask("POST /v1/triggers", { body: schedule });
  const params = { trigger_id: String(made.body.trigger_id) };
  await ask("GET /v1/triggers", { query: { limit: "1" } });
  await ask("GET /v1/triggers/{trigger_id}", { params });
  await ask("PATCH /v1/triggers/{trigger_id}", { params, body: { prompt: "[[text Hooked again.]]" } });
  const rotated = await ask("POST /v1/triggers/{trigger_id}/rotate", { params, body: {} });
  const hook = new Webhook(String(rotated.body.secret));
  const bodies = [
    ["application/json", JSON.stringify({ action: "opened", issue: { number: 7 } })],
    ["application/x-www-form-urlencoded", new URLSearchParams({ payload: '{"action":"closed"}' }).toString()],
    ["text/plain", "The backup is done."],
  ] as const;
  for (const [place, [type, text]] of bodies.entries()) {
    const id = `msg_${place}`;
    const at = new Date();
    const headers = {
      "content-type": type,
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": hook.sign(id, at, text),
    };
    await ask("POST /hooks/{trigger_id}", { key: null, params, headers, body: text });
  }
  await ask("POST /v1/triggers/{trigger_id}/run", { params, body: { payload: { title: "by hand" } } });
  await ask("GET /v1/triggers/{trigger_id}/deliveries", { params, query: { limit: "5" } });
  await ask("DELETE /v1/triggers/{trigger_id}", { params });
}

export async function walkWebhooks({ ask }: Walker, { receiver }: Stage): Promise<void> {
  const made = await ask("POST /v1/webhooks", { body: { url: `${receiver.origin}/all`, events: ["run.completed"] } });
  const params = { webhook_id: String(made.body.webhook_id) };
  await ask("GET /v1/webhooks", {});
  await ask("POST /v1/webhooks/{webhook_id}/ping", { params });
  await until(async () => {
    const { body } = await ask("GET /v1/webhooks/{webhook_id}", { params });
    return body.unverified_since === null;
  });
  await ask("PATCH /v1/webhooks/{webhook_id}", { params, body: { events: ["run.completed", "run.failed"] } });
  const run = { params: { thread_id: "thread-webhook" }, query: { wait: "1" }, body: { message: "[[text Sent.]]" } };
  await ask("POST /v1/threads/{thread_id}/runs", run);
  await receiver.next(({ path }) => path === "/all");
  let delivered: Record<string, unknown> | undefined;
  await until(async () => {
    const { body } = await ask("GET /v1/webhooks/{webhook_id}/deliveries", { params, query: { status: "delivered" } });
    delivered = body.data.find(({ event }) => event !== PING);
    return delivered !== undefined;
  });
  await ask("POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", {
    params: { ...params, delivery_id: String(delivered?.delivery_id) },
  });
  await ask("POST /v1/webhooks/{webhook_id}/replay", { params, body: { since: "2020-01-01T00:00:00.000Z" } });
  await ask("POST /v1/webhooks/{webhook_id}/rotate", { params, body: {} });
  await ask("DELETE /v1/webhooks/{webhook_id}", { params });
}

/** What the server does by itself, within seconds. Each look is an answer that Prism checks. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < 200; look++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("what the walk waits for does not come");
}
