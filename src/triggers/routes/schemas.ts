// Request and response bodies of `/v1/triggers`. Webhooks and schedules share a resource but few fields: each refuses
// the other's.
import { z } from "@hono/zod-openapi";
import { hopsHeader } from "../../http/hops.ts";
import { madeBy, smallJson, time, wellFormed } from "../../http/schemas.ts";
import { clientId } from "../../protocol/ids.ts";
import { capFields, givenCaps } from "../../protocol/money/caps.ts";
import { late } from "../../protocol/schemas/late.ts";
import type { TriggerVerification } from "../../protocol/trigger.ts";
import { fillHmac } from "../verify.ts";

/** Five thousand words. A longer text belongs in an agent's instructions or in a file. */
const PROMPT_CHARACTERS = 20_000;
const prompt = late(() =>
  wellFormed
    .max(PROMPT_CHARACTERS)
    .refine((text) => text.trim() !== "", "says nothing")
    .openapi({
      description:
        "The message of the run. In a webhook's prompt, `{{$.issue.title}}` is replaced by the payload's value, quoted.",
    }),
);

const headerName = late(() => z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, "must be the name of a header"));
const prefix = late(() => z.string().regex(/^[ -~]{0,100}$/, "must be printable ASCII"));

const hmac = late(() =>
  z
    .strictObject({
      scheme: z.literal("hmac"),
      header: headerName().openapi({ description: "The header with the signature." }),
      algorithm: z.enum(["sha1", "sha256", "sha512"]).optional().openapi({ description: "`sha256` if absent." }),
      encoding: z.enum(["hex", "base64"]).optional().openapi({ description: "`hex` if absent." }),
      prefix: prefix().optional().openapi({ description: "Text before the signature." }),
      timestamp_header: headerName().nullable().optional().openapi({
        description:
          "The header with the signed time in seconds. Name the signature's header if the time is in it as `t=`.",
      }),
      signed: wellFormed.min(1).max(200).optional().openapi({
        description:
          "The signed text. `{timestamp}.{body}` if there is a time, or else `{body}`; may contain `{id}` too.",
      }),
      id_header: headerName().nullable().optional().openapi({ description: "The header with the delivery's id." }),
    })
    .superRefine((given, issues) => {
      const { signed, timestamp_header, id_header } = fillHmac(given);
      const wrong = findFault(signed, timestamp_header, id_header);
      if (wrong !== null) issues.addIssue({ code: "custom", path: ["signed"], message: wrong });
    }),
);

/** A time that is not signed can be forged. */
function findFault(signed: string, timestamp_header: string | null, id_header: string | null): string | null {
  if (!signed.includes("{body}")) return "must contain {body}: otherwise any body would be accepted";
  if (signed.split("{body}").length > 2) return "must contain {body} only once";
  if (signed.includes("{timestamp}") !== (timestamp_header !== null)) {
    return "must contain {timestamp} if timestamp_header is set, and only then";
  }
  return signed.includes("{id}") && id_header === null ? "must not contain {id} without an id_header" : null;
}

const verify = late(
  (): z.ZodType<TriggerVerification> =>
    z
      .discriminatedUnion("scheme", [
        z.strictObject({ scheme: z.literal("standard") }),
        z.strictObject({ scheme: z.literal("github") }),
        hmac(),
        z.strictObject({
          scheme: z.literal("header"),
          header: headerName().openapi({ description: "The header with the secret." }),
          prefix: prefix().optional().openapi({ description: "Text before the secret, such as `Bearer `." }),
          id_header: headerName().nullable().optional().openapi({ description: "The header with the delivery's id." }),
        }),
      ])
      .openapi({ example: { scheme: "github" } }),
);

// `clientId` may have been created before the zod extension that adds `openapi`; a copy has it.
const thread = late(() =>
  clientId.clone().openapi({ description: "`new`, `per_key` (webhooks), or the id of one thread." }),
);
const key = late(() =>
  wellFormed.min(1).max(500).nullable().openapi({
    description:
      "For `per_key`: deliveries with the same key share a thread, such as `{{$.issue.number}}`. Null takes the payload's `key`, or GitHub's issue or pull request.",
  }),
);
const cron = late(() =>
  z.string().trim().max(200).openapi({ description: "Five cron fields: minute, hour, day, month, weekday." }),
);
const timezone = late(() => z.string().min(1).max(100).openapi({ description: "An IANA time zone." }));
const overlap = late(() => z.enum(["skip", "queue"]));
const secret = late(() => z.string().max(1000).openapi({ description: "Generated if absent." }));

const shared = late(() => ({
  agent_id: clientId.nullable().default(null),
  project_id: clientId.nullable().default(null),
  prompt: prompt(),
  enabled: z.boolean().default(true),
  ...givenCaps,
}));

export const triggerBody = late(() =>
  z
    .discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("webhook"),
        ...shared(),
        verify: verify(),
        thread: thread().default("new"),
        key: key().default(null),
        secret: secret().optional(),
      }),
      z.strictObject({
        type: z.literal("schedule"),
        ...shared(),
        cron: cron(),
        timezone: timezone().default("UTC"),
        thread: thread().default("new"),
        overlap: overlap().default("skip"),
      }),
    ])
    .openapi({ example: { type: "webhook", prompt: "Triage {{$.issue.title}}.", verify: { scheme: "github" } } }),
);

export type TriggerBody = z.infer<ReturnType<typeof triggerBody>>;

export const triggerPatch = late(() =>
  z
    .strictObject({
      agent_id: clientId.nullable().optional(),
      project_id: clientId.nullable().optional(),
      prompt: prompt().optional(),
      enabled: z.boolean().optional(),
      thread: thread().optional(),
      verify: verify().optional(),
      key: key().optional(),
      cron: cron().optional(),
      timezone: timezone().optional(),
      overlap: overlap().optional(),
      ...givenCaps,
    })
    .openapi({ example: { enabled: false } }),
);
export type TriggerPatch = z.infer<ReturnType<typeof triggerPatch>>;

/** A week: by then the other side has the new secret. */
const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60;
export const rotationBody = late(() =>
  z
    .strictObject({
      secret: secret().optional(),
      overlap_seconds: z
        .int()
        .min(0)
        .max(MAX_OVERLAP_SECONDS)
        .default(24 * 60 * 60)
        .openapi({ description: "How long the former secrets stay valid." }),
    })
    .openapi({ example: { overlap_seconds: 3600 } }),
);

export const firingHeaders = late(() =>
  z.object({
    "idempotency-key": clientId.optional().openapi({ description: "The same key again returns the same run." }),
    "taskloom-hops": hopsHeader,
  }),
);
export const firingBody = late(() =>
  z
    .strictObject({
      payload: smallJson.optional().openapi({ description: "For a webhook: handled as if it had been delivered." }),
    })
    .openapi({ example: { payload: { issue: { title: "It is slow" } } } }),
);

export const triggerParams = late(() => z.object({ trigger_id: clientId }));

const example = {
  trigger_id: "trig_01jdf3k8x2m4n6p8q0r2s4t6v8",
  type: "webhook",
  agent_id: null,
  project_id: null,
  prompt: "Triage {{$.issue.title}}.",
  verify: { scheme: "github" },
  thread: "new",
  key: null,
  enabled: true,
  url: "https://taskloom.example/hooks/trig_01jdf3k8x2m4n6p8q0r2s4t6v8",
  cron: null,
  timezone: null,
  overlap: null,
  next_times: [],
  max_cost_usd: 0.5,
  max_total_tokens: null,
  max_minutes: null,
  last_fired_at: null,
  created_at: "2026-11-24T10:00:00.000Z",
  disabled_at: null,
  disabled_reason: null,
  made_by: "admin_key",
} as const;

const triggerShape = late(() => ({
  trigger_id: z.string(),
  type: z.enum(["webhook", "schedule"]),
  agent_id: z.string().nullable(),
  project_id: z.string().nullable(),
  prompt: z.string(),
  verify: z.object({ scheme: z.string() }).loose().nullable(),
  thread: z.string(),
  key: z.string().nullable(),
  enabled: z.boolean(),
  url: z.string().nullable(),
  cron: z.string().nullable(),
  timezone: z.string().nullable(),
  overlap: overlap().nullable(),
  next_times: z.array(time),
  ...capFields,
  last_fired_at: time.nullable(),
  created_at: time,
  disabled_at: time.nullable().openapi({ description: "When the server disabled it." }),
  disabled_reason: z.string().nullable().openapi({
    description:
      "Why the server disabled it. A webhook's secret is deleted then. It needs a new one to be enabled again.",
  }),
  made_by: madeBy,
}));
export const trigger = late(() => z.object(triggerShape()).openapi("Trigger", { example }));
export const newTrigger = late(() =>
  z
    .object({ ...triggerShape(), secret: z.string().nullable() })
    .openapi("NewTrigger", { example: { ...example, secret: "9f1c…" } }),
);

export const firedRun = late(() =>
  z
    .object({ invocation_id: z.string(), thread_id: z.string() })
    .openapi("FiredRun", { example: { invocation_id: "inv-001", thread_id: "thread-001" } }),
);

export const hookAnswer = late(() =>
  z
    .object({
      invocation_id: z.string().nullable(),
      thread_id: z.string().nullable(),
      trigger_id: z.string(),
      duplicate: z.boolean(),
    })
    .openapi("HookAnswer", {
      example: { invocation_id: "inv-001", thread_id: "thread-001", trigger_id: example.trigger_id, duplicate: false },
    }),
);

const deliveryExample = {
  delivery_id: "del_01jdf3k8x2m4n6p8q0r2s4t6v8",
  status: "refused",
  reason: "The header X-Hub-Signature-256 is missing.",
  source_id: null,
  thread_id: null,
  invocation_id: null,
  created_at: "2026-11-24T10:00:00.000Z",
} as const;
export const triggerDelivery = late(() =>
  z
    .object({
      delivery_id: z.string(),
      status: z.enum(["accepted", "refused", "skipped", "waiting"]),
      reason: z.string().nullable(),
      source_id: z.string().nullable(),
      thread_id: z.string().nullable(),
      invocation_id: z.string().nullable(),
      created_at: time,
    })
    .openapi("TriggerDelivery", { example: deliveryExample }),
);
