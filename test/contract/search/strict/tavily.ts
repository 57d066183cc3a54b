import { z } from "zod";
import { faultOf, type StrictService } from "../strict-service.ts";

const body = z.strictObject({
  query: z.string().min(1).max(400),
  search_depth: z.enum(["basic", "advanced", "fast", "ultra-fast"]).optional(),
  topic: z.enum(["general", "news", "finance"]).optional(),
  max_results: z.int().min(0).max(20).optional(),
  time_range: z.enum(["day", "week", "month", "year", "d", "w", "m", "y"]).optional(),
  start_date: z.iso.date().optional(),
  include_domains: z.array(z.string()).max(300).optional(),
  exclude_domains: z.array(z.string()).max(150).optional(),
});

const detail = (status: number, error: string) => ({ status, body: { detail: { error } } });

export const tavily: StrictService = {
  name: "tavily",
  documented: [
    "https://tavily.com/.well-known/openapi.json",
    "https://help.tavily.com/articles/8645538886-understanding-http-errors",
  ],
  method: "POST",
  path: "/search",
  readKey: ({ headers }) => /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1],
  missingKey: detail(401, "Unauthorized: missing or invalid API key."),
  wrongKey: detail(401, "Unauthorized: missing or invalid API key."),
  emptyAccount: detail(432, "This request exceeds your plan's set usage limit. Please upgrade your plan."),
  limited: {
    ...detail(429, "Your request has been blocked due to excessive requests. Please reduce rate of requests."),
    headers: { "retry-after": "2" },
  },
  limitedFor: 2000,
  findFault: (asked) => faultOf(body, asked.body),
  badRequest: (fault) => detail(400, fault),
  answer: (pages, asked) => ({
    query: (asked.body as { query: string }).query,
    answer: null,
    images: [],
    results: pages.map(({ url, title, passage, date }, index) => ({
      ...{ title, url, content: passage, score: 0.9 - index / 100, raw_content: null },
      ...(date === undefined ? {} : { published_date: date }),
    })),
    response_time: "0.67",
    request_id: "123e4567-e89b-12d3-a456-426614174111",
  }),
  dates: [
    ["Mon, 04 May 2026 09:00:00 GMT", "2026-05-04"],
    ["Fri, 20 Nov 2026 23:59:59 +0800", "2026-11-20"],
    ["2026-08-18", "2026-08-18"],
    ["not-a-date", null],
  ],
};
