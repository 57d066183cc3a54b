// One step's model call. It retries failures that may pass, with back-off, until the call succeeds or can't.
import type { AssistantMessage } from "../../protocol/message.ts";
import type { RunError, Usage } from "../../protocol/run.ts";
import type { LoopDelta } from "../events.ts";
import type { FinishReason, ModelFailure, ModelReply, ModelRequest, ReplyExtras } from "../model.ts";
import { createMessageParts, type MessageParts } from "./message-parts.ts";
import type { PaidModel, Refused } from "./paid-model.ts";
import { describeImpatience, newTries, planRetry } from "./patience.ts";

export interface ModelCallPorts {
  model: PaidModel;
  onDelta: (delta: LoopDelta) => void;
  newMessageId: () => string;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
}

export interface CalledMessage {
  message_id: string;
  message: AssistantMessage;
  reasoning: string;
  finish: FinishReason;
  usage: Usage | null;
  /** The model that wrote the message, if it is not the run's own. */
  model?: string;
  xml?: string;
  extras?: ReplyExtras;
}

export type CallOutcome =
  | { kind: "message"; called: CalledMessage }
  /** `partial` is the text so far; null if there is none. */
  | { kind: "cancelled"; partial: CalledMessage | null }
  | Refused
  | { kind: "failed"; error: RunError; failure: ModelFailure; attempts: number };

export async function callWithRetry(
  request: ModelRequest,
  ports: ModelCallPorts,
  usedCallIds: Set<string> | null,
): Promise<CallOutcome> {
  const tries = newTries(request.has_fallback === true);
  for (let attempt = 1; ; attempt++) {
    const message_id = ports.newMessageId();
    const parts = createMessageParts(message_id, usedCallIds, ports.onDelta);
    const outcome = await ports.model.stream(request, parts.accept, ports.signal);
    if (outcome.kind === "reply") {
      parts.finish(outcome.reply);
      return { kind: "message", called: toMessage(message_id, parts, outcome.reply) };
    }
    if (outcome.kind === "aborted") {
      return { kind: "cancelled", partial: keepText(message_id, parts, outcome.reply, ports) };
    }
    if (outcome.kind === "refused") return outcome;
    if (parts.seen) ports.onDelta({ type: "message_dropped", message_id });
    if (ports.signal.aborted) return { kind: "cancelled", partial: null };
    const { failure } = outcome;
    const after_ms = planRetry(failure, tries);
    if (after_ms === null) {
      const error = describeFailure(failure, attempt, describeImpatience(failure, tries));
      return { kind: "failed", error, failure, attempts: attempt };
    }
    ports.onDelta({ type: "model_retry", attempt, after_ms, ...(failure.reason ? { reason: failure.reason } : {}) });
    await ports.sleep(after_ms, ports.signal);
    if (ports.signal.aborted) return { kind: "cancelled", partial: null };
  }
}

function toMessage(message_id: string, parts: MessageParts, reply: ModelReply): CalledMessage {
  const { text, reasoning, tool_calls } = parts;
  const message: AssistantMessage =
    tool_calls.length > 0
      ? { role: "assistant", content: text === "" ? null : text, tool_calls }
      : { role: "assistant", content: text };
  const { finish, usage, xml, extras } = reply;
  return {
    ...{ message_id, message, reasoning, finish, usage },
    ...(xml === undefined ? {} : { xml }),
    ...(extras === undefined ? {} : { extras }),
  };
}

/** A cancelled reply keeps its text. Half a tool call is of no use. */
function keepText(
  message_id: string,
  parts: MessageParts,
  reply: ModelReply,
  ports: ModelCallPorts,
): CalledMessage | null {
  if (parts.text.trim() === "") {
    if (parts.seen) ports.onDelta({ type: "message_dropped", message_id });
    return null;
  }
  parts.finish({ ...reply, tool_calls: [] });
  // What the provider wants back belongs to a whole reply.
  const { message, extras: _, ...rest } = toMessage(message_id, parts, reply);
  return { ...rest, message: { role: "assistant", content: message.content } };
}

function describeFailure({ code, message, reason }: ModelFailure, attempts: number, impatience: string): RunError {
  const tried = attempts > 1 ? `The model gave no reply in ${attempts} attempts. ` : "";
  return { code, message: `${tried}${message}${impatience}`, ...(reason === undefined ? {} : { reason }) };
}
