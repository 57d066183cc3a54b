// What goes back of a reply of the Responses API: its reasoning, encrypted and only for whoever made it, and the places
// of its messages and calls, whose contents are in the stored message. Items are read again from storage, so each is
// checked.
import { fitsExtras, type ReplyExtras } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import { hashText } from "../exchange/messages.ts";

export interface ReasoningItem {
  type: "reasoning";
  /** The encrypted content belongs to it. */
  id: string;
  summary: { type: "summary_text"; text: string }[];
  encrypted_content: string;
}

/** The place of a message, and how many characters of the reply's text are its own. */
export interface MessagePlace {
  type: "message";
  length: number;
  phase?: Phase;
}

export interface CallPlace {
  type: "function_call";
  name: string;
}

/** GPT-5.3 Codex and later models work worse without it: https://developers.openai.com/api/docs/guides/latest-model. */
export type Phase = "commentary" | "final_answer";

export type KeptItem = ReasoningItem | MessagePlace | CallPlace;

/** Stands between the texts of two messages of one reply. */
export const MESSAGE_BREAK = "\n\n";

/** Undefined if nothing goes back. Reasoning that is too large is left out, and the phases stay. */
export function keepItems(items: KeptItem[], returnsItems: boolean, origin: string): ReplyExtras | undefined {
  const places = items.filter(({ type }) => type !== "reasoning");
  for (const output of returnsItems ? [items, places] : [places]) {
    const isWorth = output.some((item) => item.type === "reasoning" || (item.type === "message" && item.phase));
    const extras: ReplyExtras = { origin, values: { output } };
    if (isWorth && fitsExtras(extras)) return extras;
  }
  return undefined;
}

/** The items that belong to this server and family. */
export function ownItems(extras: ReplyExtras | undefined, origin: string): KeptItem[] {
  if (extras?.origin !== origin || !Array.isArray(extras.values.output)) return [];
  return extras.values.output.flatMap((value) => {
    const item = isRecord(value) ? readKept(value) : null;
    return item === null ? [] : [item];
  });
}

function readKept({ type, ...item }: Record<string, unknown>): KeptItem | null {
  if (type === "reasoning") return readReasoning(item);
  if (type === "function_call") return { type, name: typeof item.name === "string" ? item.name : "" };
  if (type !== "message" || typeof item.length !== "number") return null;
  const phase = readPhase(item.phase);
  return { type, length: item.length, ...(phase === null ? {} : { phase }) };
}

export function readPhase(value: unknown): Phase | null {
  return value === "commentary" || value === "final_answer" ? value : null;
}

/** Null for reasoning that a server without a memory could not read. */
export function readReasoning(item: Record<string, unknown>): ReasoningItem | null {
  const { id, encrypted_content } = item;
  if (typeof encrypted_content !== "string" || encrypted_content === "") return null;
  const parts = Array.isArray(item.summary) ? item.summary : [];
  const summary = parts.flatMap((part) =>
    isRecord(part) && typeof part.text === "string"
      ? [{ type: "summary_text" as const, text: part.text.toWellFormed() }]
      : [],
  );
  return { type: "reasoning", id: typeof id === "string" ? id : "", summary, encrypted_content };
}

/** Names an item in a rule. */
export function hashItem({ id, encrypted_content }: ReasoningItem): string {
  return hashText(id || encrypted_content);
}
