// What a search says that finds nothing, or that fails.
import { describe, expect, it } from "vitest";
import { callTool } from "../../../test/fakes/call-tool.ts";
import { everywhere, stage } from "../../../test/fakes/searched-web.ts";
import { createResting } from "./search/resting.ts";
import type { SearchFailure, SearchService } from "./search/search-service.ts";
import { createSearchTool } from "./search.ts";

describe("a search without results", () => {
  it("says what to change in this query", async () => {
    const { call } = stage([]);
    expect((await call({ query: "x" })).content).toBe("No results. Use fewer or other words, or another language.");
    expect((await call({ query: "x", freshness: "day", domains: ["a.example"] })).content).toBe(
      "No results. Use fewer or other words, or another language. Leave freshness out: many pages have no date. Leave domains out.",
    );
  });

  it.each<[SearchFailure["reason"], RegExp]>([
    [
      "key_refused",
      /does not work on this server until its operator mends it, so don't try it again\. Tell the person/,
    ],
    ["account_empty", /does not work on this server until its operator/],
    ["moved", /does not work on this server until its operator/],
    ["format_refused", /does not work on this server until its operator/],
    ["setup_refused", /does not work on this server until its operator/],
    ["unreadable", /does not work on this server until its operator/],
    ["rate_limited", /limit of requests\. Do other work for 10 s, then make this call again/],
    ["timeout", /did not answer\. Make this call once more a little later/],
    ["unavailable", /did not answer/],
    ["unreachable", /did not answer/],
    ["bad_request", /did not accept this query\. Write it as a few keywords/],
  ])("because of %s says what to do, and nothing of the operator's", async (reason, words) => {
    const { content, is_error } = await stage(reason).call({ query: "the query" });
    expect(is_error).toBe(true);
    expect(content).toMatch(words);
    expect(content).not.toMatch(/brave|api|\bkey\b|account|http|401|the query/i);
    if (reason !== "bad_request") expect(content).toContain("make up no source");
  });

  it("throws the reason of a cancelled run, which is no failure of the search", async () => {
    const service: SearchService = {
      name: "exa",
      search: async (_request, { signal }) => {
        signal.throwIfAborted();
        return { ok: true, pages: [] };
      },
    };
    const rules = { domains: everywhere, private_origins: [] };
    const tool = createSearchTool([service], rules, {
      resting: createResting(),
      sleep: async () => {},
    });
    const reason = new Error("cancelled");
    const call = callTool([tool], "web_search", { query: "x" }, { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
  });
});
