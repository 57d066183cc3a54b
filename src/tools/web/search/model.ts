// The search that the provider of a model has itself: the tool `web_search` of the Responses API, which OpenAI and xAI
// serve. Read in November 2026 at https://developers.openai.com/api/docs/guides/tools-web-search and
// https://docs.x.ai/developers/tools/citations.
//
// POST /responses, the key as a bearer token. A model searches, and writes what it found in a text whose citations are
// annotations: `{"type": "url_citation", "start_index", "end_index", "url", "title"}`. What stands before a citation on
// its line becomes the passage, so passages are a model's words and not the page's. `web_search_call` items list the
// pages that were found beside (`action.sources`). `filters.allowed_domains` takes up to 100 domains at OpenAI and 5 at
// xAI: the instructions name more. There is no field for a time: the instructions name it. Dates are not given. OpenAI's
// addresses come with `utm_source=openai`. xAI cites as `[[1]](https://…)` with the number as the title, and has all
// pages in `citations`.
//
// Errors: `{"error": {"message", "type", "param", "code"}}` of OpenAI, and `{"code", "error": "…"}` of xAI, which answers
// a wrong key with 400 and an empty account with 403 or 429.

import type { CountedUsage } from "../../../agent/spending.ts";
import { asRecord, isRecord } from "../../../lib/is-record.ts";
import { at, isText, readPages, textAt } from "./answer.ts";
import type { Refusal } from "./exchange.ts";
import type { ServiceDefinition } from "./open-service.ts";
import { postJson } from "./query.ts";
import type { Freshness, SearchFailure, SearchRequest } from "./search-service.ts";

const days: Record<Freshness, number> = { day: 1, week: 7, month: 31, year: 366 };

/** A model that was asked for ten pages searches a few times, cites each page a few times, and writes short lines. */
const MAX_ITEMS = 50;
const MAX_CITATIONS = 50;
const MAX_LINE = 2000;
/** What every provider takes. */
const MAX_DOMAINS = 5;
/** OpenAI's search has this window, whatever its model's. What it reads of pages is input, and no field limits it. */
const MAX_INPUT_TOKENS = 128_000;
/** A short list, and what a model thinks before it. */
const MAX_OUTPUT_TOKENS = 16_000;
/** More tokens or ticks than one answer has: it says nothing. */
const MAX_COUNT = 1e12;

export const model: ServiceDefinition = {
  name: "model",
  // A model reads several pages before it writes.
  limit_ms: 25_000,
  asksModel: { input_tokens: MAX_INPUT_TOKENS, output_tokens: MAX_OUTPUT_TOKENS, readUsage },
  write: (request, { access, base_url = "https://api.openai.com/v1", model }, now, most) => ({
    url: `${base_url}/responses`,
    init: postJson(access === "" ? {} : { authorization: `Bearer ${access}` }, {
      model,
      instructions: instruct(request, now),
      input: request.query,
      tools: [
        {
          type: "web_search",
          ...(isFilter(request.domains) ? { filters: { allowed_domains: request.domains } } : {}),
        },
      ],
      tool_choice: "required",
      include: ["web_search_call.action.sources"],
      store: false,
      ...(most === null ? {} : { max_output_tokens: most }),
    }),
  }),
  read: (body, now) => {
    const output = at(body, "output");
    if (!Array.isArray(output)) return "unreadable";
    if (textAt(body, "status") === "failed") return "unavailable";
    const items = output.slice(0, MAX_ITEMS).filter(isRecord);
    const cited = items.flatMap(readCited);
    const sources = [...items.flatMap(readSources), ...readAll(at(body, "citations"))];
    const beside = sources.filter(({ url }) => !cited.some((page) => page.url === url));
    const found = [...cited, ...beside];
    return readPages(found, now, ({ url, title, passage }) => ({ url, title, date: null, passages: [passage] })) ?? [];
  },
  readRefusal,
};

/** xAI leaves what it thought out of the output, and says what the call cost with its search, in 10⁻¹⁰ dollars. */
function readUsage(body: unknown): CountedUsage | null {
  const usage = at(body, "usage");
  const countOf = (value: unknown) =>
    Number.isSafeInteger(value) && Number(value) <= MAX_COUNT ? Math.max(0, Number(value)) : 0;
  const [input_tokens, output, total] = ["input_tokens", "output_tokens", "total_tokens"].map((name) =>
    countOf(at(usage, name)),
  ) as [number, number, number];
  const output_tokens = Math.max(output, total - input_tokens);
  // No request is empty.
  if (input_tokens === 0 && total <= output) return null;
  const ofInput = (name: string) => countOf(at(at(usage, "input_tokens_details"), name));
  const [cached_input_tokens, cache_write_tokens] = [ofInput("cached_tokens"), ofInput("cache_write_tokens")];
  const ticks = countOf(at(usage, "cost_in_usd_ticks"));
  return {
    ...{ input_tokens, cached_input_tokens, output_tokens, cost_usd: ticks === 0 ? null : ticks / 1e10 },
    ...(cache_write_tokens > 0 ? { cache_write_tokens } : {}),
  };
}

function readRefusal({ status, body }: Refusal): Partial<SearchFailure> | null {
  const error = at(body, "error");
  const [code, type, param] = ["code", "type", "param"].map((name) => textAt(error, name));
  const message = isText(error) ? error : "";
  if (code === "insufficient_quota" || type === "insufficient_quota" || code?.startsWith("billing_")) {
    return { reason: "account_empty" };
  }
  if ((status === 403 || status === 429) && /\bcredits\b/i.test(message)) return { reason: "account_empty" };
  if (status !== 400) return null;
  if (/^incorrect(?: |%20)api(?: |%20)key/i.test(message)) return { reason: "key_refused" };
  // Of a tool's own field, such as its domains, `param` says more than `tools`.
  const isAboutSetup = param === "model" || param === "tools" || code === "model_not_found";
  return isAboutSetup || /^model not found/i.test(message) ? { reason: "setup_refused" } : null;
}

function isFilter(domains: string[]): boolean {
  return domains.length > 0 && domains.length <= MAX_DOMAINS;
}

function instruct({ count, freshness, domains }: SearchRequest, now: number): string {
  const since = freshness === null ? "" : new Date(now - days[freshness] * 86_400_000).toISOString().slice(0, 10);
  const only = domains.length > MAX_DOMAINS ? `, only from ${domains.join(", ")}` : "";
  return `Search the web for the person's query. Then list up to ${count} pages that answer it best${since === "" ? "" : `, published since ${since}`}${only}, one line for each: what the page says, with its figures and dates, and its citation. Write nothing else.`;
}

interface Cited extends Record<string, unknown> {
  url: unknown;
  title?: unknown;
  passage?: string;
}

function readCited(item: Record<string, unknown>): Cited[] {
  if (item.type !== "message" || !Array.isArray(item.content)) return [];
  return item.content.filter(isRecord).flatMap(({ text, annotations }) => {
    if (typeof text !== "string" || !Array.isArray(annotations)) return [];
    return annotations
      .slice(0, MAX_CITATIONS)
      .filter((note) => asRecord(note)?.type === "url_citation")
      .filter(isRecord)
      .map(({ url, title, start_index }) => ({
        url: clean(url),
        title: isText(title) && /^\d{1,3}$/.test(title) ? "" : title,
        passage: passageBefore(text, start_index),
      }));
  });
}

function readSources({ type, action }: Record<string, unknown>): Cited[] {
  const sources = type === "web_search_call" ? at(action, "sources") : null;
  return Array.isArray(sources)
    ? sources.slice(0, MAX_CITATIONS).map((source) => ({ url: clean(at(source, "url")) }))
    : [];
}

function readAll(citations: unknown): Cited[] {
  return Array.isArray(citations) ? citations.slice(0, MAX_CITATIONS).map((url) => ({ url: clean(url) })) : [];
}

/** The line up to the citation, without its number or bullet, other citations on it, and the bracket that opens it. */
function passageBefore(text: string, start: unknown): string {
  if (typeof start !== "number") return "";
  const end = Math.max(0, start);
  const before = text.slice(Math.max(0, end - MAX_LINE), end);
  return before
    .slice(before.lastIndexOf("\n") + 1)
    .replace(/\(?\[{1,2}[^[\]]*\]{1,2}\([^)[]*\)\)?/g, " ")
    .replace(/^\s*(?:[-*•]|\d{1,2}[.)])\s+/, "")
    .replace(/(?<![\s([])[\s([]+$/, "");
}

function clean(url: unknown): unknown {
  return typeof url === "string" ? url.replace(/[?&]utm_source=openai(?=$|#)/, "") : url;
}
