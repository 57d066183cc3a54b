import { expect, it } from "vitest";
import { priceOf } from "./prices.ts";
import { simulatePeak } from "./simulate.ts";
import { readCounted, type Units } from "./units.ts";
import { growth, mix, usageOf } from "./usage.ts";

const units: Units = {
  d1: { first_turn: 3_000, turn: 2_000, step: 1_000 },
  object: { first_turn: 6_000, turn: 5_000, step: 2_000 },
  tombstone: 100,
};

it("stores what the mix of turns, plans and results says", () => {
  const results = 0.05 * 40 * mix.result_bytes;
  expect(growth(units, 10).d1).toBeCloseTo(10 * (0.5 * 3_000 + 2.5 * 2_000 + 2 * 1_000 + results));
  expect(growth(units, 10).object).toBeCloseTo(10 * (0.5 * 6_000 + 2.5 * 5_000 + 2 * 2_000 + 2 * results));
});

it("bills a small deployment for the plan alone, and a large one for the rest", async () => {
  const counted = await readCounted();
  expect(priceOf(usageOf(counted, units, 1, 90))).toBe(5);
  const [one, ten] = [1_000_000, 10_000_000].map((threads) => priceOf(usageOf(counted, units, threads, 90)));
  expect((ten ?? 0) / (one ?? 1)).toBeGreaterThan(9.9);
});

it("waits as a queue of one does: hardly while there is little, and without end above what it can do", () => {
  expect(simulatePeak(100_000)).toEqual(simulatePeak(100_000));
  const { busy, wait_ms } = simulatePeak(1_000_000);
  expect(busy).toBeGreaterThan(0.2);
  expect(wait_ms).toBeGreaterThan(simulatePeak(100_000).wait_ms ?? 0);
  expect(simulatePeak(4_000_000).wait_ms).toBeNull();
});
