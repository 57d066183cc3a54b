// Decides why a model's server refused, from its status, codes and words. Codes are sure and come first; words decide
// where a server sends none, or the same code for different things.
import type { ModelFailureReason } from "../../../protocol/run.ts";
import type { Refusal } from "./refusal.ts";

export interface Classification {
  reason: ModelFailureReason;
  /** Whether the same request may succeed later. */
  retryable: boolean;
}

export function classifyRefusal(refusal: Refusal): Classification {
  const [reason] = readings.find(([, isSo]) => isSo(refusal)) ?? ["request_refused"];
  return { reason, retryable: passing.has(reason) };
}

const passing = new Set<ModelFailureReason>(["broken_reply", "rate_limited", "server_failed"]);

/** The first that holds counts. */
const readings: [ModelFailureReason, (refusal: Refusal) => boolean][] = [
  // Groq found that the model's call fits no tool. Asked again, the model writes another one.
  ["broken_reply", ({ kind }) => /tool_use_failed/.test(kind)],
  ["content_filtered", ({ kind, detail }) => filteredKinds.test(kind) || filteredWords.test(detail)],
  ["rate_limited", isPassingShortage],
  ["no_credit", isWithoutCredit],
  ["invalid_key", isInvalidKey],
  ["model_not_found", isUnknownModel],
  ["context_too_long", isTooLong],
  // Zhipu's locked accounts (111x, 1121), unpermitted models (1220, 1311) and unfair use (1313) come with 429.
  [
    "not_allowed",
    ({ status, kind }) =>
      [403, 407, 434, 451].includes(status) || /permission|\b(?:111[0-2]|1121|1220|1311|1313)\b/.test(kind),
  ],
  ["rate_limited", ({ status, kind }) => status === 429 || (status < 500 && limitKinds.test(kind))],
  ["request_refused", ({ status, kind }) => status === 0 && permanentKinds.test(kind)],
  ["server_failed", ({ status }) => status === 0 || status >= 500 || [408, 409, 425].includes(status)],
];

/** Azure, OpenAI, DashScope, Zhipu (1301), MiniMax, OpenRouter's moderation, Qianfan. */
const filteredKinds =
  /content_filter|content_policy|(?:bio|cyber)_policy|policy_violation|responsibleaipolicyviolation|data_?inspection_?failed|\b1301\b|base_resp_102[67]|flagged_input|unsafe_request/;

/** DeepSeek sends no code for it, and OpenAI's reasoning models `invalid_prompt` for several things. */
const filteredWords = /content exists risk|flagged as potentially violating/i;

/**
 * OpenAI, Moonshot, DashScope, Google, MiniMax, Zhipu (1113, 1309), SiliconFlow (30001), LiteLLM, one-api and its
 * relatives.
 */
const emptyKinds =
  /insufficient_quota|exceeded_current_quota|billing|arrearage|insufficient_(?:user_quota|balance|credit)|pre_consume_token_quota|budget_exceeded|freetieronly|account_?overdue|base_resp_1008|\b(?:1113|1309|30001)\b/;

/** Anthropic, xAI, DeepSeek behind routers, OpenRouter's limit of a key, DashScope, Zhipu, Google's prepaid accounts. */
const emptyWords =
  /credit balance is too low|used all available credits|(?:run )?out of credits|credits? (?:are|is|have been) depleted|insufficient (?:account )?(?:balance|credits?)|balance is (?:insufficient|not enough)|key limit exceeded|account is in good standing|free (?:tier|quota)\b.{0,40}\bexhausted|specified api usage limits|budget has been exceeded|free-models-per-day|in arrears|have any credits|余额不足|欠费/i;

/** OpenRouter's credit that other requests hold for a moment, and DashScope's tokens of a minute. */
function isPassingShortage({ status, kind, detail, retry_after_ms }: Refusal): boolean {
  if (status === 402) return retry_after_ms !== null;
  return status === 429 && /insufficient_quota/.test(kind) && /allocated quota exceeded|#token-limit/i.test(detail);
}

function isWithoutCredit({ status, kind, detail, retry_after_ms }: Refusal): boolean {
  if (status === 402 || emptyKinds.test(kind) || emptyWords.test(detail)) return true;
  // Google's words and its short `retryDelay` are the same for a minute and for a day, so its quotas' names decide. A
  // limit of 0 is a model that the free tier does not have.
  if (/perday/.test(kind)) return true;
  if (/resource_exhausted/.test(kind) && /\blimit: 0\b/.test(detail)) return true;
  // A day's or a plan's limit is over at a time that the server didn't say.
  return status === 429 && retry_after_ms === null && (longLimits.test(detail) || /base_resp_2056/.test(kind));
}

const longLimits =
  /\bper[ -]?(?:day|week|month)\b|\b(?:[TR]PD)\b|\bdaily\b|\b(?:weekly|monthly)\b.{0,20}\blimit|今日|使用上限|usage limit/i;

function isInvalidKey({ status, kind, detail }: Refusal): boolean {
  if (status === 401 || /invalid_api_key|api_key_invalid|authentication|base_resp_(?:1004|2049)/.test(kind))
    return true;
  // Google and xAI answer 400.
  return (
    [0, 400, 403].includes(status) &&
    /(?:incorrect|invalid) api[ _-]?key|api[ _-]?key (?:is )?(?:not valid|invalid)/i.test(detail)
  );
}

/** Zhipu's 1211, SiliconFlow's 20012. `model_not_found` with 503 is a router without a provider for the model. */
const unknownModelKinds = /model_?not_?found|model_not_exist|invalid_model|model_decommissioned|\b(?:1211|20012)\b/;
const unknownModelWords =
  /\bmodel\b.{0,80}\b(?:not exist|not found)|not a valid model|(?:unknown|no such) model|模型不存在/i;

function isUnknownModel({ status, kind, detail }: Refusal): boolean {
  if (status === 404 || unknownModelKinds.test(kind)) return true;
  if (status === 0 && /\bnot_found/.test(kind)) return true;
  return [0, 400, 403, 422].includes(status) && unknownModelWords.test(detail);
}

const limitKinds =
  /rate_?limit|limit_(?:burst_rate|requests)|too_many_requests|resource_exhausted|throttling|base_resp_1002/;

/** Types or codes of errors that the same request would meet again. */
const permanentKinds =
  /invalid_(?:request|argument|prompt|image|base64_image)|bad_?request|data_residency_mismatch|\bimage_|_image\b|unsupported_image/;

/**
 * How servers say that a request is longer than the model's context. The code is OpenAI's; few others send one. Ollama
 * cuts the history, and its template then finds no message of the user.
 */
const tooLongWords = new RegExp(
  [
    /maximum (?:context|(?:model|prompt) length)|context[ _]?(?:length|window|size)|max_seq_len/,
    // Excludes images that are too large and requests that took too long.
    /(?<!\b(?:image|audio|file) )\b(?:prompt|input|request)\b(?:(?!\btook\b).){0,40}\btoo (?:long|large)/,
    /too many (?:input )?tokens|input token count|input length|inputs\W{1,2}(?:tokens \+|must have less)/,
    /exceed(?:s|ed)?\b.{0,60}\btokens?\b|tokens?\b.{0,60}\bexceed(?:s|ed)?\b|prompt exceeds/,
    /reduce the length|prompt ?超长|no user query found/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "i",
);

/**
 * A single request above the limit of tokens per minute counts as too long: waiting does not help, a shorter one
 * passes.
 */
function isTooLong({ status, detail, kind }: Refusal): boolean {
  if (/context_length|request_too_large|tokens_too_long|\b1261\b/.test(kind) || status === 413) return true;
  // Names and ids have a limit of length too. The limit of a message's content is about what the largest models read.
  if (/string_above_max_length/.test(kind)) return /\bcontent\b/.test(detail);
  if (status === 429) return /request too large/i.test(detail);
  // A limit of the reply is another limit.
  if (/\bmax_(?:completion_)?tokens\b/.test(detail) && !/context|prompt|input|messages/i.test(detail)) return false;
  return [0, 400, 422, 500].includes(status) && tooLongWords.test(detail);
}
