// MiniMax. Its thoughts are in the content between `<think>` and `</think>` unless a request asks to split them, and
// come back unchanged either way. A stream ends with a whole `message`, which repeats all that was sent.
import { isAnswer, isJsonObject, keyRule, messageRule, takeResults } from "../rules.ts";
import { countTokens, streamReply } from "../streams.ts";
import {
  type Ending,
  findSent,
  type PlannedReply,
  type Provider,
  type Refusal,
  type Rule,
  type SentReply,
  type StreamedReply,
  textOf,
  type WireMessage,
} from "../wire.ts";

const request_id = "05feb714f6f25f0718e241240188e865";

function refuse(message: string, type: string, status: number): Refusal {
  return { status, body: { type: "error", error: { type, message, http_code: String(status) }, request_id } };
}

const invalid = (message: string) => refuse(`invalid params, ${message} (2013)`, "bad_request_error", 400);
const invalidKey = refuse(
  "login fail: Please carry the API secret key in the 'Authorization' field of the request header (1004)",
  "authorized_error",
  401,
);

const errorPage = "https://platform.minimax.io/docs/api-reference/errorcode";
const keyThread = "https://github.com/wavetermdev/waveterm/issues/3238";
const guide = "https://platform.minimax.io/docs/api-reference/text-openai-api";

const rules: Rule[] = [
  keyRule(keyThread, invalidKey),
  messageRule(
    "refuses a system message behind others",
    "https://github.com/BigPizzaV3/CodexPlusPlus/issues/267",
    ({ role }, at, messages) =>
      role === "system" && at > 0 && messages[at - 1]?.role !== "system"
        ? invalid("chat content has invalid message role: system")
        : null,
  ),
  messageRule("refuses a second system message", "https://github.com/openclaw/openclaw/issues/19386", ({ role }, at) =>
    role === "system" && at > 0 ? invalid("invalid chat setting") : null,
  ),
  messageRule(
    "refuses a call without its result right behind it",
    "https://github.com/anomalyco/opencode/issues/32614",
    ({ tool_calls }, at, messages) => {
      const results = takeResults(messages, at + 1);
      return (tool_calls ?? []).every(({ id }) => results.includes(id))
        ? null
        : invalid("tool call result does not follow tool call");
    },
  ),
  messageRule(
    "refuses a result without its call",
    "https://github.com/MiniMax-AI/MiniMax-M2/issues/76",
    ({ role, tool_call_id }, at, messages) =>
      role === "tool" && !isAnswer(messages, at) ? invalid(`tool result's tool id(${tool_call_id}) not found`) : null,
  ),
  messageRule(
    "refuses arguments that are not JSON",
    "https://github.com/earendil-works/pi/issues/5468",
    ({ tool_calls }) => {
      const broken = (tool_calls ?? []).find((call) => !isJsonObject(call.function.arguments));
      return broken ? invalid(`invalid function arguments json string, tool_call_id: ${broken.id}`) : null;
    },
  ),
  {
    name: "refuses a temperature that is not above 0 and at most 1",
    source: guide,
    check({ body: { temperature } }) {
      const isKept = typeof temperature !== "number" || (temperature > 0 && temperature <= 1);
      return isKept ? null : invalid("temperature must be in (0, 1]");
    },
  },
  {
    name: "refuses a thinking that M3 does not have",
    source: "https://github.com/CherryHQ/cherry-studio/issues/16431",
    check({ body }) {
      const type = (body.thinking as { type?: string } | undefined)?.type;
      const isKnown = type === undefined || ["adaptive", "disabled"].includes(type);
      return isKnown || !/^MiniMax-M3/.test(String(body.model))
        ? null
        : invalid(`invalid thinking.type: "${type}" (allowed: adaptive, disabled)`);
    },
  },
];

/** Whether a reply comes back as it was sent: its content with the thoughts, or the details of its reasoning. */
function isUnchanged(message: WireMessage, { extras }: SentReply): boolean {
  if (textOf(message) !== extras.content) return false;
  return JSON.stringify(message.reasoning_details ?? []) === JSON.stringify(extras.reasoning_details ?? []);
}

const wishes: Rule[] = [
  {
    name: "asks for its thoughts back, unchanged",
    source: guide,
    check({ messages }, sent) {
      for (const message of messages) {
        const reply = message.role === "assistant" ? findSent(message, sent) : null;
        if (reply && !isUnchanged(message, reply)) return invalid("the thoughts are missing");
      }
      return null;
    },
  },
];

/** The last frame: no chunk but a completion, with the whole message and the only true usage. */
function lastFrame(
  { usage = { input: 0, output: 0 }, ...planned }: PlannedReply,
  { ids, extras }: SentReply,
  model: unknown,
) {
  const calls = (planned.calls ?? []).map(({ name, arguments: values }, at) => ({
    id: ids[at],
    type: "function",
    function: { name, arguments: JSON.stringify(values) },
  }));
  const message = { ...extras, role: "assistant", name: "MiniMax AI", ...(calls.length > 0 && { tool_calls: calls }) };
  return {
    id: "05feb714f6f25f07",
    object: "chat.completion",
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, finish_reason: planned.finish ?? (calls.length > 0 ? "tool_calls" : "stop"), message }],
    usage: { ...countTokens(usage), total_characters: 0 },
    input_sensitive: false,
    output_sensitive: false,
    base_resp: { status_code: 0, status_msg: "" },
  };
}

/** Deltas behind the first have an empty role, and every chunk but the last a usage of zeros. */
function disguise(chunks: StreamedReply["chunks"]): StreamedReply["chunks"] {
  return chunks.map((chunk, at) => {
    if (typeof chunk === "string") return chunk;
    const choices = chunk.choices as { delta: Record<string, unknown> }[];
    const later = at === 0 ? {} : { role: "" };
    return {
      ...chunk,
      choices: choices.map((choice) => ({ ...choice, delta: { ...choice.delta, ...later } })),
      usage: { total_tokens: 0, total_characters: 0 },
      input_sensitive: false,
      output_sensitive: false,
    };
  });
}

const bodyOf = (status_code: number, status_msg: string) => ({
  id: "03e19de25d5cdd89c3c8364c5be8d1c9",
  choices: null,
  created: 1_700_000_000,
  model: "MiniMax-M2.7",
  object: "chat.completion",
  usage: { total_tokens: 0, total_characters: 0 },
  input_sensitive: false,
  output_sensitive: false,
  base_resp: { status_code, status_msg },
});

const refuseInBody = (name: string, code: number, message: string, means: Ending["means"]): Ending => ({
  name: `${name}, with status 200`,
  source: code === 1039 ? "https://github.com/MiniMax-AI/MiniMax-01/issues/15" : errorPage,
  refusal: { status: 200, body: bodyOf(code, message) },
  means,
});

const endings: Ending[] = [
  {
    name: "a prompt longer than the window, with a code that looks like a size",
    source: "https://github.com/NousResearch/hermes-agent/pull/14743",
    means: "too_long",
    refusal: invalid("context window exceeds limit"),
  },
  refuseInBody("a limit of tokens", 1039, "token limit", "rate_limited"),
  refuseInBody("a limit of requests", 1002, "rate limit", "rate_limited"),
  refuseInBody("an empty account", 1008, "insufficient balance", "no_credit"),
  refuseInBody("an input that the filter stops", 1026, "input new_sensitive", "filtered"),
  refuseInBody("an output that the filter stops", 1027, "output new_sensitive", "filtered"),
  refuseInBody("a wrong key", 1004, "login fail", "invalid_key"),
  refuseInBody("an error of the server", 1024, "internal error", "failed_in_reply"),
  {
    name: "an empty account, as a limit of requests",
    source: "https://github.com/modelscope/modelscope/issues/1691",
    means: "no_credit",
    refusal: refuse("insufficient balance (1008)", "insufficient_balance_error", 429),
  },
  {
    name: "an empty account, as an error of the server",
    source: "https://github.com/MiniMax-AI/MiniMax-M2/issues/62",
    means: "no_credit",
    refusal: refuse("insufficient balance (1008)", "api_error", 500),
  },
  {
    name: "a key of another region, with status 200",
    source: "https://github.com/MiniMax-AI/MiniMax-01/issues/37",
    means: "invalid_key",
    refusal: { status: 200, body: bodyOf(2049, "invalid api key") },
  },
  { name: "no key", source: keyThread, means: "invalid_key", refusal: invalidKey },
];

export const minimax: Provider = {
  profile: "minimax",
  base_url: "https://api.minimax.io/v1",
  model: "MiniMax-M2.7",
  images: "ignored",
  rules,
  wishes,
  endings,
  stream(planned, turn, request) {
    const { reasoning = "", text = "" } = planned;
    const isSplit = request.body.reasoning_split === true;
    const content = isSplit || reasoning === "" ? text : `<think>\n${reasoning}\n</think>\n\n${text}`;
    const detail = { type: "reasoning.text", id: "reasoning-text-1", format: "MiniMax-response-v1", index: 0 };
    const reasoning_details = isSplit && reasoning !== "" ? [{ ...detail, text: reasoning }] : undefined;
    const extras = { content, ...(reasoning_details && { reasoning_details }) };
    const { chunks, sent } = streamReply(
      { ...planned, text: content, reasoning: isSplit ? reasoning : "" },
      turn,
      request,
      {
        reasoning: (piece) => ({ reasoning_details: [{ ...detail, text: piece }] }),
        id: (at) => `call_function_${turn}t8ros4e04r8_${at + 1}`,
        usage_in: "nowhere",
        extras,
      },
    );
    const own: SentReply = { ...sent, planned };
    return { chunks: [...disguise(chunks), lastFrame(planned, own, request.body.model)], sent: own };
  },
};
