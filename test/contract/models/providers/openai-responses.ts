// OpenAI's Responses API without a store: the way to models that reason with tools. Reasoning comes back encrypted, in
// front of what it led to; the server remembers nothing.

import { type Item, readItems, streamEvents, writeEvents } from "../responses-items.ts";
import { badRequest, keyRule } from "../rules.ts";
import { type Ending, findSent, type Provider, type Rule, type WireRequest } from "../wire.ts";
import { errorCodes, invalidKey, openai } from "./openai.ts";

/** The longest id of a call; chat completions have forty. */
const MAX_ID_CHARACTERS = 64;

const known = new Set(
  `access_programs background context_management conversation image include input instructions max_output_tokens
  max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key
  prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options
  temperature text tool_choice tools top_logprobs top_p truncation user`.split(/\s+/),
);

const knownOfItem: Record<string, string[]> = {
  message: ["type", "id", "role", "content", "status", "phase"],
  reasoning: ["type", "id", "summary", "content", "encrypted_content", "status"],
  function_call: ["type", "id", "call_id", "name", "arguments", "status"],
  function_call_output: ["type", "id", "call_id", "output", "status"],
};

const itemsOf = ({ body: { input } }: WireRequest) => (Array.isArray(input) ? (input as Item[]) : []);

function itemRule(
  name: string,
  source: string,
  check: (item: Item, at: number, items: Item[], request: WireRequest) => string | null,
  more: Record<string, unknown> = { param: "input" },
  status = 400,
): Rule {
  return {
    name,
    source,
    check(request) {
      const items = itemsOf(request);
      for (const [at, item] of items.entries()) {
        const words = check(item, at, items, request);
        if (words !== null) return badRequest(words, more, status);
      }
      return null;
    },
  };
}

const follows = (item: Item | undefined) =>
  item?.type === "function_call" || item?.type === "reasoning" || item?.role === "assistant";

const rules: Rule[] = [
  keyRule(errorCodes, invalidKey),
  {
    name: "refuses another address",
    source: "https://developers.openai.com/api/reference/resources/responses",
    check: ({ url }) =>
      url.pathname === "/v1/responses" ? null : badRequest(`Invalid URL (POST ${url.pathname})`, {}, 404),
  },
  {
    name: "refuses a field that it does not know",
    source: "https://github.com/openai/openai-python/pull/3146",
    check({ body }) {
      const field = Object.keys(body).find((one) => !known.has(one));
      return field === undefined
        ? null
        : badRequest(`Unknown parameter: '${field}'.`, { param: field, code: "unknown_parameter" });
    },
  },
  {
    name: "refuses a tool in the form of chat completions",
    source: "https://github.com/microsoft/autogen/issues/6935",
    check({ body }) {
      const at = ((body.tools ?? []) as { name?: string }[]).findIndex(({ name }) => name === undefined);
      const param = `tools[${at}].name`;
      return at === -1
        ? null
        : badRequest(`Missing required parameter: '${param}'.`, { param, code: "missing_required_parameter" });
    },
  },
  itemRule(
    "refuses a field of an item that it does not know",
    "https://github.com/openai/openai-python/pull/3146",
    (item, at) => {
      const fields = knownOfItem[item.type ?? "message"] ?? Object.keys(item);
      const field = Object.keys(item).find((one) => !fields.includes(one));
      return field === undefined ? null : `Unknown parameter: 'input[${at}].${field}'.`;
    },
    { code: "unknown_parameter" },
  ),
  itemRule(
    "refuses an id of a call of more than 64 characters",
    "https://github.com/AnswerDotAI/fastllm/issues/45",
    ({ call_id = "" }, at) =>
      call_id.length > MAX_ID_CHARACTERS
        ? `Invalid 'input[${at}].call_id': string too long. Expected a string with maximum length ${MAX_ID_CHARACTERS}, but got a string with length ${call_id.length} instead.`
        : null,
    { code: "string_above_max_length" },
  ),
  itemRule(
    "refuses reasoning that it would have to remember",
    "https://github.com/openai/openai-agents-js/issues/546",
    ({ type, id, encrypted_content }, _at, _items, { body }) =>
      type === "reasoning" && body.store === false && !encrypted_content
        ? `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`
        : null,
    { param: "input" },
    404,
  ),
  {
    name: "refuses reasoning that it did not encrypt",
    source: "https://github.com/anomalyco/opencode/issues/5104",
    check(request, sent) {
      const own = sent.map(({ extras }) => extras.encrypted_content);
      const foreign = itemsOf(request).find(
        ({ encrypted_content }) => encrypted_content && !own.includes(encrypted_content),
      );
      return foreign === undefined
        ? null
        : badRequest(
            `The encrypted content for item ${foreign.id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
            { code: "invalid_encrypted_content" },
          );
    },
  },
  itemRule(
    "refuses reasoning without what it led to",
    "https://github.com/coder/xum/pull/59",
    ({ type, id }, at, items) =>
      type === "reasoning" && !follows(items[at + 1])
        ? `Item '${id}' of type 'reasoning' was provided without its required following item.`
        : null,
  ),
  itemRule(
    "refuses a call without its output",
    "https://github.com/Gitlawb/openclaude/issues/187",
    ({ type, call_id }, _at, items) =>
      type === "function_call" && !items.some((one) => one.type === "function_call_output" && one.call_id === call_id)
        ? `No tool output found for function call ${call_id}.`
        : null,
  ),
  itemRule(
    "refuses an output without its call",
    "https://github.com/continuedev/continue/issues/10583",
    ({ type, call_id }, _at, items) =>
      type === "function_call_output" && !items.some((one) => one.type === "function_call" && one.call_id === call_id)
        ? `No tool call found for function call output with call_id ${call_id}.`
        : null,
  ),
];

const wishes: Rule[] = [
  {
    name: "asks for the reasoning that led to the calls of this turn",
    source: "https://developers.openai.com/api/docs/guides/reasoning",
    check(request, sent) {
      const came = itemsOf(request).map(({ encrypted_content }) => encrypted_content);
      const from = request.messages.findLastIndex(({ role }) => role === "user");
      for (const message of request.messages.slice(from)) {
        const content = message.tool_calls && findSent(message, sent)?.extras.encrypted_content;
        if (content && !came.includes(String(content))) return badRequest("the reasoning is missing");
      }
      return null;
    },
  },
];

const failed = (code: string, message: string) =>
  writeEvents([{ type: "response.failed", response: { id: "resp_1", status: "failed", error: { code, message } } }]);

const perMinute =
  "Rate limit reached for gpt-6.1-sol in organization org-9nhVOOJWMZgynslLydbGwfOd on tokens per min (TPM): Limit 10000, Used 7047, Requested 3088. Please try again in 810ms. Visit https://platform.openai.com/account/rate-limits to learn more.";

const endings: Ending[] = [
  ...(openai.endings ?? []).filter(({ refusal }) => refusal !== undefined),
  {
    name: "a limit in the middle of a stream",
    source: "https://github.com/continuedev/continue/issues/12671",
    chunks: failed("rate_limit_exceeded", perMinute),
    means: "rate_limited",
    wait_ms: 810,
  },
  {
    name: "an error event with a limit",
    source: "https://github.com/anomalyco/opencode/issues/2244",
    chunks: writeEvents([
      {
        type: "error",
        error: {
          type: "server_error",
          code: "rate_limit_exceeded",
          message: "Rate limit is exceeded. Try again in 26 seconds.",
          param: null,
        },
      },
    ]),
    means: "rate_limited",
    wait_ms: 26_000,
  },
  {
    name: "an error of the server in the middle of a stream",
    source: "https://developers.openai.com/api/reference/resources/responses",
    chunks: failed("server_error", "The server had an error while processing your request."),
    means: "broken",
  },
  {
    name: "a reply that the filter stops",
    source: "https://developers.openai.com/api/reference/resources/responses",
    chunks: writeEvents([
      {
        type: "response.incomplete",
        response: { id: "resp_1", status: "incomplete", incomplete_details: { reason: "content_filter" }, output: [] },
      },
    ]),
    means: "filtered",
  },
];

export const openaiResponses: Provider = {
  profile: "openai",
  base_url: "https://api.openai.com/v1",
  model: "gpt-6.1-sol",
  images: true,
  rules,
  wishes,
  endings,
  has_done_line: false,
  readMessages: readItems,
  stream: streamEvents,
};
