// Bocha 博查, for Chinese. Read in November 2026 at https://open.bochaai.com (the page of its Web Search API, also at
// https://github.com/timi233/ent_agent/blob/main/docs/api/bocha-api.md); codes of errors as its users list them
// (https://github.com/11111jjjjjjddddsss/wuhao2026/blob/main/docs/vendor/bocha/web-search.md).
//
// POST /v1/web-search, the key as a bearer token. `count` 1 to 50, `freshness` oneDay, oneWeek, oneMonth, oneYear or
// noLimit, `include` up to 20 domains with `|` between them, `summary` for longer passages. The answer is
// `{"code": 200, "data": {"webPages": {"value": [{"name", "url", "snippet", "summary", "datePublished"}]}}}`.
// `datePublished` has Beijing's zone. Older answers have `dateLastCrawled` alone, which is the same time with a `Z` that
// is wrong; a day as it is written is right in both. Errors: `{"code", "message", "log_id"}`, also with status 200: 401
// (key), 403 (empty account), 429, 400.
import { at, isText, readPages } from "./answer.ts";
import { reasonOfStatus } from "./exchange.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { postJson } from "./query.ts";
import type { Freshness, SearchFailureReason } from "./search-service.ts";

const spans: Record<Freshness, string> = { day: "oneDay", week: "oneWeek", month: "oneMonth", year: "oneYear" };

export const bocha: ServiceDefinition = {
  name: "bocha",
  write: ({ query, count, freshness, domains }, { access, base_url = "https://api.bochaai.com" }) => ({
    url: `${base_url}/v1/web-search`,
    init: postJson(
      { authorization: `Bearer ${access}` },
      {
        query,
        count,
        summary: true,
        freshness: freshness === null ? "noLimit" : spans[freshness],
        ...(domains.length === 0 ? {} : { include: domains.join("|") }),
      },
    ),
  }),
  read: (body, now) => {
    const code = readCode(body);
    if (code !== 200) return code === null ? "unreadable" : reasonOf(code);
    const found = at(body, "data", "webPages", "value") ?? [];
    const pages = readPages(found, now, (page) => ({
      ...{ url: page.url, title: page.name, date: page.datePublished ?? page.dateLastCrawled },
      passages: [page.summary, page.snippet],
    }));
    return pages ?? "unreadable";
  },
  readRefusal: ({ status, body }) => ({ reason: reasonOf(readCode(body) ?? status) }),
};

/** A number or a text. */
function readCode(body: unknown): number | null {
  const given = at(body, "code");
  const code = isText(given) ? Number(given) : given;
  return typeof code === "number" && Number.isInteger(code) ? code : null;
}

function reasonOf(code: number): SearchFailureReason {
  return code === 403 ? "account_empty" : reasonOfStatus(code);
}
