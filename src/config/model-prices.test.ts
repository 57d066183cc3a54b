import { describe, expect, it } from "vitest";
import { findRule, readModelPrices } from "./model-prices.ts";
import { readModelSettings } from "./models.ts";

const SECRET = "sk-canary-0123456789";

function read(value: unknown) {
  return readModelPrices(typeof value === "string" ? value : JSON.stringify(value));
}

describe("MODEL_PRICES", () => {
  it("gives a price by name, as a number for both or with what a cache costs", () => {
    const full = { input: 1.25, cached_input: 0.125, cache_write: 2, output: 10 };
    const rules = read({ "gpt-5": full, "router/qwen/qwen3": 0.5, "local/*": 0 });
    expect(rules).toEqual([
      { pattern: "gpt-5", price: full },
      { pattern: "router/qwen/qwen3", price: { input: 0.5, output: 0.5 } },
      { pattern: "local/*", price: { input: 0, output: 0 } },
    ]);
    expect(readModelSettings({ MODEL_PRICES: '{"a": 1}' })).toMatchObject({
      problem: null,
      prices: [{ pattern: "a" }],
    });
    expect(readModelSettings({})).toMatchObject({ problem: null, prices: [] });
  });

  it("takes the most exact name", () => {
    const rules = read({ "*": 1, "router/*": 2, "router/qwen*": 3, "router/qwen3": 4, "*qwen3": 5 });
    const found = ["gpt-5", "router/glm", "router/qwen4", "router/qwen3", "Router/Qwen3", "x/qwen3"];
    expect(found.map((name) => findRule(rules, name)?.input)).toEqual([1, 2, 3, 4, 4, 5]);
    expect(findRule(read({ "a/*": 1 }), "a")).toBeNull();
    expect(findRule(read({ "GPT-5*": 1 }), "gpt-5-MINI")).toMatchObject({ input: 1 });
    expect(findRule(read({ "gpt-5*": 1 }), "gpt-5-mini,claude-opus-5")).toBeNull();
    expect(findRule([], "a")).toBeNull();
  });

  it.each<[string, unknown]>([
    ["is no JSON", "{"],
    ["is a list", [1]],
    ["has a text for a price", { a: SECRET }],
    ["has a negative price", { a: -1 }],
    ["has a price that no model has", { a: 10_001 }],
    ["has no output", { a: { input: 1 } }],
    ["has an unknown field", { a: { input: 1, output: 1, [SECRET]: 1 } }],
    ["has a name with a space", { [`${SECRET} `]: 1 }],
    ["has a name twice", '{"a": 1, "a": 2}'],
    ["has too many names", Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`m${n}`, 1]))],
  ])("that %s fails every run with a sentence", (_, value) => {
    const MODEL_PRICES = typeof value === "string" ? value : JSON.stringify(value);
    const { problem, servers } = readModelSettings({ OPENAI_API_KEY: "k", MODEL_PRICES });
    expect(problem).toMatch(/^The server's setting MODEL_PRICES .*\.$/);
    expect(problem).not.toContain("canary");
    expect(servers.size).toBe(0);
  });
});
