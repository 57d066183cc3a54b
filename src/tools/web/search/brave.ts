// Brave. Read in November 2026 at https://api-dashboard.search.brave.com/api-reference/web/search/get; the windows of
// limits at https://api.search.brave.com/app/documentation/web-search/response-headers.
//
// GET /res/v1/web/search, the key in `X-Subscription-Token`. `q` of at most 400 characters and 50 words, `count` 1 to 20,
// `freshness` pd, pw, pm or py. `search_lang` is English if it is not given. Sites go into the query. Without results the
// answer has no `web`. Dates are `page_age` (`2025-01-15T00:00:00`) and `age` (`January 15, 2025`, `2 days ago`).
// Errors: `{"type": "ErrorResponse", "error": {"code", "meta"}}`, documented as `errors: [{…}]`. A wrong key is 422
// SUBSCRIPTION_TOKEN_INVALID, a missing one 422 VALIDATION with its header's name, one of another plan 400
// OPTION_NOT_IN_PLAN, and none that is subscribed 404; 429 is RATE_LIMITED or, with nothing left for the month,
// QUOTA_LIMITED. Clients also take RATE_LIMITED for the month's if `meta` (`quota_limit`, `quota_current`, as in
// https://github.com/egoist/chatwise-releases/issues/1296) or the headers say so. `X-RateLimit-Limit`, `-Remaining` and
// `-Reset: 1, 1419704` (seconds) have a number for each window, the second and the month; a limit of 0 is none.
import { at, readPages, textAt } from "./answer.ts";
import type { Refusal } from "./exchange.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { isChinese, withSites } from "./query.ts";
import type { Freshness, SearchFailure } from "./search-service.ts";

const ages: Record<Freshness, string> = { day: "pd", week: "pw", month: "pm", year: "py" };
const limit = { characters: 400, words: 50 };

export const brave: ServiceDefinition = {
  name: "brave",
  write: ({ query, count, freshness, domains }, { access, base_url = "https://api.search.brave.com" }) => {
    const fields = new URLSearchParams({
      q: withSites(query, domains, limit),
      count: String(count),
      text_decorations: "false",
      result_filter: "web",
      ...(freshness === null ? {} : { freshness: ages[freshness] }),
      ...(isChinese(query) ? { search_lang: "zh-hans" } : {}),
    });
    const headers = { accept: "application/json", "x-subscription-token": access };
    return { url: `${base_url}/res/v1/web/search?${fields}`, init: { headers } };
  },
  read: (body, now) => {
    if (textAt(body, "type") !== "search") return "unreadable";
    if (at(body, "web") === undefined) return [];
    const pages = readPages(at(body, "web", "results"), now, ({ url, title, description, page_age, age }) => ({
      ...{ url, title, date: page_age ?? age },
      passages: [description],
    }));
    return pages ?? "unreadable";
  },
  readRefusal,
};

function readRefusal({ status, headers, body, retry_after_ms }: Refusal): Partial<SearchFailure> | null {
  const listed = at(body, "errors");
  const error = Array.isArray(listed) ? listed[0] : at(body, "error");
  const code = textAt(error, "code");
  const faults = at(error, "meta", "errors");
  const places = Array.isArray(faults) ? faults.map((fault) => at(fault, "loc")) : [];
  const isAboutKey = places.some((place) => Array.isArray(place) && place.includes("x-subscription-token"));
  if (/^SUBSCRIPTION_|^OPTION_NOT_IN_PLAN$/.test(code) || isAboutKey) return { reason: "key_refused" };
  if (code === "QUOTA_LIMITED") return { reason: "account_empty" };
  if (status !== 429) return null;
  if (isMonthUsedUp(headers, at(error, "meta"))) return { reason: "account_empty" };
  // The first window is the shortest: a second.
  const [seconds] = readWindows(headers, "reset");
  return { retry_after_ms: retry_after_ms ?? (seconds !== undefined && seconds >= 0 ? seconds * 1000 : null) };
}

function isMonthUsedUp(headers: Headers, meta: unknown): boolean {
  const [limit, used] = [at(meta, "quota_limit"), at(meta, "quota_current")];
  if (typeof limit === "number" && typeof used === "number" && limit > 0 && used >= limit) return true;
  const [, month = 0] = readWindows(headers, "limit");
  const [, left] = readWindows(headers, "remaining");
  return month > 0 && left === 0;
}

function readWindows(headers: Headers, name: "limit" | "remaining" | "reset"): number[] {
  return (headers.get(`x-ratelimit-${name}`) ?? "").split(",").map((part) => Number.parseInt(part, 10));
}
