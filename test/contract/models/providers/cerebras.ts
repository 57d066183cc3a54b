// Cerebras: like Groq it reasons in `reasoning` and knows no `reasoning_content`, but it takes its own field back. Its
// errors are not wrapped.
import { fieldRule, messageRule } from "../rules.ts";
import { streamReply } from "../streams.ts";
import type { Ending, Provider, Refusal } from "../wire.ts";

function refuse(message: string, type: string, param: string, code: string, status = 400, headers = {}): Refusal {
  return { status, headers, body: { message, type, param, code } };
}

function refuseField(path: string): Refusal {
  const words = `${path}: property '${path}' is unsupported`;
  return refuse(words, "invalid_request_error", "validation_error", "wrong_api_format");
}

const endings: Ending[] = [
  {
    name: "a minute's requests are used up",
    source: "https://github.com/nminaya/grammar-nazi-bot/issues/954",
    means: "rate_limited",
    refusal: refuse(
      "Requests per minute limit exceeded - too many requests sent.",
      "too_many_requests_error",
      "quota",
      "request_quota_exceeded",
      429,
    ),
  },
  {
    name: "a minute's tokens are used up, with the wait as a header in seconds",
    source: "https://inference-docs.cerebras.ai/support/rate-limits",
    means: "rate_limited",
    wait_ms: 11_382,
    refusal: refuse(
      "Tokens per minute limit exceeded - too many tokens processed.",
      "too_many_tokens_error",
      "quota",
      "token_quota_exceeded",
      429,
      { "x-ratelimit-reset-tokens-minute": "11.382", "x-ratelimit-reset-requests-day": "33011.382" },
    ),
  },
  {
    name: "the conversation is too long",
    source: "https://github.com/cline/cline/issues/5140",
    means: "too_long",
    refusal: refuse(
      "Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000",
      "invalid_request_error",
      "messages",
      "context_length_exceeded",
    ),
  },
];

export const cerebras: Provider = {
  profile: "cerebras",
  base_url: "https://api.cerebras.ai/v1",
  model: "gpt-oss-120b",
  images: "left_out",
  rules: [
    messageRule(
      "refuses reasoning_content",
      "https://github.com/Kilo-Org/kilocode/issues/10375",
      ({ role, reasoning_content }, at) =>
        reasoning_content === undefined ? null : refuseField(`messages.${at}.${role}.reasoning_content`),
    ),
    fieldRule(
      "refuses a field that it does not know",
      "https://github.com/proxysoul/Empryo/pull/209",
      ["reasoning", "enable_thinking"],
      refuseField,
    ),
  ],
  endings,
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      reasoning: (text) => ({ reasoning: text }),
      id: (at) => `e7a1b3f0${turn}${at}`,
      whole_arguments: true,
      usage_in: "last_chunk",
    }),
};
