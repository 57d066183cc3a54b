// What a model call uses at most, before it is made: what is reserved for it.
import type { AgentConfig } from "../../protocol/agents/agent.ts";
import type { SentImage } from "../../protocol/message.ts";
import type { ModelMessage, ModelRequest } from "../model.ts";
import type { PlannedCall } from "../spending.ts";
import { REPLY_TOKENS, replyTokens } from "./budget.ts";
import { estimateMessage, estimateText, estimateTools, IMAGE_TOKENS, type Measure, measureMessages } from "./tokens.ts";

/** A model's tokenizer, once measured, differs from our estimate by less, from one request of a thread to the next. */
const MEASURED_MARGIN = 1.1;
/**
 * Of what was not measured: tokenizers for little of a language or for numbers, and what a provider adds around tools.
 */
const UNMEASURED_MARGIN = 1.5;
/** The usual reminder has 200 to 500 tokens, with a person's edits or the log of what was done up to 1,500. */
const REMINDER_TOKENS = 2000;
/** Our system prompt and the descriptions of all our tools are 6,500 by our estimate. */
const FIXED_TOKENS = 7000;
/** What the prompt has beside, by our estimate, where tools are described in it and calls are written as XML. */
const XML_TOKENS = 2500;
/** What the server says in front of a message, once. */
const TOLD_TOKENS = 1500;

type ToolFormat = AgentConfig["tool_format"];

/** What each model's provider counts for a token of our estimate, as measured in this thread. */
export type TokenScales = Map<string, number>;

/** `token_scale`: of the run's own model; 1 if it was never measured. */
export function newTokenScales(model: string, token_scale: number): TokenScales {
  return token_scale === 1 ? new Map() : new Map([[model, token_scale]]);
}

/** What a provider counts at most for so many tokens by our estimate. `added`: of what no request had so far. */
function countAtMost(before: number, added: number, scale: number | undefined): number {
  if (scale === undefined) return Math.ceil((before + added) * UNMEASURED_MARGIN);
  const measured = scale * MEASURED_MARGIN;
  // A table of numbers says nothing about a text, nor the other way round.
  return Math.ceil(before * measured + added * Math.max(measured, UNMEASURED_MARGIN));
}

/** The longest reply to a request: without any cap, what is sent as its limit if a limit is sent. */
function longestReply({
  max_output_tokens = REPLY_TOKENS,
  options,
}: Pick<ModelRequest, "max_output_tokens" | "options">): number {
  return Math.min(options?.max_output_tokens ?? max_output_tokens, max_output_tokens);
}

export function planCall(request: ModelRequest, scales: TokenScales, format: ToolFormat): PlannedCall {
  const measure = measureMessages(request.messages);
  return plan(request, measure, newestOf(request.messages), sizeOfReminder(request.reminder ?? ""), scales, format);
}

/** `newest`: what no request had so far. `more`: what comes behind its messages. */
function plan(
  { model, tools, ...request }: Omit<ModelRequest, "messages">,
  { tokens, images }: Measure,
  newest: readonly ModelMessage[],
  more: number,
  scales: TokenScales,
  format: ToolFormat,
): PlannedCall {
  const { options } = request;
  const fixed = estimateTools(tools) + (format === "xml" ? XML_TOKENS : 0);
  const added = textTokens(measureMessages(newest));
  const before = fixed + textTokens({ tokens, images }) - added;
  const input_tokens = countAtMost(before, added + more, scales.get(model));
  return { model, input_tokens, ...withImages(images), output_tokens: longestReply(request), ...askedBeside(options) };
}

function withImages(images: readonly SentImage[]): Pick<PlannedCall, "images"> {
  return images.length === 0 ? {} : { images: [...images] };
}

function askedBeside({ extra_body }: Pick<PlannedCall, "extra_body"> = {}): Pick<PlannedCall, "extra_body"> {
  return extra_body === undefined ? {} : { extra_body };
}

function newestOf(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  return messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
}

/** Without the images. */
function textTokens({ tokens, images }: Measure): number {
  return tokens - images.length * IMAGE_TOKENS;
}

function sizeOfReminder(text: string): number {
  return text === "" ? 0 : estimateMessage({ role: "user", content: text });
}

/** The call after this one, once `more` is a part of the conversation and a reminder was added. */
export function planNextCall(
  request: Omit<ModelRequest, "reminder">,
  more: readonly ModelMessage[],
  scales: TokenScales,
  format: ToolFormat,
): PlannedCall {
  const before = measureMessages(request.messages);
  const added = measureMessages(more);
  const measure = {
    tokens: before.tokens + added.tokens,
    images: added.images.length === 0 ? before.images : [...before.images, ...added.images],
  };
  const isReply = more.some(({ role }) => role === "assistant");
  const newest = isReply ? newestOf(more) : [...newestOf(request.messages), ...more];
  return plan(request, measure, newest, REMINDER_TOKENS, scales, format);
}

export interface FirstCall {
  model: string;
  agent: Pick<AgentConfig, "instructions" | "model_options" | "tool_format">;
  context_tokens: number;
  /** The thread's last request and reply, as their provider counted them; null if there is no count of them. */
  counted: number | null;
  /** What has come to the conversation since, by our estimate, and the images in it, which are not in that. */
  tokens: number;
  images?: readonly SentImage[];
}

/**
 * A run's first call, before its request is made: as large as it may be by what is known. One that turns out larger is
 * reserved anew.
 */
export function planFirstCall({ model, agent, context_tokens, counted, tokens, images = [] }: FirstCall): PlannedCall {
  const fixed = FIXED_TOKENS + (agent.tool_format === "xml" ? XML_TOKENS : 0) + estimateText(agent.instructions);
  const before = counted === null ? countAtMost(fixed, 0, undefined) : Math.ceil(counted * MEASURED_MARGIN);
  const added = countAtMost(0, tokens + TOLD_TOKENS + REMINDER_TOKENS, undefined);
  return {
    model,
    // What is longer is shortened before it is sent.
    input_tokens: Math.min(before + added, context_tokens),
    ...withImages(images),
    output_tokens: longestReply({
      max_output_tokens: replyTokens(context_tokens),
      options: agent.model_options,
    }),
    ...askedBeside(agent.model_options),
  };
}
