// Turns the events of the Responses API into deltas and adds them up to one reply. What has been streamed counts; an
// item that is `done`, and the whole response at the end, bring what did not stream. Servers differ in what they send:
// an item may be known by its place, by its id or by neither, and nothing but the end is sure to come.
import type { ResponseStreamEvent } from "openai/resources/responses/responses";
import type { FinishReason, ModelDelta } from "../../../agent/model.ts";
import { isRecord } from "../../../lib/is-record.ts";
import { createFolder } from "../../../lib/memory/text-bytes.ts";
import type { Usage } from "../../../protocol/run.ts";
import { asText, ReplyTooLong, readFinish, readUsage } from "../../exchange/reply.ts";
import type { BrokenEnd, ReplyBuilder, ReplyOptions } from "../../exchange/wire.ts";
import { keepItems, MESSAGE_BREAK } from "../extras.ts";
import { createCalls } from "./calls.ts";
import { createItems, type OpenItem } from "./items.ts";

type Event = Record<string, unknown>;

/** Beside OpenAI's, names that other servers use (https://www.openresponses.org). */
type EventType = ResponseStreamEvent["type"] | "response.reasoning.delta" | "response.reasoning_summary.delta";

export function createReplyBuilder(
  onDelta: (delta: ModelDelta) => void,
  { max_characters, ends = [] }: ReplyOptions,
): ReplyBuilder {
  const calls = createCalls(onDelta, count);
  const items = createItems(calls, count);
  let text = "";
  let reasoning = "";
  let finish: FinishReason | null = null;
  let broken: BrokenEnd | null = null;
  let usage: Usage | null = null;
  let characters = 0;
  const fold = createFolder();
  /** The message or the reasoning that the newest text belongs to. */
  let lastMessage: OpenItem | null = null;
  let lastThought: OpenItem | null = null;

  function count(length: number): void {
    characters += length;
    if (characters > max_characters) throw new ReplyTooLong();
  }

  function addText(item: OpenItem, part: number, piece: string): void {
    if (piece === "") return;
    count(piece.length);
    if (lastMessage !== item) {
      // Two messages of one reply are one text for readers. A text that continues behind another's has no length.
      if (item.length > 0) items.isMixed = true;
      if (lastMessage !== null) showText(MESSAGE_BREAK);
      lastMessage = item;
    }
    item.length += piece.length;
    item.parts[part] = (item.parts[part] ?? "") + piece;
    showText(piece);
  }

  function showText(piece: string): void {
    text += piece;
    // The newest part of each item is all of what it adds to.
    fold(text, lastMessage?.parts.at(-1) ?? "");
    onDelta({ type: "text", text: piece });
  }

  /** `source`: a server that sends both its thoughts and a summary of them shows the first that comes. */
  function addReasoning(item: OpenItem, source: "summary" | "content", part: number, piece: string): void {
    if (piece === "") return;
    item.source ??= source;
    if (item.source !== source) return;
    count(piece.length);
    if (reasoning !== "" && (lastThought !== item || item.parts[part] === undefined)) showReasoning("\n\n");
    lastThought = item;
    item.parts[part] = (item.parts[part] ?? "") + piece;
    showReasoning(piece);
  }

  function showReasoning(piece: string): void {
    reasoning += piece;
    fold(reasoning, lastThought?.parts.at(-1) ?? "");
    onDelta({ type: "reasoning", text: piece });
  }

  /** What of a whole text did not stream. A text that differs from what was shown changes nothing. */
  function restOf(item: OpenItem, part: number, whole: unknown): string {
    if (typeof whole !== "string") return "";
    const shown = item.parts[part] ?? "";
    return whole.length > shown.length && whole.startsWith(shown) ? whole.slice(shown.length) : "";
  }

  function acceptItem(item: OpenItem, value: Event): void {
    items.update(item, value, true);
    if (item.kind === "message") finishParts(item, value.content, addText);
    if (item.kind !== "reasoning") return;
    finishParts(item, value.summary, (...piece) => addReasoning(item, "summary", piece[1], piece[2]));
    finishParts(item, value.content, (...piece) => addReasoning(item, "content", piece[1], piece[2]));
  }

  function finishParts(item: OpenItem, parts: unknown, add: typeof addText): void {
    if (!Array.isArray(parts)) {
      if (typeof parts === "string") add(item, 0, restOf(item, 0, parts));
      return;
    }
    for (const [at, part] of parts.entries()) {
      if (isRecord(part)) add(item, at, restOf(item, at, part.text ?? part.refusal));
    }
  }

  function acceptEvent(event: Event): void {
    switch (event.type as EventType) {
      case "response.output_text.delta":
      case "response.refusal.delta":
        addText(items.find("message", event), placeOf(event.content_index), asText(event.delta));
        break;
      case "response.function_call_arguments.delta":
        calls.add(items.find("function_call", event), event.delta);
        break;
      case "response.reasoning_summary_text.delta":
      case "response.reasoning_summary.delta":
        addReasoning(items.find("reasoning", event), "summary", placeOf(event.summary_index), asText(event.delta));
        break;
      case "response.reasoning_text.delta":
      case "response.reasoning.delta":
        addReasoning(items.find("reasoning", event), "content", placeOf(event.content_index), asText(event.delta));
        break;
      default:
        acceptWhole(event);
    }
  }

  /** Events that begin an item, repeat what has streamed, or bring it whole. */
  function acceptWhole(event: Event): void {
    const value = isRecord(event.item) ? event.item : null;
    switch (event.type as EventType) {
      case "response.output_item.added":
        if (value) items.update(items.open(event, value), value, value.status === "completed");
        break;
      case "response.output_text.done":
      case "response.refusal.done": {
        const item = items.find("message", event);
        const part = placeOf(event.content_index);
        addText(item, part, restOf(item, part, event.text ?? event.refusal));
        break;
      }
      case "response.reasoning_summary_text.done":
      case "response.reasoning_text.done": {
        const source = event.type === "response.reasoning_text.done" ? "content" : "summary";
        const item = items.find("reasoning", event);
        const part = placeOf(event.content_index ?? event.summary_index);
        addReasoning(item, source, part, restOf(item, part, event.text));
        break;
      }
      case "response.function_call_arguments.done":
        calls.finish(items.find("function_call", event), event.arguments, event.name);
        break;
      case "response.output_item.done":
        if (value) acceptItem(items.open(event, value), value);
        break;
      default:
        if (isRecord(event.response)) acceptResponse(event.response, event.type);
        else if (event.object === "response" || Array.isArray(event.output)) acceptResponse(event, undefined);
    }
  }

  function acceptResponse(response: Event, type: unknown): void {
    if (isRecord(response.usage)) usage = readUsage(response.usage);
    const status = readStatus(response, type);
    if (status === null) return;
    if (Array.isArray(response.output)) {
      for (const [value, item] of items.match(response.output.filter(isRecord))) acceptItem(item, value);
    }
    if (finish !== null || broken !== null) return;
    if (status === "completed") finish = calls.count > 0 ? "tool_calls" : "stop";
    else end(status === "incomplete" ? reasonOf(response) : status);
  }

  function end(reason: string): void {
    const read = ends.includes(reason) ? "other" : readFinish(reason);
    if (read === "broken" || read === "too_long") broken = { word: reason, too_long: read === "too_long" };
    else finish = read;
  }

  return {
    accept(event) {
      if (finish !== null || broken !== null) return;
      const [before, counted] = [characters, usage];
      acceptEvent(event);
      // What is written after a count is not in it.
      if (characters > before && usage === counted) usage = null;
    },
    close: () => calls.close(),
    reply: () => ({
      text,
      reasoning,
      tool_calls: calls.calls(),
      finish: finish ?? (calls.count > 0 ? "tool_calls" : "other"),
      usage,
    }),
    extras: ({ returns_items }, origin) => keepItems(items.kept(), returns_items, origin),
    get finished() {
      return finish !== null;
    },
    get broken() {
      return broken;
    },
    get progress() {
      if (finish !== null || broken !== null) return "finished";
      return characters > 0 ? "begun" : "waiting";
    },
    get characters() {
      return characters;
    },
  };
}

/** The status that a response ends with; null while it continues. A response of another form says so by its event. */
function readStatus({ status }: Event, type: unknown): string | null {
  if (status === "in_progress" || status === "queued") return null;
  if (typeof status === "string" && status !== "") return status;
  const named = /^response\.(completed|incomplete|cancelled|done)$/.exec(String(type))?.[1];
  if (named !== undefined) return named === "done" ? "completed" : named;
  return type === undefined ? "completed" : null;
}

/** A reply that was cut for no reason that is said was too long. */
function reasonOf({ incomplete_details }: Event): string {
  const reason = isRecord(incomplete_details) ? incomplete_details.reason : null;
  return typeof reason === "string" && reason !== "" ? reason : "max_output_tokens";
}

function placeOf(value: unknown): number {
  return typeof value === "number" && value >= 0 && value < MAX_PARTS ? Math.trunc(value) : 0;
}

/** Of one message or reasoning. A summary has a handful. */
const MAX_PARTS = 1000;
