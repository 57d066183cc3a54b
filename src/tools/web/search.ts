// Searches the web with the services that the operator set up. A query is paid once in a run, however often and with
// whatever count it is made.
import type { Source } from "../../agent/sources.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult } from "../../agent/tool.ts";
import type { Config } from "../../config.ts";
import { cleanLine, fence } from "./fence.ts";
import type { WebRules } from "./readable.ts";
import { type Asking, askInOrder, SEARCH_LIMIT_MS } from "./search/ask-in-order.ts";
import { choosePages } from "./search/choose-pages.ts";
import { describeFailures, describeNone } from "./search/describe.ts";
import { MAX_COUNT, MAX_DOMAINS, type SearchInput, searchInput } from "./search/input.ts";
import { openServices } from "./search/list.ts";
import { restingOf } from "./search/resting.ts";
import type { FoundPage, SearchFailure, SearchRequest, SearchService } from "./search/search-service.ts";
import { sleep } from "./sleep.ts";

type Means = Pick<Asking, "resting" | "sleep">;

/** The services end before, so that the model reads why. */
const TIME_LIMIT_MS = SEARCH_LIMIT_MS + 5000;

/** Enough to judge whether a page is worth reading, and ten of them leave room in the context. */
const TITLE_CHARACTERS = 160;
const PASSAGE_CHARACTERS = 500;

/**
 * A deployment without a search has no such tool. Where a setting of the web is wrong, `fetch.domains` may lack what the
 * operator forbids, so nothing is searched.
 */
export function createSearchTools({ search, fetch }: Pick<Config, "search" | "fetch">): Tool[] {
  if (search.services.length === 0 && search.problem === null) return [];
  const problem = search.problem ?? fetch.problem;
  if (problem !== null) return [searchTool(async () => refuse(describeProblem(problem)))];
  const rules = { private_origins: search.private_origins, domains: fetch.domains };
  return [createSearchTool(openServices(search), rules, { resting: restingOf(search), sleep })];
}

export function createSearchTool(services: SearchService[], rules: WebRules, means: Means): Tool {
  return searchTool(async (input, context) => {
    const request = toRequest(input, rules);
    try {
      const found = await context.cache(keyOf(request), () =>
        ask(askingFor(context, { ...means, services }), request, context.signal),
      );
      return show(JSON.parse(found) as FoundPage[], input, rules, context);
    } catch (error) {
      if (!(error instanceof SearchFailed)) throw error;
      return refuse(describeFailures(error.failures));
    }
  });
}

function askingFor({ now, spending, takeUse }: ToolContext, own: Means & Pick<Asking, "services">): Asking {
  return { ...own, now, spending, take: takeUse };
}

function searchTool(execute: (input: SearchInput, context: ToolContext) => Promise<ToolResult>): Tool {
  return defineTool({
    name: "web_search",
    description:
      "Search the web for figures, news, versions, prices and other facts that may have changed or that you are not sure of; not for what you have here already, nor for a page whose address you know. Results have the number that an answer cites: [3]. A few keywords find more than a sentence. A passage is a part of its page, chosen for the query. Put nothing private in a query.",
    schema: searchInput,
    kind: "work",
    read_only: true,
    recovery: "repeat",
    time_limit_ms: TIME_LIMIT_MS,
    execute,
  });
}

/** What `make` of the cache throws, since only an answer is kept. */
class SearchFailed extends Error {
  readonly failures: SearchFailure[];

  constructor(failures: SearchFailure[]) {
    super("no service answered");
    this.failures = failures;
  }
}

async function ask(asking: Asking, request: SearchRequest, signal: AbortSignal): Promise<string> {
  const asked = await askInOrder(asking, request, signal);
  if (!asked.ok) throw new SearchFailed(asked.failures);
  return JSON.stringify(asked.pages);
}

/**
 * Always asks for as many as may be shown: it costs the same, some are left out, and another count is no other query.
 * Where the operator allows only some domains, a search anywhere would find nothing that may be shown. More than fit in
 * a query are not asked for, since naming a part of them would hide the others.
 */
function toRequest({ query, freshness, domains }: SearchInput, { domains: { allow } }: WebRules): SearchRequest {
  const named = domains ?? [];
  return {
    query,
    count: MAX_COUNT,
    freshness: freshness ?? null,
    domains: named.length > 0 || allow.length > MAX_DOMAINS ? named : allow,
  };
}

function keyOf({ query, freshness, domains }: SearchRequest): string {
  return `search ${JSON.stringify([query.toLowerCase(), freshness, domains.toSorted()])}`;
}

function show(
  found: FoundPage[],
  { query, count, freshness, domains = [] }: SearchInput,
  rules: WebRules,
  { sources }: ToolContext,
): ToolResult {
  const chosen = choosePages(found, domains, rules, count);
  const details = { query, results: chosen.pages.length };
  if (chosen.pages.length === 0) {
    const given = { freshness: freshness ?? null, domains };
    return { content: describeNone(given, chosen), is_error: false, details };
  }
  const shown = chosen.pages.map((page) => ({ n: sources.number(page.url), ...clean(page) }));
  return {
    content: shown.map(describePage).join("\n"),
    is_error: false,
    details,
    sources: shown.map(({ n, url, title, date }): Source => ({ n, url, title: title || null, date, read: null })),
  };
}

function clean({ url, title, date, passage }: FoundPage): FoundPage {
  return { url, title: cleanLine(title, TITLE_CHARACTERS), date, passage: cleanLine(passage, PASSAGE_CHARACTERS) };
}

function describePage({ n, url, title, date, passage }: FoundPage & { n: number }): string {
  const lines = [title || "(without a title)", url, date === null ? "" : `Date: ${date}`, passage];
  return fence({ n, host: new URL(url).host }, lines.filter((line) => line !== "").join("\n"));
}

function describeProblem(problem: string): string {
  return `The search is not set up right on this server, so don't try it again. Tell the person, for its operator: ${problem}`;
}

function refuse(content: string): ToolResult {
  return { content, is_error: true };
}
