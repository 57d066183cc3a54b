// `web_search` over a service that a test writes.

import type { ToolContext } from "../../src/agent/tool.ts";
import type { DomainRules } from "../../src/tools/web/domains.ts";
import { createResting } from "../../src/tools/web/search/resting.ts";
import type {
  FoundPage,
  SearchFailure,
  SearchRequest,
  SearchService,
} from "../../src/tools/web/search/search-service.ts";
import { createSearchTool } from "../../src/tools/web/search.ts";
import { callTool } from "./call-tool.ts";

export const everywhere: DomainRules = { allow: [], deny: [] };

interface Stage {
  requests: SearchRequest[];
  call(input: object, context?: Partial<ToolContext>): ReturnType<typeof callTool>;
}

/** A tool with one service that answers with these pages, or fails. */
export function stage(
  answer: Partial<FoundPage>[] | SearchFailure["reason"],
  { domains = everywhere, private_origins = [] as string[] } = {},
): Stage {
  const requests: SearchRequest[] = [];
  const service: SearchService = {
    name: "brave",
    search: async (request) => {
      requests.push(request);
      if (typeof answer === "string")
        return { ok: false, failure: { reason: answer, status: 401, retry_after_ms: null } };
      const pages = answer.map((page) => ({ url: "", title: "", date: null, passage: "", ...page }));
      return { ok: true, pages };
    },
  };
  const means = { resting: createResting(), sleep: async () => {} };
  const tool = createSearchTool([service], { domains, private_origins }, means);
  return { requests, call: (input, context) => callTool([tool], "web_search", input, context) };
}

export const pages = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ url: `https://a.example/${index}`, title: `Page ${index}` }));
