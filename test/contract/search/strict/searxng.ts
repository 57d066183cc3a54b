import { z } from "zod";
import { faultOf, type StrictService } from "../strict-service.ts";

const fields = z.strictObject({
  q: z.string().min(1),
  format: z.literal("json"),
  categories: z.string().optional(),
  engines: z.string().optional(),
  language: z
    .string()
    .regex(/^(?:auto|all|[a-z]{2,3}(?:-[a-zA-Z]{2})?)$/)
    .optional(),
  pageno: z
    .string()
    .regex(/^[1-9]\d*$/)
    .optional(),
  time_range: z.enum(["day", "week", "month", "year"]).optional(),
  safesearch: z.enum(["0", "1", "2"]).optional(),
});

/** It has pages for errors, also where JSON was asked for. */
const page = (status: number, title: string) => ({
  status,
  body: `<!doctype html>\n<html lang=en>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n`,
});

export const searxng: StrictService = {
  name: "searxng",
  documented: ["https://docs.searxng.org/dev/search_api.html", "https://github.com/searxng/searxng"],
  method: "GET",
  path: "/search",
  readKey: null,
  missingKey: null,
  wrongKey: null,
  emptyAccount: null,
  limited: page(429, "Too Many Requests"),
  limitedFor: null,
  findFault: (asked) => faultOf(fields, Object.fromEntries(asked.fields)),
  badRequest: () => page(400, "Bad Request"),
  answer: (pages, asked) => ({
    query: asked.fields.get("q"),
    number_of_results: 0,
    results: pages.map(({ url, title, passage, date }, index) => ({
      ...{ url, title, content: passage, publishedDate: date ?? null, thumbnail: "", engine: "brave" },
      ...{ parsed_url: ["https", "example.com", "/", "", "", ""], template: "default.html", engines: ["brave"] },
      ...{ positions: [index + 1], score: 1, category: "general" },
    })),
    answers: [],
    corrections: [],
    infoboxes: [],
    suggestions: [],
    unresponsive_engines: [],
  }),
  dates: [
    ["2026-01-02T00:00:00", "2026-01-02"],
    ["2026-01-02T23:30:00+02:00", "2026-01-02"],
    ["2026-01-02", "2026-01-02"],
  ],
};
