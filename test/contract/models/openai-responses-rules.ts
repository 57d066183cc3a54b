// What OpenAI's Responses API refuses of a client without a memory on the server, and what it asks for.
import { isOfReply } from "./responses-items.ts";
import { badRequest } from "./rules.ts";
import { findSent, type Rule, type SentReply, type WireItem, type WireRequest } from "./wire.ts";

/** The longest id of a call; chat completions have forty. */
const MAX_ID_CHARACTERS = 64;
/** The longest key for the cache. */
const MAX_KEY_CHARACTERS = 64;

const known = new Set(
  `access_programs background context_management conversation image include input instructions max_output_tokens
  max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key
  prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options
  temperature text tool_choice tools top_logprobs top_p truncation user`.split(/\s+/),
);

const knownOfItem: Record<string, string[]> = {
  message: ["type", "id", "role", "content", "status", "phase"],
  reasoning: ["type", "id", "summary", "content", "encrypted_content"],
  function_call: ["type", "id", "call_id", "name", "arguments", "status"],
  function_call_output: ["type", "id", "call_id", "output", "status"],
};

const knownParts: Record<string, string[]> = {
  user: ["input_text", "input_image", "input_file"],
  system: ["input_text"],
  assistant: ["output_text", "refusal"],
};

const reference = "https://developers.openai.com/api/reference/resources/responses";
export const guide = "https://developers.openai.com/api/docs/guides/reasoning";

function itemRule(
  name: string,
  source: string,
  check: (item: WireItem, at: number, items: WireItem[], request: WireRequest) => string | null,
  more: Record<string, unknown> = { param: "input" },
  status = 400,
): Rule {
  return {
    name,
    source,
    check(request) {
      for (const [at, item] of request.items.entries()) {
        const words = check(item, at, request.items, request);
        if (words !== null) return badRequest(words, more, status);
      }
      return null;
    },
  };
}

/** What only this host can read, and only with the item that it belongs to. */
export function encryptAt(host: string): (id: string, reasoning: string) => string {
  return (id, reasoning) => `gAAAAAB.${host}.${id}.${reasoning}`;
}

const unknownParameter = (param: string) =>
  badRequest(`Unknown parameter: '${param}'.`, { param, code: "unknown_parameter" });

/** The efforts of `gpt-6.1`: https://github.com/bolna-ai/bolna/pull/1019 */
const efforts = ["low", "medium", "high", "xhigh", "max"];

export const formRules: Rule[] = [
  {
    name: "refuses another address",
    source: reference,
    is_of_place: true,
    check: ({ url }) =>
      url.pathname.endsWith("/v1/responses") ? null : badRequest(`Invalid URL (POST ${url.pathname})`, {}, 404),
  },
  {
    name: "refuses a field that it does not know",
    source: "https://github.com/openai/openai-python/pull/3146",
    check({ body }) {
      const field = Object.keys(body).find((one) => !known.has(one));
      return field === undefined ? null : unknownParameter(field);
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
  {
    name: "refuses a temperature where a model reasons",
    source: guide,
    check: ({ body }) =>
      body.temperature === undefined
        ? null
        : badRequest("Unsupported parameter: 'temperature' is not supported with this model.", {
            param: "temperature",
          }),
  },
  {
    name: "refuses an effort that the model does not have",
    source: "https://github.com/livekit/agents/pull/7169",
    check({ body }) {
      const { effort } = (body.reasoning ?? {}) as { effort?: string };
      if (effort === undefined || efforts.includes(effort)) return null;
      const values = efforts.map((one) => `'${one}'`).join(", ");
      return badRequest(
        `Unsupported value: 'reasoning.effort' does not support '${effort}' with this model. Supported values are: ${values}.`,
        { param: "reasoning.effort", code: "unsupported_value" },
      );
    },
  },
  {
    name: "refuses a limit of fewer than 16 tokens",
    source: "https://github.com/vercel/ai/issues/7009",
    check: ({ body: { max_output_tokens: limit } }) =>
      typeof limit === "number" && limit < 16
        ? badRequest(
            `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but got ${limit} instead.`,
            { param: "max_output_tokens", code: "integer_below_min_value" },
          )
        : null,
  },
  {
    name: "refuses a long key for the cache",
    source: "https://github.com/anomalyco/opencode/issues/5520",
    check: ({ body: { prompt_cache_key: key } }) =>
      typeof key === "string" && key.length > MAX_KEY_CHARACTERS
        ? badRequest(
            `Invalid 'prompt_cache_key': string too long. Expected a string with maximum length ${MAX_KEY_CHARACTERS}, but got a string with length ${key.length} instead.`,
            { param: "prompt_cache_key", code: "string_above_max_length" },
          )
        : null,
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
  itemRule("refuses a part of a message in the form of chat completions", reference, ({ role, content }, at) => {
    const parts = role !== undefined && Array.isArray(content) ? (content as { type: string }[]) : [];
    const allowed = knownParts[role ?? ""] ?? [];
    const part = parts.findIndex(({ type }) => !allowed.includes(type));
    return part === -1
      ? null
      : `Invalid value: '${parts[part]?.type}'. Supported values are: ${allowed.map((one) => `'${one}'`).join(", ")}. (input[${at}].content[${part}])`;
  }),
  itemRule(
    "refuses the thoughts of another server as content of an item",
    "https://github.com/musistudio/claude-code-router/issues/1783",
    ({ type, content }, at) =>
      type === "reasoning" && Array.isArray(content) && content.length > 0
        ? `Invalid 'input[${at}].content': array too long. Expected an array with maximum length 0, but got an array with length ${content.length} instead.`
        : null,
    { code: "array_above_max_length" },
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
];

/** `host`: whose reasoning can be read. */
export function historyRules(host: string): Rule[] {
  return [
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
    itemRule(
      "refuses reasoning that it did not encrypt",
      "https://github.com/Wei-Shaw/sub2api/issues/2863",
      ({ id, encrypted_content }) =>
        encrypted_content && !String(encrypted_content).startsWith(`gAAAAAB.${host}.`)
          ? `The encrypted content for item ${id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`
          : null,
      { code: "invalid_encrypted_content" },
    ),
    itemRule(
      "refuses reasoning under another id",
      "https://github.com/can1357/oh-my-pi/issues/290",
      ({ id, encrypted_content }) =>
        encrypted_content && !String(encrypted_content).startsWith(`gAAAAAB.${host}.${id}.`)
          ? `The encrypted content for item ${id} could not be verified. Reason: Encrypted content item_id did not match the target item id.`
          : null,
      { code: "invalid_encrypted_content" },
    ),
    itemRule(
      "refuses reasoning without what it led to",
      "https://github.com/coder/xum/pull/59",
      ({ type, id }, at, items) =>
        type === "reasoning" && !(items[at + 1] && isOfReply(items[at + 1] as WireItem))
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
}

/** The replies of the history that this server has made, with the items of each. */
export function ownReplies({ items, messages }: WireRequest, sent: readonly SentReply[]) {
  const replies = messages.filter(({ role }) => role === "assistant");
  const groups = items.filter(isOfReply).length === 0 ? [] : groupReplies(items);
  return replies.flatMap((message, at) => {
    const reply = findSent(message, sent);
    return reply ? [{ message, reply, items: groups[at] ?? [] }] : [];
  });
}

function groupReplies(items: WireItem[]): WireItem[][] {
  const groups: WireItem[][] = [];
  for (const [at, item] of items.entries()) {
    if (!isOfReply(item)) continue;
    const before = items[at - 1];
    if (before && isOfReply(before)) groups.at(-1)?.push(item);
    else groups.push([item]);
  }
  return groups;
}
