// What a provider sends along with a reply and wants back with it. It is gathered while the reply arrives, cut down to
// what the profile sends back, and put on the message again in later requests to the same server and family.
import { fitsExtras, type ReplyExtras } from "../../../agent/model.ts";
import { isRecord } from "../../../lib/is-record.ts";
import type { AssistantMessage, ToolCall } from "../../../protocol/message.ts";
import { plainName } from "../../exchange/messages.ts";
import type { Profile } from "../../profiles/profile.ts";

/** All that came. */
export interface GatheredExtras {
  reasoning: string;
  /** The content as the model wrote it. */
  content: string;
  details: Record<string, unknown>[];
  /** `extra_content` of the message and of its calls, by their positions. */
  message_extra: unknown;
  call_extras: { name: string; extra: unknown }[];
}

interface Values {
  reasoning?: string;
  content?: string;
  details?: unknown[];
  message_extra?: unknown;
  call_extras?: { name: string; extra: unknown }[];
}

/** Undefined if nothing goes back. */
export function selectExtras(gathered: GatheredExtras, profile: Profile, origin: string): ReplyExtras | undefined {
  const { reasoning, content, details, message_extra, call_extras } = gathered;
  const values: Values = {};
  const { field, on } = profile.reasoning;
  const isSent = field !== null && (on === "all" || call_extras.length > 0);
  if (profile.thinks && /<think>/i.test(content)) values.content = content.toWellFormed();
  if (profile.details && details.length > 0) values.details = details;
  if (profile.signatures !== "no") {
    if (message_extra !== undefined) values.message_extra = message_extra;
    if (call_extras.some(({ extra }) => extra !== undefined)) values.call_extras = call_extras;
  }
  const unsent = Object.keys(values).length === 0 && !isSent;
  if (reasoning !== "" && (field !== null || profile.keeps_reasoning)) values.reasoning = reasoning.toWellFormed();
  if (Object.keys(values).length === 0) return undefined;
  const extras: ReplyExtras = { origin, values: { ...values }, ...(unsent ? { unsent } : {}) };
  return fitsExtras(extras) ? extras : undefined;
}

/** The values that belong to this server and family. */
export function ownValues(extras: ReplyExtras | undefined, origin: string): Values {
  return extras?.origin === origin ? extras.values : {};
}

/**
 * The `extra_content` of each call, in order. Calls that were read out of the text stand among those that the provider
 * made, so a call is found by its name: the nth of a name is the nth one.
 */
export function extrasOfCalls({ call_extras }: Values, calls: readonly ToolCall[]): unknown[] {
  const left = Array.isArray(call_extras) ? [...call_extras] : [];
  return calls.map(({ function: { name } }) => {
    const at = left.findIndex((kept) => plainName(kept.name) === plainName(name));
    return at < 0 ? undefined : left.splice(at, 1)[0]?.extra;
  });
}

/**
 * The content as the model wrote it. Calls that were read out of it go back as calls, so only its thoughts do then.
 */
export function contentAsWritten({ content }: Values, message: AssistantMessage): string | null {
  if (typeof content !== "string") return null;
  const last = [...content.matchAll(/<\/(?:\w+:)?think(?:ing)?>/gi)].at(-1);
  const end = last === undefined ? 0 : last.index + last[0].length;
  const said = message.content ?? "";
  return content.slice(end).trim() === said.trim() ? content : `${content.slice(0, end)}\n\n${said}`.trimEnd();
}

/**
 * Adds up pieces of `reasoning_details`. Pieces of one block have its type and index; a signature may come in the last.
 * Some servers repeat the whole block at the end.
 */
export function createDetails(): { list: Record<string, unknown>[]; add(piece: Record<string, unknown>): void } {
  const list: Record<string, unknown>[] = [];
  const indexed = new Map<string, Record<string, unknown>>();
  const find = (piece: Record<string, unknown>) =>
    piece.index === undefined ? findOpen(list.at(-1), piece) : indexed.get(placeOf(piece));
  return {
    list,
    add(piece) {
      const block = find(piece);
      if (block !== undefined) extend(block, piece);
      else {
        const begun = { ...piece };
        list.push(begun);
        if (piece.index !== undefined) indexed.set(placeOf(piece), begun);
      }
    },
  };
}

function placeOf({ type, index }: Record<string, unknown>): string {
  return JSON.stringify([type, index]);
}

/**
 * Without an index, blocks of one type follow each other: a signature, or another id, ends the one before. Encrypted
 * blocks come whole.
 */
function findOpen(
  last: Record<string, unknown> | undefined,
  { type, id, data }: Record<string, unknown>,
): Record<string, unknown> | undefined {
  if (last === undefined || last.type !== type || last.index !== undefined) return undefined;
  if (typeof last.signature === "string") return undefined;
  const isOther = typeof last.id === "string" && typeof id === "string" && last.id !== id;
  return isOther || (last.id === undefined && typeof data === "string") ? undefined : last;
}

function extend(block: Record<string, unknown>, piece: Record<string, unknown>): void {
  const isRepeated = typeof block.signature === "string" && piece.signature === block.signature;
  for (const [key, value] of Object.entries(piece)) {
    const before = block[key];
    if (!isGrowing(key) || typeof before !== "string" || typeof value !== "string") block[key] = value ?? before;
    else if (!(isRepeated && value === before)) block[key] = before + value;
  }
}

function isGrowing(key: string): boolean {
  return key === "text" || key === "summary" || key === "data";
}

/** Adds the fields of a piece of `extra_content` to what came before, which it changes. */
export function mergeExtra(before: unknown, piece: unknown): unknown {
  if (!isRecord(before) || !isRecord(piece)) return piece ?? before;
  for (const [key, value] of Object.entries(piece)) {
    before[key] = Object.hasOwn(before, key) ? mergeExtra(before[key], value) : value;
  }
  return before;
}
