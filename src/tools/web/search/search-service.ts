// Port: a service that searches the web.
//
// - `search` throws only the reason of `signal`, once that has aborted; the request is aborted then too. Every other
//   failure is a value.
// - A failure has no words of the service or of the network in it: they could quote the key or the address.
// - A redirect is never followed, since the key would go with it.
// - It ends after `limit_ms` at the latest, and reads no more than `MAX_BODY_BYTES`.
// - Results are in the service's order. Their texts are the service's own, bounded and without markup, and not yet safe
//   to show: `web_search` fences them.
import type { CallSpending } from "../../../agent/spending.ts";
import type { SearchServiceName } from "../../../config/search.ts";

export type Freshness = "day" | "week" | "month" | "year";

export interface SearchRequest {
  /** 1 to 400 characters and at most 50 words, trimmed: what each service takes. */
  query: string;
  /** 1 to 10. A service may answer with more or fewer. */
  count: number;
  freshness: Freshness | null;
  /** Host names in lower-case ASCII. Results may be from these and from names below them; the caller drops others. */
  domains: string[];
}

export interface FoundPage {
  url: string;
  title: string;
  /** `YYYY-MM-DD` */
  date: string | null;
  passage: string;
}

/**
 * `key_refused` and `account_empty` stay until the operator acts, `rate_limited` for a while. `bad_request`: the service
 * objects to the query. `moved`: it answered with a redirect. `format_refused`: it is not set up to answer in JSON.
 * `setup_refused`: nothing is at its address, or its model can't search. `over_budget`: it was not asked, since a cap of
 * the run leaves too little for its model. `over_quota`: it was not asked, since the user's searches of the day are used
 * up.
 */
export type SearchFailureReason =
  | "key_refused"
  | "account_empty"
  | "rate_limited"
  | "bad_request"
  | "unavailable"
  | "unreachable"
  | "timeout"
  | "unreadable"
  | "moved"
  | "format_refused"
  | "setup_refused"
  | "over_budget"
  | "over_quota";

export interface SearchFailure {
  reason: SearchFailureReason;
  /** Of HTTP; null without an answer. */
  status: number | null;
  /** When it may be asked again, as far as it says so. */
  retry_after_ms: number | null;
}

export type SearchOutcome = { ok: true; pages: FoundPage[] } | { ok: false; failure: SearchFailure };

export interface SearchOptions {
  now: number;
  limit_ms: number;
  /** Where a service that asks a model reserves what that may cost. */
  spending: CallSpending;
  signal: AbortSignal;
}

export interface SearchService {
  name: SearchServiceName;
  /** How long it may take, if that is not what others take. */
  limit_ms?: number;
  /** Its tokens count for caps, so that its searches are not counted. */
  asks_model?: true;
  search(request: SearchRequest, options: SearchOptions): Promise<SearchOutcome>;
}
