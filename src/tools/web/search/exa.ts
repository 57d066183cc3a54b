// Exa. Read in November 2026: fields and bounds at https://github.com/exa-labs/openapi-spec, errors at
// https://exa.ai/docs/reference/error-codes.
//
// POST /search, the key in `x-api-key`. `numResults` 1 to 100, `startPublishedDate` in ISO 8601, `includeDomains`,
// `contents.highlights.maxCharacters` for passages. Results have `title` and `publishedDate` (a day or a time) or null,
// and `highlights`, a list. Errors: `{"requestId", "error", "tag"}` with 400, 401 (key), 402 (NO_MORE_CREDITS,
// API_KEY_BUDGET_EXCEEDED), 403 (not in the plan; two tags are about the query), 429, 5xx.
import { at, isText, readPages, textAt } from "./answer.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { postJson } from "./query.ts";
import type { Freshness } from "./search-service.ts";

const days: Record<Freshness, number> = { day: 1, week: 7, month: 31, year: 366 };

/** A little more than is shown. */
const PASSAGE_CHARACTERS = 600;

export const exa: ServiceDefinition = {
  name: "exa",
  write: ({ query, count, freshness, domains }, { access, base_url = "https://api.exa.ai" }, now) => ({
    url: `${base_url}/search`,
    init: postJson(
      { "x-api-key": access },
      {
        query,
        numResults: count,
        type: "auto",
        contents: { highlights: { maxCharacters: PASSAGE_CHARACTERS } },
        ...(freshness === null
          ? {}
          : { startPublishedDate: new Date(now - days[freshness] * 86_400_000).toISOString() }),
        ...(domains.length === 0 ? {} : { includeDomains: domains }),
      },
    ),
  }),
  read: (body, now) =>
    readPages(at(body, "results"), now, ({ url, title, publishedDate, highlights, text }) => ({
      ...{ url, title, date: publishedDate },
      passages: [Array.isArray(highlights) ? highlights.filter(isText).slice(0, 5).join(" … ") : null, text],
    })) ?? "unreadable",
  readRefusal: ({ body }) =>
    ["PROHIBITED_CONTENT", "CONTENT_FILTER_ERROR"].includes(textAt(body, "tag")) ? { reason: "bad_request" } : null,
};
