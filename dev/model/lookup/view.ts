// What a research has found and read so far, from the results in the messages alone.
import type { Exchange } from "../conversation.ts";
import { type Goal, readTopic } from "../intent.ts";
import { excerpt } from "../result.ts";
import { findCaveats, findDifferences, findMisquotes, type Misquote } from "./compare.ts";
import { type FoundPage, hasOrders, type ReadPage, readFound, readPage } from "./pages.ts";
import { readFacts, readStatements, type Statement } from "./statements.ts";
import { isAbout, readTopicWords, type Topic } from "./topic.ts";

// A person waits for the pages, and the report quotes each of them.
const MAX_PAGES = 4;
const MAX_CAVEATS_PER_PAGE = 2;
// Each is compared with each of the other pages. A page with more is a table of data.
const MAX_FACTS_PER_PAGE = 100;
// Two tables that disagree do so in every row.
const MAX_DIFFERENCES = 5;

export interface View {
  topic: Topic;
  /** Queries that were answered, each once. */
  queries: string[];
  /** Results that speak of the topic, best first: the pages to read. */
  chosen: FoundPage[];
  pages: ReadPage[];
  unread: { page: FoundPage; why: string }[];
  facts: Statement[];
  differences: [Statement, Statement][];
  misquotes: Misquote[];
  caveats: Statement[];
  /** Pages that give orders to agents. */
  ordering: ReadPage[];
}

/** `exchanges` are those of this project. */
export function readView(goal: Goal, exchanges: Exchange[]): View {
  const topic = topicOf(goal);
  const searches = exchanges.filter(({ name, result }) => name === "web_search" && result.ok);
  const chosen = choose(
    topic,
    searches.flatMap(({ answer }) => readFound(answer)),
  );
  const fetches = exchanges.filter(({ name }) => name === "fetch_url");
  const pages = firstOfEach(fetches.flatMap(({ answer }) => readPage(answer) ?? []));
  const facts = pages.flatMap((page) => readFacts(page).slice(0, MAX_FACTS_PER_PAGE));
  return {
    topic,
    queries: [...new Set(searches.map((search) => readArgument(search, "query")))],
    chosen,
    pages,
    unread: chosen.flatMap((page) => {
      const failed = fetches.findLast((fetch) => readArgument(fetch, "url") === page.url && !fetch.result.ok);
      const isRead = pages.some(({ n }) => n === page.n);
      return failed && !isRead ? [{ page, why: withoutBrackets(excerpt(failed.result.text)) }] : [];
    }),
    facts,
    differences: findDifferences(facts).slice(0, MAX_DIFFERENCES),
    misquotes: findMisquotes(facts, pages).slice(0, MAX_DIFFERENCES),
    caveats: pages.flatMap((page) => findCaveats(readStatements(page)).slice(0, MAX_CAVEATS_PER_PAGE)),
    ordering: pages.filter(({ text }) => hasOrders(text)),
  };
}

/** Brackets of a person or a page would read as citations of ours. */
export function topicOf(goal: Goal): Topic {
  return readTopicWords(withoutBrackets(readTopic(goal)));
}

export function withoutBrackets(text: string): string {
  return text
    .replace(/[[\]【】［］]/g, " ")
    .replace(/ +/g, " ")
    .trim();
}

function choose(topic: Topic, found: FoundPage[]): FoundPage[] {
  return firstOfEach(found)
    .filter(({ text }) => isAbout(topic, text))
    .slice(0, MAX_PAGES);
}

function firstOfEach<Page extends { n: number }>(pages: Page[]): Page[] {
  return pages.filter(({ n }, index) => pages.findIndex((page) => page.n === n) === index);
}

function readArgument(exchange: Exchange, name: string): string {
  try {
    const value: unknown = (JSON.parse(exchange.arguments) as Record<string, unknown>)[name];
    return typeof value === "string" ? value : "";
  } catch {
    return "";
  }
}
