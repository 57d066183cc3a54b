// Describes the failure of a model call: a sentence for people that names the setting to check and quotes the provider,
// never a secret or an address, a reason for programs, and whether the call may have cost something.
import type { ModelFailure, ModelOutcome } from "../../../agent/model.ts";
import { isFreeStatus } from "../../../agent/spending.ts";
import type { ModelFailureReason } from "../../../protocol/run.ts";
import { RefusedResponse } from "../bounded-fetch.ts";
import { cut, type Provider, redact, type SettingNames } from "./redaction.ts";
import { type Refusal, readRefusal, readRefusedValue } from "./refusal.ts";
import { classifyRefusal } from "./refusal-reason.ts";

/** The call may be repeated unless `more` says otherwise. */
export function failWith(
  { secrets }: Provider,
  reason: ModelFailureReason | null,
  message: string,
  more: Partial<ModelFailure> = {},
): ModelFailure {
  return {
    ...{ code: "model_error", message: redact(message, secrets), retryable: true, retry_after_ms: null },
    ...(reason === null ? {} : { reason }),
    ...more,
  };
}

/** Describes why a request failed that got no reply. */
export function describeError(error: unknown, provider: Provider): ModelFailure {
  if (!(error instanceof RefusedResponse)) {
    const why = cut(describeCause(error), provider);
    return failWith(provider, "unreachable", `The model server could not be reached or broke off: ${why}`);
  }
  const { answer } = error;
  if (answer.status >= 400) return describeRefusal(readRefusal(answer), "as an answer", provider);
  const message = `What answers sends requests on to another address (${answer.status}), where the API key must not go. Check ${provider.settings.base_url}.`;
  return failWith(provider, "model_not_found", message, { retryable: false });
}

/** Describes an error object inside a stream or in a 200 answer. `is_first`: nothing has come before it. */
export function describeErrorObject(error: unknown, provider: Provider, is_first = false): ModelFailure {
  return describeRefusal(readRefusedValue(error), is_first ? "in an answer" : "in a reply", provider);
}

function describeRefusal(refusal: Refusal, place: RefusalPlace, provider: Provider): ModelFailure {
  const { reason, retryable } = classifyRefusal(refusal);
  const status = refusal.status === 0 ? "" : ` (${refusal.status})`;
  const [says, advise] = sentences[reason] ?? [
    status === "" ? "The model server ended its reply with an error" : "The model server failed",
  ];
  const advice = advise === undefined ? "" : ` ${advise(provider.settings)}`;
  return failWith(provider, reason, `${says}${status}: ${cut(refusal.detail, provider)}${advice}`, {
    retryable,
    retry_after_ms: refusal.retry_after_ms,
    ...(reason === "content_filtered" ? { filtered: true } : {}),
    ...(reason === "context_too_long" ? { too_long: true } : {}),
    ...(isFreeRefusal(refusal, reason, place) ? { is_free: true } : {}),
  });
}

/** What stands before the provider's words, and after them. */
const sentences: Partial<Record<ModelFailureReason, [says: string, advise?: (names: SettingNames) => string]>> = {
  invalid_key: ["The model server refused the API key", ({ key }) => `Check ${key}.`],
  no_credit: ["The account has no credit or quota left", () => "Top it up, or choose another model."],
  not_allowed: ["The model server does not allow this request", () => "Choose another model, or ask the provider."],
  model_not_found: [
    "The model server knows no such model or address",
    ({ model, base_url }) => `Check ${model} and ${base_url}.`,
  ],
  context_too_long: ["The conversation is longer than the model can read"],
  content_filtered: ["The provider's content filter refused the request"],
  rate_limited: ["The model server limits how often it can be asked"],
  broken_reply: ["The model made a call that the model server could not read"],
  request_refused: ["The model server did not accept the request"],
};

/** Undici hides the reason (`ECONNREFUSED`) in the cause of "fetch failed". */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const inner = error.cause instanceof Error ? error.cause : null;
  return inner ? `${error.message} (${inner.message || inner.name})` : error.message || error.name;
}

/** `in an answer`: inside a 200, before anything else. `in a reply`: after something of a reply had come. */
type RefusalPlace = "as an answer" | "in an answer" | "in a reply";

/**
 * What is not plainly refused before any work may cost: a provider bills what it has read and written, whatever became
 * of the connection.
 */
function isFreeRefusal({ status, kind, detail }: Refusal, reason: ModelFailureReason, place: RefusalPlace): boolean {
  // The model had written: a call that its server could not read, or what a filter found in its text.
  if (place === "in a reply" || reason === "broken_reply") return false;
  if (reason === "content_filtered" && (/base_resp_1027/.test(kind) || /\boutput\b/i.test(detail))) return false;
  // Routers end a request at an overloaded provider in a 200, too, and don't say how far it had come.
  if (place === "in an answer" && status >= 500) return false;
  return isFreeStatus(status);
}

export function isFree(outcome: ModelOutcome): boolean {
  return outcome.kind === "failure" && outcome.failure.is_free === true;
}

/** The outcome of a call that asked a server before, and that one may have worked. */
export function charge(outcome: ModelOutcome): ModelOutcome {
  if (outcome.kind !== "failure") return outcome;
  const { is_free: _, ...failure } = outcome.failure;
  return { kind: "failure", failure };
}
