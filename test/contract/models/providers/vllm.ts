// vLLM with a Qwen and with a Mistral, each with the template of its maker, which decides what order is allowed. It
// reads and sends thoughts as `reasoning`; unknown fields are ignored.
import { hasImage, messageRule } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import type { Ending, PlannedReply, Provider, Refusal, Rule, StreamedReply, WireRequest } from "../wire.ts";

function refuse(message: string, type = "BadRequestError", status = 400): Refusal {
  return { status, body: { error: { message, type, param: null, code: status } } };
}

function stream(planned: PlannedReply, turn: number, request: WireRequest): StreamedReply {
  return streamReply(planned, turn, request, {
    reasoning: (text) => ({ reasoning: text }),
    id: (at) => `chatcmpl-tool-b92ff944d3a2${turn}${at}`,
    usage: (usage) => ({ ...sumTokens(usage), prompt_tokens_details: null }),
    usage_on_request: true,
  });
}

const noImages: Rule = {
  name: "refuses an image to a model of text",
  source: "https://github.com/vllm-project/vllm/issues/23402",
  check({ body, messages }) {
    return messages.some(hasImage) ? refuse(`${body.model} is not a multimodal model`) : null;
  },
};

const endings: Ending[] = [
  {
    name: "the conversation and the asked output together are too long",
    source: "https://github.com/AIDotNet/OpenCowork/issues/82",
    means: "too_long",
    refusal: refuse(
      "This model's maximum context length is 262144 tokens. However, you requested 128000 output tokens and your prompt contains at least 134145 input tokens, for a total of at least 262145 tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=134145)",
    ),
  },
  {
    name: "the conversation is too long, in an older version that does not wrap its errors",
    source: "https://github.com/ogx-ai/ogx/issues/4534",
    means: "too_long",
    refusal: {
      status: 400,
      body: {
        object: "error",
        message:
          "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens (568 in the messages, 6048 in the completion). Please reduce the length of the messages or completion.",
        type: "BadRequestError",
        param: null,
        code: 400,
      },
    },
  },
  {
    name: "the model is unknown, in an older version that does not wrap its errors",
    source: "https://github.com/vllm-project/vllm/issues/3485",
    means: "unknown_model",
    refusal: {
      status: 404,
      body: {
        object: "error",
        message: "The model `Qwen1.5-14B-Chat-GPTQ-Int8` does not exist.",
        type: "NotFoundError",
        param: null,
        code: 404,
      },
    },
  },
  {
    name: "a request that the server gave up",
    source: "https://github.com/vllm-project/vllm/blob/main/vllm/v1/engine/__init__.py",
    means: "broken",
    chunks: [
      { id: "chatcmpl-1", choices: [{ index: 0, delta: { role: "assistant", content: "Half" }, finish_reason: null }] },
      { id: "chatcmpl-1", choices: [{ index: 0, delta: {}, finish_reason: "abort" }] },
    ],
  },
];

export const vllm: Provider = {
  profile: "vllm",
  base_url: "http://models.internal:8000/v1",
  model: "Qwen/Qwen3.6-27B",
  images: "refused",
  rules: [
    noImages,
    messageRule(
      "refuses a system message that is not the first",
      "https://github.com/vllm-project/vllm/issues/41114",
      ({ role }, at) => (role === "system" && at > 0 ? refuse("System message must be at the beginning.") : null),
    ),
  ],
  endings,
  stream,
};

export const vllmMistral: Provider = {
  profile: "vllm",
  base_url: "http://models.internal:8000/v1",
  model: "mistralai/Mistral-Small-4-119B-2603-NVFP4",
  images: "seen",
  rules: [
    messageRule(
      "refuses a user message right after a tool result",
      "https://github.com/mistralai/mistral-vibe/issues/578",
      ({ role }, at, messages) =>
        role === "user" && messages[at - 1]?.role === "tool"
          ? refuse("Unexpected role 'user' after role 'tool'")
          : null,
    ),
  ],
  stream,
};
