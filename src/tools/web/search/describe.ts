// What a model reads where a search has no results. It says what to do next, and nothing of the operator's accounts,
// keys and addresses.
import { lookupsUsedUp } from "../../../protocol/money/quotas.ts";
import type { ChosenPages } from "./choose-pages.ts";
import type { SearchFailure, SearchFailureReason, SearchRequest } from "./search-service.ts";

const GO_ON =
  "go on with pages whose addresses you have, say which facts could not be looked up, and make up no source.";

/** What may be over in a minute. */
const passing: SearchFailureReason[] = ["timeout", "unavailable", "unreachable"];

export function describeFailures(failures: SearchFailure[]): string {
  const waits = failures.flatMap(({ reason, retry_after_ms }) =>
    reason === "rate_limited" ? [Math.ceil((retry_after_ms ?? 10_000) / 1000)] : [],
  );
  if (waits.length > 0) {
    return `The search is at its limit of requests. Do other work for ${Math.min(...waits)} s, then make this call again. If it fails again, ${GO_ON}`;
  }
  const reasons = new Set(failures.map(({ reason }) => reason));
  if (passing.some((reason) => reasons.has(reason))) {
    return `The search did not answer. Make this call once more a little later. If it fails again, ${GO_ON}`;
  }
  const used = failures.find(({ reason }) => reason === "over_quota");
  if (used !== undefined) {
    return `${lookupsUsedUp((used.retry_after_ms ?? 0) / 1000)}: don't try it again before. Until then ${GO_ON}`;
  }
  if (reasons.has("over_budget")) {
    return `A search would cost more than this run may still spend, so don't try it again: ${GO_ON}`;
  }
  // Whatever ails the others: one that objects to the query answers to another.
  if (reasons.has("bad_request")) {
    return "The search did not accept this query. Write it as a few keywords, without quotation marks and operators, or leave freshness and domains out.";
  }
  return `The search does not work on this server until its operator mends it, so don't try it again. Tell the person so, ${GO_ON}`;
}

/** By what the call itself named: the operator's domains are not the model's to leave out. */
export function describeNone(
  { freshness, domains }: Pick<SearchRequest, "freshness" | "domains">,
  { left_out }: ChosenPages,
): string {
  const hints = [
    "Use fewer or other words, or another language.",
    ...(freshness === null ? [] : ["Leave freshness out: many pages have no date."]),
    ...(domains.length === 0 ? [] : ["Leave domains out."]),
  ];
  const also = left_out === 0 ? "" : ` (${left_out} at addresses that may not be shown or were not asked for)`;
  return `No results${also}. ${hints.join(" ")}`;
}
