// Describes the failure of a model call in a sentence for people: the setting to check and what the provider said,
// never a secret. Providers quote keys in their answers ("Incorrect API key provided: …"), so all their words are
// redacted.
import { APIConnectionError, APIError } from "openai";
import type { ModelFailure } from "../../agent/model.ts";
import { readRetryAfter } from "../../lib/retry.ts";
import { cutEnd } from "../../lib/truncate.ts";
import { asRecord } from "./reply-builder.ts";

/** Limits the provider's words: enough for its first sentences, too little for a page of HTML. */
const MAX_DETAIL_CHARACTERS = 500;

/** The provider that the sentences name, and the key that they must not contain. */
export interface Provider {
  /** Host and port only: an address may contain a password. */
  host: string;
  api_key: string;
}

export function failWith(
  provider: Provider,
  message: string,
  options: Partial<ModelFailure> & Pick<ModelFailure, "retryable">,
): ModelFailure {
  return {
    ...(options.filtered ? { filtered: true } : {}),
    code: options.code ?? "model_error",
    message: redact(message, provider.api_key),
    retryable: options.retryable,
    retry_after_ms: options.retry_after_ms ?? null,
    ...(options.too_long ? { too_long: true } : {}),
  };
}

/** Describes an error thrown by the SDK or the network. */
export function describeError(error: unknown, provider: Provider): ModelFailure {
  if (error instanceof APIError && typeof error.status === "number") {
    const detail = readDetail(error.error) ?? error.message;
    const after = error.headers instanceof Headers ? readRetryAfter(error.headers) : null;
    return describeStatus(error.status, detail, readKind(error), after, provider);
  }
  const cause = error instanceof APIConnectionError ? (error.cause ?? error) : error;
  const reason = describeCause(cause);
  return failWith(
    provider,
    `The model server at ${provider.host} could not be reached or broke off: ${cut(reason, provider)}`,
    {
      retryable: true,
    },
  );
}

/** Describes an error object inside a stream or in a 200 answer. */
export function describeErrorObject(error: unknown, provider: Provider): ModelFailure {
  const record = asRecord(error) ?? {};
  const detail = typeof error === "string" ? error : (readDetail(record) ?? "no reason given");
  const status = [record.code, record.status].map(Number).find((value) => value >= 400 && value <= 599);
  const kind = readKind(record);
  if (status !== undefined) return describeStatus(status, detail, kind, null, provider);
  if (filteredKinds.test(kind)) return refuseFiltered(`: ${cut(detail, provider)}`, provider);
  if (isTooLong(0, detail, kind)) return describeStatus(413, detail, kind, null, provider);
  return failWith(
    provider,
    `The model server at ${provider.host} ended its reply with an error: ${cut(detail, provider)}`,
    {
      retryable: !permanentKinds.test(kind),
    },
  );
}

/** Types or codes of errors that the same request would meet again. */
const permanentKinds =
  /invalid_request|insufficient_quota|billing|authentication|permission|not_found|context_length|invalid_api_key/;

/** How servers say that a request is longer than the model's context. The code is OpenAI's; few others send one. */
const tooLongWords = new RegExp(
  [
    /maximum (?:context|(?:model|prompt) length)|context[ _]?(?:length|window|size)/,
    // Excludes images that are too large and requests that took too long.
    /(?<!\b(?:image|audio|file) )\b(?:prompt|input|request)\b(?:(?!\btook\b).){0,40}\btoo (?:long|large)/,
    /too many (?:input )?tokens|input token count|input length|inputs\W{1,2}(?:tokens \+|must have less)/,
    /exceed(?:s|ed)?\b.{0,60}\btokens?\b|tokens?\b.{0,60}\bexceed(?:s|ed)?\b|prompt exceeds/,
    /reduce the length/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "i",
);

/**
 * A single request above the limit of tokens per minute counts as too long: waiting does not help, a shorter one
 * passes.
 */
function isTooLong(status: number, detail: string, kind: string): boolean {
  if (/context_length|request_too_large/.test(kind) || status === 413) return true;
  // Names and ids have a limit of length too. The limit of a message's content is about what the largest models read.
  if (/string_above_max_length/.test(kind)) return /\bcontent\b/.test(detail);
  if (status === 429) return /request too large/i.test(detail);
  return [0, 400, 422, 500].includes(status) && tooLongWords.test(detail);
}

function describeStatus(
  status: number,
  detail: string,
  kind: string,
  retry_after_ms: number | null,
  provider: Provider,
): ModelFailure {
  const said = `(${status}): ${cut(detail, provider)}`;
  const failure = (sentence: string, retryable: boolean) => failWith(provider, sentence, { retryable, retry_after_ms });
  if (filteredKinds.test(kind)) return refuseFiltered(` ${said}`, provider);
  if (status === 401) return failure(`The model server refused the API key ${said} Check OPENAI_API_KEY.`, false);
  if (status === 402 || /insufficient_quota|billing/.test(kind)) {
    return failure(`The account at the model server has no credit left ${said}`, false);
  }
  if (status === 403) return failure(`The model server does not allow this request ${said}`, false);
  if (status === 404) {
    return failure(
      `The model server knows no such model or address ${said} Check OPENAI_MODEL and OPENAI_BASE_URL.`,
      false,
    );
  }
  if (isTooLong(status, detail, kind)) {
    const sentence = `The conversation is longer than the model can read ${said}`;
    return failWith(provider, sentence, { retryable: false, retry_after_ms, too_long: true });
  }
  if (status === 429) return failure(`The model server limits how often it can be asked ${said}`, true);
  const retryable = status >= 500 || status === 408 || status === 409 || status === 425;
  return failure(
    retryable ? `The model server failed ${said}` : `The model server did not accept the request ${said}`,
    retryable,
  );
}

/** Types and codes of Azure and OpenAI. */
const filteredKinds = /content_filter|content_policy/;

function refuseFiltered(said: string, provider: Provider): ModelFailure {
  return failWith(provider, `The provider's content filter refused the request${said}`, {
    retryable: false,
    filtered: true,
  });
}

function readKind(error: { code?: unknown; type?: unknown }): string {
  return `${String(error.type ?? "")} ${String(error.code ?? "")}`;
}

function readDetail(error: unknown): string | null {
  const record = asRecord(error);
  const message = record?.message ?? asRecord(record?.error)?.message ?? record?.detail;
  return typeof message === "string" && message.trim() !== "" ? message : null;
}

/** Undici hides the reason (`ECONNREFUSED`) in the cause of "fetch failed". */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const inner = error.cause instanceof Error ? error.cause : null;
  return inner ? `${error.message} (${inner.message || inner.name})` : error.message || error.name;
}

/** One line that ends like a sentence. Redacts before it cuts, since half a key would not be recognized. */
function cut(detail: string, provider: Provider): string {
  const safe = redact(detail.toWellFormed(), provider.api_key);
  const line = cutEnd(safe.replace(/[\s\p{Cc}]+/gu, " "), MAX_DETAIL_CHARACTERS).trim();
  return /[.!?。！？…]$/.test(line) ? line : `${line}.`;
}

/** Local servers accept any key ("ollama", "x"). Such a short word is no secret and occurs in ordinary text. */
const MIN_KEY_CHARACTERS = 8;

/**
 * Removes the key and anything that looks like one: `sk-…`, a bearer token, a key that the provider masked with
 * asterisks.
 */
export function redact(text: string, api_key: string): string {
  const known = api_key.length < MIN_KEY_CHARACTERS ? text : text.replaceAll(api_key, "[key]");
  return known
    .replace(/\bBearer\s+(?!\[key\])[^\s"']+/gi, "Bearer [key]")
    .replace(/\b(?:sk|pk|key|gsk|xai)-[\w*.-]{6,}/g, "[key]")
    .replace(/[^\s"']*\*{3,}[^\s"']*/g, "[key]");
}
