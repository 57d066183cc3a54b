// The zod schemas of requests and responses. They validate, and `/openapi.json` is generated from them. Schemas of
// `protocol` are built again from their shapes, because only instances made after zod-openapi's import can have a name.
import { z } from "@hono/zod-openapi";
import { MAX_RETENTION_DAYS } from "../config/retention.ts";
import { findJsonFault } from "../lib/json-bounds.ts";
import { MAX_ZONE_CHARACTERS, readTimeZone } from "../lib/time-zone.ts";
import { diagnostics as threadDiagnostics } from "../protocol/diagnostics.ts";
import { gitCredentialFields } from "../protocol/git-credential.ts";
import { clientId } from "../protocol/ids.ts";
import { messageTypes } from "../protocol/message.ts";
import { capFields, givenCaps } from "../protocol/money/caps.ts";
import { receipt } from "../protocol/plan/check.ts";
import { planOperation } from "../protocol/plan/edit.ts";
import { taskLedger } from "../protocol/plan/ledger.ts";
import { planView } from "../protocol/plan/task.ts";
import { gitSource, sandboxSettings, sandboxShape } from "../protocol/project.ts";
import { run, runStatuses } from "../protocol/run.ts";
import { type Late, late, readLate } from "../protocol/schemas/late.ts";
import * as examples from "./examples.ts";

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
export const smallObject = z.record(z.string(), z.unknown()).superRefine((value, issues) => {
  const wrong = findJsonFault(value, jsonBounds);
  if (wrong !== null) issues.addIssue({ code: "custom", message: wrong });
});

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

const healthExample = { version: "0.1.0", stand_ins: [], sign_in: { name: "Example Inc." } };

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

const projectRetention = late(() =>
  z.int().min(1).max(MAX_RETENTION_DAYS).nullable().openapi({
    description:
      "Threads of the project without activity for so many days are deleted. If the user's or the server's time is shorter, that holds. Null takes theirs.",
  }),
);
const projectFields = late(() => ({
  git: gitSource().nullable().optional(),
  sandbox: sandboxSettings().nullable().optional(),
  ...givenCaps,
  retention_days: projectRetention().optional(),
}));
export const projectBody = late(() =>
  z
    .strictObject({ project_id: clientId.optional(), name: title.min(1), ...projectFields() })
    .openapi({ example: { name: "Online shop" } }),
);
export const projectPatch = late(() =>
  z.strictObject({ name: title.min(1).optional(), ...projectFields() }).openapi({ example: { name: "Bookshop" } }),
);
export const project = late(() =>
  z
    .object({
      project_id: z.string(),
      user_id: z.string(),
      name: z.string(),
      git: z.object(gitSource().shape).nullable(),
      sandbox: z.object(sandboxShape()).nullable(),
      ...capFields,
      retention_days: projectRetention(),
      created_at: time,
      updated_at: time,
    })
    .openapi("Project", { example: examples.project }),
);

export const gitCredentialBody = late(() =>
  z
    .strictObject(gitCredentialFields)
    .openapi({ example: { host: "github.com", username: "ada", password: "github_pat_EXAMPLE" } }),
);
export const gitCredential = late(() =>
  z
    .object({ host: z.string(), username: z.string().nullable(), created_at: time, updated_at: time })
    .openapi("GitCredential", { example: examples.gitCredential }),
);

const optionalText = z.string().nullable();
const optionalNumber = z.number().nullable();
export const workspaceState = late(() =>
  z
    .object({
      state: z.string(),
      reason: optionalText,
      target: optionalText,
      snapshot: optionalText,
      cpu: optionalNumber,
      memory: optionalNumber,
      disk: optionalNumber,
      auto_stop_minutes: optionalNumber,
      auto_archive_minutes: optionalNumber,
      created_at: optionalText,
    })
    .openapi("Sandbox", { example: examples.sandbox }),
);

// Longer paths are refused where they are parsed. This keeps a query of a megabyte from getting there.
const PATH_CHARACTERS = 8192;
const path = wellFormed
  .max(PATH_CHARACTERS)
  .openapi({ description: "Relative to the work dir, or absolute within it." });
export const filePath = path.min(1);
export const folderPath = path.default("").openapi({ description: "A folder; the work dir if absent." });

export const sandboxFile = late(() =>
  z
    .object({ path: z.string(), name: z.string(), size: z.int(), is_dir: z.boolean(), modified_at: time })
    .openapi("SandboxFile", { example: examples.sandboxFile }),
);
export const sandboxFiles = late(() =>
  z
    .object({ data: z.array(sandboxFile()), truncated: z.boolean() })
    .openapi("SandboxFiles", { example: { data: [examples.sandboxFile], truncated: false } }),
);
export const downloadBody = late(() =>
  z
    .strictObject({
      path,
      kind: z
        .enum(["content", "archive"])
        .default("content")
        .openapi({ description: "`content`: a file. `archive`: a packed folder." }),
    })
    .refine(({ path, kind }) => kind === "archive" || path !== "", { path: ["path"], message: "names no file" })
    .openapi({ example: { path: "src/index.ts" } }),
);

const MAX_LINK_SECONDS = 30 * 24 * 60 * 60;
export const previewBody = late(() =>
  z
    .strictObject({
      port: z.int().min(1).max(65_535),
      expires_in_seconds: z
        .int()
        .min(1)
        .max(MAX_LINK_SECONDS)
        .optional()
        .openapi({ description: "A day if absent. Without PREVIEW_DOMAIN a day is the maximum." }),
    })
    .openapi({ example: { port: 3000 } }),
);
export const preview = late(() =>
  z
    .object({ port: z.int(), url: z.string(), expires_at: time, made_by: madeBy })
    .openapi("Preview", { example: examples.preview }),
);
export const terminalBody = late(() =>
  z
    .strictObject({
      session: clientId
        .default("main")
        .openapi({ description: "The same name reaches the same shell while it lives." }),
      cols: z.int().min(1).max(1000).default(80),
      rows: z.int().min(1).max(1000).default(24),
    })
    .openapi({ example: { session: "main", cols: 120, rows: 40 } }),
);
export const ticket = late(() =>
  z.object({ url: z.string(), expires_at: time }).openapi("Ticket", { example: examples.ticket }),
);

export const sshBody = late(() =>
  z
    .strictObject({ expires_in_minutes: z.int().min(1).max(1440).default(60) })
    .openapi({ example: { expires_in_minutes: 60 } }),
);
export const sshAccess = late(() =>
  z
    .object({ command: z.string(), vscode_url: z.string(), expires_at: time })
    .openapi("SshAccess", { example: examples.sshAccess }),
);

export const sshStatus = late(() =>
  z
    .object({ created_at: time, expires_at: time, made_by: madeBy })
    .openapi("SshStatus", { example: examples.sshStatus }),
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

export const plan = late(() => z.object(planView().shape).openapi("Plan", { example: examples.plan }));
const planSection = late(() => planView().shape.sections.element);
const ledger = late(() => z.object(taskLedger().shape).openapi("TaskLedger", { example: examples.ledger }));
export const seenReceipt = late(() => z.object(receipt().shape).openapi("Receipt", { example: examples.receipt }));
export const planWithLedger = late(() =>
  z
    .object({
      ...planView().shape,
      sections: z.array(
        z.object({
          ...planSection().shape,
          tasks: z.array(
            z.object({
              ...planSection().shape.tasks.element.shape,
              ledger: ledger().optional(),
              receipts: z.array(seenReceipt()).optional(),
            }),
          ),
        }),
      ),
    })
    .openapi("PlanWithLedger", { example: examples.planWithLedger }),
);
export const planPatch = late(() =>
  z
    .strictObject({
      version: z
        .int()
        .min(0)
        .optional()
        .openapi({ description: "The version of the plan that you saw. 409 if the plan has changed since." }),
      operations: z.array(planOperation()).min(1).max(100),
    })
    .openapi({ example: examples.planPatch }),
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
