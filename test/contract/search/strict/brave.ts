import { z } from "zod";
import { faultOf, type StrictService } from "../strict-service.ts";

const words = (text: string) => text.split(/\s+/).length <= 50;
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/)
    .refine((text) => Number(text) >= min && Number(text) <= max);

const fields = z.strictObject({
  q: z.string().min(1).max(400).refine(words, "more than 50 words"),
  count: whole(1, 20).optional(),
  offset: whole(0, 9).optional(),
  country: z.string().length(2).optional(),
  search_lang: z.enum(["en", "de", "fr", "jp", "ko", "zh-hans", "zh-hant"]).optional(),
  freshness: z
    .string()
    .regex(/^(?:pd|pw|pm|py|\d{4}-\d\d-\d\dto\d{4}-\d\d-\d\d)$/)
    .optional(),
  text_decorations: z.enum(["true", "false"]).optional(),
  result_filter: z.string().optional(),
  extra_snippets: z.enum(["true", "false"]).optional(),
});

function refuse(status: number, code: string, detail: string, meta: object = {}) {
  const error = { id: "5d832250-9396-4f6e-b84a-2a1fe524cd7d", status, code, detail, meta };
  return { status, body: { type: "ErrorResponse", error, time: 1_763_072_993 } };
}

export const brave: StrictService = {
  name: "brave",
  documented: [
    "https://api-dashboard.search.brave.com/api-reference/web/search/get",
    "https://api.search.brave.com/app/documentation/web-search/response-headers",
  ],
  method: "GET",
  path: "/res/v1/web/search",
  readKey: ({ headers }) => headers["x-subscription-token"],
  missingKey: refuse(422, "VALIDATION", "Unable to validate request parameter(s)", {
    errors: [{ type: "missing", loc: ["header", "x-subscription-token"], msg: "Field required" }],
  }),
  wrongKey: refuse(422, "SUBSCRIPTION_TOKEN_INVALID", "The provided subscription token is invalid.", {
    component: "authentication",
  }),
  // In the other of the two documented forms.
  emptyAccount: {
    status: 429,
    body: {
      type: "ErrorResponse",
      errors: [{ id: "1", code: "QUOTA_LIMITED", detail: "Request quota limit exceeded for plan.", status: 429 }],
    },
    headers: { "x-ratelimit-limit": "1, 2000", "x-ratelimit-remaining": "1, 0", "x-ratelimit-reset": "1, 1419704" },
  },
  limited: {
    ...refuse(429, "RATE_LIMITED", "Request rate limit exceeded for plan.", { component: "rate_limiter" }),
    headers: { "x-ratelimit-limit": "1, 2000", "x-ratelimit-remaining": "0, 900", "x-ratelimit-reset": "1, 1419704" },
  },
  limitedFor: 1000,
  findFault: (asked) => faultOf(fields, Object.fromEntries(asked.fields)),
  badRequest: (fault) =>
    refuse(422, "VALIDATION", "Unable to validate request parameter(s)", {
      errors: [{ type: "value_error", loc: ["query"], msg: fault }],
    }),
  answer: (pages, asked) => ({
    type: "search",
    query: { original: asked.fields.get("q"), more_results_available: false },
    ...(pages.length === 0
      ? {}
      : {
          web: {
            type: "search",
            results: pages.map(({ url, title, passage, date }) => ({
              ...{ title, url, is_source_local: false, description: passage, type: "search_result" },
              ...(date === undefined ? {} : /^\d{4}-/.test(date) ? { page_age: date } : { age: date }),
            })),
            family_friendly: true,
          },
        }),
  }),
  dates: [
    ["2025-01-15T00:00:00", "2025-01-15"],
    ["January 15, 2025", "2025-01-15"],
    ["2 days ago", "2026-11-18"],
    ["3 weeks ago", "2026-10-30"],
  ],
};
