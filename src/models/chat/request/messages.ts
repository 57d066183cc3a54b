// Writes the messages of a request in the form that a server accepts, by its profile. The same history and profile give
// the same bytes each time, up to the end of the last message: the reminder and the marks for caches come there.
import type { ModelMessage } from "../../../agent/model.ts";
import type { AssistantMessage, ContentPart, ToolCall, ToolMessage } from "../../../protocol/message.ts";
import type { ConversationWriter } from "../../exchange/conversation.ts";
import {
  BRIDGE,
  type CallIds,
  createCallIds,
  joinTexts,
  quoteMarkup,
  toVisibleContent,
} from "../../exchange/messages.ts";
import type { WireContext } from "../../exchange/wire.ts";
import type { Profile } from "../../profiles/profile.ts";
import { contentAsWritten, extrasOfCalls, ownValues } from "../reply/extras.ts";

export interface WireMessage {
  role: "system" | "user" | "assistant" | "tool";
  content?: string | null | WirePart[];
  [field: string]: unknown;
}

type WirePart =
  | (ContentPart & { cache_control?: { type: "ephemeral" } })
  | { type: "thinking"; thinking: { type: "text"; text: string }[]; cache_control?: never };

export function createMessageWriter(context: WireContext): ConversationWriter<WireMessage> {
  const { profile } = context;
  const ids = createCallIds(profile.ids);
  const isMarked = profile.cache_marks !== "none";
  let hasSystem = false;
  return {
    add: (open, message) => append(open, toWireMessage(message, ids, context), profile),
    // Another message may be merged into the last one, and the newest mark may stand before it.
    countSettled: (open) => Math.max(0, isMarked ? findNewest(open) : open.length - 1),
    settle(message) {
      if (!isMarked || hasSystem || message.role !== "system") return message;
      hasSystem = true;
      return mark(message, profile.cache_marks);
    },
    end(open, reminder) {
      if (!isMarked && reminder === null) return open as WireMessage[];
      const messages = [...open];
      if (isMarked) markForCache(messages, hasSystem, profile);
      if (reminder) remind(messages, reminder, profile);
      return messages;
    },
  };
}

function toWireMessage(message: ModelMessage, ids: CallIds, context: WireContext): WireMessage {
  // Nothing is made for a text, of which a thread may have ten thousand.
  if (isPlainText(message, context.profile)) return message;
  const written = writeMessage(message, mapIds(message, ids), context);
  if (message.role !== "tool" || !context.profile.names_results) return written;
  return { ...written, name: ids.nameOfResult(message.tool_call_id) };
}

function isPlainText(message: ModelMessage, { system, reasoning }: Profile): message is ModelMessage & WireMessage {
  if (typeof message.content !== "string" || message.content === "") return false;
  if (message.role === "user") return true;
  if (message.role === "system") return system === "system";
  if (message.role !== "assistant" || message.tool_calls || "extras" in message) return false;
  return reasoning.field === null || !reasoning.required || reasoning.on === "calls";
}

/** The ids of the message on the wire; null if they are ours. */
function mapIds(message: ModelMessage, ids: CallIds): string[] | null {
  if (message.role === "tool") {
    const id = ids.ofResult(message.tool_call_id);
    return id === message.tool_call_id ? null : [id];
  }
  if (message.role !== "assistant" || !message.tool_calls) return null;
  const calls = message.tool_calls;
  const mapped = calls.map((call) => ids.ofCall(call.id, call.function.name));
  return mapped.every((id, at) => id === calls[at]?.id) ? null : mapped;
}

function writeMessage(message: ModelMessage, ids: string[] | null, context: WireContext): WireMessage {
  switch (message.role) {
    case "system":
      return { role: context.profile.system, content: message.content };
    case "user":
      return { role: "user", content: toVisibleContent(message.content, context) };
    case "tool":
      return { role: "tool", tool_call_id: ids?.[0] ?? message.tool_call_id, content: toResult(message, context) };
    case "assistant":
      return toAssistant(message, ids, context);
  }
}

function toResult({ content }: ToolMessage, { profile }: WireContext): string {
  return profile.text_calls ? quoteMarkup(content) : content;
}

function toAssistant(
  message: Extract<ModelMessage, { role: "assistant" }>,
  ids: string[] | null,
  context: WireContext,
): WireMessage {
  const { profile, origin } = context;
  const values = ownValues(message.extras, origin);
  const shown = profile.thinks ? contentAsWritten(values, message) : null;
  const wire: WireMessage = { role: "assistant", ...contentOf(shown ?? message.content, profile) };
  if (shown === null) returnReasoning(wire, values.reasoning, message, profile);
  if (profile.details && Array.isArray(values.details)) wire.reasoning_details = values.details;
  if (profile.signatures !== "no" && values.message_extra !== undefined) wire.extra_content = values.message_extra;
  const calls = message.tool_calls;
  if (calls) {
    const extras = profile.signatures === "no" ? [] : extrasOfCalls(values, calls);
    wire.tool_calls = calls.map((call, at) => toCall(call, at, extras[at]));
  }
  return wire;

  function toCall(call: ToolCall, at: number, extra: unknown): Record<string, unknown> {
    const id = ids?.[at] ?? call.id;
    if (extra !== undefined) return { ...call, id, extra_content: extra };
    return profile.signatures === "required" && at === 0
      ? { ...call, id, extra_content: noSignature }
      : { ...call, id };
  }
}

function returnReasoning(
  wire: WireMessage,
  reasoning: unknown,
  { tool_calls }: AssistantMessage,
  { reasoning: { field, on, required } }: Profile,
): void {
  const isSent = typeof reasoning === "string";
  if (field === null || (on === "calls" && tool_calls === undefined) || (!isSent && !required)) return;
  const text = isSent ? reasoning : "";
  if (field !== "thinking") wire[field] = text;
  else wire.content = [{ type: "thinking", thinking: [{ type: "text", text }] }, ...toParts(wire.content)];
}

function contentOf(content: string | null, { empty_content }: Profile): Pick<WireMessage, "content"> {
  // Claude refuses a text of spaces too, which other models write before their calls.
  if (content && /\S/.test(content)) return { content };
  return empty_content === "nothing" ? {} : { content: empty_content === "text" ? "" : null };
}

/** Gemini's documented word for a call that another model made: docs of thought signatures. */
const noSignature = { google: { thought_signature: "skip_thought_signature_validator" } };

function append(messages: WireMessage[], message: WireMessage, profile: Profile): void {
  const last = messages.at(-1);
  if (last?.role === "tool" && message.role === "user" && profile.bridges_results) {
    messages.push({ role: "assistant", content: BRIDGE });
  } else if (last && profile.merges_messages && last.role === message.role && isMergeable(last)) {
    messages[messages.length - 1] = merge(last, message);
    return;
  }
  messages.push(message);
}

/** Reasoning and the like of both continue with the one message. */
function merge(last: WireMessage, message: WireMessage): WireMessage {
  const merged: WireMessage = { ...last };
  for (const [field, value] of Object.entries(message)) {
    const before = last[field];
    if (field === "content") merged.content = join(last.content, message.content);
    else if (Array.isArray(before) && Array.isArray(value)) merged[field] = [...before, ...value];
    else if (typeof before === "string" && typeof value === "string" && field !== "role") {
      merged[field] = joinTexts(before, value);
    } else merged[field] = value;
  }
  return merged;
}

/** A message of a person, or one of the model without calls: another of its role may continue with it. */
function isMergeable({ role, tool_calls }: WireMessage): boolean {
  return role === "user" || (role === "assistant" && tool_calls === undefined);
}

function join(one: WireMessage["content"], other: WireMessage["content"]): WireMessage["content"] {
  if (!Array.isArray(one) && !Array.isArray(other)) return joinTexts(one, other);
  return [...toParts(one), ...toParts(other)];
}

function toParts(content: WireMessage["content"]): WirePart[] {
  if (Array.isArray(content)) return content;
  return content ? [{ type: "text", text: content }] : [];
}

/**
 * The reminder stands at the end of the last result, or of the person's last message: a message of its own would follow
 * a result, which some servers refuse, and would make templates drop the thoughts of this turn.
 */
function remind(messages: WireMessage[], reminder: string, profile: Profile): void {
  const last = messages.at(-1);
  if (last?.role === "tool" || last?.role === "user") {
    messages[messages.length - 1] = { ...last, content: join(last.content, reminder) };
  } else append(messages, { role: "user", content: reminder }, profile);
}

const ephemeral = { type: "ephemeral" } as const;

/** Marks the ends of what stays: the system prompt with the tools before it, and the conversation so far. */
function markForCache(messages: WireMessage[], hasSystem: boolean, { cache_marks }: Profile): void {
  const system = hasSystem ? -1 : messages.findIndex(({ role }) => role === "system");
  for (const at of new Set([system, findNewest(messages)])) {
    const message = messages[at];
    if (message) messages[at] = mark(message, cache_marks);
  }
}

/** An empty text can't be marked, and a mark further up would change what has been sent. */
function findNewest(messages: readonly WireMessage[]): number {
  return messages.findLastIndex(({ role }) => role !== "assistant");
}

function mark(message: WireMessage, cache_marks: Profile["cache_marks"]): WireMessage {
  if (message.role === "tool" && cache_marks === "messages") return { ...message, cache_control: ephemeral };
  const parts = toParts(message.content);
  const last = parts.at(-1);
  if (last?.type !== "text" || last.text === "") return message;
  return { ...message, content: [...parts.slice(0, -1), { ...last, cache_control: ephemeral }] };
}
