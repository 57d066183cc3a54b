// `web_search` and `fetch_url` over pages in memory: what a thread and a page see of the real ones. They fence what the
// web says, number it, name it as sources, and fetch only what was named.
import { z } from "zod";
import { escapeTags } from "../../src/agent/context/own-tags.ts";
import { type Source, toSourceUrl } from "../../src/agent/sources.ts";
import { defineTool, type Tool } from "../../src/agent/tool.ts";

export interface WebPage {
  title: string;
  text: string;
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
        return JSON.stringify(Object.entries(pages).map(([url, { title }]) => ({ url, title })));
      });
      const results = (JSON.parse(found) as { url: string; title: string }[]).map(({ url, title }) => ({
        ...{ n: sources.number(url), url: toSourceUrl(url) ?? url, title, date: null, read: null },
      }));
      return { content: results.map(fenceResult).join("\n"), is_error: false, sources: results };
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
        requested.push(url);
        await onRequest();
        return pages[key]?.text ?? "";
      });
      const page = pages[key];
      if (page === undefined) return { content: "The page does not exist (404).", is_error: true };
      const read = { at: new Date(now()).toISOString(), hash: await hashOf(text) };
      const source: Source = { n: sources.number(key), url: key, title: page.title, date: null, read };
      const content = `<web_content source="[${source.n}] ${new URL(key).host}">\n${clean(`${page.title}\n\n${text}`)}\n</web_content>`;
      return { content, is_error: false, sources: [source] };
    },
  });
  return { tools: [search, fetchUrl], requested, searched };
}

function fenceResult({ n, url, title }: Source): string {
  return `<web_content source="[${n}] ${new URL(url).host}">\n${clean(title ?? "")}\n${url}\n</web_content>`;
}

function clean(text: string): string {
  return escapeTags(text.replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu, ""));
}

async function hashOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
