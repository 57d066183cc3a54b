// What OpenAI's API answers to a request that it refuses, whichever operation was asked.
import { badRequest } from "./rules.ts";
import type { Ending } from "./wire.ts";

export const errorCodes = "https://developers.openai.com/docs/guides/error-codes";

export const invalidKey = badRequest(
  "Incorrect API key provided: sk-nop. You can find your API key at https://platform.openai.com/account/api-keys.",
  { code: "invalid_api_key" },
  401,
);

const limited = (message: string, type: string) => badRequest(message, { type, code: "rate_limit_exceeded" }, 429);

export const perMinute =
  "Rate limit reached for gpt-5.4 in organization org-66tr5xhH5yhaqZAy6PAIy1Xi on tokens per min (TPM): Limit 30000, Used 28039, Requested 3906. Please try again in 3.89s. Visit https://platform.openai.com/account/rate-limits to learn more.";

export const refusals: Ending[] = [
  {
    name: "a conversation longer than the window",
    source: "https://github.com/chathub-dev/chathub/issues/126",
    means: "too_long",
    refusal: badRequest(
      "This model's maximum context length is 272000 tokens. However, your messages resulted in 304308 tokens. Please reduce the length of the messages.",
      { param: "messages", code: "context_length_exceeded" },
    ),
  },
  {
    name: "a request larger than a minute's tokens, which no waiting cures",
    source: "https://github.com/TheR1D/shell_gpt/issues/653",
    means: "too_long",
    refusal: limited(
      "Request too large for gpt-5.4 in organization org-78asdf87asdf9aaa8976 on tokens per min (TPM): Limit 30000, Requested 31538. The input or output tokens must be reduced in order to run successfully. Visit https://platform.openai.com/account/rate-limits to learn more.",
      "tokens",
    ),
  },
  {
    name: "a limit with the wait in the text",
    source: "https://github.com/continuedev/continue/issues/10502",
    means: "rate_limited",
    wait_ms: 3_890,
    refusal: limited(perMinute, "tokens"),
  },
  {
    name: "a limit with the wait in milliseconds in the text",
    source: "https://github.com/continuedev/continue/issues/11472",
    means: "rate_limited",
    wait_ms: 174,
    refusal: limited(perMinute.replace("3.89s", "174ms"), "tokens"),
  },
  {
    name: "a limit with the wait in headers",
    source: "https://platform.openai.com/docs/guides/rate-limits",
    means: "rate_limited",
    wait_ms: 360_000,
    refusal: {
      ...limited("Rate limit reached for requests", "requests"),
      headers: { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s" },
    },
  },
  {
    name: "an empty account",
    source: "https://github.com/langchain-ai/langchainjs/issues/1929",
    means: "no_credit",
    refusal: badRequest(
      "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
      { type: "insufficient_quota", code: "insufficient_quota" },
      429,
    ),
  },
  {
    name: "a server under too much load",
    source: errorCodes,
    means: "overloaded",
    refusal: badRequest("The engine is currently overloaded, please try again later", { type: "server_error" }, 503),
  },
  { name: "a wrong key", source: errorCodes, means: "invalid_key", refusal: invalidKey },
  {
    name: "a model that this account does not have",
    source: "https://platform.openai.com/docs/guides/error-codes",
    means: "unknown_model",
    refusal: badRequest(
      "The model `gpt-9` does not exist or you do not have access to it.",
      { code: "model_not_found" },
      404,
    ),
  },
];
