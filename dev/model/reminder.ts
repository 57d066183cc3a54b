// The server's reminder stands at the end of the last message of a request, behind a result or a person's words.
import type { Message } from "./wire.ts";

/** Blocks of a reminder at the end of a text, each on lines of its own. */
const atEnd = /(?:^|\n\n)<(?:plan_)?reminder>\n[\s\S]*<\/(?:plan_)?reminder>\s*$/;

/** The text before the reminder, and the reminder, empty if there is none. */
export function cutReminder(text: string): [said: string, reminder: string] {
  const at = text.search(atEnd);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at).trim()];
}

/** The messages with the reminder as a message of its own. */
export function separateReminder(messages: Message[]): Message[] {
  const last = messages.at(-1);
  if (last?.role !== "tool" && last?.role !== "user") return messages;
  const [text, reminder] = cutReminder(last.text);
  if (reminder === "") return messages;
  const said: Message[] = last.role === "user" && text.trim() === "" ? [] : [{ ...last, text }];
  return [...messages.slice(0, -1), ...said, { role: "user", text: reminder, calls: [], tool_call_id: "" }];
}
