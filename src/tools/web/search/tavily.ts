// Tavily. Read in November 2026: fields and bounds at https://tavily.com/.well-known/openapi.json, errors at
// https://help.tavily.com/articles/8645538886-understanding-http-errors and in their client,
// https://github.com/tavily-ai/tavily-python.
//
// POST /search, the key as a bearer token. `query` of at most 400 characters, `max_results` 0 to 20, `time_range` day,
// week, month or year, `include_domains` at most 300. Results have `content`, and `published_date` (as in mail:
// `Mon, 04 Aug 2026 09:00:00 GMT`) only for news. Errors: `{"detail": {"error": "…"}}` with 400, 401 (key), 429 (rate),
// 432 (the plan's limit), 433 (the limit of pay as you go).
import { at, readPages } from "./answer.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { postJson } from "./query.ts";

export const tavily: ServiceDefinition = {
  name: "tavily",
  write: ({ query, count, freshness, domains }, { access, base_url = "https://api.tavily.com" }) => ({
    url: `${base_url}/search`,
    init: postJson(
      { authorization: `Bearer ${access}` },
      {
        query,
        max_results: count,
        search_depth: "basic",
        ...(freshness === null ? {} : { time_range: freshness }),
        ...(domains.length === 0 ? {} : { include_domains: domains }),
      },
    ),
  }),
  read: (body, now) =>
    readPages(at(body, "results"), now, ({ url, title, published_date, content }) => ({
      ...{ url, title, date: published_date },
      passages: [content],
    })) ?? "unreadable",
  readRefusal: ({ status }) => (status === 432 || status === 433 ? { reason: "account_empty" } : null),
};
