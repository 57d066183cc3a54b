// llama-server of llama.cpp with a Devstral and with a Qwen. The model's template refuses an order that it was not
// trained on, with status 500; the server itself refuses malformed messages with 400.
import { hasImage, messageRule, partRule } from "../rules.ts";
import { streamReply } from "../streams.ts";
import type { Ending, Provider, Refusal, Rule, WireMessage } from "../wire.ts";

const serverSource = "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/server-common.cpp";

function refuse(message: string, code = 400, type = "invalid_request_error", more = {}): Refusal {
  return { status: code, body: { error: { code, message, type, ...more } } };
}

function refuseTemplate(reason: string): Refusal {
  return refuse(
    `\n------------\nWhile executing CallExpression at line 189, column 32 in source:\n...== 0) %}↵            {{- raise_exception('${reason.slice(0, 40)}...\n                                           ^\nError: Jinja Exception: ${reason}`,
    500,
    "server_error",
  );
}

const malformed: Rule[] = [
  messageRule("refuses a message without content and calls", serverSource, ({ role, content, tool_calls }) => {
    if (content !== undefined) return null;
    if (role !== "assistant") return refuse("All non-assistant messages must contain 'content'");
    return tool_calls ? null : refuse("Assistant message must contain either 'content' or 'tool_calls'!");
  }),
  partRule(serverSource, refuse("unsupported content[].type")),
  messageRule("refuses an image to a model of text", "https://github.com/ggml-org/llama.cpp/issues/15377", (message) =>
    hasImage(message)
      ? refuse(
          "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
          500,
          "server_error",
        )
      : null,
  ),
];

const wideBound = /"(?:max|min)(?:Length|Items)":(?:[2-9]\d{3}|\d{5,})/;

/** It compiles the schemas of all tools to one grammar, which may repeat something fewer than 2,000 times. */
const grammar: Rule = {
  name: "refuses a tool whose schema has a wide bound",
  source: "https://github.com/ggml-org/llama.cpp/issues/26596",
  check: ({ body }) =>
    wideBound.test(JSON.stringify(body.tools ?? []))
      ? refuse("Failed to initialize samplers: failed to parse grammar")
      : null,
};

/** The template counts users and answers; calls and results stand outside of the count. */
function isCounted({ role, tool_calls }: WireMessage): boolean {
  return role === "user" || (role === "assistant" && !tool_calls?.length);
}

const endings: Ending[] = [
  {
    name: "the conversation is too long",
    source: "https://github.com/llmmllab/llmmllab-api/issues/69",
    means: "too_long",
    refusal: refuse(
      "request (25837 tokens) exceeds the available context size (25088 tokens), try increasing it",
      400,
      "exceed_context_size_error",
      { n_prompt_tokens: 25_837, n_ctx: 25_088 },
    ),
  },
  {
    name: "the conversation is too long, in older words",
    source: "https://github.com/oobabooga/textgen/issues/7257",
    means: "too_long",
    refusal: refuse(
      "the request exceeds the available context size. try increasing the context size or enable context shift",
      400,
      "exceed_context_size_error",
      { n_prompt_tokens: 14_429, n_ctx: 8192 },
    ),
  },
  {
    name: "the conversation is too long, within the stream of a version before October 2025",
    source: "https://github.com/coddy-project/coddy-agent/pull/106",
    means: "too_long",
    chunks: [
      'error: {"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"invalid_request_error"}',
    ],
  },
  {
    name: "the model is still being loaded",
    source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    means: "overloaded",
    refusal: refuse("Loading model", 503, "unavailable_error"),
  },
  {
    name: "the key is unknown",
    source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    means: "invalid_key",
    refusal: refuse("Invalid API Key", 401, "authentication_error"),
  },
];

function serve(model: string, rules: Rule[]): Provider {
  return {
    profile: "llama-cpp",
    base_url: "http://models.internal:8080/v1",
    model,
    images: "refused",
    rules: [...malformed, grammar, ...rules],
    stream: (planned, turn, request) =>
      streamReply(planned, turn, request, {
        reasoning: (text) => ({ reasoning_content: text }),
        id: (at) => `Kq7xW2mZ${turn}${at}`,
        last: () => ({ timings: { predicted_n: 12, predicted_ms: 340.5 } }),
      }),
    endings,
  };
}

export const llamaCpp = serve("devstral-small-2", [
  {
    name: "refuses two users or two answers in a row",
    source: "https://github.com/ggml-org/llama.cpp/issues/19851",
    check({ messages }) {
      const counted = messages.filter(isCounted);
      const isInTurn = counted.every(({ role }, at) => role === (at % 2 === 0 ? "user" : "assistant"));
      if (isInTurn) return null;
      return refuseTemplate(
        "After the optional system message, conversation roles must alternate user and assistant roles except for tool calls and results.",
      );
    },
  },
]);

export const llamaCppQwen = serve("qwen3.6-35b-a3b", [
  messageRule(
    "refuses a system message that is not the first",
    "https://github.com/Mangi-11/Eta/issues/59",
    ({ role }, at) => (role === "system" && at > 0 ? refuseTemplate("System message must be at the beginning.") : null),
  ),
  {
    name: "refuses a conversation that ends with the assistant",
    source: "https://github.com/ggml-org/llama.cpp/issues/20861",
    check: ({ messages }) =>
      messages.at(-1)?.role === "assistant"
        ? refuse("Assistant response prefill is incompatible with enable_thinking.")
        : null,
  },
]);
