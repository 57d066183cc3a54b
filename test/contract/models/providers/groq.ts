// Groq with a model that reasons. Messages have a closed set of fields. The reply to a slip of the model, a call that
// fits no tool, is an error, before or inside the stream. Usage comes in `x_groq`.
import { badRequest, fieldRule, messageRule } from "../rules.ts";
import { countTokens, streamReply } from "../streams.ts";
import type { Ending, Provider, Refusal } from "../wire.ts";

const limitsGuide = "https://console.groq.com/docs/rate-limits";

/** Groq's errors have neither `param` nor `code`, except where they mean something. */
function refuse(message: string, more: Record<string, unknown> = {}, status = 400, headers = {}): Refusal {
  return { status, headers, body: { error: { message, type: "invalid_request_error", ...more } } };
}

const knownFields = ["role", "content", "name", "tool_calls", "tool_call_id", "reasoning", "function_call"];

/** Models that think. Others refuse even an empty `reasoning`. */
const thinks = /gpt-oss|qwen|deepseek-r1/;

const slip = {
  message: "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
  type: "invalid_request_error",
  code: "tool_use_failed",
  failed_generation: '<function=read_file{"path": "a.txt"</function>',
};

const endings: Ending[] = [
  {
    name: "the model called a tool wrongly, before the stream",
    source: "https://github.com/groq/groq-typescript/issues/28",
    means: "tool_use_failed",
    refusal: { status: 400, body: { error: slip } },
  },
  {
    name: "the model called a tool wrongly, inside the stream",
    source: "https://github.com/anomalyco/opencode/issues/1018",
    means: "tool_use_failed",
    chunks: [`event: error\ndata: ${JSON.stringify({ error: { ...slip, status_code: 400 } })}`],
  },
  {
    name: "a minute's tokens are used up, with the wait as a header",
    source: limitsGuide,
    means: "rate_limited",
    wait_ms: 5_000,
    refusal: refuse(
      "Rate limit reached for model `openai/gpt-oss-120b` in organization `org_01j5b4pz9jff` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443. Please try again in 4.77s. Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
      { type: "tokens", code: "rate_limit_exceeded" },
      429,
      { "retry-after": "5", "x-ratelimit-reset-requests": "2m59.56s", "x-ratelimit-reset-tokens": "4.77s" },
    ),
  },
  {
    name: "a minute's tokens are used up, with the wait in the text",
    source: "https://github.com/microsoft/graphrag/issues/757",
    means: "rate_limited",
    wait_ms: 90_002,
    refusal: refuse(
      "Rate limit reached for model `llama3-8b-8192` in organization `org_01j3pzreckfd` on tokens per minute (TPM): Limit 30000, Used 73124, Requested 1877. Please try again in 1m30.002s.",
      { type: "tokens", code: "rate_limit_exceeded" },
      429,
    ),
  },
  {
    name: "one request is larger than a minute's tokens, so that no wait helps",
    source: "https://github.com/continuedev/continue/issues/10218",
    means: "too_long",
    refusal: refuse(
      "Request too large for model `llama-3.3-70b-versatile` in organization `org_01kgg5588eft` service tier `on_demand` on tokens per minute (TPM): Limit 12000, Requested 14137, please reduce your message size and try again.",
      { type: "tokens", code: "rate_limit_exceeded" },
      413,
    ),
  },
  {
    name: "the conversation is too long",
    source: "https://github.com/OpenHands/OpenHands/issues/1902",
    means: "too_long",
    refusal: badRequest("Please reduce the length of the messages or completion.", {
      param: "messages",
      code: "context_length_exceeded",
    }),
  },
  {
    name: "the key is unknown",
    source: "https://github.com/ag5826000/resume-commentor/issues/4",
    means: "invalid_key",
    refusal: refuse("Invalid API Key", { code: "invalid_api_key" }, 401),
  },
  {
    name: "the model is unknown",
    source: "https://github.com/continuedev/continue/issues/10166",
    means: "unknown_model",
    refusal: refuse(
      "The model `gpt-oss-120b` does not exist or you do not have access to it.",
      { code: "model_not_found" },
      404,
    ),
  },
];

export const groq: Provider = {
  profile: "groq",
  base_url: "https://api.groq.com/openai/v1",
  model: "openai/gpt-oss-120b",
  images: "left_out",
  rules: [
    messageRule(
      "refuses a field of a message that it does not know",
      "https://github.com/AstrBotDevs/AstrBot/issues/5946",
      (message, at) => {
        const field = Object.keys(message).find((key) => !knownFields.includes(key));
        if (field === undefined) return null;
        const place = `'messages.${at}'`;
        return refuse(
          `${place} : for 'role:${message.role}' the following must be satisfied[(${place} : property '${field}' is unsupported)]`,
        );
      },
    ),
    {
      name: "refuses reasoning of a message for a model without it",
      source: "https://github.com/vercel/ai/issues/8056",
      check({ body, messages }) {
        const at = messages.findIndex(({ reasoning }) => reasoning !== undefined);
        if (at < 0 || thinks.test(String(body.model))) return null;
        return refuse(`\`messages[${at}].reasoning\`: reasoning is not supported with this model`);
      },
    },
    fieldRule(
      "refuses a field that it does not know",
      "https://github.com/musistudio/llms/pull/64",
      ["reasoning", "enable_thinking", "thinking"],
      (field) => refuse(`property '${field}' is unsupported`),
    ),
  ],
  endings,
  stream: (planned, turn, request) =>
    streamReply(planned, turn, request, {
      reasoning: (text) => ({ channel: "analysis", reasoning: text }),
      id: (at) => `fc_9e4b3c${turn}${at}`,
      whole_arguments: true,
      usage_in: "nowhere",
      last: (usage) => ({
        x_groq: { id: "req_01jadadp0femyae9kav1gpkhe8", usage: { queue_time: 0.06, ...countTokens(usage) } },
      }),
    }),
};
