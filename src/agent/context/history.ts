// Turns the history into the messages that a model is sent. Stored messages never change. What a provider would refuse
// is repaired on the way out, by rules that give the same bytes each time, so the provider's cache of the prompt's
// prefix stays valid: every tool call is followed by its result, every result has its call, arguments are a JSON
// object, and no message is empty.
import type { AssistantMessage, ChatMessage, ToolCall, ToolMessage } from "../../protocol/message.ts";
import type { ModelMessage } from "../model.ts";
import { withPreamble } from "./preamble.ts";

/** Replaces a result that was lost, e.g. because a client never answered a call of its own tool. */
const LOST_RESULT =
  "No result was given for this call. If it matters, check what it did before you call the tool again.";

/** Some servers refuse a message that says nothing, and a client's tool may answer so. */
const NO_OUTPUT = "(no output)";

/** What was done to repair a history. */
export interface Repair {
  /** Ids of calls whose results are lost. */
  lost: Set<string>;
  /** For each message its place in the history, if it is sent as it is there; else -1. */
  places: number[];
}

/** `expected` holds the ids of calls whose results are still to come. `repair` is filled. */
export function repairHistory(
  history: readonly ModelMessage[],
  expected?: ReadonlySet<string>,
  repair?: Repair,
): ModelMessage[] {
  const results = collectResults(history);
  const messages: ModelMessage[] = [];
  for (const [at, message] of history.entries()) {
    if (message.role === "tool") continue;
    const shown = toModelMessage(message);
    if (!shown) continue;
    messages.push(shown);
    repair?.places.push(shown === message ? at : -1);
    if (message.role !== "assistant") continue;
    for (const { id } of message.tool_calls ?? []) {
      const result = takeResult(results, id, at);
      if (result) {
        const clean = withoutReminders(result.message);
        messages.push(clean);
        repair?.places.push(clean === result.message ? result.at : -1);
      } else if (!expected?.has(id)) {
        messages.push(loseResult(id));
        repair?.places.push(-1);
        repair?.lost.add(id);
      }
    }
  }
  return messages;
}

/** A message as it is sent; null if it is empty. */
export function toModelMessage(message: ModelMessage): ModelMessage | null {
  if (message.role === "tool") return withoutReminders(message);
  if (message.role === "user") return message.preamble === undefined ? message : withPreamble(message);
  if (message.role !== "assistant") return message;
  if (!message.tool_calls?.length) return message.content && /\S/.test(message.content) ? message : null;
  if (message.tool_calls.every(hasObjectArguments)) return message;
  return { ...message, tool_calls: message.tool_calls.map(withObjectArguments) };
}

/** A reminder stands behind the text of the last result, so no result may contain what looks like one. */
function withoutReminders(message: ToolMessage): ToolMessage {
  const content = /\S/.test(message.content) ? message.content.replace(reminderTag, "&lt;") : NO_OUTPUT;
  return content === message.content ? message : { ...message, content };
}

/** In any spelling that a model may take for ours. */
const reminderTag = /<(?=[\s/\u200b-\u200f\u2060\ufeff]{0,8}(?:plan[_\s-]?)?reminder\b)/gi;

/**
 * The calls of the last assistant message that have no result and must still be made: all of them if only results
 * follow it. If a person has spoken since, only those that they approved.
 */
export function unansweredCalls(
  history: readonly ChatMessage[],
  granted: { has(id: string): boolean } = new Set(),
): ToolCall[] {
  const at = history.findLastIndex((message) => message.role === "assistant");
  const last = history[at];
  if (last?.role !== "assistant") return [];
  const behind = history.slice(at + 1);
  const answered = new Set(behind.map((message) => (message.role === "tool" ? message.tool_call_id : "")));
  const isOver = behind.some((message) => message.role !== "tool");
  return (last.tool_calls ?? []).filter(({ id }) => !answered.has(id) && (!isOver || granted.has(id)));
}

interface Result {
  at: number;
  message: ToolMessage;
}
type Results = Map<string, Result[]>;

function collectResults(history: readonly ChatMessage[]): Results {
  const results: Results = new Map();
  for (const [at, message] of history.entries()) {
    if (message.role !== "tool") continue;
    const known = results.get(message.tool_call_id);
    if (known) known.push({ at, message });
    else results.set(message.tool_call_id, [{ at, message }]);
  }
  return results;
}

/** Ids may repeat in old threads: a call takes the first result after it that no other call has taken. */
function takeResult(results: Results, id: string, after: number): Result | null {
  const known = results.get(id);
  const at = known?.findIndex((result) => result.at > after) ?? -1;
  return known?.splice(at, at < 0 ? 0 : 1)[0] ?? null;
}

function loseResult(tool_call_id: string): ToolMessage {
  return { role: "tool", tool_call_id, content: LOST_RESULT };
}

function hasObjectArguments(call: ToolCall): boolean {
  try {
    const value: unknown = JSON.parse(call.function.arguments);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** Several providers parse the arguments of earlier calls, and refuse the whole request if one is broken. */
function withObjectArguments(call: ToolCall): NonNullable<AssistantMessage["tool_calls"]>[number] {
  return hasObjectArguments(call) ? call : { ...call, function: { ...call.function, arguments: "{}" } };
}
