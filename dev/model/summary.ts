// Summaries that a server requests when a conversation grows too long, and conversations that begin with one. The
// script sees only the messages it is sent, so it writes into the summary what it must know later: how many messages it
// has made.
import { type ChatRequest, isRecord, type Message } from "./wire.ts";

// The beginning of Taskloom's own request, and of its summary in a conversation.
const asked = /^You summarise the older part of a conversation/;
const opening = /^\s*<conversation_summary>/;

const COUNTED = "Messages with calls since the person wrote last: ";
// The script gives up on a conversation at 100.
const MAX_MESSAGES = 200;

export function asksForSummary({ messages, tools }: ChatRequest): boolean {
  return tools.size === 0 && messages.some(({ role, text }) => role === "system" && asked.test(text));
}

export function writeSummary({ messages }: ChatRequest): string {
  const transcript = messages.findLast(({ role }) => role === "user")?.text ?? "";
  let worked = 0;
  for (const entry of transcript.split("\n").map(readEntry)) {
    if (typeof entry.earlier_summary === "string") worked = readCount(entry.earlier_summary);
    else if (entry.person !== undefined) worked = 0;
    else if (Array.isArray(entry.calls) && entry.calls.length > 0) worked += 1;
  }
  return `# Goal and constraints\nAs the person wrote it.\n# Open\nThe task list says what comes next.\n${COUNTED}${worked}\n(Written by a scripted demo model.)`;
}

function readEntry(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}

function readCount(text: string): number {
  const count = Number(text.slice(text.lastIndexOf(COUNTED) + COUNTED.length).match(/^\d+/)?.[0] ?? 0);
  return text.includes(COUNTED) ? Math.min(count, MAX_MESSAGES) : 0;
}

/**
 * Expands a summary into the messages it replaces: those of the person word for word, and as many calls as were made
 * since.
 */
export function expandSummary(message: Message): Message[] {
  if (message.role !== "user" || !opening.test(message.text)) return [message];
  const said = [...message.text.matchAll(/<person_message>\n([\s\S]*?)\n<\/person_message>/g)].map(
    ([, text = ""]): Message => ({ role: "user", text: text.replaceAll("&lt;", "<"), calls: [], tool_call_id: "" }),
  );
  const turns = Array.from({ length: readCount(message.text) }, (_, at): Message[] => {
    const id = `summarised_${at}`;
    return [
      { role: "assistant", text: "", calls: [{ id, name: "summarised", arguments: "{}" }], tool_call_id: "" },
      { role: "tool", text: "done", calls: [], tool_call_id: id },
    ];
  });
  return said.length === 0 ? [] : [...said, ...turns.flat()];
}
