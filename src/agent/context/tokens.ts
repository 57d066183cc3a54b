// Estimates how many tokens a text takes, without a tokenizer: each model has its own, and they weigh megabytes. What a
// provider reports corrects the estimate (`budget.ts`), so it must be cheap and consistent rather than exact.
import { type ContentPart, imagesOf, type SentImage } from "../../protocol/message.ts";
import type { ModelMessage, ToolDescription } from "../model.ts";

/** Tokens per ASCII character. A letter takes a quarter; code and JSON take more for the characters between words. */
const weights = Float32Array.from({ length: 128 }, (_, code) => weigh(String.fromCharCode(code)));
/** Chinese, Japanese and Korean characters take about one token. Other letters take less, and rare characters more. */
const WIDE_WEIGHT = 1;
/** Longer words belong to no language: hashes, keys, base64 and minified code are split into short tokens. */
const LONG_WORD = 20;
const LONG_WORD_WEIGHT = 0.65;

/** The frame around a message, in most chat formats. */
const MESSAGE_TOKENS = 5;
/** What most images are about. For what may be spent, each is counted by its model's provider (`models/images`). */
export const IMAGE_TOKENS = 1500;

function weigh(character: string): number {
  if (/[a-z]/i.test(character)) return 0.25;
  if (/[0-9]/.test(character)) return 0.4;
  if (character === " ") return 0.1;
  return 0.5;
}

export function estimateText(text: string): number {
  let sum = 0;
  let word = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 128) {
      sum += WIDE_WEIGHT;
      word = 0;
      continue;
    }
    const isWord = (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57);
    word = isWord ? word + 1 : 0;
    sum += word > LONG_WORD ? LONG_WORD_WEIGHT : (weights[code] ?? WIDE_WEIGHT);
  }
  return Math.ceil(sum);
}

// Messages never change, so each is counted once.
const known = new WeakMap<ModelMessage, number>();

export function estimateMessage(message: ModelMessage): number {
  const tokens = known.get(message) ?? countMessage(message);
  known.set(message, tokens);
  return tokens;
}

export function estimateMessages(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, message) => sum + estimateMessage(message), 0);
}

/** The images among messages, and what `estimateMessages` counts for them. */
export function separateImages(messages: readonly ModelMessage[]): { images: SentImage[]; tokens: number } {
  const { images } = measureMessages(messages);
  return { images: [...images], tokens: images.length * IMAGE_TOKENS };
}

/** What a list of messages has. */
export interface Measure {
  /** As `estimateMessages` counts. */
  tokens: number;
  images: readonly SentImage[];
}

// A long conversation is sent with each call, and whoever lists its messages knows their sums.
const measures = new WeakMap<readonly ModelMessage[], Measure>();

export function noteMeasure(messages: readonly ModelMessage[], measure: Measure): void {
  measures.set(messages, measure);
}

export function measureMessages(messages: readonly ModelMessage[]): Measure {
  return (
    measures.get(messages) ?? {
      tokens: estimateMessages(messages),
      images: messages.flatMap(({ role, content }) => (role === "user" ? imagesOf(content) : [])),
    }
  );
}

export function estimateTools(tools: readonly ToolDescription[]): number {
  return tools.reduce((sum, tool) => sum + estimateTool(tool), 0);
}

// Descriptions of the server's own tools are constants, and each run starts with all of them.
const toolTokens = new WeakMap<ToolDescription, number>();

function estimateTool(tool: ToolDescription): number {
  const tokens = toolTokens.get(tool) ?? estimateText(JSON.stringify(tool));
  toolTokens.set(tool, tokens);
  return tokens;
}

/** For whoever keeps the count. */
export function countMessage(message: ModelMessage): number {
  const { content } = message;
  const said =
    typeof content === "string"
      ? estimateText(content)
      : (content ?? []).reduce((sum, part) => sum + countPart(part), 0);
  if (message.role !== "assistant") return said + MESSAGE_TOKENS;
  const calls = message.tool_calls ?? [];
  const { extras } = message;
  const sentBack = extras && !extras.unsent ? estimateText(JSON.stringify(extras.values)) : 0;
  return calls.reduce(
    (sum, { function: called }) =>
      sum + estimateText(called.name) + estimateText(called.arguments) + MESSAGE_TOKENS * 2,
    said + sentBack + MESSAGE_TOKENS,
  );
}

function countPart(part: ContentPart): number {
  return part.type === "text" ? estimateText(part.text) : IMAGE_TOKENS;
}
