// The arguments of `web_search`. Models write the freshness and the domains in the words of the service that they know
// best, so those are understood too.
import { z } from "zod";
import { lenientObject } from "../../../agent/calls/leniency.ts";

/** Tavily and Brave refuse more. */
const MAX_QUERY = 400;
const MAX_WORDS = 50;
export const MAX_COUNT = 10;
const DEFAULT_COUNT = 5;
/** As many as fit in the query of a service that has no field for them. */
export const MAX_DOMAINS = 10;

const query = z
  .string()
  .transform((text) =>
    text
      .replace(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .toWellFormed(),
  )
  .refine((text) => text !== "", "must have words")
  .refine(
    (text) => text.length <= MAX_QUERY && text.split(" ").length <= MAX_WORDS,
    `must have at most ${MAX_QUERY} characters and ${MAX_WORDS} words: give a few keywords`,
  );

const domain = z
  .string()
  .transform(toDomain)
  .refine((name) => name !== "", "must be a domain such as example.com");

export const searchInput = lenientObject(
  {
    query,
    count: z.int().min(1).max(MAX_COUNT).default(DEFAULT_COUNT),
    freshness: z
      .enum(["day", "week", "month", "year"])
      .optional()
      .describe("Only pages from the past day, week, month or year"),
    domains: z.array(domain).max(MAX_DOMAINS).optional().describe("Only pages of these sites: example.com"),
  },
  {
    aliases: {
      query: ["q", "search", "search_query", "keywords", "text"],
      count: ["num", "num_results", "max_results", "limit", "numResults"],
      freshness: ["time_range", "recency", "timeRange"],
      domains: ["include_domains", "sites", "site", "domain", "includeDomains"],
    },
    prepare: (fields) => ({
      ...fields,
      ...(typeof fields.count === "number"
        ? { count: Math.min(MAX_COUNT, Math.max(1, Math.round(fields.count))) }
        : {}),
      ...(typeof fields.freshness === "string" ? { freshness: toFreshness(fields.freshness) } : {}),
    }),
  },
);
export type SearchInput = z.infer<typeof searchInput>;

const spans: [span: RegExp, freshness: string | undefined][] = [
  [/^(?:(?:past|last|one)?[\s_-]?day|pd|qdr:d|24h|today)$/i, "day"],
  [/^(?:(?:past|last|one)?[\s_-]?week|pw|qdr:w|7d)$/i, "week"],
  [/^(?:(?:past|last|one)?[\s_-]?month|pm|qdr:m|30d)$/i, "month"],
  [/^(?:(?:past|last|one)?[\s_-]?year|py|qdr:y|365d)$/i, "year"],
  [/^(?:any|all|none|no[\s_-]?limit)$/i, undefined],
];

function toFreshness(text: string): string | undefined {
  const found = spans.find(([span]) => span.test(text.trim()));
  return found === undefined ? text : found[1];
}

/** The host of what may be an address, a pattern or an operator of a query. Empty if it is none. */
function toDomain(text: string): string {
  const bare = text
    .trim()
    .replace(/^site:/i, "")
    .replace(/^[a-z]+:\/\//i, "")
    .replace(/^(?:\*\.|\.)/, "");
  const host =
    URL.parse(`http://${bare}`)
      ?.hostname.replace(/^www\./, "")
      .replace(/(?<!\.)\.+$/, "") ?? "";
  return /^(?=.{1,253}$)(?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d])?\.)*[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/.test(host)
    ? host
    : "";
}
