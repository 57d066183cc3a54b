// The zod schemas of requests and responses. They validate, and `/openapi.json` is generated from them. Schemas of
// `protocol` are built again from their shapes, because only instances made after zod-openapi's import can have a name.
import { z } from "@hono/zod-openapi";
import { findJsonFault } from "../lib/json-bounds.ts";
import { MAX_ZONE_CHARACTERS, readTimeZone } from "../lib/time-zone.ts";
import { diagnostics as threadDiagnostics } from "../protocol/diagnostics.ts";
import { clientId } from "../protocol/ids.ts";
import { messageTypes } from "../protocol/message.ts";
import { run, runStatuses } from "../protocol/run.ts";
import { type Late, late, readLate } from "../protocol/schemas/late.ts";
import { limitNames } from "../protocol/schemas/many.ts";
import * as examples from "./examples.ts";
import { VERSION } from "./version.ts";

export const wellFormed = z
  .string()
  .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

export const timeZone = wellFormed
  .max(MAX_ZONE_CHARACTERS)
  .refine((name) => readTimeZone(name) !== null, "is not an IANA time zone, such as Europe/Berlin or UTC");

export const title = wellFormed.max(500);
export const time = z.string().openapi({ format: "date-time", example: examples.time });

/** For JSON that a client stores with a thread or run. */
const jsonBounds = { characters: 64 * 1024, levels: 32 };

/** Any JSON within bounds. */
export const smallJson = z.unknown().superRefine((value, issues) => {
  const wrong = findJsonFault(value, jsonBounds);
  if (wrong !== null) issues.addIssue({ code: "custom", message: wrong });
});

/** A JSON object within bounds. */
export const smallObject = limitNames(
  z.record(z.string(), z.unknown()).superRefine((value, issues) => {
    const wrong = findJsonFault(value, jsonBounds);
    if (wrong !== null) issues.addIssue({ code: "custom", message: wrong });
  }),
  // A name has at least quotes, a colon, a value and a comma.
  jsonBounds.characters / 5,
  `is larger than ${jsonBounds.characters} characters of JSON`,
);

/** As many as one message of a model can ask, because a run's interrupts are answered together. */
export const MAX_ANSWERS = 256;

export const problem = late(() =>
  z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      detail: z.string(),
      code: z.string(),
      request_id: z.string(),
    })
    .openapi("Problem", { example: examples.problem }),
);

const check = late(() =>
  z
    .object({
      name: z.string().openapi({
        description: "`settings`, `database`, `schema`, `queue`, `secrets`, `model:NAME` or `sandbox`.",
      }),
      ok: z.boolean(),
      ms: z.int().openapi({ description: "How long it took." }),
      problem: z.string().optional().openapi({ description: "What is wrong. Absent if nothing is." }),
      details: z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string())])).optional(),
    })
    .openapi("HealthCheck", { example: { name: "database", ok: true, ms: 12, details: { size_bytes: 409_600 } } }),
);

const healthFields = late(() => ({
  version: z.string(),
  stand_ins: z.array(z.string()),
  sign_in: z.object({ name: z.string() }).nullable().openapi({
    description: "What people sign in with at `/auth/sign-in`; null where only keys are known.",
  }),
}));

const healthExample = { version: VERSION, stand_ins: [], sign_in: { name: "Example Inc." } };

export const health = late(() =>
  z
    .object({
      status: z.literal("ok"),
      ...healthFields(),
      checks: z.array(check()).optional().openapi({ description: "Only with `deep=1` and an admin's key." }),
      checked_at: time.optional().openapi({ description: "When `checks` were made." }),
    })
    .openapi("Health", { example: { status: "ok", ...healthExample } }),
);

export const deepHealth = late(() =>
  z
    .object({ status: z.literal("failing"), ...healthFields(), checks: z.array(check()), checked_at: time })
    .openapi("FailingHealth", {
      example: {
        ...{ status: "failing", ...healthExample, checked_at: "2026-11-24T12:00:00.000Z" },
        checks: [{ name: "queue", ok: false, ms: 5000, problem: "There was no answer within 5 s." }],
      },
    }),
);

/** Of whatever opens a way in. */
export const madeBy = z.string().nullable().openapi({
  description: "The id of the API key that made it, or `admin_key`. Null if that is not known.",
});

export const ticket = late(() =>
  z.object({ url: z.string(), expires_at: time }).openapi("Ticket", { example: examples.ticket }),
);

export const threadParams = z.object({ thread_id: clientId });
export const runParams = threadParams.extend({ invocation_id: clientId });
export const messageParams = threadParams.extend({ message_id: clientId });

const threadTitle = late(() =>
  title.nullable().openapi({
    description:
      "If it is null, or absent for a new thread, the first line of the next message with text becomes the title.",
  }),
);

export const threadBody = late(() =>
  z
    .strictObject({
      thread_id: clientId.optional(),
      project_id: clientId.optional(),
      title: threadTitle().optional(),
      agent_id: clientId.optional(),
      metadata: smallObject.optional(),
    })
    .openapi({ example: { title: "Online shop", metadata: { customer: 7 } } }),
);
export const threadPatch = late(() =>
  z
    .strictObject({
      title: threadTitle().optional(),
      agent_id: clientId.optional(),
      metadata: smallObject.optional(),
    })
    .openapi({ example: { title: "Bookshop" } }),
);
export const thread = late(() =>
  z
    .object({
      thread_id: z.string(),
      user_id: z.string(),
      project_id: z.string(),
      title: z.string().nullable().openapi({
        description:
          "The given title, or else the first line of its first message with text (80 characters at most). Null before that message.",
      }),
      agent_id: z.string(),
      metadata: z.record(z.string(), z.unknown()),
      created_at: time,
      updated_at: time,
    })
    .openapi("Thread", { example: examples.thread }),
);

export const threadWithRun = late(() =>
  z
    .object({
      ...thread().shape,
      last_run: z
        .object({ invocation_id: z.string(), status: z.enum(runStatuses) })
        .nullable()
        .openapi({ description: "The newest run; null before the first." }),
    })
    .openapi("ThreadWithRun", { example: examples.threadWithRun }),
);

export const message = late(() =>
  z
    .object({
      message_id: z.string(),
      thread_id: z.string(),
      project_id: z.string(),
      user_id: z.string(),
      invocation_id: z.string().nullable(),
      agent_id: z.string().nullable(),
      type: z.enum(messageTypes),
      is_llm_message: z.boolean(),
      content: z
        .unknown()
        .openapi({ description: "For an LLM message: the OpenAI chat message. For `task_list`: the plan." }),
      metadata: z.record(z.string(), z.unknown()),
      seq: z.int(),
      created_at: time,
      superseded_by: z
        .string()
        .optional()
        .openapi({ description: "The run that was started in its place. Absent for a message of the conversation." }),
      superseded_at: time.optional(),
    })
    .openapi("Message", { example: examples.message }),
);

export const runAnswer = late(() => z.object(run().shape).openapi("Run", { example: examples.run }));
const { sources: _, ...listedExample } = examples.run;
export const listedRun = late(() =>
  z
    .object(run().omit({ sources: true }).shape)
    .openapi("ListedRun", { description: "A run without its sources.", example: listedExample }),
);
export const diagnostics = late(() => threadDiagnostics().openapi("Diagnostics", { example: examples.diagnostics }));

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(1000).optional().openapi({ description: "`next_cursor` of the page before." }),
});

export function pageOf(item: Late<z.ZodType>): () => z.ZodType {
  return () => z.object({ data: z.array(readLate(item)), next_cursor: z.string().nullable() });
}
