// Qwen in DashScope's compatible mode. Every message has a content, the opposite of Kimi. Later pieces of a call have
// an empty id. A lack of quota is a limit of tokens a minute here, and an empty account is a bad request.
import { forcedChoice, isJsonObject, keyRule, messageRule } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import type { Ending, Provider, Refusal, Rule, WireRequest } from "../wire.ts";

const errorPage = "https://help.aliyun.com/en/model-studio/error-code";
const id = "5bf78562-0341-9de2-8d10-5429ef761b7e";

function refuse(code: string, message: string, type = "invalid_request_error", status = 400): Refusal {
  return { status, body: { error: { message, type, param: null, code }, id: `chatcmpl-${id}`, request_id: id } };
}

const invalid = (message: string) =>
  refuse("invalid_parameter_error", `<400> InternalError.Algo.InvalidParameter: ${message}`);

const invalidKey = refuse(
  "invalid_api_key",
  "Incorrect API key provided. For details, see: https://help.aliyun.com/zh/model-studio/error-code#apikey-error",
  "invalid_request_error",
  401,
);

const rules: Rule[] = [
  keyRule("https://help.aliyun.com/en/model-studio/error-code-start", invalidKey),
  messageRule(
    "refuses a message without content",
    "https://github.com/langchain4j/langchain4j-community/issues/204",
    ({ content }, at) =>
      content === undefined || content === null
        ? invalid(`Input error. Field required: input.messages.${at}.content`)
        : null,
  ),
  messageRule(
    "refuses arguments that are not JSON",
    "https://github.com/HKUDS/nanobot/issues/2469",
    ({ tool_calls }) =>
      (tool_calls ?? []).every((call) => isJsonObject(call.function.arguments))
        ? null
        : invalid('The "function.arguments" parameter of the code model must be in JSON format.'),
  ),
  {
    name: "refuses to be made to call a tool while it thinks",
    source: "https://github.com/cloudwego/eino/issues/994",
    check: (request) =>
      request.body.enable_thinking === true && forcedChoice(request) !== null
        ? invalid("The tool_choice parameter does not support being set to required or object in thinking mode")
        : null,
  },
  {
    name: "refuses to think without a stream",
    source: errorPage,
    check: ({ body }) =>
      body.enable_thinking === true && body.stream !== true
        ? invalid("parameter.enable_thinking must be set to false for non-streaming calls")
        : null,
  },
];

const wishes: Rule[] = [
  {
    name: "asks to keep the thoughts of older turns where they come back",
    source: "https://github.com/adolfousier/opencrabs/issues/725",
    check: ({ body, messages }) =>
      body.preserve_thinking === true &&
      messages.some(({ tool_calls, reasoning_content }) => tool_calls && typeof reasoning_content !== "string")
        ? invalid("reasoning_content is missing")
        : null,
  },
];

/** Whether a part of a message is marked as the end of what the cache shall keep. */
const hasMark = ({ messages }: WireRequest) =>
  messages.some(({ content }) => Array.isArray(content) && content.some((part) => part?.cache_control !== undefined));

function countCached({ input, cached = 0 }: { input: number; cached?: number }, isMarked: boolean) {
  return { cached_tokens: cached, cache_creation_input_tokens: isMarked ? input - cached : 0 };
}

const chunk = (delta: Record<string, unknown>, finish_reason: string | null) => ({
  id: `chatcmpl-${id}`,
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "qwen3.7-plus",
  system_fingerprint: null,
  choices: [{ index: 0, delta, finish_reason, logprobs: null }],
});

const filtered = refuse(
  "data_inspection_failed",
  "<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content.",
  "data_inspection_failed",
);

const tooQuick =
  "Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.";

const endings: Ending[] = [
  {
    name: "an input longer than the window",
    source: "https://github.com/QwenLM/qwen-code/issues/2068",
    means: "too_long",
    refusal: invalid("Range of input length should be [1, 983616]"),
  },
  {
    name: "an empty account, as a bad request",
    source: errorPage,
    means: "no_credit",
    refusal: refuse("Arrearage", "Access denied, please make sure your account is in good standing.", "Arrearage"),
  },
  {
    name: "a limit of tokens a minute, as a lack of quota",
    source: "https://help.aliyun.com/en/model-studio/error-code-start",
    means: "rate_limited",
    refusal: refuse(
      "insufficient_quota",
      "Allocated quota exceeded, please increase your quota limit. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit",
      "insufficient_quota",
      429,
    ),
  },
  {
    name: "a limit of requests",
    source: "https://github.com/agentscope-ai/QwenPaw/issues/708",
    means: "rate_limited",
    refusal: refuse("limit_burst_rate", tooQuick, "limit_burst_rate", 429),
  },
  {
    name: "a limit of requests in the middle of a reply",
    source: "https://github.com/anomalyco/opencode/issues/21164",
    means: "rate_limited",
    chunks: [
      chunk({ role: "assistant", content: "So " }, null),
      { error: { code: "limit_burst_rate", param: null, message: tooQuick, type: "limit_burst_rate" } },
    ],
  },
  {
    name: "a request that the filter stops",
    source: "https://github.com/QwenLM/qwen-code/issues/3145",
    means: "filtered",
    refusal: filtered,
  },
  {
    name: "a reply that the filter stops",
    source: errorPage,
    means: "filtered",
    chunks: [
      chunk({ role: "assistant", content: "The " }, null),
      {
        error: {
          code: "data_inspection_failed",
          param: null,
          message: "Output data may contain inappropriate content.",
          type: "data_inspection_failed",
        },
      },
    ],
  },
  { name: "a wrong key", source: errorPage, means: "invalid_key", refusal: invalidKey },
  {
    name: "an unknown model",
    source: "https://help.aliyun.com/en/model-studio/error-code-start",
    means: "unknown_model",
    refusal: refuse(
      "model_not_found",
      "The model `qwen9-max` does not exist or you do not have access to it.",
      "invalid_request_error",
      404,
    ),
  },
];

export const qwen: Provider = {
  profile: "qwen",
  base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
  model: "qwen3.7-plus",
  images: "seen",
  rules,
  wishes,
  endings,
  stream: (planned, turn, request) =>
    streamReply(
      request.body.enable_thinking === false ? { ...planned, reasoning: undefined } : planned,
      turn,
      request,
      {
        reasoning: (text) => ({ content: null, reasoning_content: text }),
        id: (at) => `call_${turn}f4e2b${at}c7d94a1f8e3b`,
        later_call: { id: "", type: "function" },
        chunk: { system_fingerprint: null },
        usage_on_request: true,
        usage: (usage) => ({ ...sumTokens(usage), prompt_tokens_details: countCached(usage, hasMark(request)) }),
      },
    ),
};
