// What a provider sends along with a reply and wants back with it. It is gathered while the reply arrives, cut down to
// what the profile sends back, and put on the message again in later requests to the same server and family.
import type { ReplyExtras } from "../../../agent/model.ts";
import { isRecord } from "../../../lib/is-record.ts";
import type { AssistantMessage } from "../../../protocol/message.ts";
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
  if (reasoning !== "" && field !== null && (on === "all" || call_extras.length > 0)) values.reasoning = reasoning;
  if (profile.thinks && /<think>/i.test(content)) values.content = content;
  if (profile.details && details.length > 0) values.details = details;
  if (profile.signatures !== "no") {
    if (message_extra !== undefined) values.message_extra = message_extra;
    if (call_extras.some(({ extra }) => extra !== undefined)) values.call_extras = call_extras;
  }
  return Object.keys(values).length > 0 ? { origin, values: { ...values } } : undefined;
}

/** The values that belong to this server and family. */
export function ownValues(extras: ReplyExtras | undefined, origin: string): Values {
  return extras?.origin === origin ? extras.values : {};
}

/** The `extra_content` of the call at a position, if it is still the same call. */
export function extraOfCall({ call_extras }: Values, at: number, name: string): unknown {
  const kept = Array.isArray(call_extras) ? call_extras[at] : undefined;
  return kept?.name === name ? kept.extra : undefined;
}

/**
 * The content as the model wrote it. Calls that were read out of it go back as calls, so only its thoughts do then.
 */
export function contentAsWritten({ content }: Values, message: AssistantMessage): string | null {
  if (typeof content !== "string") return null;
  const end = /[\s\S]*<\/(?:\w+:)?think(?:ing)?>/i.exec(content)?.[0].length ?? 0;
  const said = message.content ?? "";
  return content.slice(end).trim() === said.trim() ? content : `${content.slice(0, end)}\n\n${said}`.trimEnd();
}

/**
 * Adds a piece of `reasoning_details`. Pieces of one block have its type and index; a signature may come in the last.
 */
export function addDetail(details: Record<string, unknown>[], piece: Record<string, unknown>): void {
  const last = details.at(-1);
  const isSameBlock =
    last !== undefined && last.type === piece.type && last.index === piece.index && !isSealed(last, piece);
  if (!isSameBlock) {
    details.push({ ...piece });
    return;
  }
  for (const [key, value] of Object.entries(piece)) {
    const before = last[key];
    if (isGrowing(key) && typeof before === "string" && typeof value === "string") last[key] = before + value;
    else if (value !== null && value !== undefined) last[key] = value;
  }
}

/** Without an index, blocks of one type follow each other: a signature, or another id, ends the one before. */
function isSealed(last: Record<string, unknown>, piece: Record<string, unknown>): boolean {
  if (typeof last.id === "string" && typeof piece.id === "string" && last.id !== piece.id) return true;
  return last.index === undefined && typeof last.signature === "string";
}

function isGrowing(key: string): boolean {
  return key === "text" || key === "summary" || key === "data";
}

/** `extra_content` grows by pieces only where each piece is an object of its own. */
export function mergeExtra(before: unknown, piece: unknown): unknown {
  if (!isRecord(before) || !isRecord(piece)) return piece ?? before;
  const merged: Record<string, unknown> = { ...before };
  for (const [key, value] of Object.entries(piece)) merged[key] = mergeExtra(before[key], value);
  return merged;
}
