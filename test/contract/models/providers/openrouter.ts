// OpenRouter in front of Claude. It streams reasoning twice: as text to show, and as `reasoning_details`
// in pieces. Pieces of one `type` and `index` are one block, which goes back whole, as it was, in order. A refusal of
// the provider behind it is a text of JSON inside its own JSON.
import { isDeepStrictEqual } from "node:util";
import { claudeIdRule, isOfThisTurn, messageRule, partsOf } from "../rules.ts";
import { countTokens, streamReply } from "../streams.ts";
import type { Ending, PlannedReply, Provider, Refusal, Rule, StreamedReply, WireRequest } from "../wire.ts";
import { findSent } from "../wire.ts";

const errorReference = "https://openrouter.ai/docs/api/reference/errors-and-debugging";

export function refuseUpstream(provider_name: string, raw: string): Refusal {
  const metadata = { raw, provider_name, is_byok: false };
  return {
    status: 400,
    body: { error: { message: "Provider returned error", code: 400, metadata }, user_id: "user_2x7DNyswjOH" },
  };
}

function refuseClaude(message: string): Refusal {
  const error = { type: "invalid_request_error", message };
  return refuseUpstream("Anthropic", JSON.stringify({ type: "error", error, request_id: "req_011CbrFTcXht" }));
}

const unmodifiedDetails: Rule = {
  name: "refuses reasoning details that are not those it sent, whole and in order",
  source: "https://github.com/anomalyco/opencode/issues/14716",
  check({ messages }, sent) {
    for (const [at, message] of messages.entries()) {
      if (message.role !== "assistant" || message.reasoning_details === undefined) continue;
      const details = findSent(message, sent)?.extras.reasoning_details;
      if (details === undefined)
        return refuseClaude(`messages.${at}.content.0: Invalid \`signature\` in \`thinking\` block`);
      if (isDeepStrictEqual(message.reasoning_details, details)) continue;
      return refuseClaude(
        `messages.${at}.content.0: \`thinking\` or \`redacted_thinking\` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.`,
      );
    }
    return null;
  },
};

/** Claude asks for the thoughts of the step that it continues from. Those of earlier steps are recommended. */
const missingThoughts: Rule = {
  name: "refuses the last call without the reasoning that led to it",
  source: "https://github.com/OpenRouterTeam/ai-sdk-provider/issues/162",
  check({ messages }, sent) {
    const at = messages.findLastIndex(({ role }) => role === "assistant");
    const message = messages[at];
    if (!message?.tool_calls || message.reasoning_details !== undefined || !isOfThisTurn(messages, at)) return null;
    if (findSent(message, sent)?.extras.reasoning_details === undefined) return null;
    return refuseClaude(
      `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`tool_use\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`,
    );
  },
};

const tooManyMarks: Rule = {
  name: "refuses more than four cache marks",
  source: "https://github.com/hotovo/aider-desk/issues/513",
  check({ body, messages }) {
    const blocks = [...messages.flatMap(partsOf), ...((body.tools ?? []) as Record<string, unknown>[])];
    const marks = blocks.filter(({ cache_control }) => cache_control !== undefined).length;
    if (marks <= 4) return null;
    return refuseClaude(`A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`);
  },
};

const emptyMark = messageRule(
  "refuses a cache mark on an empty text",
  "https://github.com/NousResearch/hermes-agent/pull/1216",
  (message, at) =>
    partsOf(message).some(({ text, cache_control }) => text === "" && cache_control !== undefined)
      ? refuseClaude(`messages.${at}.content.0.text: cache_control cannot be set for empty text blocks`)
      : null,
);

/** Comments come before the first chunk, and the last chunk comes twice: the second time with the usage. */
export function wrapStream({ chunks, sent }: StreamedReply, planned: PlannedReply): StreamedReply {
  const ending = chunks.at(-1) as Record<string, unknown>;
  const { usage: spent = { input: 0, output: 0 } } = planned;
  const prompt_tokens_details = { cached_tokens: spent.cached ?? 0, cache_write_tokens: spent.written ?? 0 };
  const said = { cost: 0.00566, is_byok: false, cost_details: { upstream_inference_cost: 0.00566 } };
  // https://openrouter.ai/docs/use-cases/usage-accounting
  const usage = { ...countTokens(spent), prompt_tokens_details, ...said };
  return { chunks: [": OPENROUTER PROCESSING", ": OPENROUTER PROCESSING", ...chunks, { ...ending, usage }], sent };
}

function streamClaude(planned: PlannedReply, turn: number, request: WireRequest): StreamedReply {
  const block = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
  const signature = `EqQBCkgIARABGAIiQ${turn}`;
  const whole = { ...block, text: planned.reasoning, signature };
  const streamed = streamReply(planned, turn, request, {
    chunk: { provider: "Anthropic" },
    usage_in: "nowhere",
    reasoning: (text) => ({ role: "assistant", content: "", reasoning: text, reasoning_details: [{ ...block, text }] }),
    after_reasoning: () => [{ role: "assistant", content: "", reasoning_details: [{ ...block, signature }] }],
    text: (content) => ({ role: "assistant", content }),
    id: (at) => `toolu_bdrk_0${at}${turn}`,
    extras: planned.reasoning ? { reasoning_details: [whole] } : {},
  });
  return wrapStream(streamed, planned);
}

const endings: Ending[] = [
  {
    name: "the account is empty, as a request for more output than it can pay",
    source: "https://github.com/Gitlawb/openclaude/issues/1125",
    means: "no_credit",
    refusal: {
      status: 402,
      body: {
        error: {
          message:
            "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 27342. To increase, visit https://openrouter.ai/settings/credits and upgrade to a paid account",
          code: 402,
          metadata: { provider_name: null },
        },
        user_id: "user_3D0IVsejFIV6",
      },
    },
  },
  {
    name: "requests in flight hold the credit, which a wait frees",
    source: errorReference,
    means: "rate_limited",
    wait_ms: 7_000,
    refusal: {
      status: 402,
      headers: { "retry-after": "7" },
      body: {
        error: {
          message: "Insufficient credits",
          code: 402,
          metadata: { limit_source: "openrouter_in_flight_budget" },
        },
      },
    },
  },
  {
    name: "the day's free requests are used up, so that a wait of seconds does not help",
    source: "https://github.com/Gitlawb/openclaude/issues/936",
    means: "no_credit",
    refusal: {
      status: 429,
      body: {
        error: {
          message:
            "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
          code: 429,
          metadata: {
            headers: { "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1777420800000" },
          },
        },
      },
    },
  },
  {
    name: "no provider is free",
    source: errorReference,
    means: "overloaded",
    wait_ms: 12_000,
    refusal: {
      status: 503,
      headers: { "retry-after": "12" },
      body: {
        error: { message: "There is no available model provider that meets your routing requirements", code: 503 },
      },
    },
  },
  {
    name: "the conversation is too long",
    source: "https://github.com/refly-ai/refly/issues/1177",
    means: "too_long",
    refusal: {
      status: 400,
      body: {
        error: {
          message:
            'This endpoint\'s maximum context length is 32768 tokens. However, you requested about 42832 tokens (42832 of text input). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
          code: 400,
        },
      },
    },
  },
  {
    name: "a provider fails inside a stream of status 200",
    source: "https://openrouter.ai/docs/api/reference/streaming",
    means: "failed_in_reply",
    chunks: [
      {
        id: "gen-1",
        object: "chat.completion.chunk",
        choices: [{ index: 0, delta: { content: "Half" }, finish_reason: null }],
      },
      {
        id: "gen-1",
        object: "chat.completion.chunk",
        provider: "Anthropic",
        error: { code: 502, message: "Provider disconnected unexpectedly" },
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
      },
    ],
  },
  {
    name: "a provider fails inside a stream without a choice",
    source: "https://github.com/diegosouzapw/OmniRoute/pull/8210",
    means: "failed_in_reply",
    chunks: [
      ": OPENROUTER PROCESSING",
      {
        id: "gen-2",
        object: "chat.completion.chunk",
        choices: [],
        error: { code: 502, message: "Worker local total request limit reached (33/32)" },
      },
    ],
  },
  {
    name: "a moderation refuses the input",
    source: errorReference,
    means: "filtered",
    refusal: {
      status: 403,
      body: {
        error: {
          message: "Your chosen model requires moderation and your input was flagged",
          code: 403,
          metadata: {
            reasons: ["violence"],
            flagged_input: "…",
            provider_name: "Anthropic",
            model_slug: "anthropic/claude",
          },
        },
      },
    },
  },
  {
    name: "the key is unknown",
    source: "https://github.com/musistudio/claude-code-router/issues/227",
    means: "invalid_key",
    refusal: { status: 401, body: { error: { message: "No auth credentials found", code: 401 } } },
  },
  {
    name: "the model is unknown, which is a bad request",
    source: "https://github.com/maxnowack/anthropic-proxy/issues/4",
    means: "unknown_model",
    refusal: {
      status: 400,
      body: { error: { message: "google/gemini-2.0-pro-exp-02-05:free is not a valid model ID", code: 400 } },
    },
  },
];

export const openrouter: Provider = {
  profile: "openrouter",
  base_url: "https://openrouter.ai/api/v1",
  model: "anthropic/claude-sonnet-4.5",
  images: "seen",
  rules: [unmodifiedDetails, missingThoughts, tooManyMarks, emptyMark, claudeIdRule(refuseClaude)],
  endings,
  stream: streamClaude,
};
