// `web_search` and `fetch_url` over pages in memory: what a thread and a page see of the real ones. They fence what the
// web says, number it, name it as sources, and fetch only what was named.
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Source, toSourceUrl } from "../../src/agent/sources.ts";
import { defineTool, type Tool } from "../../src/agent/tool.ts";
import { cleanLine, fence } from "../../src/tools/web/fence.ts";

export interface WebPage {
  title: string;
  text: string;
  /** What a search shows of it. */
  passage?: string;
}

export interface MemoryWeb {
  tools: Tool[];
  /** Every address that was requested, in order. */
  requested: string[];
  /** Every query that was sent to the search. */
  searched: string[];
}

const common = { kind: "work", read_only: true, recovery: "repeat", time_limit_ms: 10_000 } as const;

/** `onRequest`: called before a page is given, for a test that ends the life there. */
export function memoryWeb(pages: Record<string, WebPage>, onRequest: () => Promise<void> = async () => {}): MemoryWeb {
  const requested: string[] = [];
  const searched: string[] = [];
  const search = defineTool({
    ...common,
    name: "web_search",
    description: "Searches the web.",
    schema: z.object({ query: z.string() }),
    execute: async ({ query }, { sources, cache }) => {
      const found = await cache(`search ${query}`, async () => {
        searched.push(query);
        await onRequest();
        return JSON.stringify(Object.entries(pages).map(([url, page]) => ({ url, ...page })));
      });
      const results = (JSON.parse(found) as (WebPage & { url: string })[]).map(({ url, title, passage = "" }) => ({
        source: { n: sources.number(url), url: toSourceUrl(url) ?? url, title, date: null, read: null },
        passage,
      }));
      const content = results.map(({ source, passage }) =>
        fenceOf(source, `${cleanLine(source.title, 300)}\n${source.url}\n${passage}`),
      );
      return {
        content: `Results for ${JSON.stringify(query)}:\n${content.join("\n")}`,
        is_error: false,
        sources: results.map(({ source }) => source),
      };
    },
  });
  const fetchUrl = defineTool({
    ...common,
    name: "fetch_url",
    description: "Reads a page.",
    schema: z.object({ url: z.string() }),
    execute: async ({ url }, { sources, cache, now }) => {
      if (!sources.isNamed(url))
        return { content: "Not fetched: no person and no result has named this address.", is_error: true };
      const key = toSourceUrl(url) ?? url;
      const text = await cache(`page ${key}`, async () => {
        // A fragment never leaves the machine.
        requested.push(key);
        await onRequest();
        return pages[key]?.text ?? "";
      });
      const page = pages[key];
      if (page === undefined) return { content: "The page does not exist (404).", is_error: true };
      const read = { at: new Date(now()).toISOString(), hash: hashOf(text) };
      const source: Source = { n: sources.number(key), url: key, title: page.title, date: null, read };
      return {
        content: fenceOf(source, `${page.title}\n\n${text}`),
        is_error: false,
        sources: [source],
        names_addresses: true,
      };
    },
  });
  return { tools: [search, fetchUrl], requested, searched };
}

function fenceOf({ n, url }: Source, text: string): string {
  return fence({ n, host: new URL(url).host }, text);
}

/** At once, so that a test that counts turns does not wait for a thread of the runtime. */
function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
