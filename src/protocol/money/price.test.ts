import fc from "fast-check";
import { expect, it } from "vitest";
import { costOf, type Price, worstCost } from "./price.ts";

const rate = fc.integer({ min: 0, max: 10_000_000 }).map((part) => part / 1_000);
const rates = fc.record(
  { input: rate, output: rate, cached_input: rate, cache_write: rate },
  { requiredKeys: ["input", "output"] },
);
const tokens = fc.integer({ min: 0, max: 2_000_000 });

it("no count within what was reserved costs more than its worst case, whatever the operator says that caches cost", () => {
  fc.assert(
    fc.property(
      rates,
      tokens,
      tokens,
      fc.float({ min: 0, max: 1, noNaN: true }),
      tokens,
      (given, input, more, part, output) => {
        const price = Object.fromEntries(
          Object.entries(given).filter(([, value]) => value !== undefined),
        ) as unknown as Price;
        const cached_input_tokens = Math.floor(input * part);
        const cache_write_tokens = Math.floor((input - cached_input_tokens) * part);
        const count = { input_tokens: input, cached_input_tokens, cache_write_tokens, output_tokens: output };
        expect(costOf(price, count)).toBeLessThanOrEqual(worstCost(price, input + more, output));
      },
    ),
    // The dust of binary fractions once made a nanodollar more of it.
    { numRuns: 1000, examples: [[{ input: 4326.782, output: 0 } as never, 1217974, 0, 0.004144588019698858, 0]] },
  );
});
