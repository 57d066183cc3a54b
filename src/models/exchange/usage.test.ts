// Counting as providers do: the forms that they document, each with the arithmetic of its own bill.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOf, type Price } from "../../protocol/money/price.ts";
import { readUsage } from "./reply.ts";

const price: Price = { input: 2, cached_input: 0.2, cache_write: 2.5, output: 10 };

/** What a request was, apart from how somebody writes it down. */
interface Work {
  fresh: number;
  cached: number;
  written: number;
  reasoning: number;
  text: number;
}

const count = fc.integer({ min: 0, max: 400_000 });
/** A request is never empty; a count without input says that nothing was counted. `written` is not in every form. */
const work = fc
  .record({ fresh: count, cached: count, written: count, reasoning: count, text: count })
  .filter(({ fresh, cached }) => fresh + cached > 0);

/** In nanodollars, as every provider charges for it. */
function bill({ fresh, cached, written, reasoning, text }: Work): number {
  const rates = [fresh * 2000, cached * 200, written * 2500, (reasoning + text) * 10_000];
  return rates.reduce((sum, each) => sum + each, 0);
}

type Form = (work: Work) => Record<string, unknown>;

const forms: Record<string, Form> = {
  "OpenAI's chat completions": ({ fresh, cached, written, reasoning, text }) => ({
    prompt_tokens: fresh + cached + written,
    completion_tokens: reasoning + text,
    total_tokens: fresh + cached + written + reasoning + text,
    prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0 },
  }),
  "OpenAI's Responses": ({ fresh, cached, written, reasoning, text }) => ({
    input_tokens: fresh + cached + written,
    input_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
    output_tokens: reasoning + text,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: fresh + cached + written + reasoning + text,
  }),
  "LiteLLM's for Claude": ({ fresh, cached, written, reasoning, text }) => ({
    prompt_tokens: fresh + cached + written,
    completion_tokens: reasoning + text,
    total_tokens: fresh + cached + written + reasoning + text,
    prompt_tokens_details: { cached_tokens: cached, cache_creation_tokens: written },
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: written,
  }),
  "Anthropic's own": ({ fresh, cached, written, reasoning, text }) => ({
    input_tokens: fresh,
    cache_read_input_tokens: cached,
    cache_creation_input_tokens: written,
    output_tokens: reasoning + text,
  }),
  "a relay's that leaves the cache out of the input, not out of the total": (work) => ({
    prompt_tokens: work.fresh,
    completion_tokens: work.reasoning + work.text,
    total_tokens: work.fresh + work.cached + work.written + work.reasoning + work.text,
    cache_read_input_tokens: work.cached,
    cache_creation_input_tokens: work.written,
  }),
  "Qwen's with marks": ({ fresh, cached, written, reasoning, text }) => ({
    prompt_tokens: fresh + cached + written,
    completion_tokens: reasoning + text,
    total_tokens: fresh + cached + written + reasoning + text,
    prompt_tokens_details: { cached_tokens: cached, cache_creation_input_tokens: written },
  }),
};

const unwritten: Record<string, Form> = {
  "DeepSeek's": ({ fresh, cached, reasoning, text }) => ({
    prompt_tokens: fresh + cached,
    prompt_cache_hit_tokens: cached,
    prompt_cache_miss_tokens: fresh,
    completion_tokens: reasoning + text,
    completion_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: fresh + cached + reasoning + text,
  }),
  "Kimi's": ({ fresh, cached, reasoning, text }) => ({
    prompt_tokens: fresh + cached,
    completion_tokens: reasoning + text,
    total_tokens: fresh + cached + reasoning + text,
    cached_tokens: cached,
  }),
  "xAI's, whose completion has no reasoning": ({ fresh, cached, reasoning, text }) => ({
    prompt_tokens: fresh + cached,
    completion_tokens: text,
    total_tokens: fresh + cached + reasoning + text,
    prompt_tokens_details: { cached_tokens: cached, text_tokens: fresh + cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  }),
};

describe("a count", () => {
  it.each(Object.entries(forms))("in %s form costs what the provider charges", (_, write) => {
    fc.assert(
      fc.property(work, (work) => {
        expect(costOf(price, readUsage(write(work)))).toBe(bill(work));
      }),
    );
  });

  it.each(Object.entries(unwritten))("in %s form costs what the provider charges", (_, write) => {
    // A model may think as much as was cached, too.
    const plain = fc.tuple(work, fc.boolean()).map(([work, is_same]) => {
      return { ...work, written: 0, ...(is_same ? { reasoning: work.cached } : {}) };
    });
    fc.assert(
      fc.property(plain, (work) => {
        expect(costOf(price, readUsage(write(work)))).toBe(bill(work));
      }),
    );
  });

  it("has Gemini's thoughts as output, which only the total has", () => {
    fc.assert(
      fc.property(work, ({ fresh, reasoning, text }) => {
        // A request without input is none: its total is all that is known.
        fc.pre(fresh > 0);
        const given = { prompt_tokens: fresh, completion_tokens: text, total_tokens: fresh + text + reasoning };
        expect(readUsage(given)).toMatchObject({ input_tokens: fresh, output_tokens: text + reasoning });
      }),
    );
  });

  it("has a cache beside an input that comes without a total, be it absent or null", () => {
    const given = { input_tokens: 100, cache_read_input_tokens: 40, output_tokens: 5 };
    for (const total of [{}, { total_tokens: null }]) {
      expect(readUsage({ ...given, ...total })).toMatchObject({ input_tokens: 140, output_tokens: 5 });
    }
  });

  it("takes a cache that is larger than the input as not in it, whatever the total says", () => {
    const given = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    expect(readUsage({ ...given, prompt_tokens_details: { cached_tokens: 90 } })).toEqual({
      ...{ input_tokens: 100, cached_input_tokens: 90, output_tokens: 5, cost_usd: null },
    });
  });

  it.each([
    ["nothing", { prompt_tokens: 0, completion_tokens: 7, total_tokens: 7 }],
    ["less than nothing", { prompt_tokens: -5, completion_tokens: 7, total_tokens: 2 }],
    ["more than there is", { prompt_tokens: 1e300, completion_tokens: 7 }],
    ["no number", { prompt_tokens: "900", completion_tokens: 7 }],
    ["not at all", { output_tokens: 7 }],
  ])("that has %s as the input counts nothing", (_, given) => {
    expect(readUsage(given)).toEqual({
      ...{ input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null },
    });
  });

  it("that has a total alone is charged as output", () => {
    expect(readUsage({ total_tokens: 900 })).toMatchObject({ input_tokens: 0, output_tokens: 900 });
  });

  it("is never less than what the server wrote, whatever that is", () => {
    const anything = fc.oneof(count, fc.constant(undefined), fc.constant(null), fc.double(), fc.string());
    const names = ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cache_read_input_tokens"];
    fc.assert(
      fc.property(fc.record(Object.fromEntries(names.map((name) => [name, anything]))), (given) => {
        const usage = readUsage(given);
        for (const sum of [usage.input_tokens, usage.cached_input_tokens, usage.output_tokens]) {
          expect(Number.isSafeInteger(sum) && sum >= 0).toBe(true);
        }
        expect(usage.cached_input_tokens).toBeLessThanOrEqual(usage.input_tokens);
      }),
    );
  });
});

describe("a cost that a provider sends", () => {
  it.each([
    [{ cost: 0.95 }, 0.95],
    [{ cost: 0 }, 0],
    [{ cost: 0.95, cost_details: { upstream_inference_cost: 19 } }, 0.95],
    [{ cost: 0.95, is_byok: true, cost_details: { upstream_inference_cost: 19 } }, 19.95],
    [{ cost: 0, is_byok: true, cost_details: { upstream_inference_cost: null } }, null],
    [{ cost: 0, is_byok: true }, null],
    [{ cost_in_usd_ticks: 232_856_000 }, 0.0232856],
    [{ cost: -1 }, null],
    [{ cost: "1" }, null],
    [{}, null],
  ])("of %j is %j", (given, cost) => {
    expect(readUsage({ prompt_tokens: 1, ...given }).cost_usd).toBe(cost);
  });
});
