// Describes the failure of a model call: a sentence for people that names the setting to check and quotes the provider,
// never a secret or an address, and a reason for programs.
import type { ModelFailure } from "../../../agent/model.ts";
import type { ModelFailureReason } from "../../../protocol/run.ts";
import { RefusedResponse } from "../bounded-fetch.ts";
import { isFreeRefusal, type RefusalPlace } from "./charge.ts";
import { cut, type Provider, redact } from "./redaction.ts";
import { type Refusal, readRefusal, readRefusedValue } from "./refusal.ts";
import { classifyRefusal } from "./refusal-reason.ts";

export function failWith(
  provider: Provider,
  message: string,
  options: Partial<ModelFailure> & Pick<ModelFailure, "retryable" | "reason">,
): ModelFailure {
  return {
    ...(options.filtered ? { filtered: true } : {}),
    code: options.code ?? "model_error",
    message: redact(message, provider.secrets),
    retryable: options.retryable,
    retry_after_ms: options.retry_after_ms ?? null,
    ...(options.too_long ? { too_long: true } : {}),
    ...(options.is_free ? { is_free: true } : {}),
    ...(options.reason ? { reason: options.reason } : {}),
  };
}

/** Describes why a request failed that got no reply. */
export function describeError(error: unknown, provider: Provider): ModelFailure {
  if (error instanceof RefusedResponse) return describeResponse(error, provider);
  const why = cut(describeCause(error), provider);
  return failWith(provider, `The model server could not be reached or broke off: ${why}`, {
    retryable: true,
    reason: "unreachable",
  });
}

/** Describes an error object inside a stream or in a 200 answer. `is_first`: nothing has come before it. */
export function describeErrorObject(error: unknown, provider: Provider, is_first = false): ModelFailure {
  return describeRefusal(readRefusedValue(error), is_first ? "in an answer" : "in a reply", provider);
}

function describeResponse({ answer }: RefusedResponse, provider: Provider): ModelFailure {
  const { status } = answer;
  if (status >= 400) return describeRefusal(readRefusal(answer), "as an answer", provider);
  const message = `What answers sends requests on to another address (${status}), where the API key must not go. Check ${provider.settings.base_url}.`;
  return failWith(provider, message, { retryable: false, reason: "model_not_found" });
}

function describeRefusal(refusal: Refusal, place: RefusalPlace, provider: Provider): ModelFailure {
  const { reason, retryable } = classifyRefusal(refusal);
  const status = refusal.status === 0 ? "" : ` (${refusal.status})`;
  const said = `${status}: ${cut(refusal.detail, provider)}`;
  return failWith(provider, sentenceOf(reason, said, refusal, provider), {
    retryable,
    reason,
    retry_after_ms: refusal.retry_after_ms,
    filtered: reason === "content_filtered",
    too_long: reason === "context_too_long",
    is_free: isFreeRefusal(refusal, reason, place),
  });
}

function sentenceOf(reason: ModelFailureReason, said: string, { status }: Refusal, { settings }: Provider): string {
  switch (reason) {
    case "invalid_key":
      return `The model server refused the API key${said} Check ${settings.key}.`;
    case "no_credit":
      return `The account has no credit or quota left${said} Top it up, or choose another model.`;
    case "not_allowed":
      return `The model server does not allow this request${said} Choose another model, or ask the provider.`;
    case "model_not_found":
      return `The model server knows no such model or address${said} Check ${settings.model} and ${settings.base_url}.`;
    case "context_too_long":
      return `The conversation is longer than the model can read${said}`;
    case "content_filtered":
      return `The provider's content filter refused the request${said}`;
    case "rate_limited":
      return `The model server limits how often it can be asked${said}`;
    case "broken_reply":
      return `The model made a call that the model server could not read${said}`;
    case "request_refused":
      return `The model server did not accept the request${said}`;
    default:
      return status === 0 ? `The model server ended its reply with an error${said}` : `The model server failed${said}`;
  }
}

/** Undici hides the reason (`ECONNREFUSED`) in the cause of "fetch failed". */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const inner = error.cause instanceof Error ? error.cause : null;
  return inner ? `${error.message} (${inner.message || inner.name})` : error.message || error.name;
}
