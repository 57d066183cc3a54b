import { z } from "zod";
import { faultOf, type StrictService } from "../strict-service.ts";

const moment = z.string().refine((text) => z.iso.date().or(z.iso.datetime()).safeParse(text).success, "not ISO 8601");

const body = z.strictObject({
  query: z.string().min(1),
  type: z.enum(["auto", "neural", "fast", "instant", "deep"]).optional(),
  numResults: z.int().min(1).max(100).optional(),
  includeDomains: z.array(z.string()).max(1200).optional(),
  excludeDomains: z.array(z.string()).max(1200).optional(),
  startPublishedDate: moment.optional(),
  endPublishedDate: moment.optional(),
  contents: z
    .strictObject({
      text: z.boolean().optional(),
      highlights: z
        .boolean()
        .or(z.strictObject({ maxCharacters: z.int().min(1).optional() }))
        .optional(),
    })
    .optional(),
});

const refuse = (status: number, tag: string, error: string) => ({
  status,
  body: { requestId: "67207943fab9832d162b5317f4cef830", error, tag },
});

export const exa: StrictService = {
  name: "exa",
  documented: ["https://github.com/exa-labs/openapi-spec", "https://exa.ai/docs/reference/error-codes"],
  method: "POST",
  path: "/search",
  readKey: ({ headers }) => headers["x-api-key"],
  missingKey: refuse(401, "INVALID_API_KEY", "x-api-key header is invalid"),
  wrongKey: refuse(401, "INVALID_API_KEY", "x-api-key header is invalid"),
  emptyAccount: refuse(402, "NO_MORE_CREDITS", "You have exceeded your credits limit."),
  limited: refuse(429, "RATE_LIMITED", "You've exceeded your Exa rate limit of 5 requests per second."),
  limitedFor: null,
  findFault: (asked) => faultOf(body, asked.body),
  badRequest: (fault) => refuse(400, "INVALID_REQUEST_BODY", fault),
  answer: (pages) => ({
    requestId: "67207943fab9832d162b5317f4cef830",
    resolvedSearchType: "neural",
    results: pages.map(({ url, title, passage, date }) => ({
      ...{ id: url, title: title || null, url, author: null, publishedDate: date ?? null },
      ...{ highlights: passage === "" ? [] : [passage], highlightScores: [0.46] },
    })),
    costDollars: { total: 0.005 },
  }),
  dates: [
    ["2023-11-16T01:36:20.486Z", "2023-11-16"],
    ["2023-11-16", "2023-11-16"],
    ["1970-01-01T00:00:00.000Z", null],
  ],
};
