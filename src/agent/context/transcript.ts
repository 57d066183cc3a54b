// The older part of a conversation as a text: for the model that summarizes it or, if none does, for the run's model
// itself. Each entry is one line of JSON, so that nothing a tool returned can pass for an entry.

import { isRecord } from "../../lib/is-record.ts";
import { cutEnd, cutMiddle } from "../../lib/truncate.ts";
import { type ChatMessage, type ToolCall, textOf } from "../../protocol/message.ts";
import { parseJson } from "../calls/leniency.ts";
import { cutToTokens, describeCut } from "./shortening.ts";
import { estimateText } from "./tokens.ts";

/** In characters, for each part of a message. Its start and end say what it was. */
const lengths = { person: 4000, agent: 3000, arguments: 800, result: 1500 };
/** A long conversation gets shorter entries before any are left out. */
const FACTORS = [1, 0.5, 0.25, 0.1];

/** At most about `max_tokens`. If even short entries don't fit, the oldest are left out. */
export function renderTranscript(messages: readonly ChatMessage[], max_tokens: number): string {
  for (const factor of FACTORS) {
    const lines = messages.map((message) => renderMessage(message, factor));
    const sizes = lines.map((line) => estimateText(line) + 1);
    if (sizes.reduce((sum, size) => sum + size, 0) <= max_tokens) return lines.join("\n");
    if (factor === FACTORS.at(-1)) return keepNewest(lines, sizes, max_tokens);
  }
  return "";
}

function keepNewest(lines: string[], sizes: number[], max_tokens: number): string {
  let left = max_tokens;
  const last = sizes.findLastIndex((size) => {
    left -= size;
    return left < 0;
  });
  const shown = lines.slice(last + 1);
  return [JSON.stringify({ left_out: `${last + 1} older entries` }), ...shown].join("\n");
}

function renderMessage(message: ChatMessage, factor: number): string {
  const cut = (text: string, kind: keyof typeof lengths) => shorten(text, Math.ceil(lengths[kind] * factor));
  switch (message.role) {
    case "user":
      return JSON.stringify({ person: cut(textOf(message.content), "person") });
    case "tool":
      return JSON.stringify({ result_of: message.tool_call_id, result: cut(message.content, "result") });
    case "assistant": {
      const calls = message.tool_calls?.map(({ id, function: called }) => ({
        id,
        tool: called.name,
        arguments: cut(called.arguments, "arguments"),
      }));
      return JSON.stringify({ agent: cut(message.content ?? "", "agent"), ...(calls ? { calls } : {}) });
    }
    case "system":
      return "";
  }
}

function shorten(text: string, length: number): string {
  return cutMiddle(text, length, (omitted) => `[… ${omitted} characters …]`).toWellFormed();
}

/** How many calls a summary without a model names one by one. */
const MAX_NAMED_CALLS = 80;

/**
 * What can be said without a model: which calls were made, on what, and how each ended. `before` is the text of the
 * summary before these messages.
 */
export function listWork(before: string, messages: readonly ChatMessage[], max_tokens: number): string {
  const results = new Map(
    messages.flatMap((message) => (message.role === "tool" ? [[message.tool_call_id, message.content] as const] : [])),
  );
  const calls = messages.flatMap((message) => (message.role === "assistant" ? (message.tool_calls ?? []) : []));
  const texts = messages.flatMap((message) =>
    message.role === "assistant" && message.content ? [message.content] : [],
  );
  const named = calls.slice(-MAX_NAMED_CALLS);
  const lines = named.map((call) => `- ${describeCall(call)} → ${oneLine(results.get(call.id) ?? "no result", 120)}`);
  const list = [
    "(No model could write this summary: it is a list of what was done.)",
    ...(calls.length > named.length
      ? [`- ${calls.length - named.length} calls before these: ${countNames(calls.slice(0, -MAX_NAMED_CALLS))}`]
      : []),
    ...lines,
    ...texts.slice(-3).map((text) => `- the agent said: ${oneLine(text, 300)}`),
  ].join("\n");
  if (before === "") return cutToTokens(list, max_tokens, describeCut);
  const half = Math.floor(max_tokens / 2);
  return `${cutToTokens(before, half, describeCut)}\n\n${cutToTokens(list, half, describeCut)}`;
}

/** The first text among the arguments says what a call was about: a path, a command, a question. */
function describeCall({ id, function: called }: ToolCall): string {
  const fields = parseJson(called.arguments);
  const about = isRecord(fields) ? Object.values(fields).find((value) => typeof value === "string") : undefined;
  return `${called.name} ${JSON.stringify(oneLine(String(about ?? called.arguments), 120))} (${id})`;
}

function countNames(calls: ToolCall[]): string {
  const counts = new Map<string, number>();
  for (const { function: called } of calls) counts.set(called.name, (counts.get(called.name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} × ${count}`).join(", ");
}

function oneLine(text: string, length: number): string {
  return cutEnd(
    text
      .slice(0, length * 4)
      .replace(/\s+/g, " ")
      .trim(),
    length,
  );
}
