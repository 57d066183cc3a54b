// What the search of a model's provider may cost, against a strict server of it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import type { Allowance } from "../../../src/agent/spending.ts";
import { definitions } from "../../../src/tools/web/search/list.ts";
import { openService } from "../../../src/tools/web/search/open-service.ts";
import { createResting } from "../../../src/tools/web/search/resting.ts";
import { createSearchTool } from "../../../src/tools/web/search.ts";
import { callTool } from "../../fakes/call-tool.ts";
import { CheckedSpending } from "../../fakes/checked-spending.ts";
import { type SearchServer, startSearchServer } from "./server.ts";
import { model } from "./strict/model.ts";
import { tavily } from "./strict/tavily.ts";

let server: SearchServer;
let other: SearchServer;
let bodies: Record<string, unknown>[] = [];

beforeAll(async () => {
  [server, other] = await Promise.all([startSearchServer(model), startSearchServer(tavily)]);
});
afterAll(() => Promise.all([server.close(), other.close()]));
beforeEach(() => {
  const pages = [{ url: "https://a.example/", title: "A", passage: "Words." }];
  Object.assign(server, { account: "full", trouble: null, pages, asked: [], faults: [] });
  Object.assign(other, { account: "full", trouble: null, pages, asked: [], faults: [] });
  vi.spyOn(console, "warn").mockImplementation(() => {});
  bodies = [];
  const real = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    bodies.push(JSON.parse(String(init?.body)) as Record<string, unknown>);
    return real(input, init);
  });
});
afterEach(() => vi.restoreAllMocks());

function search(spending: CheckedSpending, names: ("model" | "tavily")[] = ["model"]) {
  const at = { model: "model-1", full_name: "openai/model-1" };
  const services = names.map((name) =>
    name === "model"
      ? openService(definitions.model, { access: server.key, base_url: server.url, ...at })
      : openService(definitions.tavily, { access: other.key, base_url: other.url }),
  );
  const rules = { private_origins: [], domains: { allow: [], deny: [] } };
  const tool = createSearchTool(services, rules, { resting: createResting(), sleep: async () => {} });
  return callTool([tool], "web_search", { query: "edge databases" }, { spending });
}

it("is reserved under the model's full name and settled with what its provider counted", async () => {
  const spending = new CheckedSpending();
  expect(await search(spending)).toMatchObject({ is_error: false });
  expect(spending.calls).toMatchObject([{ planned: { model: "openai/model-1" }, end: "settled" }]);
  expect(spending.used).toBe(9400);
  expect(bodies[0]).not.toHaveProperty("max_output_tokens");
});

it("sends what a cap leaves as the limit of its reply", async () => {
  const spending = new CheckedSpending(130_500);
  expect(await search(spending)).toMatchObject({ is_error: false });
  expect(bodies[0]).toMatchObject({ max_output_tokens: 2500 });
});

it("is not made when a cap leaves too little, and another service is asked", async () => {
  const spending = new CheckedSpending(100_000);
  const alone = await search(spending);
  expect(alone).toMatchObject({ is_error: true, content: expect.stringContaining("may still spend") });
  expect(server.asked).toEqual([]);
  expect(await search(spending, ["model", "tavily"])).toMatchObject({ is_error: false });
  expect([server.asked.length, other.asked.length]).toEqual([0, 1]);
  expect(spending.calls).toEqual([]);
});

it("costs nothing when it is refused, and its worst case when it breaks off", async () => {
  const limited = new CheckedSpending();
  server.account = "empty";
  await search(limited);
  expect(limited.calls.map(({ end }) => end)).toEqual(["free"]);
  const cut = new CheckedSpending();
  server.account = "full";
  server.trouble = { kind: "cut" };
  await search(cut);
  expect(cut.calls.map(({ end }) => end)).toEqual(["charged"]);
});

it.each<[string, Allowance, string[]]>([
  ["refused", { kind: "cancelled" }, []],
  ["granted", { kind: "granted", call_id: "call_1", max_output_tokens: null }, ["free"]],
])(
  "is not made once the call was stopped while it waited for its reservation, which was %s",
  async (_, answer, ends) => {
    const stop = new AbortController();
    const spending = new CheckedSpending();
    spending.answer = async () => {
      stop.abort(new DOMException("stopped", "AbortError"));
      return answer;
    };
    const service = openService(definitions.model, { access: server.key, base_url: server.url, model: "model-1" });
    const request = { query: "x", count: 10, freshness: null, domains: [] };
    const options = { now: 0, limit_ms: 5000, spending, signal: stop.signal };
    await expect(service.search(request, options)).rejects.toThrow("stopped");
    expect(server.asked).toEqual([]);
    expect(spending.calls.map(({ end }) => end)).toEqual(ends);
  },
);
