// What OpenAI's models refuse in chat completions, by the name of the model. Azure serves the same models under names
// of its users, so the name is asked for with each request.
import { badRequest, messageRule } from "./rules.ts";
import type { Rule, WireMessage, WireRequest } from "./wire.ts";

/** The longest id of a call, and the longest name of a tool. */
const MAX_ID_CHARACTERS = 40;
const MAX_NAME_CHARACTERS = 64;

const known = new Set(
  `messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens
  metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
  prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop
  store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
  web_search_options`.split(/\s+/),
);

/** 5.6 for `gpt-5.6-terra`; null for a model that does not reason. */
function generationOf(model: string): number | null {
  if (/^o\d/.test(model)) return 4;
  const [, number] = /^gpt-(\d+(?:\.\d+)?)/.exec(model) ?? [];
  return number === undefined || Number(number) < 5 || /chat-latest/.test(model) ? null : Number(number);
}

/** The efforts that a model has. The smallest number of a generation comes first in its name. */
function effortsOf(model: string): string[] {
  const generation = generationOf(model);
  if (generation === null) return [];
  if (generation === 4) return ["low", "medium", "high"];
  if (generation === 5) return ["minimal", "low", "medium", "high"];
  if (generation >= 6.1 || /^gpt-6-astra/.test(model)) return ["low", "medium", "high", "xhigh", "max"];
  const longer = generation >= 5.6 ? ["xhigh", "max"] : generation > 5.1 ? ["xhigh"] : [];
  return ["none", "low", "medium", "high", ...longer];
}

/** The effort of a request: 5.1 to 5.4 do not reason unless asked, the others do. */
function effortOf(model: string, { body }: WireRequest): string {
  if (typeof body.reasoning_effort === "string") return body.reasoning_effort;
  const generation = generationOf(model) ?? 0;
  return generation > 5 && generation < 5.5 ? "none" : "medium";
}

function isNullContent({ role, content, tool_calls, refusal }: WireMessage): boolean {
  const mayLack = role === "assistant" && (tool_calls !== undefined || refusal !== undefined);
  return content === null && !mayLack;
}

const guide = "https://developers.openai.com/api/docs/guides/reasoning";

/** `nameOf` finds the name of OpenAI's model that answers a request. */
export function parameterRules(nameOf: (request: WireRequest) => string): Rule[] {
  const ofModel = (
    name: string,
    source: string,
    check: (model: string, request: WireRequest) => string | null,
    more: Record<string, unknown>,
    status?: number,
  ): Rule => ({
    name,
    source,
    check(request) {
      const words = check(nameOf(request), request);
      return words === null ? null : badRequest(words, more, status);
    },
  });
  return [
    ofModel(
      "refuses a model that only the Responses API serves",
      "https://github.com/alvinunreal/tmuxai/issues/82",
      (model) =>
        /codex|-pro\b/.test(model)
          ? "This model is only supported in v1/responses and not in v1/chat/completions."
          : null,
      { param: "model" },
      404,
    ),
    ofModel(
      "refuses a field that it does not know",
      "https://github.com/nashsu/llm_wiki/issues/336",
      (_model, { body }) => {
        const unknown = Object.keys(body).find((field) => !known.has(field));
        return unknown === undefined ? null : `Unrecognized request argument supplied: ${unknown}`;
      },
      {},
    ),
    ofModel(
      "refuses an effort of a model that does not reason",
      "https://github.com/coroot/coroot/issues/698",
      (model, { body }) =>
        generationOf(model) === null && typeof body.reasoning_effort === "string"
          ? "Unrecognized request argument supplied: reasoning_effort"
          : null,
      {},
    ),
    ofModel(
      "refuses an effort that the model does not have",
      "https://github.com/livekit/agents/pull/7169",
      (model, { body }) => {
        const efforts = effortsOf(model);
        const asked = body.reasoning_effort;
        if (efforts.length === 0 || typeof asked !== "string" || efforts.includes(asked)) return null;
        const values = efforts.map((effort) => `'${effort}'`).join(", ");
        return `Unsupported value: 'reasoning_effort' does not support '${asked}' with this model. Supported values are: ${values}.`;
      },
      { param: "reasoning_effort", code: "unsupported_value" },
    ),
    ofModel(
      "refuses tools while a newer model reasons",
      "https://github.com/BerriAI/litellm/pull/34569",
      (model, request) =>
        request.tools.length > 0 && (generationOf(model) ?? 0) >= 5.4 && effortOf(model, request) !== "none"
          ? `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.`
          : null,
      { param: "reasoning_effort" },
    ),
    ofModel(
      "refuses max_tokens where a model reasons",
      "https://github.com/langflow-ai/openrag/issues/398",
      (model, { body }) =>
        generationOf(model) !== null && typeof body.max_tokens === "number"
          ? "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
          : null,
      { param: "max_tokens", code: "unsupported_parameter" },
    ),
    ofModel(
      "refuses a temperature where a model reasons",
      guide,
      (model, request) => {
        const { temperature } = request.body;
        const isFixed = generationOf(model) !== null && effortOf(model, request) !== "none";
        return isFixed && typeof temperature === "number" && temperature !== 1
          ? `Unsupported value: 'temperature' does not support ${temperature} with this model. Only the default (1) value is supported.`
          : null;
      },
      { param: "temperature", code: "unsupported_value" },
    ),
    messageRule(
      "refuses an id of a call of more than 40 characters",
      "https://github.com/BerriAI/litellm/issues/17343",
      ({ tool_calls }, at) => {
        const long = (tool_calls ?? []).findIndex(({ id }) => id.length > MAX_ID_CHARACTERS);
        const length = tool_calls?.[long]?.id.length;
        const param = `messages[${at}].tool_calls[${long}].id`;
        return length === undefined ? null : tooLong(param, MAX_ID_CHARACTERS, length);
      },
    ),
    {
      name: "refuses a name of a tool of more than 64 characters",
      source: "https://github.com/home-assistant/core/issues/121325",
      check({ tools }) {
        const long = tools.findIndex(({ name }) => name.length > MAX_NAME_CHARACTERS);
        const length = tools[long]?.name.length;
        return length === undefined ? null : tooLong(`tools[${long}].function.name`, MAX_NAME_CHARACTERS, length);
      },
    },
    messageRule(
      "refuses null as the content of a message without calls",
      "https://github.com/run-llama/llama_index/issues/17555",
      (message, at) =>
        isNullContent(message)
          ? badRequest("Invalid value for 'content': expected a string, got null.", {
              param: `messages.[${at}].content`,
            })
          : null,
    ),
  ];
}

function tooLong(param: string, most: number, length: number) {
  return badRequest(
    `Invalid '${param}': string too long. Expected a string with maximum length ${most}, but got a string with length ${length} instead.`,
    { param, code: "string_above_max_length" },
  );
}
