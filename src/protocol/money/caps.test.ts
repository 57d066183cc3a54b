import { describe, expect, it } from "vitest";
import { capsOf, changeCaps, pickCaps, showCaps } from "./caps.ts";

describe("caps of a request", () => {
  it("are picked from its fields, with those that are to be taken away", () => {
    expect(pickCaps({ ...{ prompt: "x" }, max_cost_usd: 0, max_minutes: null })).toEqual({
      max_cost_usd: 0,
      max_minutes: null,
    });
    expect(pickCaps({ ...{ prompt: "x" }, max_cost_usd: undefined })).toBeUndefined();
  });

  it("change those before: null takes one away, and none is left where all are gone", () => {
    const before = { max_cost_usd: 1, max_minutes: 5 };
    expect(changeCaps(before, undefined)).toEqual(before);
    expect(changeCaps(before, { max_cost_usd: null, max_total_tokens: 0 })).toEqual({
      max_total_tokens: 0,
      max_minutes: 5,
    });
    expect(changeCaps(before, { max_cost_usd: null, max_minutes: null })).toBeUndefined();
    expect(changeCaps(null, { max_minutes: 0.5 })).toEqual({ max_minutes: 0.5 });
  });

  it("are shown one beside the other, null where there is none", () => {
    expect(showCaps({ max_minutes: 0 })).toEqual({ max_cost_usd: null, max_total_tokens: null, max_minutes: 0 });
    expect(showCaps(null)).toEqual({ max_cost_usd: null, max_total_tokens: null, max_minutes: null });
  });

  it("are a run's only if there are any", () => {
    expect(capsOf("run", { max_cost_usd: 0, max_minutes: null })).toEqual({
      caps: [{ scope: "run", max_cost_usd: 0 }],
    });
    expect(capsOf("trigger", { max_minutes: null })).toEqual({});
    expect(capsOf("run", undefined)).toEqual({});
  });
});
