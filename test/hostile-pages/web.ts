// The web that the hostile pages stand in, for the product's own tools: a search that finds them, and a `fetch` that
// serves their bodies with their types. Nothing leaves the machine.
import { vi } from "vitest";
import { toSourceUrl } from "../../src/agent/sources.ts";
import type { Tool } from "../../src/agent/tool.ts";
import { createFetchTools } from "../../src/tools/web/fetch.ts";
import { restingOf } from "../../src/tools/web/search/resting.ts";
import { createSearchTool } from "../../src/tools/web/search.ts";
import { noSettings } from "../fakes/settings.ts";
import type { HostilePage } from "./pages.ts";

export interface HostileWeb {
  tools: Tool[];
  /** Every address that was requested, in order. */
  requested: string[];
}

export function openWeb(pages: HostilePage[]): HostileWeb {
  const requested: string[] = [];
  const served = new Map(pages.map((page) => [toSourceUrl(page.url), page]));
  vi.stubGlobal("fetch", async (input: string | URL | Request) => {
    const url = new Request(input).url;
    requested.push(url);
    const page = served.get(url);
    if (page === undefined) return new Response("not found", { status: 404 });
    return new Response(page.body, { headers: { "content-type": page.type } });
  });
  const found = pages.map(({ url, title, passage = "" }) => ({ url, title, date: null, passage }));
  const service = { name: "tavily" as const, search: async () => ({ ok: true as const, pages: found }) };
  const rules = { private_origins: [], domains: { allow: [], deny: [] } };
  const search = createSearchTool([service as never], rules, {
    resting: restingOf(noSettings.search),
    sleep: async () => {},
  });
  return { tools: [search, ...createFetchTools(noSettings)], requested };
}
