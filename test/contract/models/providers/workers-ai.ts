// Workers AI with a model whose schema allows only texts. Without `max_tokens` a reply ends after 256 tokens, inside a
// sentence or a call.
import { messageRule } from "../rules.ts";
import { streamReply } from "../streams.ts";
import type { Ending, PlannedReply, Provider, Refusal, WireRequest } from "../wire.ts";

const errorTable = "https://developers.cloudflare.com/workers-ai/platform/errors/";

function refuse(message: string, code: number, status = 400): Refusal {
  return { status, body: { errors: [{ message, code }], success: false, result: {}, messages: [] } };
}

function typeOf(content: unknown): string {
  if (Array.isArray(content)) return "array";
  return content === null ? "null" : typeof content;
}

/** What the platform takes if a request names no limit. */
const DEFAULT_OUTPUT_TOKENS = 256;

/** English text has about four characters to a token; the exact place of the cut does not matter. */
const TOKEN_CHARACTERS = 4;

/** The reply within the output limit of the request. A reply that is cut loses its calls, as their JSON has no end. */
function limitReply(planned: PlannedReply, { body }: WireRequest): PlannedReply {
  const limit = Number(body.max_tokens ?? DEFAULT_OUTPUT_TOKENS) * TOKEN_CHARACTERS;
  const said = `${planned.reasoning ?? ""}${planned.text ?? ""}`;
  if (said.length + JSON.stringify(planned.calls ?? "").length <= limit) return planned;
  const reasoning = (planned.reasoning ?? "").slice(0, limit);
  const text = (planned.text ?? "").slice(0, limit - reasoning.length);
  return { usage: planned.usage, reasoning, text, finish: "length" };
}

const endings: Ending[] = [
  {
    name: "the day's free allocation is used up",
    source: "https://github.com/diegosouzapw/OmniRoute/issues/6980",
    means: "no_credit",
    refusal: refuse(
      "AiError: you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage.",
      4006,
      429,
    ),
  },
  {
    name: "the servers are full",
    source: errorTable,
    means: "overloaded",
    refusal: refuse("AiError: No more data centers to forward the request to", 3040, 429),
  },
  {
    name: "the conversation and the asked output together are too long",
    source: "https://github.com/cloudflare/cloudflare-docs/issues/29731",
    means: "too_long",
    refusal: refuse(
      "AiError: This model's maximum context length is 131072 tokens. However, you requested 16000 output tokens and your prompt contains at least 115073 input tokens, for a total of at least 131073 tokens. Please reduce the length of the input prompt or reduce max_tokens.",
      8007,
    ),
  },
  {
    name: "the request is too large",
    source: errorTable,
    means: "too_long",
    refusal: refuse("AiError: Request is too large", 3006, 413),
  },
  {
    name: "the model is unknown, which is a bad request",
    source: errorTable,
    means: "unknown_model",
    refusal: refuse("No such model @cf/nonesuch or task", 5007),
  },
  {
    name: "the key is unknown",
    source: "https://github.com/Ikalus1988/MisakaNet/issues/1354",
    means: "invalid_key",
    refusal: refuse("Authentication error", 10_000, 401),
  },
];

export const workersAi: Provider = {
  profile: "workers-ai",
  base_url: "https://api.cloudflare.com/client/v4/accounts/0123456789abcdef0123456789abcdef/ai/v1",
  model: "@cf/deepseek-ai/deepseek-r1-distill-qwen-32b",
  images: "left_out",
  rules: [
    messageRule(
      "refuses content that is not a text",
      "https://github.com/decolua/9router/issues/4180",
      ({ content }, at) =>
        typeof content === "string"
          ? null
          : refuse(
              content === undefined
                ? `AiError: Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', required properties at '/messages/${at}' are 'role,content' (d9e09afe-fe49-4051-bc1d-8901f858ff52)`
                : `AiError: Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', Type mismatch of '/messages/${at}/content', '${typeOf(content)}' not in 'string' (d9e09afe-fe49-4051-bc1d-8901f858ff52)`,
              5006,
            ),
    ),
  ],
  wishes: [
    {
      name: "asks for a limit, without which a reply ends after 256 tokens",
      source: "https://github.com/Jazee6/cloudflare-ai-web/issues/66",
      check: ({ body }) => (typeof body.max_tokens === "number" ? null : refuse("no max_tokens", 5006)),
    },
  ],
  endings,
  stream: (planned, turn, request) =>
    streamReply(limitReply(planned, request), turn, request, {
      reasoning: (text) => ({ reasoning_content: text }),
      id: (at) => `chatcmpl-tool-8b1c${turn}${at}`,
    }),
};
