// What a reply may be: its limits in memory, its texts, how it ended and what it cost, in the words of many servers.
import type { FinishReason } from "../../agent/model.ts";
import type { CountedUsage } from "../../agent/spending.ts";
import { isRecord } from "../../lib/is-record.ts";

/** No model writes this much in one reply. The limit stops an endless reply, of which several copies are kept. */
export const MAX_REPLY_CHARACTERS = 2 * 1024 * 1024;

/** More calls than this in one message are a loop and no plan; OpenAI's own limit is 128. */
export const MAX_TOOL_CALLS = 256;

/** For people. */
export const TOO_LONG = "The model's reply grew past what is accepted (2 MiB of text or 256 tool calls).";

/** Thrown when the reply is longer than its limit. */
export class ReplyTooLong extends Error {
  override readonly name = "ReplyTooLong";
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The arguments of a call: some servers send the object itself. */
export function asArguments(value: unknown): string {
  return isRecord(value) ? JSON.stringify(value) : asText(value);
}

/** `broken`: the provider broke the reply off, so it is no answer. `too_long`: because the window was full. */
export type Finish = Exclude<FinishReason, "other"> | "broken" | "too_long";

/** In lower case. OpenAI's words, and those that clouds and local servers pass on from elsewhere. */
const finishes: [Finish, RegExp][] = [
  [
    "stop",
    /^(?:stop|end|normal|eos|eos_token|eos_token_id|end_turn|stop_sequence|complete|completed|done|matched_stop)$/,
  ],
  ["tool_calls", /^(?:tool_calls?|tool_use|function_call)$/],
  ["length", /^(?:length|max_(?:new_|output_)?tokens|max_length|model_length)$/],
  ["too_long", /^model_context_window_exceeded$/],
  [
    "content_filter",
    /^(?:content_filter|content_filtered|sensitive|safety|recitation|blocklist|prohibited_content|spii|refusal)$/,
  ],
];

/** Every word that is no known end means that the reply is broken: `network_error`, `abort`, `error` … */
export function readFinish(reason: string): Finish {
  const word = reason.toLowerCase();
  return finishes.find(([, words]) => words.test(word))?.[0] ?? "broken";
}

/** Whether an unknown word says that something went wrong. If not, it may be a server's own word for an end. */
export function saysBroken(reason: string): boolean {
  return /error|abort|cancel|fail|insufficient|timeout|overload|interrupt|malformed|unexpected/i.test(reason);
}

const uncounted = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 };

/**
 * Both dialects have names of their own, and providers disagree on what the sums contain. Here the input contains what
 * was read from a cache and written to one, and the output contains reasoning, since that is how all of them charge.
 * The total tells who leaves out what.
 */
export function readUsage(value: Record<string, unknown>): CountedUsage {
  const inputDetails = recordOf(value.prompt_tokens_details, value.input_tokens_details);
  const outputDetails = recordOf(value.completion_tokens_details, value.output_tokens_details);
  const input = countOf(value.prompt_tokens, value.input_tokens);
  const output = countOf(value.completion_tokens, value.output_tokens);
  const reasoning = countOf(outputDetails.reasoning_tokens);
  const cached = countOf(
    inputDetails.cached_tokens,
    value.prompt_cache_hit_tokens,
    value.cached_tokens,
    value.cache_read_input_tokens,
  );
  const written = countOf(
    inputDetails.cache_write_tokens,
    inputDetails.cache_creation_input_tokens,
    inputDetails.cache_creation_tokens,
    value.cache_creation_input_tokens,
  );
  const cache = cached + written;
  const total = value.total_tokens == null ? null : countOf(value.total_tokens);
  // Anthropic's own form has no total. It and relays of it count neither as input; a part can't exceed the whole.
  const isNative = total === null && value.prompt_tokens === undefined && value.cache_read_input_tokens !== undefined;
  let rest = Math.max(0, (total ?? 0) - input - output);
  // No request is empty: whoever counts none of it has not counted.
  if (input + cache + rest === 0) return { ...uncounted, cost_usd: readCost(value) };
  // A rest that is as much as the model thought is that, since it costs more.
  const isCache = cache > 0 && ((rest === cache && rest !== reasoning) || rest === cache + reasoning);
  const isOutside = isNative || cache > input || isCache;
  if (isOutside && rest >= cache) rest -= cache;
  const input_tokens = isOutside ? input + cache : input;
  return {
    input_tokens,
    cached_input_tokens: cached,
    // xAI and Gemini's endpoint leave reasoning out. Whatever else the total has is charged as output at most.
    output_tokens: output + rest,
    cost_usd: readCost(value),
    ...(written > 0 ? { cache_write_tokens: written } : {}),
  };
}

/** xAI sends its own in ten-billionths of a dollar. */
const TICKS = 10_000_000_000;

/** What the provider itself says; null if it says nothing. */
function readCost({ cost, cost_in_usd_ticks, cost_details, is_byok }: Record<string, unknown>): number | null {
  // With a key of the operator's own, OpenRouter's cost is its fee, beside what the provider charges, if that is known.
  const behind = is_byok === true ? recordOf(cost_details).upstream_inference_cost : 0;
  const ticks = isAmount(cost_in_usd_ticks) ? cost_in_usd_ticks / TICKS : null;
  const said = isAmount(cost) ? (isAmount(behind) ? cost + behind : null) : ticks;
  return said !== null && said <= MAX_COST_USD ? said : null;
}

/** More tokens, ticks or dollars than one reply has. What is larger says nothing, and would spoil every sum. */
const MAX_AMOUNT = 1e12;
const MAX_COST_USD = 1e6;

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_AMOUNT;
}

function recordOf(...values: unknown[]): Record<string, unknown> {
  return values.find(isRecord) ?? {};
}

/** The first that is there. */
function countOf(...values: unknown[]): number {
  const value = values.find((each) => each !== undefined && each !== null);
  return isAmount(value) ? Math.trunc(value) : 0;
}
