// Turns the chunks of a chat completion into deltas and adds them up to one reply. Providers differ in what they send.
// This accepts reasoning under two names or as content parts, a whole message in the last chunk, and usage in three
// places.
import type { FinishReason, ModelDelta } from "../../../agent/model.ts";
import { isRecord } from "../../../lib/is-record.ts";
import { createFolder } from "../../../lib/memory/text-bytes.ts";
import type { Usage } from "../../../protocol/run.ts";
import { ReplyTooLong, readFinish, readUsage } from "../../exchange/reply.ts";
import type { BrokenEnd, ReplyBuilder, ReplyOptions } from "../../exchange/wire.ts";
import { createCallBuilder } from "./call-builder.ts";
import { createDetails, mergeExtra, selectExtras } from "./extras.ts";

export function createReplyBuilder(
  onDelta: (delta: ModelDelta) => void,
  { max_characters, tool_names = [], ends = [] }: ReplyOptions,
): ReplyBuilder {
  const details = createDetails();
  const calls = createCallBuilder(tool_names, onDelta, count);
  let text = "";
  let reasoning = "";
  let message_extra: unknown;
  let finish: FinishReason | null = null;
  let broken: BrokenEnd | null = null;
  let usage: Usage | null = null;
  let characters = 0;
  const fold = createFolder();

  function count(length: number): void {
    characters += length;
    if (characters > max_characters) throw new ReplyTooLong();
  }

  function addText(piece: string): void {
    count(piece.length);
    text += piece;
    fold(text);
    onDelta({ type: "text", text: piece });
  }

  function showReasoning(piece: string): void {
    reasoning += piece;
    fold(reasoning);
    onDelta({ type: "reasoning", text: piece });
  }

  function addReasoning(piece: string): void {
    count(piece.length);
    showReasoning(piece);
  }

  function acceptDelta(delta: Record<string, unknown>): void {
    const { content, reasoning_content } = delta;
    const thought =
      typeof reasoning_content === "string" && reasoning_content !== "" ? reasoning_content : delta.reasoning;
    const hasThought = typeof thought === "string" && thought !== "";
    if (hasThought) addReasoning(thought);
    if (Array.isArray(delta.reasoning_details)) addDetails(delta.reasoning_details, !hasThought);
    if (delta.extra_content !== undefined && delta.extra_content !== null) addExtra(delta.extra_content);
    if (typeof content === "string") {
      if (content !== "") addText(content);
    } else if (Array.isArray(content)) {
      for (const part of content) if (isRecord(part)) acceptPart(part, addText, addReasoning);
    }
    if (typeof delta.refusal === "string" && delta.refusal !== "") addText(delta.refusal);
    if (Array.isArray(delta.tool_calls)) for (const entry of delta.tool_calls) if (isRecord(entry)) calls.accept(entry);
  }

  /** Their text is shown where the server sends it in no other field. */
  function addDetails(pieces: unknown[], isShown: boolean): void {
    for (const piece of pieces) {
      if (!isRecord(piece)) continue;
      count(JSON.stringify(piece).length);
      details.add(piece);
      const shown = piece.text ?? piece.summary;
      if (isShown && typeof shown === "string" && shown !== "") showReasoning(shown);
    }
  }

  function addExtra(extra: unknown): void {
    count(JSON.stringify(extra).length);
    message_extra = mergeExtra(message_extra, extra);
  }

  /** A whole message: the reply of a server that does not stream, or all of it again in the last chunk. */
  function acceptMessage(message: Record<string, unknown>): void {
    if (characters === 0) {
      acceptDelta(message);
      return;
    }
    const { content, tool_calls, extra_content } = message;
    if (typeof content === "string" && content.length > text.length && content.startsWith(text)) {
      addText(content.slice(text.length));
    }
    acceptDelta({ extra_content, ...(calls.count === 0 ? { tool_calls } : {}) });
  }

  function end(reason: string): void {
    const read = ends.includes(reason) ? "other" : readFinish(reason);
    const isBroken = read === "broken" || read === "too_long";
    finish = isBroken ? null : read;
    broken = isBroken ? { word: reason, too_long: read === "too_long" } : null;
  }

  return {
    accept(chunk) {
      const before = characters;
      const choice = Array.isArray(chunk.choices) && isRecord(chunk.choices[0]) ? chunk.choices[0] : null;
      if (isRecord(choice?.delta)) acceptDelta(choice.delta);
      if (isRecord(choice?.message)) acceptMessage(choice.message);
      const reason = choice?.finish_reason;
      // Some servers write the absent reason as a word.
      if (typeof reason === "string" && reason !== "" && reason !== "null") end(reason);
      const spent = findUsage(chunk, choice);
      if (spent !== null) usage = readUsage(spent);
      // What is written after a count is not in it.
      else if (characters > before) usage = null;
    },
    close: () => calls.close(),
    reply: () => ({
      text,
      reasoning,
      tool_calls: calls.calls(),
      finish: finish ?? (calls.count > 0 ? "tool_calls" : "other"),
      usage,
    }),
    extras: (profile, origin) =>
      selectExtras(
        { reasoning, content: text, details: details.list, message_extra, call_extras: calls.extras() },
        profile,
        origin,
      ),
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

function findUsage(
  chunk: Record<string, unknown>,
  choice: Record<string, unknown> | null,
): Record<string, unknown> | null {
  if (isRecord(chunk.usage)) return chunk.usage;
  if (isRecord(choice?.usage)) return choice.usage;
  return isRecord(chunk.x_groq) && isRecord(chunk.x_groq.usage) ? chunk.x_groq.usage : null;
}

/** Mistral sends content as parts, including its reasoning. */
function acceptPart(
  part: Record<string, unknown>,
  onText: (piece: string) => void,
  onReasoning: (piece: string) => void,
): void {
  if (typeof part.text === "string" && part.text !== "") onText(part.text);
  if (typeof part.thinking === "string" && part.thinking !== "") onReasoning(part.thinking);
  if (!Array.isArray(part.thinking)) return;
  for (const thought of part.thinking) if (isRecord(thought)) acceptPart(thought, onReasoning, onReasoning);
}
