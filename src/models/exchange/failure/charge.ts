// Decides whether a call that was refused costs nothing. What is not plainly refused before any work may cost: a provider
// bills what it has read and written, whatever became of the connection.
import type { ModelOutcome } from "../../../agent/model.ts";
import { isFreeStatus } from "../../../agent/spending.ts";
import type { ModelFailureReason } from "../../../protocol/run.ts";
import type { Refusal } from "./refusal.ts";

/** `in an answer`: inside a 200, before anything else. `in a reply`: after something of a reply had come. */
export type RefusalPlace = "as an answer" | "in an answer" | "in a reply";

export function isFreeRefusal(refusal: Refusal, reason: ModelFailureReason, place: RefusalPlace): boolean {
  if (place === "in a reply" || judgesReply(refusal, reason)) return false;
  // Routers end a request at an overloaded provider in a 200, too, and don't say how far it had come.
  if (place === "in an answer" && refusal.status >= 500) return false;
  return isFreeStatus(refusal.status);
}

/** The model had written when the server refused: a call that it could not read, or what its filter found in the text. */
function judgesReply({ kind, detail }: Refusal, reason: ModelFailureReason): boolean {
  if (reason === "content_filtered") return /base_resp_1027/.test(kind) || /\boutput\b/i.test(detail);
  return reason === "broken_reply";
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
