import { describe, expect, it } from "vitest";
import { drawBar, fillDays, findTop, measured, nameRank, sumDays } from "./chart.ts";

function day(date: string, input: number, output: number, cached = 0, cost: number | null = null) {
  return {
    ...{ date, runs: 1, input_tokens: input, output_tokens: output },
    ...{ cached_input_tokens: cached, cost_usd: cost },
  };
}

describe("fillDays", () => {
  it("has every day of the period, today last, including days that the server left out", () => {
    const now = Date.parse("2026-03-01T12:00:00.000Z");
    const filled = fillDays([day("2026-02-28", 3, 1), day("2026-01-01", 9, 9)], 3, now);
    expect(filled.map(({ date, runs }) => [date, runs])).toEqual([
      ["2026-02-27", 0],
      ["2026-02-28", 1],
      ["2026-03-01", 0],
    ]);
    expect(fillDays([], 30, now)).toHaveLength(30);
  });
});

describe("sumDays", () => {
  it("sums the known costs, and is null where no day has one", () => {
    const days = [day("a", 10, 1, 4, 0.5), day("b", 5, 2, 0, null), day("c", 1, 1, 1, 0.25)];
    expect(sumDays(days)).toMatchObject({
      ...{ runs: 3, input_tokens: 16, output_tokens: 4, cached_input_tokens: 5, cost_usd: 0.75 },
    });
    expect(sumDays([day("a", 1, 1)]).cost_usd).toBeNull();
  });
});

describe("costs", () => {
  it("have a scale of their own, and days without a known cost have no bar", () => {
    const days = [day("a", 9, 9, 0, 0.012), day("b", 1, 1)];
    expect(findTop(days, "cost")).toBeCloseTo(0.02);
    expect(days.map((each) => measured(each, "cost"))).toEqual([0.012, 0]);
    expect(measured(day("a", 9, 9, 0, 5), "tokens")).toBe(18);
  });

  it("add up with the part that is estimated", () => {
    const estimated = { calls: 1, input_tokens: 4, output_tokens: 2, cost_usd: 0.25 };
    const days = [{ ...day("a", 9, 9, 0, 1), estimated }, day("b", 1, 1), { ...day("c", 1, 1), estimated }];
    expect(sumDays(days).estimated).toEqual({ calls: 2, input_tokens: 8, output_tokens: 4, cost_usd: 0.5 });
    expect(sumDays([day("b", 1, 1)]).estimated).toBeUndefined();
  });
});

describe("findTop", () => {
  it.each([
    [0, 0],
    [1, 1],
    [11, 20],
    [201, 250],
    [999, 1000],
    [1000, 1000],
    [26_000, 50_000],
    [51_000_000, 100_000_000],
  ])("of %i is %i", (max, top) => {
    expect(findTop([day("a", max, 0), day("b", 0, 0)])).toBe(top);
  });
});

describe("drawBar", () => {
  it("stacks cached input, other input and output up to the day's share of the scale", () => {
    expect(drawBar(day("a", 60, 20, 15), 100)).toEqual({ cached: 15, input: 45, output: 20 });
  });

  it("never draws more cached than input, nor a bar for nothing", () => {
    expect(drawBar(day("a", 10, 0, 99), 100)).toEqual({ cached: 10, input: 0, output: 0 });
    expect(drawBar(day("a", 0, 0), 0)).toEqual({ cached: 0, input: 0, output: 0 });
  });
});

describe("nameRank", () => {
  it("ranks the newest day and about five in all, of which every second can be left out", () => {
    for (const days of [7, 30, 90]) {
      const ranks = Array.from({ length: days }, (_, place) => nameRank(place, days));
      expect(ranks.at(-1)).toBe("main");
      const named = ranks.filter((rank) => rank !== null);
      expect(named.length).toBeGreaterThanOrEqual(4);
      expect(named.length).toBeLessThanOrEqual(5);
      expect(named.toReversed().every((rank, at) => rank === (at % 2 === 0 ? "main" : "beside"))).toBe(true);
    }
  });
});
