// Translates history into the dialect. The model sees its own calls as it would have written them, and their results as
// one message after them, so no role or field is left that a server without tools refuses. The same message gives the
// same bytes at every step, so the provider's cache stays valid. Consecutive messages of the user role (results, a
// person's messages, the reminder) are merged into one: the chat templates of many models without tools refuse two in a
// row.
import { readMalformed } from "../../agent/calls/malformed-call.ts";
import type { ModelMessage } from "../../agent/model.ts";
import { asRecord } from "../../lib/is-record.ts";
import type { AssistantMessage, ContentPart, ToolCall, ToolMessage, UserContent } from "../../protocol/message.ts";
import { quoteMarkup } from "../exchange/messages.ts";
import { holdsEntity } from "../markup/entities.ts";

export function writeHistory(messages: readonly ModelMessage[]): ModelMessage[] {
  const names = new Map<string, string>();
  const written: ModelMessage[] = [];
  let results: string[] = [];
  const say = (content: UserContent) => {
    const last = written.at(-1);
    if (last?.role === "user") written[written.length - 1] = { role: "user", content: join(last.content, content) };
    else written.push({ role: "user", content });
  };
  const close = () => {
    if (results.length > 0) say(wrapResults(results));
    results = [];
  };
  for (const message of messages) {
    if (message.role === "tool") {
      results.push(writeResult(message, names.get(message.tool_call_id) ?? "unknown"));
      continue;
    }
    close();
    if (message.role === "user") {
      say(message.content);
      continue;
    }
    if (message.role !== "assistant") {
      written.push(message);
      continue;
    }
    for (const call of message.tool_calls ?? []) names.set(call.id, call.function.name);
    const content = writeOnce(writtenAssistants, message, writeAssistant);
    written.push({ role: "assistant", content, ...(message.extras ? { extras: message.extras } : {}) });
  }
  close();
  return written;
}

function join(one: UserContent, other: UserContent): UserContent {
  if (typeof one === "string" && typeof other === "string") return `${one}\n\n${other}`;
  return [...toParts(one), ...toParts(other)];
}

function toParts(content: UserContent): ContentPart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** Replaces a message that consisted of a malformed call only: servers refuse a message without content. */
const UNREADABLE = "(a call that could not be read)";

// Messages never change and are sent with every request until a summary replaces them, so each is written once.
const writtenAssistants = new WeakMap<AssistantMessage, string>();
const writtenContents = new WeakMap<ToolMessage, string>();

function writeOnce<Message extends object>(
  written: WeakMap<Message, string>,
  message: Message,
  write: (message: Message) => string,
): string {
  const text = written.get(message) ?? write(message);
  written.set(message, text);
  return text;
}

function writeAssistant({ content, tool_calls = [] }: AssistantMessage): string {
  const text = content ?? "";
  if (tool_calls.length === 0) return text;
  // An unreadable call is not shown as a correct one: the model would learn its form.
  const readable = tool_calls.filter((call) => readMalformed(call.function.arguments) === null);
  const calls = readable.length > 0 ? writeCalls(readable) : UNREADABLE;
  return text.trim() === "" ? calls : `${text.trimEnd()}\n\n${calls}`;
}

export function writeCalls(calls: readonly ToolCall[]): string {
  return `<function_calls>\n${calls.map(writeCall).join("\n")}\n</function_calls>`;
}

function writeCall({ function: { name, arguments: written } }: ToolCall): string {
  const parameters = Object.entries(readArguments(written)).map(
    ([key, value]) => `<parameter name="${escapeAttribute(key)}">${writeValue(value)}</parameter>\n`,
  );
  return `<invoke name="${escapeAttribute(name)}">\n${parameters.join("")}</invoke>`;
}

function readArguments(written: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(written)) ?? {};
  } catch {
    return {};
  }
}

/** Plain text, or CDATA if the text would be read as something else. */
function writeValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // A reader treats the first and the last line break as layout.
  const shown = /^\r?\n/.test(text) ? `\n${text}${text.endsWith("\r") ? "\r\n" : "\n"}` : text;
  const isPlain =
    !mayEndValue.test(text) && !/^\s*<!\[CDATA\[/.test(text) && (text.includes("<") || !holdsEntity(text));
  return isPlain ? shown : `<![CDATA[${shown.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}

/**
 * Tags of the dialect in any spelling: with a namespace, with spaces, in any case. Repetition is bounded, since spaces
 * would otherwise cost quadratic time.
 */
const tags =
  "<(?=\\s{0,8}/?\\s{0,8}(?:[\\w.-]{1,32}:|[|｜]\\w{1,16}[|｜])?(?:function_calls|tool_calls?|function_results?|results?|invoke|parameter|think(?:ing)?)\\b)";
const mayEndValue = new RegExp(tags, "i");
const anyTag = new RegExp(tags, "gi");

/** A result is identified by its call's id, and contains no tag that could end it or begin a call. */
function writeResult(message: ToolMessage, name: string): string {
  const head = `<result call="${escapeAttribute(message.tool_call_id)}" name="${escapeAttribute(name)}">`;
  return `${head}\n${writeOnce(writtenContents, message, escapeResult)}\n</result>`;
}

function escapeResult({ content }: ToolMessage): string {
  return quoteMarkup(content.replace(anyTag, "&lt;"));
}

function wrapResults(results: readonly string[]): string {
  return `<function_results>\n${results.join("\n")}\n</function_results>`;
}

function escapeAttribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
