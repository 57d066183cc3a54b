// Checks that a person has run again, at any time after the run that made them. No model takes part.
import { z } from "zod";
import { clientId } from "../ids.ts";
import { late } from "../schemas/late.ts";

const checkRunStatuses = ["running", "completed", "cancelled", "failed"] as const;

/** As the API returns it. What was seen is in the plan and its receipts. */
export const checkRun = late(() =>
  z.object({
    check_run_id: z.string(),
    thread_id: z.string(),
    status: z
      .enum(checkRunStatuses)
      .describe("`completed`: all have run, whatever they showed. `cancelled` and `failed` leave no receipts."),
    reason: z.string().nullable().describe("Why it was cancelled or failed, in a sentence. Else null."),
    task_ids: z.array(z.string()),
    receipt_ids: z.array(z.string()).describe("What was seen, in the order of the plan. Empty before the end."),
    created_at: z.string(),
    finished_at: z.string().nullable(),
  }),
);
export type CheckRun = z.infer<ReturnType<typeof checkRun>>;

/** Ids of the plan have 31 characters. A longer one matches nothing and would only be quoted in the answer. */
const planId = z
  .string()
  .min(1)
  .max(64)
  .refine((text) => text.isWellFormed(), "is not well-formed text");

/** Longer ones would be cut. */
const MAX_NOTE_CHARACTERS = 4_000;

export const checkRunBody = late(() =>
  z.strictObject({
    check_run_id: clientId.optional().describe("Your id of it, and its idempotency key."),
    task_ids: z
      .array(planId)
      .min(1)
      .max(500)
      .optional()
      .describe("Whose checks are run. If absent: those of all tasks that are not cancelled."),
    answers: z
      .array(
        z.strictObject({
          check_id: planId,
          approved: z.boolean(),
          reason: z
            .string()
            .max(MAX_NOTE_CHARACTERS)
            .refine((text) => text.isWellFormed(), "is not well-formed text")
            .optional()
            .describe("A note."),
        }),
      )
      .min(1)
      .max(100)
      .optional()
      .describe("What you say to checks that ask a person. Without an answer they stay as they are."),
  }),
);

export interface CheckRunRequest {
  check_run_id: string;
  /** Null: all. */
  task_ids: string[] | null;
  answers: { check_id: string; approved: boolean; reason?: string | undefined }[];
  /** By which key it was asked for, if by one. */
  key_id: string | null;
  /** How many webhooks in a row led to it; absent if none did. */
  hops?: number;
  /** The span of another process in which it was asked for, while traces are on. */
  traceparent?: string;
}

/** What may be asked of the checks that run, or have run last. */
export type CheckRunCall =
  | { kind: "start"; request: CheckRunRequest }
  /** Resolves when it has ended, or after `timeout_ms`. */
  | { kind: "wait"; check_run_id: string; timeout_ms: number }
  /** Ends what runs. */
  | { kind: "cancel" };
