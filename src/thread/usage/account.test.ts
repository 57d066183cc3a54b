import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, empty, usage } from "../../../test/fakes/accounts.ts";
import { nothing } from "../../protocol/money/lease.ts";
import { toNano, worstCost } from "../../protocol/money/price.ts";
import { noUsage } from "../../protocol/run.ts";
import { leastReply, leftUnder, longestReply } from "../caps/limits.ts";
import {
  type Account,
  countTokens,
  plan,
  release,
  reserve,
  reservedOf,
  settle,
  settleAll,
  settledOf,
  settleEstimated,
  settleFormer,
} from "./account.ts";
import { add } from "./amounts.ts";
import { noSpending, toSpending, writeSpending } from "./state.ts";

/** What is settled and reserved in each sum that a provider counts. */
function boundOf({ usage: { input_tokens, output_tokens, cost_usd }, spending }: Account) {
  const open = [...(spending.plan === null ? [] : [spending.plan]), ...spending.calls];
  return {
    input: open.reduce((sum, each) => sum + each.input, input_tokens),
    output: open.reduce((sum, each) => sum + each.output, output_tokens),
    cost: open.reduce((sum, each) => sum + (each.cost ?? 0), toNano(cost_usd ?? 0)),
  };
}

describe("a call's reservation", () => {
  it("is replaced by what the provider counts", () => {
    const settled = settle(reserve(empty, call()), "call_1", usage(), 700);
    expect(settled.usage).toEqual({ ...usage(), cost_usd: 0.0000007 });
    expect(settled.spending.calls).toEqual([]);
  });

  it("stays charged, and counts as estimated, where no count comes", () => {
    const settled = settleEstimated(reserve(empty, call()), "call_1");
    expect(settled.usage).toEqual({
      input_tokens: 100,
      cached_input_tokens: 0,
      output_tokens: 50,
      cost_usd: 0.000001,
      estimated: { calls: 1, input_tokens: 100, output_tokens: 50, cost_usd: 0.000001 },
    });
    expect(settled.spending.calls).toEqual([]);
  });

  it("is charged once: a second count of it changes nothing", () => {
    const once = settle(reserve(empty, call()), "call_1", usage(), 700);
    expect(settle(once, "call_1", usage(), 700)).toBe(once);
    expect(settleEstimated(once, "call_1")).toBe(once);
  });

  it("goes without a charge if the server refused the call", () => {
    expect(release(reserve(empty, call()), "call_1").usage).toEqual(noUsage);
  });

  it("keeps a cost null for a model without a price, and counts its tokens", () => {
    const { usage: used } = settleEstimated(reserve(empty, call({ cost: null })), "call_1");
    expect(used.cost_usd).toBeNull();
    expect(used.estimated?.cost_usd).toBeNull();
    expect(used.input_tokens).toBe(100);
  });

  it("of a former life is charged with its plan, which may have become a call", () => {
    const left = plan(reserve(empty, call()), call({ call_id: "planned" }));
    expect(settleFormer(left).usage.estimated?.calls).toBe(2);
    expect(settleAll(left).usage.estimated?.calls).toBe(1);
  });
});

type Step =
  | { kind: "expect" | "reserve"; input: number; output: number }
  | { kind: "store" | "crash" }
  | { kind: "count" | "cut" | "refuse"; share: number };

const price = { input: 1.25, output: 10 };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("expect" as const, "reserve" as const),
    input: fc.nat(20_000),
    output: fc.integer({ min: 1, max: 16_000 }),
  }),
  fc.record({
    kind: fc.constantFrom("count" as const, "cut" as const, "refuse" as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constantFrom("store" as const, "crash" as const) }),
);

describe("an account", () => {
  it("covers at every moment what the server may have counted, in memory and as it is stored", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 100_000 }), (steps, limit) => {
        let now: Account = { ...empty, spending: { ...noSpending, caps: [{ scope: "run", max_total_tokens: limit }] } };
        let stored = now;
        const server = { input: 0, output: 0, cost: 0 };
        let made = 0;
        for (const each of steps) {
          const [first] = now.spending.calls;
          if (each.kind === "expect" || each.kind === "reserve") {
            const size = { input_tokens: each.input, output_tokens: each.output, price };
            const without = plan(now, null);
            const { tokens } = longestReply(size, leftUnder(without));
            if (tokens < leastReply(size)) continue;
            const { input } = each;
            made += 1;
            const next = call({
              call_id: `call_${made}`,
              input,
              output: tokens,
              cost: worstCost(price, input, tokens),
            });
            if (each.kind === "expect") now = plan(without, next);
            else {
              now = reserve(without, next);
              // What is not stored is not called.
              stored = now;
            }
          } else if (each.kind === "store") stored = now;
          else if (each.kind === "crash") {
            now = settleFormer(stored);
            stored = now;
          } else if (first !== undefined && "share" in each) {
            const input_tokens = Math.floor(first.input * each.share);
            const output_tokens = Math.floor(first.output * each.share);
            const cost = worstCost(price, input_tokens, output_tokens);
            if (each.kind === "refuse") now = release(now, first.call_id);
            else {
              server.input += input_tokens;
              server.output += output_tokens;
              server.cost += cost;
              const counted = usage({ input_tokens, output_tokens, cached_input_tokens: 0 });
              now =
                each.kind === "count" ? settle(now, first.call_id, counted, cost) : settleEstimated(now, first.call_id);
            }
          }
          for (const account of [now, stored]) {
            const bound = boundOf(account);
            expect(bound.input).toBeGreaterThanOrEqual(server.input);
            expect(bound.output).toBeGreaterThanOrEqual(server.output);
            expect(bound.cost).toBeGreaterThanOrEqual(server.cost);
            expect(add(settledOf(account), reservedOf(account.spending)).tokens).toBeLessThanOrEqual(limit);
            expect(Number.isInteger(settledOf(account).cost)).toBe(true);
          }
        }
        const ended = settleAll(now);
        expect(reservedOf(ended.spending)).toEqual(nothing);
        expect(boundOf(ended).input).toBeGreaterThanOrEqual(server.input);
      }),
      { numRuns: 500 },
    );
  });

  it("adds any number of nanodollars exactly", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000_000_000), { maxLength: 200 }), (costs) => {
        const sum = costs.reduce((account, cost) => settle(reserve(account, call()), "call_1", usage(), cost), empty);
        expect(settledOf(sum).cost).toBe(costs.reduce((total, cost) => total + cost, 0));
      }),
    );
  });
});

describe("what is left under caps", () => {
  it("bounds the reply so that its worst case fits, and is never more than what was asked", () => {
    const amount = fc.nat(100_000_000);
    const prices = fc.record({
      input: fc.double({ min: 0, max: 100, noNaN: true }),
      output: fc.double({ min: 0, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.integer({ min: 1, max: 64_000 }),
        amount,
        amount,
        prices,
        (input, output, tokens, cost, of) => {
          const size = { input_tokens: input, output_tokens: output, price: of };
          const room = [
            { dimension: "tokens" as const, left: tokens },
            { dimension: "cost" as const, left: cost },
          ];
          const { tokens: reply } = longestReply(size, room);
          expect(reply).toBeLessThanOrEqual(output);
          if (reply < 0) return;
          expect(input + reply).toBeLessThanOrEqual(tokens);
          expect(worstCost(of, input, reply)).toBeLessThanOrEqual(cost);
          if (reply === output) return;
          // One token more would pass one of them.
          const isOver = input + reply + 1 > tokens || worstCost(of, input, reply + 1) > cost;
          expect(isOver).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("names the cap that leaves the least, the run's before the agent's", () => {
    const caps = [
      { scope: "run" as const, max_cost_usd: 1, max_total_tokens: 1_000 },
      { scope: "agent" as const, max_total_tokens: 1_000 },
    ];
    const left = leftUnder({ usage: usage({ input_tokens: 900 }), spending: { ...noSpending, caps } });
    const size = { input_tokens: 50, output_tokens: 16_000, price: { input: 0, output: 0 } };
    const { tokens, place } = longestReply(size, left);
    expect(tokens).toBe(40);
    expect(left[place]).toMatchObject({ scope: "run", name: "max_total_tokens", used: 910, left: 90 });
  });

  it("counts what the runs before have used that this one resumes", () => {
    const spending = {
      ...noSpending,
      before: { cost: 0, tokens: 400, ms: 0 },
      caps: [{ scope: "run" as const, max_total_tokens: 500 }],
    };
    expect(leftUnder({ usage: noUsage, spending })[0]).toMatchObject({ left: 100, used: 400 });
  });
});

describe("the stored spending of a run", () => {
  it("is nothing for a run that has none", () => {
    expect(writeSpending(noSpending)).toBeNull();
    expect(toSpending(null)).toEqual(noSpending);
  });

  it("is read as it was stored, and a damaged field as if it were not there", () => {
    const spending = {
      ...noSpending,
      caps: [{ scope: "run" as const, max_cost_usd: 1 }],
      calls: [call({ periods: "user/2026-11-28" })],
      plan: call({ call_id: "planned", cost: null }),
      pools: [{ periods: "user/2026-11-28", leases: [{ lease_id: "lease_1_inv", amount: nothing }], spent: nothing }],
      closed: [{ lease_id: "lease_0_inv", spent: nothing }],
      asks: { scope: "run" as const, name: "max_cost_usd" as const, limit: 1 },
      worked_ms: 12,
      size: 9,
    };
    expect(toSpending(JSON.parse(writeSpending(spending) ?? ""))).toEqual(spending);
    expect(toSpending({ worked_ms: 12, calls: "many", pools: [{}] })).toEqual({ ...noSpending, worked_ms: 12 });
    expect(toSpending("12")).toBeUndefined();
  });
});

it("counts cached tokens beside the input where a provider leaves them out of it", () => {
  expect(countTokens({ input_tokens: 10, cached_input_tokens: 90, output_tokens: 5 })).toBe(105);
  expect(countTokens({ input_tokens: 100, cached_input_tokens: 90, output_tokens: 5 })).toBe(105);
});
