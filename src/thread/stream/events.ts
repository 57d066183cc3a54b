// Builders of the thread's events: a run, a part, a message and the plan in AG-UI.
import type { Part } from "../../agent/events.ts";
import type { Source } from "../../agent/sources.ts";
import type { AgUiInputContent, AgUiInterrupt, AgUiMessage, RunOutcome, ThreadEvent } from "../../protocol/event.ts";
import type { ContentPart, MessageRow, ToolMessage, UserContent } from "../../protocol/message.ts";
import type { Receipt } from "../../protocol/plan/check.ts";
import type { Interrupt, Run } from "../../protocol/run.ts";
import type { PartShape } from "./journal/journal.ts";

export function runStarted(run: Run, messages: AgUiMessage[]): ThreadEvent {
  return {
    type: "RUN_STARTED",
    threadId: run.thread_id,
    runId: run.invocation_id,
    protocolVersion: "1.0",
    ...(run.resumes === null ? {} : { parentRunId: run.resumes }),
    input: { threadId: run.thread_id, runId: run.invocation_id, messages, tools: [], context: [] },
  };
}

/** The event that a run ends with. A status that this version doesn't know is an error and never a success. */
export function runEnded(run: Run, pending_tool_call_ids: string[]): ThreadEvent {
  switch (run.status) {
    case "completed":
      return runFinished(run, {
        type: "success",
        ...(pending_tool_call_ids.length > 0 ? { pendingToolCallIds: pending_tool_call_ids } : {}),
      });
    case "cancelled":
      return runFinished(run, { type: "cancelled" });
    case "interrupted":
      return runFinished(run, { type: "interrupt", interrupts: run.interrupts.map(toAgUiInterrupt) });
    case "failed":
      return runError(run, "The run failed.");
    case "queued":
    case "running":
      return runError(run, "The run has not ended.");
    default:
      return runError(run, `The run ended with an unknown status: ${run.status satisfies never}`);
  }
}

function runError({ error }: Run, message: string): ThreadEvent {
  const { reason, cap } = error ?? {};
  const metadata = { ...(reason === undefined ? {} : { reason }), ...(cap === undefined ? {} : { cap }) };
  return {
    ...{ type: "RUN_ERROR", message: error?.message ?? message, code: error?.code ?? "internal" },
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  };
}

function runFinished(run: Run, outcome: RunOutcome): ThreadEvent {
  const { input_tokens, cached_input_tokens, output_tokens } = run.usage;
  return {
    type: "RUN_FINISHED",
    threadId: run.thread_id,
    runId: run.invocation_id,
    outcome,
    ...(run.result === null ? {} : { result: { ...run.result, ...beside(run) } }),
    usage: [
      {
        model: run.model,
        inputTokens: input_tokens,
        outputTokens: output_tokens,
        totalTokens: input_tokens + output_tokens,
        cachedInputTokens: cached_input_tokens,
      },
    ],
  };
}

/** What else a client wants to know of a result. */
function beside({ checked_tasks, sources }: Run): Pick<Run, "checked_tasks" | "sources"> {
  return { ...(checked_tasks === undefined ? {} : { checked_tasks }), ...(sources === undefined ? {} : { sources }) };
}

function toAgUiInterrupt(interrupt: Interrupt): AgUiInterrupt {
  return {
    id: interrupt.id,
    reason: interrupt.reason,
    message: interrupt.message,
    // No call is behind a question for a higher cap.
    ...(interrupt.tool_call_id === "" ? {} : { toolCallId: interrupt.tool_call_id }),
    responseSchema: interrupt.response_schema,
    ...(interrupt.expires_at === null ? {} : { expiresAt: interrupt.expires_at }),
  };
}

/** The events of a part of an assistant message. */
export function shapeOf(part: Part): PartShape {
  const { part_id, message_id } = part;
  if (part.kind === "text") {
    return {
      part_id,
      message_id,
      startEvents: [{ type: "TEXT_MESSAGE_START", messageId: part_id, role: "assistant" }],
      content: (delta) => ({ type: "TEXT_MESSAGE_CONTENT", messageId: part_id, delta }),
      endEvents: [{ type: "TEXT_MESSAGE_END", messageId: part_id }],
    };
  }
  if (part.kind === "reasoning") {
    return {
      part_id,
      message_id,
      startEvents: [
        { type: "REASONING_START", messageId: part_id },
        { type: "REASONING_MESSAGE_START", messageId: part_id, role: "reasoning" },
      ],
      content: (delta) => ({ type: "REASONING_MESSAGE_CONTENT", messageId: part_id, delta }),
      endEvents: [
        { type: "REASONING_MESSAGE_END", messageId: part_id },
        { type: "REASONING_END", messageId: part_id },
      ],
    };
  }
  return {
    part_id,
    message_id,
    startEvents: [
      { type: "TOOL_CALL_START", toolCallId: part_id, toolCallName: part.name, parentMessageId: message_id },
    ],
    content: (delta) => ({ type: "TOOL_CALL_ARGS", toolCallId: part_id, delta }),
    endEvents: [{ type: "TOOL_CALL_END", toolCallId: part_id }],
  };
}

export function toolResult(message_id: string, message: ToolMessage): ThreadEvent {
  const { tool_call_id, content } = message;
  return { type: "TOOL_CALL_RESULT", messageId: message_id, toolCallId: tool_call_id, content, role: "tool" };
}

/** What a result names, so that readers can link a citation while its text arrives. */
export function foundSources({ tool_call_id }: ToolMessage, sources: Source[]): ThreadEvent {
  const named = sources.map(({ n, url, title, date, read }) => {
    const { at: fetched_at = null, hash = null } = read ?? {};
    return { n, url, title, date, fetched_at, hash, read: read !== null };
  });
  return { type: "CUSTOM", name: "sources", value: { tool_call_id, sources: named } };
}

/** What the server saw, short: the receipt itself has the output. */
export function sawReceipt(receipt: Receipt): ThreadEvent {
  const { receipt_id, task_id, check_id, author, outcome, reason, duration_ms } = receipt;
  const value = { receipt_id, task_id, check_id, author, type: receipt.spec.type, outcome, reason, duration_ms };
  return { type: "CUSTOM", name: "receipt", value };
}

/** A message that a person added to the active run. */
export function steeredMessage(message_id: string, text: string): ThreadEvent[] {
  return [
    { type: "TEXT_MESSAGE_START", messageId: message_id, role: "user" },
    ...(text === "" ? [] : [{ type: "TEXT_MESSAGE_CONTENT" as const, messageId: message_id, delta: text }]),
    { type: "TEXT_MESSAGE_END", messageId: message_id },
  ];
}

export function toUserMessage(message_id: string, content: UserContent): AgUiMessage {
  if (typeof content === "string") return { id: message_id, role: "user", content };
  return { id: message_id, role: "user", content: content.map(toInputContent) };
}

function toInputContent(part: ContentPart): AgUiInputContent {
  if (part.type === "text") return part;
  return { type: "image", source: { type: "url", value: part.image_url.url } };
}

/** A row as messages of a snapshot. Rows that are not part of the conversation give none. */
export function toAgUiMessages(row: MessageRow): AgUiMessage[] {
  if (row.type === "user") return [toUserMessage(row.message_id, row.content.content)];
  if (row.type === "tool") {
    const { tool_call_id, content } = row.content;
    return [{ id: row.message_id, role: "tool", toolCallId: tool_call_id, content }];
  }
  if (row.type !== "assistant") return [];
  const message = row.content;
  const reasoning = row.metadata.reasoning;
  // An empty reply had no event either.
  return [
    ...(typeof reasoning === "string" && reasoning !== ""
      ? [{ id: reasoningId(row.message_id), role: "reasoning" as const, content: reasoning }]
      : []),
    ...(message.content || message.tool_calls
      ? [
          {
            id: row.message_id,
            role: "assistant" as const,
            ...(message.content ? { content: message.content } : {}),
            ...(message.tool_calls === undefined ? {} : { toolCalls: message.tool_calls }),
          },
        ]
      : []),
  ];
}

/** The id of the reasoning before a message. The loop uses the same id for the part. */
export function reasoningId(message_id: string): string {
  return `${message_id}_reasoning`;
}
