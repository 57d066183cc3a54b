import { describe, expect, it } from "vitest";
import { costLine, sumUsage } from "./cost.ts";

const usage = { input_tokens: 51_200, cached_input_tokens: 40_960, output_tokens: 900, cost_usd: 0.0123456 };

describe("the line about what a run cost", () => {
  it("has tokens in, those of a cache, tokens out, and dollars", () => {
    expect(costLine(usage)).toBe("51,200 tokens in (40,960 cached), 900 out, $0.0123");
    expect(costLine({ ...usage, cached_input_tokens: 0, cost_usd: 2 })).toBe("51,200 tokens in, 900 out, $2.00");
    expect(costLine({ ...usage, cost_usd: 0 })).toContain(", $0.00");
    expect(costLine({ ...usage, cost_usd: null })).toContain(", cost unknown");
  });

  it("says what of it no provider has counted", () => {
    const estimated = { calls: 1, input_tokens: 1, output_tokens: 1, cost_usd: 0.01 };
    expect(costLine({ ...usage, estimated })).toMatch(/; 1 call that broke off is estimated, at most \$0\.01$/);
    const more = { ...estimated, calls: 3, cost_usd: null };
    expect(costLine({ ...usage, estimated: more })).toMatch(/; 3 calls that broke off are estimated$/);
  });

  it("is of all runs that a request became, of which one may have called no model", () => {
    const nothing = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null };
    expect(costLine(nothing)).toBe("No tokens used.");
    const sum = sumUsage([{ usage }, null, { usage: { ...usage, cost_usd: 1 } }, { usage: nothing }]);
    expect(sum && costLine(sum)).toBe("102,400 tokens in (81,920 cached), 1,800 out, $1.01");
    expect(sumUsage([null])).toBeNull();
  });
});
