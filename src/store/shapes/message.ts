// The content of messages, which the object's SQLite and D1 both store.
import { isRecord } from "../../lib/is-record.ts";
import type {
  AssistantMessage,
  ChatMessage,
  ContentPart,
  MessageBody,
  MessageType,
  StatusContent,
  ToolCall,
  ToolMessage,
  UserContent,
  UserMessage,
} from "../../protocol/message.ts";
import type { Check } from "../../protocol/plan/check.ts";
import type { PlanContent, Section, Task } from "../../protocol/plan/task.ts";
import { isList, isText, isTextOrNull, parseStored, reportUnreadable, type Shape, shapeOf } from "./stored.ts";

/** Replaces the content of a message that can't be read. Its row and its position in the thread stay. */
export const UNREADABLE = "[This message is damaged and can't be read.]";

interface UnreadRow {
  type: MessageType;
  content: unknown;
}

/** The row with its content. If the content can't be read, a sentence or an empty plan replaces it. */
export function withContent<Row extends UnreadRow>(row: Row, id: string | number): Row & MessageBody {
  if (isReadable(row)) return row;
  reportUnreadable(`content of ${row.type}`, id);
  return { ...row, ...standIn(row.type) };
}

function isReadable<Row extends UnreadRow>(row: Row): row is Row & MessageBody {
  switch (row.type) {
    case "user":
    case "summary":
      return isUserMessage(row.content);
    case "assistant":
      return isAssistantMessage(row.content);
    case "tool":
      return isToolMessage(row.content);
    case "task_list":
      return isPlanContent(row.content);
    case "status":
      return isStatusContent(row.content);
    default:
      // A type of a later version. This version only passes its rows on.
      return true;
  }
}

function standIn(type: MessageType): MessageBody {
  switch (type) {
    case "assistant":
      return { type, content: { role: "assistant", content: UNREADABLE } };
    case "tool":
      return { type, content: { role: "tool", tool_call_id: "", content: UNREADABLE } };
    case "task_list":
      return { type, content: { sections: [], tasks: [] } };
    case "status":
      return { type, content: { status: "failed", error: null, unfinished_tasks: 0 } };
    default:
      return { type, content: { role: "user", content: UNREADABLE } };
  }
}

export const toUserMessage = shapeOf(isUserMessage);
export const toToolMessage = shapeOf(isToolMessage);
export const toPlanContent = shapeOf(isPlanContent);

/** Checked by its role, since the row's type does not say what a model reads. */
export const toChatMessage: Shape<ChatMessage> = (value) => (isChatMessage(value) ? value : undefined);

/** Empty if it can't be read. */
export function readMetadata(text: string, id: string | number): Record<string, unknown> {
  const metadata = parseStored(text);
  if (isRecord(metadata)) return metadata;
  reportUnreadable("metadata", id);
  return {};
}

function isChatMessage(value: unknown): value is UserMessage | AssistantMessage | ToolMessage {
  if (!isRecord(value)) return false;
  if (value.role === "user") return isUserContent(value.content);
  if (value.role === "tool") return isText(value.tool_call_id) && isText(value.content);
  if (value.role !== "assistant" || !isTextOrNull(value.content)) return false;
  return value.tool_calls === undefined || (Array.isArray(value.tool_calls) && value.tool_calls.every(isToolCall));
}

function isUserMessage(value: unknown): value is UserMessage {
  return isChatMessage(value) && value.role === "user";
}

function isAssistantMessage(value: unknown): value is AssistantMessage {
  return isChatMessage(value) && value.role === "assistant";
}

function isToolMessage(value: unknown): value is ToolMessage {
  return isChatMessage(value) && value.role === "tool";
}

export function isUserContent(value: unknown): value is UserContent {
  return isText(value) || (Array.isArray(value) && value.every(isContentPart));
}

function isContentPart(value: unknown): value is ContentPart {
  if (!isRecord(value)) return false;
  if (value.type === "text") return isText(value.text);
  return value.type === "image_url" && isRecord(value.image_url) && isText(value.image_url.url);
}

function isToolCall(value: unknown): value is ToolCall {
  if (!isRecord(value) || !isText(value.id) || !isRecord(value.function)) return false;
  return isText(value.function.name) && isText(value.function.arguments);
}

function isPlanContent(value: unknown): value is PlanContent {
  return isRecord(value) && isList(value.sections, isSection) && isList(value.tasks, isTask);
}

function isSection(value: unknown): value is Section {
  return isRecord(value) && isText(value.id) && isText(value.title);
}

function isTask(value: unknown): value is Task {
  if (!isRecord(value) || !isText(value.id) || !isText(value.content)) return false;
  if (!isText(value.status) || !isText(value.section_id)) return false;
  return value.checks === undefined || isList(value.checks, isCheck);
}

/** A later version may know more types. Whoever runs a check reads its spec. */
function isCheck(value: unknown): value is Check {
  return isRecord(value) && isText(value.id) && isText(value.author) && isRecord(value.spec) && isText(value.spec.type);
}

function isStatusContent(value: unknown): value is StatusContent {
  if (!isRecord(value) || !isText(value.status)) return false;
  return value.error === null || (isRecord(value.error) && isText(value.error.message));
}
