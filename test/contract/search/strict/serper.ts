import { z } from "zod";
import { faultOf, type StrictService } from "../strict-service.ts";

const body = z.strictObject({
  q: z.string().min(1),
  gl: z
    .string()
    .regex(/^[a-z]{2}$/)
    .optional(),
  hl: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]{2})?$/)
    .optional(),
  num: z.int().min(1).max(100).optional(),
  page: z.int().min(1).optional(),
  tbs: z
    .string()
    .regex(/^qdr:[hdwmy]$/)
    .optional(),
  autocorrect: z.boolean().optional(),
  location: z.string().optional(),
});

const refuse = (statusCode: number, message: string) => ({ status: statusCode, body: { message, statusCode } });

export const serper: StrictService = {
  name: "serper",
  documented: ["https://github.com/api-evangelist/serper", "https://github.com/crewAIInc/crewAI/issues/633"],
  method: "POST",
  path: "/search",
  readKey: ({ headers }) => headers["x-api-key"],
  missingKey: refuse(403, "Unauthorized."),
  wrongKey: refuse(403, "Unauthorized."),
  emptyAccount: refuse(400, "Not enough credits"),
  limited: refuse(429, "Rate limit exceeded"),
  limitedFor: null,
  findFault: (asked) => faultOf(body, asked.body),
  badRequest: (fault) => refuse(400, fault),
  answer: (pages, asked) => ({
    searchParameters: { ...(asked.body as object), type: "search", engine: "google" },
    ...(pages.length === 0
      ? {}
      : {
          organic: pages.map(({ url, title, passage, date }, index) => ({
            ...{ title, link: url, snippet: passage, position: index + 1 },
            ...(date === undefined ? {} : { date }),
          })),
        }),
    credits: 1,
  }),
  dates: [
    ["Jan 5, 2024", "2024-01-05"],
    ["5 Jan 2024", "2024-01-05"],
    ["2 hours ago", "2026-11-20"],
    ["14 hours ago", "2026-11-19"],
    ["3天前", "2026-11-17"],
    ["2024年1月5日", "2024-01-05"],
    ["05.01.2024", null],
  ],
};
