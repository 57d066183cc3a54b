// Ollama's OpenAI-compatible address. It reads and sends thoughts as `reasoning`, knows only `max_tokens`, and cuts a
// history that is longer than its window from the front without a word, so no ending says that.
import { messageRule, partRule, partsOf } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import type { Ending, Provider, Refusal } from "../wire.ts";

const requestSource = "https://github.com/ollama/ollama/blob/main/openai/openai.go";

function refuse(message: string, type = "invalid_request_error", status = 400): Refusal {
  return { status, body: { error: { message, type, param: null, code: null } } };
}

function urlOf(image: unknown): string {
  return typeof image === "string" ? image : String((image as { url?: unknown } | undefined)?.url);
}

const endings: Ending[] = [
  {
    name: "the model is unknown",
    source: "https://github.com/chatchat-space/Langchain-Chatchat/issues/4925",
    means: "unknown_model",
    refusal: refuse('model "qwen:7b" not found, try pulling it first', "api_error", 404),
  },
  {
    name: "the history lost its user message to the window",
    source: "https://github.com/ollama/ollama/issues/18107",
    means: "too_long",
    refusal: refuse("no user query found in messages", "api_error", 500),
  },
];

export const ollama: Provider = {
  profile: "ollama",
  base_url: "http://127.0.0.1:11434/v1",
  model: "qwen3.5:27b",
  images: "seen",
  rules: [
    messageRule(
      "refuses a message without content that has no calls",
      "https://github.com/pydantic/pydantic-ai/issues/3406",
      ({ content, tool_calls }) =>
        (content === null || content === undefined) && !tool_calls
          ? refuse("invalid message content type: <nil>")
          : null,
    ),
    partRule(requestSource, refuse("invalid message format")),
    messageRule("refuses an image by its address", requestSource, (message) =>
      partsOf(message).some(({ type, image_url }) => type === "image_url" && !urlOf(image_url).startsWith("data:"))
        ? refuse("image URLs are not currently supported, please use base64 encoded data instead")
        : null,
    ),
    {
      name: "refuses tools for a model whose template has none",
      source: "https://github.com/louisho5/picobot/issues/6",
      check: ({ body, tools }) =>
        tools.length > 0 && String(body.model).startsWith("gemma3")
          ? refuse(`registry.ollama.ai/library/${body.model} does not support tools`, "api_error")
          : null,
    },
  ],
  endings,
  stream(planned, turn, request) {
    return streamReply(planned, turn, request, {
      reasoning: (text) => ({ role: "assistant", content: "", reasoning: text }),
      text: (content) => ({ role: "assistant", content }),
      id: (at) => `call_7k2m${turn}${at}`,
      whole_arguments: true,
      usage: sumTokens,
      usage_on_request: true,
    });
  },
};
