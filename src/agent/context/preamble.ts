// What the server says in front of a person's message. A row keeps it apart from the person's words, which summaries
// and titles quote; only the message that a model is sent has both.
import type { UserMessage } from "../../protocol/message.ts";
import type { ModelMessage } from "../model.ts";

export function withPreamble({ preamble, ...message }: UserMessage & { preamble?: string }): UserMessage {
  if (preamble === undefined) return message;
  const { content } = message;
  if (typeof content === "string") return { ...message, content: `${preamble}\n\n${content}` };
  return { ...message, content: [{ type: "text", text: `${preamble}\n\n` }, ...content] };
}

/** The messages as the person wrote them. */
export function withoutPreambles(rows: readonly ModelMessage[]): ModelMessage[] {
  return rows.map((row) => {
    if (row.role !== "user" || row.preamble === undefined) return row;
    const { preamble: _, ...message } = row;
    return message;
  });
}

/**
 * What still has to be said once a summary replaces these rows: what was said first, and the newest day. The
 * same rows give the same, however many summaries replaced them.
 */
export function keepOpening(opening: readonly string[], rows: readonly ModelMessage[]): string[] {
  return chooseOpening([
    ...opening,
    ...rows.flatMap((row) => (row.role === "user" && row.preamble ? [row.preamble] : [])),
  ]);
}

/** Of all that was said, in order: the first, and the newest. */
export function chooseOpening(notes: readonly string[]): string[] {
  return notes.length <= 1 ? [...notes] : [...notes.slice(0, 1), ...notes.slice(-1)];
}
