// OpenAI's chat completions; `openai-responses.ts` has its other API. Models of 2026 reason only in the Responses API when they have tools: here they want the
// effort `none`, and the newest have no such effort and refuse tools altogether.
import { errorCodes, invalidKey, perMinute, refusals } from "../openai-errors.ts";
import { parameterRules } from "../openai-rules.ts";
import { keyRule } from "../rules.ts";
import { countTokens, streamReply } from "../streams.ts";
import type { Ending, Provider } from "../wire.ts";
import { openaiSide, unverifiedSide } from "./openai-responses.ts";

const chunk = (delta: Record<string, unknown>, finish_reason: string | null) => ({
  id: "chatcmpl-CuXYi",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "gpt-5.4",
  choices: [{ index: 0, delta, finish_reason }],
});

const endings: Ending[] = [
  ...refusals,
  {
    name: "a limit in the middle of a stream",
    source: "https://github.com/openai/codex/issues/2255",
    means: "rate_limited",
    wait_ms: 3_890,
    chunks: [
      chunk({ role: "assistant", content: "Let " }, null),
      { error: { message: perMinute, type: "tokens", param: null, code: "rate_limit_exceeded" } },
    ],
  },
  {
    name: "a reply that the filter stops",
    source: "https://platform.openai.com/docs/api-reference/chat/streaming",
    means: "filtered",
    chunks: [chunk({ role: "assistant", content: "To " }, null), chunk({}, "content_filter")],
  },
];

export const openaiKeyRule = keyRule(errorCodes, invalidKey);

export const openai: Provider = {
  profile: "openai",
  base_url: "https://api.openai.com/v1",
  model: "gpt-5.6-terra",
  images: "seen",
  rules: [openaiKeyRule, ...parameterRules(({ body }) => String(body.model))],
  endings,
  responses: openaiSide,
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      // No thoughts are shown in chat completions.
      id: (at) => `call_${turn}x${at}Zq8Wb4Kt1mNc7RvYp2sLd`,
      chunk: { service_tier: "default", system_fingerprint: null, obfuscation: "aB3xK9" },
      usage_on_request: true,
      usage: (usage) => ({
        ...countTokens(usage),
        // https://github.com/coder/mux/issues/3705
        prompt_tokens_details: {
          cached_tokens: usage.cached ?? 0,
          cache_write_tokens: usage.written ?? 0,
          audio_tokens: 0,
        },
        completion_tokens_details: { reasoning_tokens: usage.reasoned ?? 0, audio_tokens: 0 },
      }),
    }),
};

/** A model without efforts, as many users still have it. Nobody has to ask it elsewhere. */
export const openaiOlder: Provider = { ...openai, model: "gpt-4.1", responses: undefined };

/** Its chat completions have no tools for this model, at any effort. */
export const openaiNewest: Provider = { ...openai, model: "gpt-6.1-sol", only_responses: true };
export const openaiCodex: Provider = { ...openaiNewest, model: "gpt-5.3-codex" };
export const openaiUnverified: Provider = { ...openaiNewest, model: "gpt-6-sol", responses: unverifiedSide };
