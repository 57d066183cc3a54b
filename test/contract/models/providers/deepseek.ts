// DeepSeek with its thinking mode, which is on unless a request says otherwise. Thoughts have to come back on every
// reply of a request that has tools, also on replies without a call and in older turns.
import { badRequest, forcedChoice, hasImage, isThinking, keyRule, messageRule } from "../rules.ts";
import { countTokens, streamReply } from "../streams.ts";
import type { Ending, Provider, WireRequest } from "../wire.ts";

const thinkingGuide = "https://api-docs.deepseek.com/guides/thinking_mode.md";

/** DeepSeek names its kind of error twice. */
const code = { code: "invalid_request_error" };
const missingReasoning = badRequest(
  "The `reasoning_content` in the thinking mode must be passed back to the API.",
  code,
);

/** The documented longest output: 384K tokens. */
const MAX_OUTPUT_TOKENS = 393_216;

const invalidKey = badRequest(
  "Authentication Fails, Your api key: ****fcc2 is invalid",
  { type: "authentication_error", ...code },
  401,
);

const needsReasoning = (request: WireRequest) => request.tools.length > 0 && isThinking(request);

const rules: Provider["rules"] = [
  keyRule("https://github.com/continuedev/continue/issues/11820", invalidKey),
  messageRule(
    "refuses a reply without the reasoning that led to it, where there are tools",
    thinkingGuide,
    ({ role, reasoning_content }, _at, _messages, request) =>
      role === "assistant" && needsReasoning(request) && typeof reasoning_content !== "string"
        ? missingReasoning
        : null,
  ),
  messageRule(
    "refuses null as the content beside reasoning",
    "https://github.com/can1357/oh-my-pi/pull/788",
    ({ role, content, reasoning_content }, _at, _messages, request) =>
      role === "assistant" && needsReasoning(request) && content === null && reasoning_content !== undefined
        ? missingReasoning
        : null,
  ),
  {
    name: "refuses to be made to call a tool while it thinks",
    source: "https://github.com/osaurus-ai/osaurus/pull/1940",
    check: (request) =>
      isThinking(request) && forcedChoice(request) !== null
        ? badRequest("Thinking mode does not support this tool_choice", code)
        : null,
  },
  {
    name: "refuses a longer output than the model has",
    source: "https://github.com/Gitlawb/openclaude/issues/35",
    check: ({ body }) =>
      typeof body.max_tokens === "number" && (body.max_tokens < 1 || body.max_tokens > MAX_OUTPUT_TOKENS)
        ? badRequest(`Invalid max_tokens value, the valid range of max_tokens is [1, ${MAX_OUTPUT_TOKENS}]`, code)
        : null,
  },
  messageRule(
    "refuses an image unless the model is a flash",
    "https://github.com/1jehuang/jcode/issues/310",
    (message, at, _messages, { body }) =>
      hasImage(message) && !/flash/.test(String(body.model))
        ? badRequest(
            `Failed to deserialize the JSON body into the target type: messages[${at}]: unknown variant \`image_url\`, expected \`text\` at line 1 column 114708`,
            code,
          )
        : null,
  ),
];

const chunk = (delta: Record<string, unknown>, finish_reason: string | null) => ({
  id: "88beaa90-17fd-45fc-939c-2ef75e2d913c",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "deepseek-v4-pro",
  choices: [{ index: 0, delta, logprobs: null, finish_reason }],
});

const endings: Ending[] = [
  {
    name: "a request longer than the window",
    source: "https://github.com/evalstate/fast-agent/issues/621",
    means: "too_long",
    refusal: badRequest(
      "This model's maximum context length is 1048576 tokens. However, you requested 1049134 tokens (1040942 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.",
      code,
    ),
  },
  {
    name: "an empty account",
    source: "https://github.com/1Panel-dev/MaxKB/issues/3797",
    means: "no_credit",
    refusal: badRequest("Insufficient Balance", { type: "unknown_error", ...code }, 402),
  },
  {
    name: "a request that the filter stops",
    source: "https://github.com/666ghj/BettaFish/issues/108",
    means: "filtered",
    refusal: badRequest("Content Exists Risk", code),
  },
  {
    name: "a reply that the filter stops",
    source: "https://api-docs.deepseek.com/api/create-chat-completion",
    means: "filtered",
    chunks: [chunk({ role: "assistant", content: "The plan" }, null), chunk({ content: "" }, "content_filter")],
  },
  {
    name: "a reply that ends for lack of resources",
    source: "https://api-docs.deepseek.com/api/create-chat-completion",
    means: "broken",
    chunks: [
      chunk({ role: "assistant", content: "First I " }, null),
      chunk({ content: "" }, "insufficient_system_resource"),
    ],
  },
  {
    name: "a server under too much load",
    source: "https://api-docs.deepseek.com/quick_start/error_codes.md",
    means: "overloaded",
    refusal: badRequest("The server is overloaded due to high traffic.", code, 503),
  },
  {
    name: "a wrong key",
    source: "https://github.com/continuedev/continue/issues/11820",
    means: "invalid_key",
    refusal: invalidKey,
  },
];

export const deepseek: Provider = {
  profile: "deepseek",
  base_url: "https://api.deepseek.com/v1",
  model: "deepseek-v4-pro",
  images: "left_out",
  rules,
  endings,
  stream(planned, turn, request) {
    const said = isThinking(request) ? planned : { ...planned, reasoning: undefined };
    const { chunks, sent } = streamReply(said, turn, request, {
      reasoning: (text) => ({ reasoning_content: text, content: null }),
      id: (at) => `call_0${at}_${turn}d5f`,
      usage_on_request: true,
      usage: (usage) => ({
        ...countTokens(usage),
        prompt_cache_hit_tokens: usage.cached ?? 0,
        prompt_cache_miss_tokens: usage.input - (usage.cached ?? 0),
      }),
    });
    // A request that waits for its turn gets comments: https://api-docs.deepseek.com/quick_start/rate_limit
    return { chunks: [": keep-alive", ...chunks], sent };
  },
};

/** Its smaller model, which sees images. */
export const deepseekFlash: Provider = { ...deepseek, model: "deepseek-flash", images: "seen" };
