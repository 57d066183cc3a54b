import { z } from "zod";
import { faultOf, type StrictService } from "../strict-service.ts";

const domains = z.string().refine((text) => text.split(/[|,]/).length <= 20, "more than 20 domains");

const body = z.strictObject({
  query: z.string().min(1),
  freshness: z
    .string()
    .regex(/^(?:noLimit|oneDay|oneWeek|oneMonth|oneYear|\d{4}-\d\d-\d\d(?:\.\.\d{4}-\d\d-\d\d)?)$/)
    .optional(),
  summary: z.boolean().optional(),
  include: domains.optional(),
  exclude: domains.optional(),
  count: z.int().min(1).max(50).optional(),
});

/** With the status of HTTP, or with 200 and the code in the body alone. */
const refuse = (code: number, message: string, status = code) => ({
  status,
  body: { code: String(code), message, log_id: "d71841ad20095f61" },
});

export const bocha: StrictService = {
  name: "bocha",
  documented: [
    "https://github.com/timi233/ent_agent/blob/main/docs/api/bocha-api.md",
    "https://github.com/11111jjjjjjddddsss/wuhao2026/blob/main/docs/vendor/bocha/web-search.md",
  ],
  method: "POST",
  path: "/v1/web-search",
  readKey: ({ headers }) => /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1],
  missingKey: refuse(401, "Missing API KEY"),
  wrongKey: refuse(401, "Invalid API KEY", 200),
  emptyAccount: refuse(403, "You do not have enough money"),
  limited: { ...refuse(429, "You have reached the request limit"), headers: { "retry-after": "1" } },
  limitedFor: 1000,
  findFault: (asked) => faultOf(body, asked.body),
  badRequest: (fault) => refuse(400, fault),
  answer: (pages, asked) => ({
    code: 200,
    log_id: "d71841ad20095f61",
    msg: null,
    data: {
      _type: "SearchResponse",
      queryContext: { originalQuery: (asked.body as { query: string }).query },
      webPages: {
        webSearchUrl: "",
        totalEstimatedMatches: 8_912_791,
        value: pages.map(({ url, title, passage, date }) => ({
          ...{ id: null, name: title, url, displayUrl: url, snippet: "short", summary: passage, siteName: "" },
          ...(date?.endsWith("Z") ? { dateLastCrawled: date } : { datePublished: date ?? null }),
          ...{ cachedPageUrl: null, language: null, isFamilyFriendly: null, isNavigational: null },
        })),
        someResultsRemoved: false,
      },
      images: { id: null, value: [] },
      videos: null,
    },
  }),
  dates: [
    ["2025-02-23T08:18:30+08:00", "2025-02-23"],
    ["2024-07-22T00:00:00Z", "2024-07-22"],
  ],
};
