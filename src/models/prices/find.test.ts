import { describe, expect, it } from "vitest";
import { readModelSettings } from "../../config/models.ts";
import { costOf, worstCost } from "../../protocol/money/price.ts";
import { findCallPrice, findPrice, listPrices, pricedHosts } from "./find.ts";
import { pricePages } from "./sources.ts";
import { priceLists } from "./table.ts";

const now = Date.parse("2026-11-28T00:00:00Z");

function priceAt(base_url: string, model: string, more: object = {}) {
  const settings = readModelSettings({ MODEL_SERVERS: { s: { base_url, ...more } } });
  expect(settings.problem).toBeNull();
  return findPrice(settings, `s/${model}`, now);
}

describe("the price of a model", () => {
  it("is its provider's, at the provider's address", () => {
    const settings = readModelSettings({ OPENAI_API_KEY: "k" });
    expect(findPrice(settings, "gpt-5", now)).toEqual({ input: 1.25, cached_input: 0.125, output: 10 });
    expect(findPrice(settings, "gpt-5-2025-08-07", now)).toEqual(findPrice(settings, "gpt-5", now));
    expect(findPrice(settings, "gpt-4o-2024-05-13", now)).toEqual({ input: 5, output: 15 });
    expect(findPrice(settings, "gpt-4o-2024-08-06", now)).toMatchObject({ input: 2.5 });
    expect(priceAt("https://api.deepseek.com", "deepseek-v4-pro")).toMatchObject({ input: 1.32, output: 3.96 });
    expect(priceAt("https://api.minimax.io/v1", "MiniMax-M3")).toMatchObject({ input: 0.3 });
    expect(priceAt("https://api.groq.com/openai/v1", "openai/gpt-oss-120b")).toMatchObject({ output: 0.6 });
    expect(priceAt("https://api.cloudflare.com/client/v4/accounts/a/ai/v1", "@cf/openai/gpt-oss-120b")).toMatchObject({
      output: 0.75,
    });
  });

  it("is the provider's behind Cloudflare's gateway", () => {
    const gateway = "https://gateway.ai.cloudflare.com/v1/account/gateway";
    expect(priceAt(`${gateway}/openai`, "gpt-5")).toMatchObject({ output: 10 });
    expect(priceAt(`${gateway}/compat`, "google-ai-studio/gemini-2.5-flash")).toMatchObject({ output: 2.5 });
    expect(priceAt(`${gateway}/compat`, "cerebras/gpt-5")).toBeNull();
    expect(priceAt(`${gateway}/azure-openai/x/gpt-5`, "gpt-5")).toBeNull();
    for (const other of ["openrouter", "custom-mine", "azure-openai/x/gpt-5"]) {
      expect(priceAt(`${gateway}/${other}`, "openai/gpt-5")).toBeNull();
      expect(priceAt(`${gateway}/${other}`, "workers-ai/@cf/openai/gpt-oss-120b")).toBeNull();
    }
  });

  it.each([
    ["a router", "https://openrouter.ai/api/v1", "openai/gpt-5"],
    ["a proxy", "https://llm.example.com/v1", "gpt-5"],
    ["a server on loopback", "http://127.0.0.1:4000/v1", "gpt-5"],
    ["a region that adds something", "https://eu.api.openai.com/v1", "gpt-5"],
    ["a provider's address for China", "https://api.moonshot.cn/v1", "kimi-k2.6"],
    ["a plan for coding", "https://api.z.ai/api/coding/paas/v4", "glm-5"],
    ["a model that nobody listed", "https://api.openai.com/v1", "gpt-99"],
    ["a fine-tuned model", "https://api.openai.com/v1", "ft:gpt-4o-mini:me::1"],
    ["an address that only begins so", "https://api.openai.com.evil.example/v1", "gpt-5"],
  ])("is unknown at %s", (_, base_url, model) => {
    expect(priceAt(base_url, model)).toBeNull();
    expect(priceAt(base_url, model, { provider: "openai" })).toBeNull();
  });

  it("is 0 on a machine of one's own that is named as such, and unknown if somebody else may run it", () => {
    for (const provider of ["ollama", "llama-cpp", "vllm"]) {
      expect(priceAt("http://127.0.0.1:11434/v1", "qwen3", { provider })).toEqual({ input: 0, output: 0 });
      expect(priceAt("http://gpu:8000/v1", "qwen3", { provider })).toEqual({ input: 0, output: 0 });
      expect(priceAt("https://llm.example.com/v1", "qwen3", { provider })).toBeNull();
    }
    expect(priceAt("https://ollama.com/v1", "qwen3")).toBeNull();
  });

  it("is what the operator says, before all others", () => {
    const settings = readModelSettings({ OPENAI_API_KEY: "k", MODEL_PRICES: '{"gpt-5": 3, "*": 0}' });
    expect(findPrice(settings, "gpt-5", now)).toEqual({ input: 3, output: 3 });
    expect(findPrice(settings, "gpt-5-mini", now)).toEqual({ input: 0, output: 0 });
  });

  it("is unknown where the operator asks for a service tier that costs more", () => {
    const { base_url, model } = { base_url: "https://api.openai.com/v1", model: "gpt-5" };
    expect(priceAt(base_url, model, { extra_body: { service_tier: "priority" } })).toBeNull();
    expect(priceAt(base_url, model, { extra_body: { service_tier: "flex" } })).not.toBeNull();
  });

  it("of a call whose agent asks for more than the usual service is the most that it can be", () => {
    const settings = readModelSettings({ OPENAI_API_KEY: "k", MODEL_PRICES: '{"own": 0, "two": 2}' });
    const rates = (name: string, extra_body: object) => findCallPrice(settings, name, { ...extra_body }, now);
    for (const more of [
      { service_tier: "priority" },
      { service_tier: "Priority" },
      { service_tier: "performance" },
      { speed: "fast" },
      { inference_geo: "us" },
    ]) {
      expect(rates("gpt-4.1", more)).toEqual({ input: 5, cached_input: 1.25, cache_write: 5, output: 20 });
      expect(rates("gpt-5.5", more)).toMatchObject({ input: 12.5, long: { over: 272_000, output: 112.5 } });
      expect(rates("two", more)).toMatchObject({ input: 5, output: 5 });
      expect(rates("own", more)).toMatchObject({ input: 0, output: 0 });
      expect(rates("gpt-99", more)).toBeNull();
    }
    for (const usual of [{}, { service_tier: "flex" }, { service_tier: "auto", speed: null }, { top_k: 5 }]) {
      expect(rates("gpt-4.1", usual)).toEqual(findPrice(settings, "gpt-4.1", now));
    }
  });

  it("changes on the day that its provider has announced", () => {
    const settings = readModelSettings({
      MODEL_SERVERS: { g: { base_url: "https://generativelanguage.googleapis.com" } },
    });
    expect(findPrice(settings, "g/gemini-3.8-flash", Date.parse("2026-12-31T23:59:59Z"))).toMatchObject({
      input: 0.75,
    });
    expect(findPrice(settings, "g/gemini-3.8-flash", Date.parse("2027-01-01T00:00:00Z"))).toMatchObject({ input: 1.5 });
  });

  it("is higher for all tokens of a long request", () => {
    const price = findPrice(readModelSettings({ OPENAI_API_KEY: "k" }), "gpt-5.5", now);
    expect(price).toMatchObject({ long: { over: 272_000, input: 10, cached_input: 1, output: 45 } });
    if (price === null) throw new Error("no price");
    const count = { cached_input_tokens: 0, output_tokens: 1_000 };
    expect(costOf(price, { input_tokens: 272_000, ...count })).toBe(1.39e9);
    expect(costOf(price, { input_tokens: 272_001, ...count })).toBe(2.76501e9);
    expect(worstCost(price, 272_001, 1_000)).toBe(2.76501e9);
  });
});

describe("the table of prices", () => {
  const servers = [...new Set(Object.values(pricedHosts))];

  it("has for each address a list, with a page of its provider and a day", () => {
    const titles = Object.keys(priceLists).map((title) => title.split(" "));
    expect(new Set(titles.map(([server]) => server))).toEqual(new Set(servers));
    expect(Object.keys(pricePages).toSorted()).toEqual(servers.toSorted());
    for (const [, as_of = ""] of titles) expect(Date.parse(as_of)).toBeLessThanOrEqual(now);
  });

  it("has each name once, in lower case, or once for each day from which on a price holds", () => {
    for (const server of servers) {
      const names = listPrices(server).flatMap(({ models, from }) => models.map((name) => `${name} ${from}`));
      expect(names.filter((name, at) => names.indexOf(name) !== at || name !== name.toLowerCase())).toEqual([]);
    }
  });

  it("is read whole: every line has names and numbers, and a cache is never dearer to read than the input", () => {
    const rows = servers.flatMap(listPrices);
    const lines = Object.values(priceLists).flatMap((text) => text.trim().split("\n"));
    expect(rows).toHaveLength(lines.length);
    for (const { models, price, from } of rows) {
      expect(models.every((name) => /^[a-z][\w.-]+$/.test(name))).toBe(true);
      for (const rates of [price, price.long ?? price]) {
        const { input, cached_input = input, cache_write = input, output } = rates;
        const numbers = [input, cached_input, cache_write, output];
        expect(numbers.every((rate) => Number.isFinite(rate) && rate >= 0)).toBe(true);
        expect(cached_input <= input && input <= cache_write && input <= output).toBe(true);
      }
      expect(price.long === undefined || price.long.over >= 100_000).toBe(true);
      expect(Date.parse(from)).not.toBeNaN();
    }
  });
});
