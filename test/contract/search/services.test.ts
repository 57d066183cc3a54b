// Every service against a strict server of its own: what we send is accepted, and each refusal and trouble is known for
// what it is.

import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freeSpending } from "../../../src/agent/spending.ts";
import { definitions } from "../../../src/tools/web/search/list.ts";
import { openService } from "../../../src/tools/web/search/open-service.ts";
import type {
  SearchFailureReason,
  SearchOutcome,
  SearchRequest,
} from "../../../src/tools/web/search/search-service.ts";
import { runCount } from "../../setup/run-count.ts";
import { type SearchServer, startSearchServer, type Trouble } from "./server.ts";
import { bocha } from "./strict/bocha.ts";
import { brave } from "./strict/brave.ts";
import { exa } from "./strict/exa.ts";
import { model } from "./strict/model.ts";
import { searxng } from "./strict/searxng.ts";
import { serper } from "./strict/serper.ts";
import { tavily } from "./strict/tavily.ts";
import { type KnownPage, NOW, type StrictService } from "./strict-service.ts";

const services = [tavily, brave, exa, serper, searxng, bocha, model];

const request: SearchRequest = { query: "edge databases", count: 10, freshness: null, domains: [] };
const pages: KnownPage[] = [
  { url: "https://example.com/a", title: "First", passage: "Latency of 12 ms in 2026." },
  { url: "https://例子.example/文/?q=1#part", title: "第二页", passage: "延迟为 12 毫秒。" },
];

it("has a strict server for each service", () => {
  expect(services.map(({ name }) => name).toSorted()).toEqual(Object.keys(definitions).toSorted());
});

/** Where a text, a number or a list belongs, something that can't become one, or not without an end. */
const deep = "[".repeat(100_000) + "]".repeat(100_000);
const answers = ['{"toString":1,"valueOf":1}', deep, "1e999", "null", "[null]", '""'].flatMap((odd) =>
  [
    '{"results":[{"url":"https://a.example/","title":X,"highlights":[X],"text":X,"publishedDate":X}]}',
    '{"code":X,"message":X,"tag":X,"status":X,"error":{"code":X,"meta":X}}',
    '{"error":{"meta":{"errors":[X,{"loc":X}]}},"errors":[X]}',
    '{"type":"search","web":{"results":[{"url":"https://a.example/","title":X,"page_age":X}]}}',
    '{"output":[X,{"type":"message","content":[{"text":"a","annotations":[X,{"type":"url_citation","start_index":X}]}]}]}',
    '{"code":"200","data":{"webPages":{"value":[{"url":"https://a.example/","name":X,"datePublished":X}]}}}',
    "X",
  ].map((shape) => shape.replaceAll("X", odd)),
);

it.each(Object.values(definitions))("$name reads an answer of any shape", ({ read, readRefusal }) => {
  for (const body of answers.map((text): unknown => JSON.parse(text))) {
    expect(() => read(body, NOW)).not.toThrow();
    expect(() => readRefusal?.({ status: 422, headers: new Headers(), body, retry_after_ms: null })).not.toThrow();
  }
});

describe.each(services)("$name", (strict: StrictService) => {
  let server: SearchServer;
  let other: SearchServer;

  beforeAll(async () => {
    [server, other] = await Promise.all([startSearchServer(strict), startSearchServer(strict)]);
  });
  afterAll(() => Promise.all([server.close(), other.close()]));
  beforeEach(() => {
    Object.assign(server, { account: "full", trouble: null, pages, asked: [], faults: [] });
  });

  function ask(
    changed: Partial<SearchRequest> = {},
    { key = server.key, limit_ms = 5000, signal = new AbortController().signal } = {},
  ): Promise<SearchOutcome> {
    const access = strict.readKey === null ? server.url : key;
    const service = openService(definitions[strict.name], { access, base_url: server.url, model: "model-1" });
    return service.search({ ...request, ...changed }, { now: NOW, limit_ms, spending: freeSpending, signal });
  }

  async function failureOf(trouble: Trouble, limit_ms = 5000): Promise<unknown> {
    server.trouble = trouble;
    const outcome = await ask({}, { limit_ms });
    return outcome.ok ? outcome : outcome.failure;
  }

  const failed = (reason: SearchFailureReason, status: number | null, retry_after_ms: number | null = null) => ({
    ok: false,
    failure: { reason, status, retry_after_ms },
  });

  it("accepts every request, whatever is asked for", async () => {
    const domain = fc.domain().map((name) => name.toLowerCase());
    const word = fc.oneof(
      fc.constantFrom("数据库", "site:", '"', "&q=", "%", "+", "🙂"),
      fc.string({ minLength: 1, maxLength: 12 }),
    );
    const query = fc
      .array(word, { minLength: 1, maxLength: 50 })
      .map((words) => words.join(" ").replace(/\s+/g, " ").slice(0, 400).trim().toWellFormed())
      .filter((text) => text !== "" && text.split(" ").length <= 50);
    await fc.assert(
      fc.asyncProperty(
        query,
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom(null, "day" as const, "week" as const, "month" as const, "year" as const),
        fc.array(domain, { maxLength: 10 }),
        async (query, count, freshness, domains) => {
          expect(await ask({ query, count, freshness, domains })).toMatchObject({ ok: true });
        },
      ),
      { numRuns: runCount(60) },
    );
    expect(server.faults).toEqual([]);
  });

  it("has a server that refuses a field too many, one too few, another type and a count above its limit", async () => {
    await ask({ freshness: "week", domains: ["example.com"] });
    const [asked] = server.asked;
    if (asked === undefined) throw new Error("nothing arrived");
    const isGet = strict.method === "GET";
    const given = isGet ? Object.fromEntries(asked.fields) : (asked.body as Record<string, unknown>);
    const faultWith = (changed: Record<string, unknown>) => {
      const whole = Object.entries({ ...given, ...changed }).filter(([, value]) => value !== undefined);
      const fields = new URLSearchParams(whole.map(([name, value]) => [name, String(value)]));
      return strict.findFault(isGet ? { ...asked, fields } : { ...asked, body: Object.fromEntries(whole) });
    };
    const query = Object.keys(given).find((name) => ["q", "query", "input"].includes(name)) ?? "";
    const counts = Object.keys(given).filter((name) => ["count", "num", "numResults", "max_results"].includes(name));
    expect(faultWith({})).toBeNull();
    expect(faultWith({ api_kye: "x" })).not.toBeNull();
    expect(faultWith({ [query]: undefined })).not.toBeNull();
    expect(faultWith({ [query]: isGet ? "" : 5 })).not.toBeNull();
    for (const name of counts)
      for (const count of [1000, -1, "ten"]) expect(faultWith({ [name]: count })).not.toBeNull();
    expect(counts).toHaveLength(strict.name === "searxng" || strict.name === "model" ? 0 : 1);
  });

  it("sends the query, the freshness and the domains where the service looks for them", async () => {
    await ask({ freshness: "week", domains: ["example.com", "example.org"] });
    await ask();
    const [limited = "", plain = ""] = server.asked.map(
      ({ fields, body }) => `${fields} ${JSON.stringify(body ?? null)}`,
    );
    expect(limited).toMatch(/edge(?:\+| )databases/);
    expect(limited).toMatch(/example\.com.*example\.org/);
    expect(limited).toMatch(/week|"qdr:w"|freshness=pw|2026-11-13T12:00:00\.000Z|oneWeek|since 2026-11-13/);
    expect(plain).not.toMatch(/example\.com|week|qdr|freshness=|startPublishedDate|oneWeek|published since/i);
  });

  it("sends its key in the documented place and nowhere else", async () => {
    await ask();
    const [asked] = server.asked;
    if (asked === undefined) throw new Error("nothing arrived");
    if (strict.readKey !== null) expect(strict.readKey(asked)).toBe(server.key);
    expect(`${asked.path}?${asked.fields} ${JSON.stringify(asked.body ?? null)}`).not.toContain(server.key);
  });

  it("reads pages in their order", async () => {
    expect(await ask()).toEqual({ ok: true, pages: pages.map((page) => ({ ...page, date: null })) });
  });

  it.each(strict.dates)("reads the date %j as %j", async (date, day) => {
    server.pages = [{ ...pages[0], date } as KnownPage];
    expect(await ask()).toMatchObject({ ok: true, pages: [{ date: day }] });
  });

  it("reads a passage without the marks of a results page", async () => {
    server.pages = [
      {
        url: "https://a.example/",
        title: "A &amp; B",
        passage: "<strong>Edge</strong> costs &lt; 5 &#x27;units&#39; in &quot;<div>&quot;",
      },
    ];
    expect(await ask()).toMatchObject({ pages: [{ title: "A & B", passage: "Edge costs < 5 'units' in \"<div>\"" }] });
  });

  it("takes no results for an answer", async () => {
    server.pages = [];
    expect(await ask()).toEqual({ ok: true, pages: [] });
  });

  it.runIf(strict.readKey !== null)("knows a missing and a wrong key", async () => {
    expect(await ask({}, { key: "another-key" })).toMatchObject({ ok: false, failure: { reason: "key_refused" } });
    const missing = strict.missingKey ?? { status: 0, body: "" };
    server.trouble = { kind: "status", status: missing.status, body: JSON.stringify(missing.body) };
    expect(await ask()).toMatchObject({ ok: false, failure: { reason: "key_refused" } });
  });

  it.runIf(strict.emptyAccount !== null)("knows an empty account, which is no rate limit", async () => {
    server.account = "empty";
    expect(await ask()).toMatchObject({ ok: false, failure: { reason: "account_empty" } });
  });

  it("knows a rate limit, and for how long as far as the service says", async () => {
    server.account = "limited";
    expect(await ask()).toEqual(failed("rate_limited", 429, strict.limitedFor));
  });

  it("knows a query that is refused", async () => {
    const refused = strict.badRequest("q: too long");
    server.trouble = {
      kind: "status",
      status: refused.status,
      body: typeof refused.body === "string" ? refused.body : JSON.stringify(refused.body),
    };
    expect(await ask()).toEqual(failed("bad_request", refused.status));
  });

  it.each([500, 502, 503, 529])("knows that it is down by status %i, in HTML too", async (status) => {
    const body = `<html>${status}</html>`;
    expect(await failureOf({ kind: "status", status, body })).toMatchObject({ reason: "unavailable", status });
  });

  it.each<[string, Trouble]>([
    ["HTML", { kind: "html" }],
    ["nothing", { kind: "empty" }],
    ["more than two megabytes", { kind: "huge" }],
    ["an answer without end", { kind: "endless" }],
    ["null", { kind: "body", body: null }],
    ["a list", { kind: "body", body: [] }],
    ["an empty object", { kind: "body", body: {} }],
    ["another thing's answer", { kind: "body", body: { status: "ok", results: 5, web: [], organic: {}, data: 1 } }],
  ])("can't read %s", async (_what, trouble) => {
    expect(await failureOf(trouble)).toMatchObject({ reason: "unreadable", status: 200 });
  });

  it("leaves out what is no page", async () => {
    const known = strict.answer(pages, server.asked[0] ?? { ...emptyAsked });
    const list = findList(known);
    list.unshift(null, 5, "x", {}, { url: 7, link: [] }, { url: null, title: "t" });
    server.trouble = { kind: "body", body: known };
    const outcome = await ask();
    expect(outcome.ok && outcome.pages.map(({ url }) => url)).toEqual(pages.map(({ url }) => url));
  });

  it.each(["drip", "silence"] as const)("ends at its limit with a server of %s", async (kind) => {
    expect(await failureOf({ kind }, 100)).toMatchObject({ reason: "timeout" });
  });

  it.each(["cut", "hangup"] as const)("knows a connection with a %s", async (kind) => {
    expect(await failureOf({ kind })).toMatchObject({ reason: "unreachable" });
  });

  it("knows that nobody listens", async () => {
    const service = openService(definitions[strict.name], {
      access: "http://127.0.0.1:9",
      base_url: "http://127.0.0.1:9",
    });
    const options = { now: NOW, limit_ms: 5000, spending: freeSpending, signal: new AbortController().signal };
    expect(await service.search(request, options)).toEqual(failed("unreachable", null));
  });

  it.each([301, 302, 303, 307, 308])("follows no redirect with its key (%i)", async (status) => {
    const location = `${other.url}${strict.path}`;
    expect(await failureOf({ kind: "redirect", status, location })).toMatchObject({ reason: "moved", status });
    expect(other.asked).toEqual([]);
  });

  it("is aborted with its request, before and while it is answered", async () => {
    const reason = new Error("the run was cancelled");
    const before = ask({}, { signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);
    expect(server.asked).toEqual([]);

    server.trouble = { kind: "drip" };
    const controller = new AbortController();
    // The limit alone would end it too, but not within this test's time.
    const during = ask({}, { signal: controller.signal, limit_ms: 60_000 });
    await expect.poll(() => server.asked.length).toBe(1);
    controller.abort(reason);
    await expect(during).rejects.toBe(reason);
    await server.abandoned;
  });
});

const emptyAsked = {
  method: "",
  path: "",
  fields: new URLSearchParams("q=x"),
  headers: {},
  body: { query: "x", q: "x" },
};

/** The one list with pages in an answer. */
function findList(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const fields = value as Record<string, unknown>;
  for (const name of ["results", "organic", "value", "web", "data", "webPages", "output"]) {
    const inner = fields[name];
    if (inner !== null && typeof inner === "object") return findList(inner);
  }
  throw new Error("no list");
}
