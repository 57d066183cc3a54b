// Request and response bodies of the webhook routes.
import { z } from "@hono/zod-openapi";
import * as examples from "../../http/examples.ts";
import { madeBy, pageQuery, time, wellFormed } from "../../http/schemas.ts";
import { clientId } from "../../protocol/ids.ts";
import { late } from "../../protocol/schemas/late.ts";
import { type Delivery, PING, webhookEvents } from "../../protocol/webhook.ts";
import { whyNoSigningSecret } from "../signing.ts";

const URL_CHARACTERS = 2_000;
const DAY_SECONDS = 24 * 60 * 60;

const url = late(() =>
  wellFormed
    .max(URL_CHARACTERS)
    // The URL parser drops white space that was pasted, and the address shown should be the one that is called.
    .regex(/^\S*$/, "must not contain spaces or line feeds")
    .refine((text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""), "must be an http or https address")
    .refine((text) => {
      const parsed = URL.parse(text);
      return parsed === null || (parsed.username === "" && parsed.password === "");
    }, "must not contain a user or password: deliveries are signed"),
);

const events = late(() =>
  z
    .array(z.enum(webhookEvents))
    .min(1)
    .max(100)
    .transform((names) => [...new Set(names)]),
);

const secret = late(() =>
  z
    .string()
    .max(200)
    .superRefine((text, issues) => {
      const why = whyNoSigningSecret(text);
      if (why !== null) issues.addIssue({ code: "custom", message: why });
    })
    .openapi({ description: "Your own secret: `whsec_` and 24 to 64 bytes in base64. Generated if absent." }),
);

export const webhookParams = late(() => z.object({ webhook_id: clientId }));
export const deliveryParams = late(() => webhookParams().extend({ delivery_id: clientId }));

export const webhookBody = late(() =>
  z
    .strictObject({ url: url(), events: events(), secret: secret().optional(), enabled: z.boolean().default(true) })
    .openapi({ example: { url: examples.webhook.url, events: ["run.completed", "run.failed"] } }),
);
export const webhookPatch = late(() =>
  z
    .strictObject({ url: url().optional(), events: events().optional(), enabled: z.boolean().optional() })
    .openapi({ example: { enabled: true } }),
);

const webhookFields = late(() => ({
  webhook_id: z.string(),
  url: z.string(),
  events: z.array(z.enum(webhookEvents)),
  enabled: z.boolean(),
  unverified_since: time.nullable().openapi({
    description: "Since when the receiver has not answered a ping. Nothing else is sent until it has.",
  }),
  failing_since: time.nullable().openapi({ description: "Since when every delivery has failed." }),
  disabled_at: time.nullable().openapi({ description: "When the server disabled it." }),
  disabled_reason: z.string().nullable().openapi({ description: "Why the server disabled it." }),
  created_at: time,
  made_by: madeBy,
}));
export const webhook = late(() => z.object(webhookFields()).openapi("Webhook", { example: examples.webhook }));
export const newWebhook = late(() =>
  z
    .object({ ...webhookFields(), secret: z.string().openapi({ description: "Shown only in this answer." }) })
    .openapi("NewWebhook", { example: { ...examples.webhook, secret: examples.signingSecret } }),
);

export const rotateBody = late(() =>
  z
    .strictObject({
      secret: secret().optional(),
      overlap_seconds: z
        .int()
        .min(0)
        .max(7 * DAY_SECONDS)
        .default(DAY_SECONDS)
        .openapi({
          description:
            "How long deliveries are signed with the former secret too; 0 ends all former secrets immediately.",
        }),
    })
    .openapi({ example: { overlap_seconds: DAY_SECONDS } }),
);

export const delivery = late(() =>
  z
    .object({
      delivery_id: z.string().openapi({ description: "The header `webhook-id`." }),
      event: z.enum([...webhookEvents, PING]),
      status: z.enum(["pending", "delivered", "failed"]),
      attempts: z.int().openapi({ description: "Tries since the delivery began or was replayed." }),
      next_attempt_at: time.nullable(),
      tries: z.array(
        z.object({ at: time, status: z.int().nullable(), error: z.string().nullable(), duration_ms: z.number() }),
      ),
      payload: z.record(z.string(), z.unknown()).openapi({ description: "The body that is sent." }),
      created_at: time,
      finished_at: time.nullable(),
    })
    .openapi("Delivery", { example: examples.delivery }),
);

/** A delivery as clients see it. */
export function showDelivery({
  user_id: _user,
  webhook_id: _webhook,
  ...shown
}: Delivery): Omit<Delivery, "user_id" | "webhook_id"> {
  return shown;
}

export const deliveryQuery = late(() =>
  pageQuery.extend({ status: z.enum(["pending", "delivered", "failed"]).optional() }),
);

const moment = late(() => z.iso.datetime({ offset: true }));
export const replayBody = late(() =>
  z
    .strictObject({
      since: moment().openapi({ description: "Only deliveries made from then on." }),
      until: moment().optional().openapi({ description: "Now if absent." }),
      status: z.enum(["failed", "all"]).default("failed"),
      cursor: z.string().min(1).max(1000).optional().openapi({ description: "`next_cursor` of the previous replay." }),
    })
    .openapi({ example: { since: examples.time, status: "failed" } }),
);
export const replayed = late(() =>
  z
    .object({
      replayed: z.int(),
      next_cursor: z.string().nullable().openapi({ description: "Null if none are left." }),
    })
    .openapi("Replayed", { example: { replayed: 12, next_cursor: null } }),
);
