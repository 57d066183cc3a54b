// Serper, which answers with Google's results. Read in November 2026: fields at
// https://schemas.apis.io/schemas/serper/serper-search-response/ and https://github.com/api-evangelist/serper, refusals
// as their users report them (https://github.com/crewAIInc/crewAI/issues/633 and others): its own pages are behind a
// login.
//
// POST /search, the key in `X-API-KEY`. `num` 1 to 100 (up to 10 costs one credit), `tbs` `qdr:d`, `qdr:w`, `qdr:m` or
// `qdr:y`, `gl` and `hl` are us and en if they are not given. Sites go into the query. Results are `organic`, with `link`,
// `snippet`, and `date` as Google shows it (`Jan 5, 2024`, `3 days ago`). Errors: `{"message", "statusCode"}` with 403
// (key), 400 (`Not enough credits`, or the query: free accounts may not quote phrases), 429, without a time to wait.
import { at, readPages, textAt } from "./answer.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { isChinese, postJson, withSites } from "./query.ts";
import type { Freshness } from "./search-service.ts";

const spans: Record<Freshness, string> = { day: "qdr:d", week: "qdr:w", month: "qdr:m", year: "qdr:y" };
/** Google reads 32 words and drops the others. */
const limit = { characters: 2000, words: 32 };

export const serper: ServiceDefinition = {
  name: "serper",
  write: ({ query, count, freshness, domains }, { access, base_url = "https://google.serper.dev" }) => ({
    url: `${base_url}/search`,
    init: postJson(
      { "x-api-key": access },
      {
        q: withSites(query, domains, limit),
        num: count,
        ...(freshness === null ? {} : { tbs: spans[freshness] }),
        ...(isChinese(query) ? { gl: "cn", hl: "zh-cn" } : {}),
      },
    ),
  }),
  read: (body, now) => {
    const found = at(body, "organic");
    // Google has no such list if nothing fits; the echo of the query shows that it was searched.
    if (found === undefined && at(body, "searchParameters") !== undefined) return [];
    const pages = readPages(found, now, ({ link, title, date, snippet }) => ({
      ...{ url: link, title, date },
      passages: [snippet],
    }));
    return pages ?? "unreadable";
  },
  readRefusal: ({ body }) => (/\bcredits?\b/i.test(textAt(body, "message")) ? { reason: "account_empty" } : null),
};
