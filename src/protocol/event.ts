// The events of a thread's log: the part of AG-UI 1.0 that this server sends. No field is ever null. Shapes follow
// `@ag-ui/core`; tests check every event that leaves against its schemas.

import type { ReachedCap } from "./money/caps.ts";
import type { CheckedTasks, CheckType, Receipt } from "./plan/check.ts";
import type { PlanState } from "./plan/task.ts";
import type { Run, RunSource, Usage } from "./run.ts";

export interface StateValue {
  plan: PlanState;
  sandbox: { state: string; previews: { port: number; url: string }[] };
}

/** One operation of RFC 6902. */
export interface PatchOperation {
  op: "add" | "remove" | "replace";
  path: string;
  value?: unknown;
}

export interface AgUiToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

/** A message of `MESSAGES_SNAPSHOT` and of `RUN_STARTED.input.messages`. */
export type AgUiMessage =
  | { id: string; role: "user"; content: string | AgUiInputContent[] }
  | { id: string; role: "assistant"; content?: string; toolCalls?: AgUiToolCall[] }
  | { id: string; role: "tool"; toolCallId: string; content: string }
  | { id: string; role: "reasoning"; content: string };

export type AgUiInputContent =
  | { type: "text"; text: string }
  | { type: "image"; source: { type: "url"; value: string } | { type: "data"; value: string; mimeType: string } };

export interface AgUiInterrupt {
  id: string;
  reason: string;
  message?: string;
  toolCallId?: string;
  responseSchema?: Record<string, unknown>;
  expiresAt?: string;
}

export type RunOutcome =
  | { type: "success"; pendingToolCallIds?: string[] }
  | { type: "interrupt"; interrupts: AgUiInterrupt[] }
  | { type: "cancelled" };

export interface AgUiUsage {
  model?: string;
  inputTokens?: number;
  outputTokens?: number;
  totalTokens?: number;
  cachedInputTokens?: number;
}

/** Of a run. A cost that is not known is left out, since no field of an event is null. */
export interface UsageSoFar {
  invocation_id: string;
  usage: Priced<Omit<Usage, "estimated">> & { estimated?: Priced<NonNullable<Usage["estimated"]>> };
  reserved?: Priced<NonNullable<Run["reserved"]>>;
}
type Priced<Counts> = Omit<Counts, "cost_usd"> & { cost_usd?: number };

export type SeenReceipt = Pick<
  Receipt,
  "receipt_id" | "task_id" | "check_id" | "author" | "outcome" | "reason" | "duration_ms"
> & { type: CheckType };

export type ThreadEvent =
  | {
      type: "RUN_STARTED";
      threadId: string;
      runId: string;
      protocolVersion?: "1.0";
      parentRunId?: string;
      /** Clients before 1.0 refuse an input without `tools` and `context`. */
      input?: { threadId: string; runId: string; messages: AgUiMessage[]; tools: []; context: [] };
      /** Our ids, where an AG-UI client sent others. */
      metadata?: { resync?: true; thread_id?: string; invocation_id?: string };
    }
  | {
      type: "RUN_FINISHED";
      threadId: string;
      runId: string;
      outcome: RunOutcome;
      result?: {
        text: string;
        unfinished_tasks: number;
        unknown_citations?: number;
        checked_tasks?: CheckedTasks;
        sources?: RunSource[];
      };
      usage?: AgUiUsage[];
    }
  /** AG-UI removes fields that it doesn't know, except in `metadata`. */
  | { type: "RUN_ERROR"; message: string; code: string; metadata?: { reason?: string; cap?: ReachedCap } }
  | { type: "STEP_STARTED" | "STEP_FINISHED"; stepName: string }
  | { type: "TEXT_MESSAGE_START"; messageId: string; role: "assistant" | "user" }
  | { type: "TEXT_MESSAGE_CONTENT"; messageId: string; delta: string }
  | { type: "TEXT_MESSAGE_END"; messageId: string }
  | { type: "REASONING_START" | "REASONING_END"; messageId: string }
  | { type: "REASONING_MESSAGE_START"; messageId: string; role: "reasoning" }
  | { type: "REASONING_MESSAGE_CONTENT"; messageId: string; delta: string }
  | { type: "REASONING_MESSAGE_END"; messageId: string }
  | { type: "TOOL_CALL_START"; toolCallId: string; toolCallName: string; parentMessageId?: string }
  | { type: "TOOL_CALL_ARGS"; toolCallId: string; delta: string }
  | { type: "TOOL_CALL_END"; toolCallId: string }
  | { type: "TOOL_CALL_RESULT"; messageId: string; toolCallId: string; content: string; role: "tool" }
  | { type: "STATE_SNAPSHOT"; snapshot: StateValue }
  | { type: "STATE_DELTA"; delta: PatchOperation[] }
  /** `superseded`: what it lacks behind its messages is no part of the conversation any more. */
  | { type: "MESSAGES_SNAPSHOT"; messages: AgUiMessage[]; metadata?: { superseded: true } }
  | { type: "CUSTOM"; name: "tool_output"; value: { tool_call_id: string; stream: "stdout" | "stderr"; text: string } }
  /** Stored with the result. A field of a source that is null elsewhere is null here too. */
  | { type: "CUSTOM"; name: "sources"; value: { tool_call_id: string; sources: Omit<RunSource, "cited">[] } }
  /**
   * After each model call that counts, and before it under a cap. What earlier runs used that this one resumes is not
   * in it.
   */
  /** A check of a task ran. The receipt with its output is in `GET …/tasks?include=receipts`. */
  | { type: "CUSTOM"; name: "receipt"; value: SeenReceipt }
  | { type: "CUSTOM"; name: "usage"; value: UsageSoFar }
  | { type: "CUSTOM"; name: "sandbox"; value: { state: string; message: string } }
  | {
      type: "CUSTOM";
      name: "model_retry";
      value: { attempt: number; after_ms: number; model?: string; reason?: string };
    };

/** As an AG-UI client gets it: before 1.0 without an outcome that it can't parse. */
export type ClientEvent = ThreadEvent | Omit<Extract<ThreadEvent, { type: "RUN_FINISHED" }>, "outcome">;
