// Claude at Anthropic's own OpenAI-compatible address. It ignores what it does not support and never sends its thoughts,
// so little is refused: ids, empty texts, more than one choice. It caches nothing.
import { badRequest, claudeIdRule, messageRule, partsOf } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import type { Ending, Provider, Refusal, WireMessage } from "../wire.ts";

const guide = "https://platform.claude.com/docs/en/api/openai-sdk";
const errorGuide = "https://platform.claude.com/docs/en/api/errors";

/** The kind of the refusal stands in `code`; `type` is the same for all. */
function refuse(message: string, status = 400, code = "invalid_request_error", headers = {}): Refusal {
  return { ...badRequest(message, { code }, status), headers };
}

function isEmptyText(message: WireMessage): boolean {
  return message.content === "" || partsOf(message).some(({ type, text }) => type === "text" && text === "");
}

const endings: Ending[] = [
  {
    name: "the conversation is too long",
    source: "https://github.com/anthropics/claude-code/issues/11281",
    means: "too_long",
    refusal: refuse("prompt is too long: 201130 tokens > 200000 maximum"),
  },
  {
    name: "the conversation and the asked output together are too long",
    source: "https://github.com/BrokkAi/brokk-app/issues/540",
    means: "too_long",
    refusal: refuse(
      "input length and `max_tokens` exceed context limit: 179413 + 32768 > 200000, decrease input length or `max_tokens` and try again",
    ),
  },
  {
    name: "the account is empty, which is a bad request",
    source: "https://github.com/anthropics/claude-code/issues/66314",
    means: "no_credit",
    refusal: refuse(
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
  },
  {
    name: "a minute's tokens are used up",
    source: "https://github.com/FoundationAgents/OpenManus/issues/746",
    means: "rate_limited",
    wait_ms: 23_000,
    refusal: refuse(
      "This request would exceed the rate limit for your organization of 20,000 input tokens per minute.",
      429,
      "rate_limit_error",
      { "retry-after": "23" },
    ),
  },
  {
    name: "the account's own spend limit is reached, which is a bad request",
    source: "https://github.com/anthropics/claude-code/issues/38035",
    means: "no_credit",
    refusal: refuse(
      "You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC.",
    ),
  },
  {
    name: "the bill is not paid",
    source: errorGuide,
    means: "no_credit",
    refusal: refuse("There's an issue with your billing or payment information.", 402, "billing_error"),
  },
  {
    name: "the servers are overloaded",
    source: "https://github.com/anthropics/claude-code/issues/35777",
    means: "overloaded",
    refusal: refuse("Overloaded", 529, "overloaded_error", { "x-should-retry": "true" }),
  },
  {
    name: "the key is unknown",
    source: errorGuide,
    means: "invalid_key",
    refusal: refuse("invalid x-api-key", 401, "authentication_error"),
  },
  {
    name: "the model is unknown",
    source: errorGuide,
    means: "unknown_model",
    refusal: refuse("model: claude-nonesuch", 404, "not_found_error"),
  },
];

export const anthropic: Provider = {
  profile: "anthropic",
  base_url: "https://api.anthropic.com/v1",
  model: "claude-sonnet-4-5",
  images: "seen",
  rules: [
    claudeIdRule(refuse),
    messageRule(
      "refuses an empty text of the user",
      "https://github.com/anthropics/claude-code/issues/59812",
      (message) =>
        message.role === "user" && isEmptyText(message)
          ? refuse("messages: text content blocks must be non-empty")
          : null,
    ),
    messageRule(
      "refuses an assistant's message that says and calls nothing, except at the end",
      "https://github.com/anthropics/claude-code/issues/2196",
      (message, at, messages) =>
        message.role === "assistant" && !message.tool_calls && !message.content && at < messages.length - 1
          ? refuse(
              `messages.${at}: all messages must have non-empty content except for the optional final assistant message`,
            )
          : null,
    ),
    {
      name: "refuses a conversation of system messages only",
      source: "https://github.com/langgenius/dify/issues/25953",
      check: ({ messages }) =>
        messages.every(({ role }) => role === "system" || role === "developer")
          ? refuse("messages: at least one message is required")
          : null,
    },
    {
      name: "refuses more than one choice",
      source: guide,
      check: ({ body }) => (body.n !== undefined && body.n !== 1 ? refuse("n: Must be exactly 1") : null),
    },
  ],
  endings,
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      id: (at) => `toolu_01A09q90qw90lq917835lq${turn}${at}`,
      usage: sumTokens,
    }),
};
