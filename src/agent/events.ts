// What the loop reports to its caller. Deltas are synchronous, and a crash may lose them. Facts are awaited: the loop
// continues only once a fact is stored.
import type { AssistantMessage, ToolMessage, UserMessage } from "../protocol/message.ts";
import type { Receipt } from "../protocol/plan/check.ts";
import type { Plan } from "../protocol/plan/task.ts";
import type { Interrupt, RunError, Usage } from "../protocol/run.ts";
import type { Summary } from "./context/summary.ts";
import type { FinishReason, ModelFailure, ReplyExtras } from "./model.ts";
import type { Source } from "./sources.ts";

/** A part of an assistant message while it is made. `part_id` is unique in the thread. */
export type Part =
  | { kind: "text"; part_id: string; message_id: string }
  | { kind: "reasoning"; part_id: string; message_id: string }
  | { kind: "tool_call"; part_id: string; message_id: string; name: string };

export type LoopDelta =
  | { type: "part_started"; part: Part }
  | { type: "part_delta"; part_id: string; text: string }
  | { type: "part_ended"; part_id: string }
  /** The model call is repeated under a new id. Whatever readers have seen of this message is void. */
  | { type: "message_dropped"; message_id: string }
  | { type: "tool_output"; tool_call_id: string; stream: "stdout" | "stderr"; text: string }
  /** `model` is set when another model is called next. */
  | { type: "model_retry"; attempt: number; after_ms: number; model?: string; reason?: ModelFailure["reason"] };

export type LoopFact =
  /** A model call is complete: all its parts have ended. Counts as a step. */
  | {
      type: "assistant_message";
      message_id: string;
      message: AssistantMessage;
      reasoning: string;
      finish: FinishReason;
      /** As the provider counted it, for the message alone. What the run has spent was settled before. */
      usage: Usage | null;
      /** The model that wrote the message, if it is not the run's own. */
      model?: string;
      /** The reply as the model wrote it, for models that write tool calls as XML into their text. */
      xml?: string;
      /** For the model alone: kept in the object, and never shown to a reader. */
      extras?: ReplyExtras;
      /** True when the run was cancelled during the reply: `message` holds the text so far, without tool calls. */
      partial: boolean;
      /** The task that was in progress or due when the model was called. */
      task_id?: string;
      /** The open tasks that the model saw, if the message changes the plan and then continues. */
      seen_task_ids?: string[];
      /** The request included a person's edits of the plan, up to this version of it. */
      seen_edits?: number;
      /** The largest token count of the run's own model divided by our estimate, also where another one replied. */
      token_scale: number;
      /** The sources of the called tools, by call id. A call of any other tool is not in it. */
      call_sources: ReadonlyMap<string, string>;
    }
  /**
   * Stored just before a tool's first request to the outside. `task_id` is the task that the work is for; `plan` is set
   * when the call starts that task.
   */
  | { type: "tool_started"; tool_call_id: string; name: string; task_id?: string; plan?: Plan }
  | {
      type: "tool_finished";
      message_id: string;
      message: ToolMessage;
      name: string;
      is_error: boolean;
      details: Record<string, unknown>;
      plan?: Plan;
      /** What the server saw of the tasks that the call completes, or would have. */
      receipts?: Receipt[];
      preview?: { port: number; url: string };
      /** The sandbox that the result introduces to the model. */
      introduces?: string;
      /** What the result names, for people and for later answers. */
      sources?: Source[];
      /** Addresses in the message up to this character may be fetched. */
      names_until?: number;
      /** The full result, when `message` holds it with its middle cut out. */
      whole?: string;
      /** The text with which the call ends the run. */
      complete?: string;
    }
  /**
   * At the end of the run: what was seen of checks that files had changed since, and the plan with that. Before the
   * model works on: no receipts, and the plan with hashes of protected files.
   */
  | { type: "checks_settled"; receipts: Receipt[]; plan: Plan }
  /**
   * The summary replaces the first `replaced` rows of the model's context, and the summary before them. Its usage was
   * settled before, as a message's.
   */
  | { type: "context_compacted"; message_id: string; summary: Summary; replaced: number; usage: Usage | null };

export type LoopOutcome =
  | { status: "completed"; text: string; unfinished_tasks: number; pending_tool_call_ids: string[] }
  /** `ended`: with what the run would have completed, if people had not been asked about it. */
  | { status: "interrupted"; interrupts: Interrupt[]; ended?: { text: string; unfinished_tasks: number } }
  | { status: "failed"; error: RunError }
  | { status: "cancelled" };

/** A message that a person added to the active run. The caller has stored it. */
export type SteeredMessage = UserMessage;
