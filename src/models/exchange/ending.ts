// How a reply ended and what it cost, in the words of many servers.
import type { FinishReason } from "../../agent/model.ts";
import { isRecord } from "../../lib/is-record.ts";
import type { Usage } from "../../protocol/run.ts";

/** `broken`: the provider broke the reply off, so it is no answer. `too_long`: because the window was full. */
export type Finish = Exclude<FinishReason, "other"> | "broken" | "too_long";

/** In lower case. OpenAI's words, and those that clouds and local servers pass on from elsewhere. */
const finishes: Record<string, Finish> = {
  stop: "stop",
  end: "stop",
  normal: "stop",
  eos: "stop",
  eos_token_id: "stop",
  eos_token: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  complete: "stop",
  completed: "stop",
  done: "stop",
  matched_stop: "stop",
  tool_calls: "tool_calls",
  tool_call: "tool_calls",
  tool_use: "tool_calls",
  function_call: "tool_calls",
  length: "length",
  max_tokens: "length",
  max_length: "length",
  max_new_tokens: "length",
  max_output_tokens: "length",
  model_length: "length",
  model_context_window_exceeded: "too_long",
  content_filter: "content_filter",
  content_filtered: "content_filter",
  sensitive: "content_filter",
  safety: "content_filter",
  recitation: "content_filter",
  blocklist: "content_filter",
  prohibited_content: "content_filter",
  spii: "content_filter",
  refusal: "content_filter",
};

/** Every word that is no known end means that the reply is broken: `network_error`, `abort`, `error` … */
export function readFinish(reason: string): Finish {
  const word = reason.toLowerCase();
  return Object.hasOwn(finishes, word) ? (finishes[word] ?? "broken") : "broken";
}

/** Whether an unknown word says that something went wrong. If not, it may be a server's own word for an end. */
export function saysBroken(reason: string): boolean {
  return /error|abort|cancel|fail|insufficient|timeout|overload|interrupt|malformed|unexpected/i.test(reason);
}

/**
 * Both dialects have names of their own. Cached tokens stand in more places: OpenAI's, DeepSeek's and Kimi's.
 */
export function readUsage(value: Record<string, unknown>): Usage {
  const details = [value.prompt_tokens_details, value.input_tokens_details].find(isRecord);
  const cached = details?.cached_tokens ?? value.prompt_cache_hit_tokens ?? value.cached_tokens;
  const { cost } = value;
  return {
    input_tokens: asCount(value.prompt_tokens ?? value.input_tokens),
    cached_input_tokens: asCount(cached),
    output_tokens: asCount(value.completion_tokens ?? value.output_tokens),
    cost_usd: typeof cost === "number" && Number.isFinite(cost) && cost >= 0 ? cost : null,
  };
}

function asCount(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, Math.trunc(value)) : 0;
}
