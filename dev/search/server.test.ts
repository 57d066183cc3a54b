import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freeSpending } from "../../src/agent/spending.ts";
import { openService } from "../../src/tools/web/search/open-service.ts";
import type { Freshness } from "../../src/tools/web/search/search-service.ts";
import { searxng } from "../../src/tools/web/search/searxng.ts";
import { searxng as strict } from "../../test/contract/search/strict/searxng.ts";
import { loadCorpus } from "./corpus.ts";
import { type RunningSearch, startSearch } from "./server.ts";

const now = Date.UTC(2026, 6, 20);
let search: RunningSearch;

beforeAll(async () => {
  search = await startSearch({ port: 0, now: () => now });
});
afterAll(() => search.close());

async function find(query: string, freshness: Freshness | null = null, domains: string[] = []) {
  const options = { now, limit_ms: 5000, spending: freeSpending, signal: new AbortController().signal };
  const outcome = await openService(searxng, { access: search.url }).search(
    { query, count: 10, freshness, domains },
    options,
  );
  if (!outcome.ok) throw new Error(outcome.failure.reason);
  return outcome.pages.map((page) => ({ ...page, name: page.url.replace(`${search.url}/`, "") }));
}
const get = (path: string) => fetch(`${search.url}${path}`);

describe("the stand-in search", () => {
  it.each([
    ["remote work Europe survey", "remote-work-survey-2026.html"],
    ["How much does an empty office desk cost?", "office-space-costs.html"],
    ["edge database latency", "edge-latency-measured.html"],
    ["2026 年新能源汽车销量", "xin-neng-yuan-qi-che.html"],
    ["调研远程办公", "yuan-cheng-ban-gong.html"],
    ["茶叶市场报告", "cha-ye-shi-chang.html"],
  ])("finds for %j first %s", async (query, name) => {
    expect((await find(query))[0]?.name).toBe(name);
  });

  it("finds nothing for what no page says", async () => {
    expect(await find("submarine cable repair ships")).toEqual([]);
    expect(await find("量子计算芯片")).toEqual([]);
  });

  it("has a title, a day and a passage of each page", async () => {
    const [page] = await find("tea 茶叶 产量");
    expect(page).toMatchObject({ title: expect.stringContaining("茶叶市场") as unknown, date: "2026-02-26" });
    expect(page?.passage).toContain("产量");
  });

  it("keeps to a time range and to sites", async () => {
    expect((await find("新能源汽车", "week")).map(({ name }) => name)).toEqual(["xin-neng-yuan-qi-che.html"]);
    expect(await find("remote work", "week")).toEqual([]);
    expect(await find("remote work", null, ["example.com"])).toEqual([]);
    expect((await find("remote work", null, ["127.0.0.1"])).length).toBeGreaterThan(1);
  });

  it("answers in the form of the strict SearXNG, with no field that this one lacks", async () => {
    const body = (await (await get("/search?format=json&q=remote+work")).json()) as Record<string, unknown>;
    const known = { url: "https://a.example/", title: "A", passage: "a" };
    const asked = { method: "GET", path: "/search", fields: new URLSearchParams("q=x"), headers: {}, body: undefined };
    const form = strict.answer([known], asked) as Record<string, unknown>;
    expect(Object.keys(body).toSorted()).toEqual(Object.keys(form).toSorted());
    const keysOf = (answer: Record<string, unknown>) => Object.keys((answer.results as object[])[0] ?? {}).toSorted();
    expect(keysOf(body)).toEqual(keysOf(form));
  });

  it.each([
    ["/search?format=json", 400],
    ["/search?format=json&q=x&time_range=fortnight", 400],
    ["/search?format=json&q=x&pageno=0", 400],
    ["/search?format=json&q=x&language=English", 400],
    ["/search?format=csv&q=x", 403],
    ["/search?format=json&q=x&unknown=1", 200],
    ["/nothing.html", 404],
    ["/../package.json", 404],
    ["/search?q=%3Cscript%3E", 200],
  ])("answers %s with %i", async (path, status) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain("<script>");
  });

  it("serves each page of the corpus as it is, with nothing that could run", async () => {
    for (const { name, html, published, title, description, text } of await loadCorpus()) {
      const response = await get(`/${name}`);
      expect([response.status, await response.text()]).toEqual([200, html]);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect({ name, published, title, description }).not.toContain("");
      expect(Number.isNaN(Date.parse(published ?? ""))).toBe(false);
      expect(text.length).toBeGreaterThan(150);
      expect(html).toMatch(/invented\.|虚构。/);
    }
  });

  it("has no link to a page of its own that is missing", async () => {
    const pages = await loadCorpus();
    const names = new Set(pages.map(({ name }) => name));
    const links = pages.flatMap(({ html }) =>
      [...html.matchAll(/href="\/?([a-z\d-]+\.html)/g)].map(([, name]) => name),
    );
    expect(links.filter((name) => !names.has(name ?? ""))).toEqual([]);
    expect(pages).toHaveLength(12);
  });
});
