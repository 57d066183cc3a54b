// SearXNG, a metasearch engine that operators run themselves. Read in November 2026 at
// https://docs.searxng.org/dev/search_api.html and in its source, https://github.com/searxng/searxng.
//
// GET /search with `format=json`, without a key. `time_range` is day, week, month or year. There is no count: an answer
// has a page of results, about 20. Sites go into the query, which each engine reads in its own way. Results have
// `content` and, from some engines, `publishedDate` (ISO 8601, without a zone) or null. `unresponsive_engines` lists
// those that failed. Errors: 403 where `search.formats` of settings.yml has no `json`, 400 for a parameter, 429 from its
// limiter. That refuses every program unless its `pass_ip` list has the caller, so we don't dress up as a browser.
import { at, readPages } from "./answer.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { withSites } from "./query.ts";

/** The longest address that proxies take has room for more. */
const limit = { characters: 1000, words: 100 };

export const searxng: ServiceDefinition = {
  name: "searxng",
  write: ({ query, freshness, domains }, { access }) => {
    const fields = new URLSearchParams({
      q: withSites(query, domains, limit),
      format: "json",
      ...(freshness === null ? {} : { time_range: freshness }),
    });
    return { url: `${access}/search?${fields}`, init: { headers: { accept: "application/json" } } };
  },
  read: (body, now) => {
    const pages = readPages(at(body, "results"), now, ({ url, title, publishedDate, content }) => ({
      ...{ url, title, date: publishedDate },
      passages: [content],
    }));
    if (pages === null) return "unreadable";
    const failed = at(body, "unresponsive_engines");
    return pages.length === 0 && Array.isArray(failed) && failed.length > 0 ? "unavailable" : pages;
  },
  readRefusal: ({ status }) => (status === 403 ? { reason: "format_refused" } : null),
};
