// A run: one whole turn, from an input to a terminal state.
import { z } from "zod";
import { cause } from "./chain.ts";
import { capFields, reachedCap } from "./money/caps.ts";
import { checkedTasks, checkInput, protectedFile } from "./plan/check.ts";
import { late } from "./schemas/late.ts";

export const runStatuses = ["queued", "running", "completed", "failed", "cancelled", "interrupted"] as const;
export type RunStatus = (typeof runStatuses)[number];
/** A status that a run keeps. */
export type RunEndStatus = Exclude<RunStatus, "queued" | "running">;

export const runErrorCodes = [
  "model_error",
  "model_timeout",
  "sandbox_error",
  "max_steps",
  // A cap on money, tokens or time leaves too little for the next model call.
  "budget",
  // D1 can't be reached, which keeps the caps over many threads.
  "budget_unavailable",
  // A cap in money holds, and the model has no price.
  "price_unknown",
  // A task has ended as failed, and its agent stops there.
  "task_failed",
  "crash_loop",
  "stalled",
  "dead_letter",
  "internal",
] as const;
export type RunErrorCode = (typeof runErrorCodes)[number];

/** Why a model's server gave no reply (docs/models.md). */
export const modelFailureReasons = [
  "invalid_key",
  "no_credit",
  "not_allowed",
  "model_not_found",
  "context_too_long",
  "content_filtered",
  "rate_limited",
  "request_refused",
  "server_failed",
  "unreachable",
  "broken_reply",
  "reply_too_long",
  "timeout",
] as const;
export type ModelFailureReason = (typeof modelFailureReasons)[number];

/**
 * Why a cap refused a call, where it is not used up. `held`: other runs have reserved what is left. `too_low`: the call
 * does not fit under the cap even if nothing else is spent.
 */
const capReasons = ["held", "too_low"] as const;
export type CapReason = (typeof capReasons)[number];

/** A row of a later version may have a reason that this one doesn't know. */
const runError = late(() =>
  z.object({
    code: z.enum(runErrorCodes),
    message: z.string(),
    reason: z.union([z.enum(modelFailureReasons), z.enum(capReasons), z.string()]).optional(),
    cap: reachedCap.optional().describe("For `budget`: the cap that was reached."),
  }),
);
export type RunError = z.infer<ReturnType<typeof runError>>;

const counts = late(() => ({ input_tokens: z.int(), cached_input_tokens: z.int(), output_tokens: z.int() }));

export const usage = late(() =>
  z.object({
    ...counts(),
    cost_usd: z.number().nullable(),
    estimated: z
      .object({ calls: z.int(), input_tokens: z.int(), output_tokens: z.int(), cost_usd: z.number().nullable() })
      .optional()
      .describe(
        "The part of it that no provider counted: calls that broke off are charged at the most that they can have used. Absent if there are none.",
      ),
  }),
);
export type Usage = z.infer<ReturnType<typeof usage>>;

const interrupt = late(() =>
  z.object({
    id: z.string(),
    reason: z.enum(["question", "approval", "plan_approval", "budget", "check"]),
    message: z.string(),
    tool_call_id: z.string(),
    response_schema: z.record(z.string(), z.unknown()),
    expires_at: z.string().nullable(),
    checks: z
      .array(z.object({ spec: checkInput(), files: z.array(protectedFile()) }))
      .optional()
      .describe("The checks whose commands are asked about, with their protected files as they are now."),
  }),
);
export type Interrupt = z.infer<ReturnType<typeof interrupt>>;

/** A source that a run read, or that its answer cites by `[n]`. The number means the same address in the whole thread. */
const runSource = late(() =>
  z.object({
    n: z.int(),
    url: z.string(),
    title: z.string().nullable(),
    date: z.string().nullable().describe("When it was published, as the page or the search says it."),
    fetched_at: z.string().nullable().describe("When its text was read; null if it was only found by a search."),
    hash: z.string().nullable().describe("SHA-256 of the text that was read, in hex."),
    read: z.boolean().describe("False for a source that is cited and was never read."),
    cited: z.boolean(),
  }),
);
export type RunSource = z.infer<ReturnType<typeof runSource>>;

/** A run as every route returns it. Times are ISO 8601 UTC with milliseconds. */
export const run = late(() =>
  z.object({
    invocation_id: z.string(),
    thread_id: z.string(),
    project_id: z.string(),
    user_id: z.string(),
    agent_id: z.string(),
    agent_version: z.int(),
    model: z.string(),
    instance_id: z.string().nullable(),
    status: z.enum(runStatuses),
    attempt: z.int(),
    steps: z.int(),
    background: z.boolean(),
    resumes: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    usage: usage(),
    reserved: z
      .object({ input_tokens: z.int(), output_tokens: z.int(), cost_usd: z.number().nullable() })
      .optional()
      .describe("While it runs: the most that the model call under way may use beside `usage`. Absent without one."),
    caps: z
      .object(capFields)
      .partial()
      .optional()
      .describe("The lowest of the caps that its request, agent and trigger set for it. Absent without any."),
    worked_ms: z.int().optional().describe("How long the server worked on it. Absent before its first step."),
    result: z
      .object({
        text: z.string(),
        unfinished_tasks: z.int(),
        unknown_citations: z
          .int()
          .optional()
          .describe("How many numbers the text cites that no source of the thread has. Absent if there are none."),
      })
      .nullable(),
    checked_tasks: checkedTasks()
      .optional()
      .describe("How many tasks of the plan have which verification, as the run ended. Absent if none has checks."),
    uncheckable_tasks: z
      .int()
      .optional()
      .describe("How many closed tasks have a check that could not run, as the run ended. Absent if there are none."),
    sources: z
      .array(runSource())
      .optional()
      .describe("What the run read, and what its texts cite, by number; at most 100. Absent if there are none."),
    error: runError().nullable(),
    interrupts: z.array(interrupt()),
    hops: z.int(),
    caused_by: z.array(cause),
    created_at: z.string(),
    started_at: z.string().nullable(),
    finished_at: z.string().nullable(),
  }),
);
export type Run = z.infer<ReturnType<typeof run>>;

export const busyPolicies = ["enqueue", "reject", "replace", "steer"] as const;
export type BusyPolicy = (typeof busyPolicies)[number];

/** What becomes of a run when the last of its readers has left. The words are LangGraph's. */
export const disconnectPolicies = ["continue", "cancel"] as const;
export type DisconnectPolicy = (typeof disconnectPolicies)[number];

export function isTerminal(status: RunStatus): status is RunEndStatus {
  return status !== "queued" && status !== "running";
}

export const noUsage: Usage = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null };
