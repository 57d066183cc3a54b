// A LiteLLM proxy in front of Claude. It passes the provider's words on inside its own, with the status as a text in
// `code`. Thoughts come as text and as `thinking_blocks`, which must go back where the request asks for thinking.
import { isDeepStrictEqual } from "node:util";
import { claudeIdRule, fieldRule, isOfThisTurn, messageRule, partsOf } from "../rules.ts";
import { countTokens, streamReply } from "../streams.ts";
import type { Ending, Provider, Refusal, Rule } from "../wire.ts";
import { findSent } from "../wire.ts";

const group = "Received Model Group=claude\nAvailable Model Group Fallbacks=None";

function refuse(message: string, status = 400, type: string | null = null, headers = {}): Refusal {
  return { status, headers, body: { error: { message, type, param: null, code: String(status) } } };
}

function refuseClaude(message: string): Refusal {
  const words = JSON.stringify({ type: "error", error: { type: "invalid_request_error", message } });
  return refuse(`litellm.BadRequestError: AnthropicException - ${words}. ${group}`);
}

const missingThoughts: Rule = {
  name: "refuses the last call without its thinking blocks where thinking is asked for",
  source: "https://github.com/openai/openai-agents-python/issues/678",
  check({ body, messages }, sent) {
    if (body.reasoning_effort === undefined && body.thinking === undefined) return null;
    const at = messages.findLastIndex(({ role }) => role === "assistant");
    const message = messages[at];
    if (!message?.tool_calls || !isOfThisTurn(messages, at)) return null;
    const blocks = findSent(message, sent)?.extras.thinking_blocks;
    if (blocks === undefined || isDeepStrictEqual(message.thinking_blocks, blocks)) return null;
    return refuseClaude(
      message.thinking_blocks === undefined
        ? `messages.${at}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`tool_use\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`
        : `messages.${at}.content.0: Invalid \`signature\` in \`thinking\` block`,
    );
  },
};

const endings: Ending[] = [
  {
    name: "the conversation is too long, in the words of the provider behind it",
    source: "https://github.com/OpenHands/OpenHands/issues/5350",
    means: "too_long",
    refusal: refuse(
      'litellm.BadRequestError: litellm.ContextWindowExceededError: AnthropicError - {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 209303 tokens > 200000 maximum"}}\nReceived Model Group=anthropic/claude-3-5-sonnet-20241022\nAvailable Model Group Fallbacks=None',
    ),
  },
  {
    name: "the budget of the proxy's key is used up, which is a bad request",
    source: "https://github.com/BerriAI/litellm/issues/22726",
    means: "no_credit",
    refusal: refuse("Budget has been exceeded! Current cost: 26.075, Max budget: 0.25", 400, "budget_exceeded"),
  },
  {
    name: "the budget of the proxy's key is used up, as a limit",
    source: "https://github.com/BerriAI/litellm/issues/35369",
    means: "no_credit",
    refusal: refuse("Budget has been exceeded! Current cost: 26.075, Max budget: 0.25", 429, "budget_exceeded"),
  },
  {
    name: "all providers behind it rest, with the wait in the text",
    source: "https://github.com/BerriAI/litellm/issues/5177",
    means: "rate_limited",
    wait_ms: 60_000,
    refusal: refuse(
      "No deployments available for selected model, Try again in 60 seconds. Passed model=claude-3-haiku-20240307. Try again in 60 seconds.",
      429,
    ),
  },
  {
    name: "the provider behind it breaks off, as an error inside the stream",
    source: "https://github.com/BerriAI/litellm/issues/40404",
    means: "failed_in_reply",
    chunks: [
      { id: "chatcmpl-1", choices: [{ index: 0, delta: { role: "assistant", content: "Half" }, finish_reason: null }] },
      {
        error: {
          message:
            "litellm.APIConnectionError: APIConnectionError: OpenAIException - Response payload is not completed: <TransferEncodingError: 400, message='Not enough data to satisfy transfer length header.'>",
          type: null,
          param: null,
          code: "500",
        },
      },
    ],
  },
];

export const litellm: Provider = {
  profile: "litellm",
  base_url: "http://litellm.internal:4000/v1",
  model: "claude",
  images: "seen",
  rules: [
    missingThoughts,
    claudeIdRule(refuseClaude),
    // The source has the status and the place, not the words.
    messageRule(
      "refuses a cache mark inside a tool result",
      "https://raw.githubusercontent.com/nousresearch/hermes-agent/main/agent/prompt_caching.py",
      (message, at) =>
        message.role === "tool" && partsOf(message).some(({ cache_control }) => cache_control !== undefined)
          ? refuseClaude(`messages.${at}.content.0.tool_result.content.0.cache_control: Extra inputs are not permitted`)
          : null,
    ),
    fieldRule(
      "refuses a parameter that the provider behind it lacks",
      "https://docs.litellm.ai/docs/completion/drop_params",
      ["seed", "logit_bias", "presence_penalty", "frequency_penalty"],
      (field, value) =>
        refuse(
          `litellm.UnsupportedParamsError: anthropic does not support parameters: {'${field}': ${value}}, for model=claude-sonnet-4-5. To drop these, set \`litellm.drop_params=True\` or for proxy:\n\n\`litellm_settings:\n drop_params: true\`\n. ${group}`,
        ),
    ),
  ],
  endings,
  stream(planned, turn, request) {
    const signature = `EuYBCkQYAiJAg${turn}`;
    const thinking = planned.reasoning ?? "";
    return streamReply(planned, turn, request, {
      reasoning: (text) => ({ reasoning_content: text, thinking_blocks: [{ type: "thinking", thinking: text }] }),
      after_reasoning: () => [
        { reasoning_content: "", thinking_blocks: [{ type: "thinking", thinking: "", signature }] },
      ],
      id: (at) => `toolu_01XFDUDYJgAACz${turn}${at}`,
      // It adds Claude's cache to the input, and passes on Claude's own words beside that.
      usage: (usage) => ({
        ...countTokens(usage),
        prompt_tokens_details: { cached_tokens: usage.cached ?? 0, cache_creation_tokens: usage.written ?? 0 },
        cache_read_input_tokens: usage.cached ?? 0,
        cache_creation_input_tokens: usage.written ?? 0,
      }),
      extras: thinking ? { thinking_blocks: [{ type: "thinking", thinking, signature }] } : {},
    });
  },
};
