// Kimi on Moonshot's platform. Its models think unless a request says otherwise, some always; a call comes back with
// the thoughts that led to it. Ids count the calls of a conversation. The newest model refuses an empty text even
// beside calls, so that a message of calls alone has no content at all.
import { forcedChoice, isThinking, keyRule, messageRule } from "../rules.ts";
import { streamReply, sumTokens } from "../streams.ts";
import {
  type Ending,
  type Provider,
  type Refusal,
  type Rule,
  textOf,
  type WireMessage,
  type WireRequest,
} from "../wire.ts";

const errorPage = "https://platform.kimi.ai/docs/api/errors";

/** Moonshot's errors have a message and a type, no code. */
function refuse(message: string, type = "invalid_request_error", status = 400): Refusal {
  return { status, body: { error: { message, type } } };
}

const invalidKey = refuse("Invalid Authentication", "invalid_authentication_error", 401);

const modelOf = ({ body }: WireRequest) => String(body.model);

/** The models that take a `thinking` of `enabled` only. */
const alwaysThinks = (request: WireRequest) => /^kimi-(k2-thinking|k2\.7|k3)/.test(modelOf(request));
const thinks = (request: WireRequest) =>
  alwaysThinks(request) || (/^kimi-k2\.[56]/.test(modelOf(request)) && isThinking(request));

function isEmpty(message: WireMessage, request: WireRequest): boolean {
  if (message.role !== "assistant" || textOf(message) !== "") return false;
  if (message.tool_calls === undefined) return true;
  return message.content === "" && /^kimi-k3/.test(modelOf(request));
}

interface Schema {
  type?: string;
  anyOf?: Schema[];
  $ref?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

function hasTypes(schema: Schema): boolean {
  const inner = [
    ...Object.values(schema.properties ?? {}),
    ...(schema.items ? [schema.items] : []),
    ...(schema.anyOf ?? []),
  ];
  const isNamed = schema.type !== undefined || schema.anyOf !== undefined || schema.$ref !== undefined;
  return isNamed && inner.every(hasTypes);
}

const rules: Rule[] = [
  keyRule(errorPage, invalidKey),
  messageRule(
    "refuses a call without the reasoning that led to it",
    "https://github.com/labring/FastGPT/issues/6357",
    ({ tool_calls, reasoning_content }, at, _messages, request) =>
      tool_calls !== undefined && thinks(request) && typeof reasoning_content !== "string"
        ? refuse(`thinking is enabled but reasoning_content is missing in assistant tool call message at index ${at}`)
        : null,
  ),
  messageRule(
    "refuses an assistant message that says nothing",
    "https://github.com/anomalyco/opencode/issues/46577",
    (message, at, _messages, request) =>
      isEmpty(message, request)
        ? refuse(`the message at position ${at} with role 'assistant' must not be empty`)
        : null,
  ),
  messageRule("refuses an empty part of text", "https://github.com/MoonshotAI/kimi-cli/pull/2035", ({ content }) =>
    Array.isArray(content) && content.some((part) => part?.type === "text" && part.text === "")
      ? refuse("text content is empty")
      : null,
  ),
  {
    name: "refuses a temperature other than 1",
    source: "https://github.com/NousResearch/hermes-agent/pull/12668",
    check: (request) =>
      thinks(request) && !/thinking/.test(modelOf(request)) && (request.body.temperature ?? 1) !== 1
        ? refuse("invalid temperature: only 1 is allowed for this model")
        : null,
  },
  {
    name: "refuses to be made to call a tool while it thinks",
    source: "https://github.com/UKGovernmentBEIS/inspect_ai/pull/5152",
    check(request) {
      const forced = forcedChoice(request);
      const isAllowed = forced === "required" && /^kimi-k3/.test(modelOf(request));
      if (forced === null || isAllowed || !thinks(request)) return null;
      return refuse(`tool_choice '${forced}' is incompatible with thinking enabled`);
    },
  },
  {
    name: "refuses to stop thinking where a model always thinks",
    source: "https://github.com/MoonshotAI/Kimi-K2/issues/141",
    check: (request) =>
      alwaysThinks(request) && !isThinking(request)
        ? refuse("invalid thinking: only type=enabled is allowed for this model")
        : null,
  },
  {
    name: "refuses a tool with a parameter without a type",
    source: "https://github.com/MoonshotAI/kimi-cli/issues/2621",
    check({ body }) {
      const tools = (body.tools ?? []) as { function: { parameters?: Schema } }[];
      return tools.every(({ function: { parameters } }) => parameters === undefined || hasTypes(parameters))
        ? null
        : refuse("Invalid request: tools.function.parameters is not a valid moonshot flavored json schema");
    },
  },
];

const chunk = (delta: Record<string, unknown>, finish_reason: string | null) => ({
  id: "chatcmpl-69a1",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "kimi-k2.6",
  choices: [{ index: 0, delta, finish_reason }],
});

const limited = (limit: string) =>
  refuse(
    `Your account org-e664b178c0f74d818f6b62f87efa49f7<ak-f3t8pfk16fki11gzh6i1> request reached ${limit}`,
    "rate_limit_reached_error",
    429,
  );

const limitThread = "https://github.com/LLM-Red-Team/kimi-cc/issues/16";

const endings: Ending[] = [
  {
    name: "an input longer than the window",
    source: errorPage,
    means: "too_long",
    refusal: refuse("Input token length too long"),
  },
  {
    name: "an input and an output that together are longer than the window",
    source: errorPage,
    means: "too_long",
    refusal: refuse("Invalid request: Your request exceeded model token limit: 262144"),
  },
  {
    name: "three requests a minute, with a wait that is too short",
    source: limitThread,
    means: "rate_limited",
    wait_ms: 1_000,
    refusal: limited("organization max RPM: 3, please try again after 1 seconds"),
  },
  {
    name: "one request at a time",
    source: limitThread,
    means: "rate_limited",
    wait_ms: 1_000,
    refusal: limited("max organization concurrency: 1, please try again after 1 seconds"),
  },
  {
    name: "a limit of tokens that names no time",
    source: "https://github.com/LLM-Red-Team/kimi-cc/issues/41",
    means: "rate_limited",
    refusal: limited(
      "project TPM rate limit, current: 1410, limit: 100, see https://platform.moonshot.cn/docs/pricing/limits",
    ),
  },
  {
    name: "a server under too much load",
    source: "https://github.com/MoonshotAI/MoonshotAI-Cookbook/issues/16",
    means: "overloaded",
    refusal: refuse("The engine is currently overloaded, please try again later", "engine_overloaded_error", 429),
  },
  {
    name: "an empty account, as a limit of requests",
    source: "https://forum.moonshot.ai/t/429-insufficient-balance/244",
    means: "no_credit",
    refusal: refuse(
      "You exceeded your current quota, please check your plan and billing details",
      "exceeded_current_quota_error",
      429,
    ),
  },
  {
    name: "a request that the filter stops",
    source: errorPage,
    means: "filtered",
    refusal: refuse("The request was rejected because it was considered high risk", "content_filter"),
  },
  {
    name: "a reply that the filter stops",
    source: errorPage,
    means: "filtered",
    chunks: [chunk({ role: "assistant", content: "As " }, null), chunk({}, "content_filter")],
  },
  { name: "a wrong key", source: errorPage, means: "invalid_key", refusal: invalidKey },
  {
    name: "an unknown model",
    source: "https://github.com/666ghj/BettaFish/issues/351",
    means: "unknown_model",
    refusal: refuse("Not found the model kimi-k9 or Permission denied", "resource_not_found_error", 404),
  },
];

export const kimi: Provider = {
  profile: "kimi",
  base_url: "https://api.moonshot.ai/v1",
  model: "kimi-k2.6",
  images: "seen",
  rules,
  endings,
  stream(planned, turn, request) {
    const earlier = request.messages.flatMap(({ tool_calls }) => tool_calls ?? []).length;
    return streamReply(thinks(request) ? planned : { ...planned, reasoning: undefined }, turn, request, {
      reasoning: (text) => ({ reasoning_content: text }),
      id: (at, name) => `functions.${name}:${earlier + at}`,
      usage_in: "choice",
      usage: (usage) => ({ ...sumTokens(usage), cached_tokens: usage.cached ?? 0 }),
    });
  },
};

/** The newest and strictest. */
export const kimiK3: Provider = { ...kimi, model: "kimi-k3" };
