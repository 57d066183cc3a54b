// Writes the history as items of the Responses API. The same history and profile give the same bytes each time, up to the
// end of the last item: the reminder comes there. The system prompt is an item too, and not `instructions`: it keeps its
// place in the one list that only grows, and some servers (xAI) refuse the other.
import type { EasyInputMessage, ResponseInputContent, ResponseInputItem } from "openai/resources/responses/responses";
import type { ModelMessage } from "../../../agent/model.ts";
import type { UserContent } from "../../../protocol/message.ts";
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
import type { IdForm, Profile } from "../../profiles/profile.ts";
import { hashItem, ownItems, type ReasoningItem } from "../extras.ts";
import { writeReply } from "./reply-items.ts";

/** `messages`: the whole conversation, of which the server may have refused to read a part. */
export function createItemWriter(
  messages: readonly ModelMessage[],
  context: WireContext,
): ConversationWriter<ResponseInputItem> {
  const { profile } = context;
  const ids = createCallIds(formOf(profile.ids));
  const readable = firstReadable(messages, context);
  let at = 0;
  return {
    add(open, message) {
      for (const item of toItems(message, ids, context, at >= readable)) append(open, item, profile);
      at++;
    },
    // Another item may be merged into the last one.
    countSettled: (open) => Math.max(0, open.length - 1),
    settle: (item) => item,
    end(open, reminder) {
      const items = [...open];
      if (reminder) remind(items, reminder, profile);
      return items;
    },
  };
}

/** The newest item of reasoning that goes back, by its hash. */
export function newestItem(messages: readonly ModelMessage[], context: WireContext): string | null {
  const readable = firstReadable(messages, context);
  for (let at = messages.length - 1; at >= readable; at--) {
    const item = reasoningOf(messages[at], context).at(-1);
    if (item) return hashItem(item);
  }
  return null;
}

/** OpenAI takes ids of at most 64 characters: https://github.com/AnswerDotAI/fastllm/issues/45 */
function formOf(ids: IdForm): IdForm {
  return ids === "nine" || ids === "kimi" ? ids : "plain";
}

/** The message from which on reasoning goes back: the server could not read what is before. */
function firstReadable(messages: readonly ModelMessage[], context: WireContext): number {
  if (!context.profile.returns_items) return Number.POSITIVE_INFINITY;
  if (context.refused_items.size === 0) return 0;
  const isRefused = (item: ReasoningItem) => context.refused_items.has(hashItem(item));
  return messages.findLastIndex((message) => reasoningOf(message, context).some(isRefused)) + 1;
}

function reasoningOf(message: ModelMessage | undefined, { origin }: WireContext): ReasoningItem[] {
  if (message?.role !== "assistant") return [];
  return ownItems(message.extras, origin).filter((item) => item.type === "reasoning");
}

function toItems(message: ModelMessage, ids: CallIds, context: WireContext, isReadable: boolean): ResponseInputItem[] {
  const { profile } = context;
  switch (message.role) {
    case "system":
      return [{ type: "message", role: profile.system, content: message.content }];
    case "user":
      return [toMessage("user", toContent(toVisibleContent(message.content, context)))];
    case "tool": {
      const output = profile.text_calls ? quoteMarkup(message.content) : message.content;
      return [{ type: "function_call_output", call_id: ids.ofResult(message.tool_call_id), output }];
    }
    case "assistant": {
      const { content, tool_calls } = message;
      if (!message.extras && !tool_calls) return content ? [toMessage("assistant", content)] : [];
      const kept = profile.returns_items ? ownItems(message.extras, context.origin) : [];
      return writeReply(message, isReadable ? kept : kept.filter(({ type }) => type !== "reasoning"), ids);
    }
  }
}

function toMessage(role: "user" | "assistant", content: EasyInputMessage["content"]): EasyInputMessage {
  return { type: "message", role, content };
}

function toContent(content: UserContent): EasyInputMessage["content"] {
  if (typeof content === "string") return content;
  return content.map((part): ResponseInputContent => {
    if (part.type === "text") return { type: "input_text", text: part.text };
    const { url, detail = "auto" } = part.image_url;
    return { type: "input_image", image_url: url, detail };
  });
}

function append(items: ResponseInputItem[], item: ResponseInputItem, profile: Profile): void {
  const last = items.at(-1);
  if (isUser(item)) {
    if (last?.type === "function_call_output" && profile.bridges_results) items.push(toMessage("assistant", BRIDGE));
    else if (last && isUser(last) && profile.merges_messages) {
      items[items.length - 1] = { ...last, content: join(last.content, item.content) };
      return;
    }
  }
  items.push(item);
}

type UserItem = EasyInputMessage & { role: "user" };

function isUser(item: ResponseInputItem): item is UserItem {
  return "role" in item && item.role === "user";
}

function join(one: EasyInputMessage["content"], other: EasyInputMessage["content"]): EasyInputMessage["content"] {
  if (typeof one === "string" && typeof other === "string") return joinTexts(one, other);
  return [...toParts(one), ...toParts(other)];
}

function toParts(content: EasyInputMessage["content"]): ResponseInputContent[] {
  if (typeof content !== "string") return content;
  return content === "" ? [] : [{ type: "input_text", text: content }];
}

/** The reminder stands at the end of the last result, or of the person's last message, as in chat completions. */
function remind(items: ResponseInputItem[], reminder: string, profile: Profile): void {
  const last = items.at(-1);
  if (last?.type === "function_call_output" && typeof last.output === "string") {
    items[items.length - 1] = { ...last, output: [last.output, reminder].filter(Boolean).join("\n\n") };
  } else if (last && isUser(last)) {
    items[items.length - 1] = { ...last, content: join(last.content, reminder) };
  } else append(items, toMessage("user", reminder), profile);
}
