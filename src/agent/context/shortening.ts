// A message that is too long for the prompt by itself (a pasted file, a call that writes one) is shown with its middle
// cut out. Its row stays whole. The same message and limit give the same bytes, so the provider's cache of the prompt's
// prefix stays valid.

import { isRecord } from "../../lib/is-record.ts";
import { cutEnd, cutMiddle } from "../../lib/truncate.ts";
import type { AssistantMessage, ContentPart, ToolCall, UserContent } from "../../protocol/message.ts";
import { parseJson } from "../calls/leniency.ts";
import type { ModelMessage } from "../model.ts";
import { estimateMessage, estimateText } from "./tokens.ts";

/**
 * Each cut assumes the text's average density. If the part that stays is denser, the text is cut again, and each time
 * it comes nearer.
 */
const MAX_CUTS = 8;
/** For what a message has beside its texts: its frame, names, keys. */
const FRAME_TOKENS = 30;

export function shortenMessage(message: ModelMessage, max_tokens: number): ModelMessage {
  if (estimateMessage(message) <= max_tokens) return message;
  const room = Math.max(1, max_tokens - FRAME_TOKENS);
  switch (message.role) {
    case "tool":
      return { ...message, content: cutToTokens(message.content, room, describeResultCut(message.tool_call_id)) };
    case "user":
      return { ...message, content: shortenContent(message.content, room) };
    case "assistant":
      return shortenAssistant(message, room);
    case "system":
      return message;
  }
}

/** Cuts the text to at most `max_tokens`: start and end stay, and the notice says that something is missing. */
export function cutToTokens(text: string, max_tokens: number, notice: (omitted: number) => string): string {
  let shown = text;
  let length = text.length;
  for (let cut = 0; cut < MAX_CUTS; cut++) {
    const tokens = estimateText(shown);
    if (tokens <= max_tokens) return shown;
    length = Math.floor((length * max_tokens * 0.97) / tokens);
    shown = cutMiddle(text, length, notice);
  }
  return cutEnd(text, Math.floor(max_tokens));
}

export function describeCut(omitted: number): string {
  return `\n[… ${omitted} characters are left out here: the whole does not fit …]\n`;
}

function describeResultCut(id: string): (omitted: number) => string {
  return (omitted) =>
    `\n[… ${omitted} characters are left out here. To see them call read_result with {"result_id":${JSON.stringify(id)}} and an offset, or a text to search for. …]\n`;
}

function shortenContent(content: UserContent, room: number): UserContent {
  if (typeof content === "string") return cutToTokens(content, room, describeCut);
  const textRoom = { left: room };
  const texts = content.map((part) => (part.type === "text" ? takeText(part.text, textRoom) : null));
  // Images get what the text leaves.
  const imageRoom = { left: textRoom.left };
  return content.map((part, at): ContentPart => {
    const text = texts[at];
    if (typeof text === "string") return { type: "text", text };
    imageRoom.left -= estimateMessage({ role: "user", content: [part] });
    return imageRoom.left >= 0 ? part : { type: "text", text: "[an image is left out here: it does not fit]" };
  });
}

function takeText(text: string, room: { left: number }): string {
  const shown = cutToTokens(text, Math.max(1, room.left), describeCut);
  room.left -= estimateText(shown);
  return shown;
}

/** Without what its provider wants back, which belongs to the whole message. */
function shortenAssistant(
  { extras: _, ...message }: Extract<ModelMessage, { role: "assistant" }>,
  room: number,
): AssistantMessage {
  const calls = message.tool_calls ?? [];
  // Each text gets at most the same share. To keep this simple, what a short one leaves is not given to the others.
  const share = Math.floor(room / (calls.length + 1));
  const content = message.content && cutToTokens(message.content, Math.max(1, share), describeCut);
  if (calls.length === 0) return { ...message, content };
  return { ...message, content, tool_calls: calls.map((call) => shortenCall(call, share)) };
}

/** The arguments stay a JSON object with the fields of the call. */
function shortenCall(call: ToolCall, room: number): ToolCall {
  const { arguments: written, name } = call.function;
  if (estimateText(written) <= room) return call;
  const fields = parseJson(written);
  const shown = isRecord(fields) ? JSON.stringify(shortenFields(fields, room)) : "{}";
  const fits = estimateText(shown) <= room * 1.5 + FRAME_TOKENS;
  const short = fits ? shown : JSON.stringify({ left_out: cutToTokens(written, Math.max(1, room), describeCut) });
  return { ...call, function: { name, arguments: short } };
}

function shortenFields(fields: Record<string, unknown>, room: number): Record<string, unknown> {
  const entries = Object.entries(fields);
  const share = Math.max(1, Math.floor(room / Math.max(1, entries.length)));
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? cutToTokens(value, share, describeCut) : value]),
  );
}
