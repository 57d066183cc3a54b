// What an account gives back of the leases that it has.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, empty } from "../../../test/fakes/accounts.ts";
import { type Amount, nothing } from "../../protocol/money/lease.ts";
import { noUsage } from "../../protocol/run.ts";
import { reserve, settleEstimated, work } from "../usage/account.ts";
import { add, fits } from "../usage/amounts.ts";
import { noSpending } from "../usage/state.ts";
import { addLease, closeAll, closeOver, heldOf } from "./pools.ts";

const amounts: fc.Arbitrary<Amount> = fc.record({
  cost: fc.nat(1_000_000),
  tokens: fc.nat(50_000),
  ms: fc.nat(60_000),
});

describe("leases in hand", () => {
  it("give back exactly what was spent of them, the oldest first, and none twice", () => {
    const doing = fc.oneof(
      fc.record({ kind: fc.constant("lease" as const), amount: amounts, day: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant("spend" as const), amount: amounts, day: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant("work" as const), amount: amounts, day: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ kind: fc.constant("close" as const), amount: amounts, day: fc.integer({ min: 1, max: 3 }) }),
    );
    fc.assert(
      fc.property(fc.array(doing, { maxLength: 40 }), (all) => {
        let account = empty;
        const granted: string[] = [];
        let spent = nothing;
        for (const { kind, amount, day } of all) {
          const period = `2026-11-0${day}`;
          const periods = `user/${period}`;
          const hasPool = account.spending.pools.some((pool) => pool.periods === periods);
          if (kind === "lease") {
            const lease_id = `lease_${granted.length + 1}_inv`;
            granted.push(lease_id);
            const spending = addLease(account.spending, { lease_id, amount, periods: [{ scope: "user", period }] });
            account = { ...account, spending: { ...spending, asked_leases: granted.length } };
          } else if (kind === "spend" && hasPool) {
            const one = call({ input: amount.tokens, output: 0, cost: amount.cost, periods });
            account = settleEstimated(reserve(account, one), "call_1");
            spent = add(spent, { ...amount, ms: 0 });
          } else if (kind === "work") {
            spent = add(spent, { ...nothing, ms: amount.ms });
            account = work(account, amount.ms);
          } else if (kind === "close") {
            // With the last day, nothing is kept in hand.
            const spending = closeOver(account.spending, day === 3 ? null : periods);
            account = { ...account, spending };
          }
        }
        if (granted.length === 0) return;
        const { closed, pools } = closeAll(account.spending);
        expect(pools).toEqual([]);
        expect(closed.map(({ lease_id }) => lease_id).sort()).toEqual([...granted].sort());
        const unleased = { ...nothing, ms: account.spending.unleased_ms };
        expect(closed.reduce((sum, each) => add(sum, each.spent), unleased)).toEqual(spent);
      }),
      { numRuns: 500 },
    );
  });

  it("keep a lease of a period that is over while a call counts against it", () => {
    const yesterday = { scope: "user" as const, period: "2026-11-27" };
    const lease = { lease_id: "lease_1_inv", amount: { cost: 0, tokens: 500, ms: 0 }, periods: [yesterday] };
    const leased = { ...empty, spending: addLease(noSpending, lease) };
    const busy = reserve(leased, call({ periods: "user/2026-11-27" }));
    expect(closeOver(busy.spending, "user/2026-11-28").closed).toEqual([]);
    const done = settleEstimated(busy, "call_1");
    const spent = { cost: 1_000, tokens: 150, ms: 0 };
    expect(closeOver(done.spending, "user/2026-11-28").closed).toEqual([{ lease_id: "lease_1_inv", spent }]);
  });

  it("are few, also where a run spends one dimension and hardly the others", () => {
    const periods = [{ scope: "user" as const, period: "2026-11-28" }];
    let spending = noSpending;
    for (let place = 1; place <= 200; place++) {
      const lease = { lease_id: `lease_${place}_inv`, amount: { cost: 150, tokens: 150, ms: 60_000 }, periods };
      spending = { ...addLease(closeOver(spending, "user/2026-11-28"), lease), asked_leases: place };
      const account = { usage: noUsage, spending };
      spending = settleEstimated(reserve(account, call({ cost: 150, periods: "user/2026-11-28" })), "call_1").spending;
      spending = work({ usage: noUsage, spending }, 10).spending;
    }
    expect(spending.pools[0]?.leases.length).toBeLessThanOrEqual(10);
    expect(heldOf(spending, "user/2026-11-28")).toMatchObject({ cost: 0, tokens: 0 });
    const { closed } = closeAll(spending);
    expect(closed.length).toBe(200);
    const total = { cost: 200 * 150, tokens: 200 * 150, ms: 2_000 };
    expect(closed.reduce((sum, each) => add(sum, each.spent), nothing)).toEqual(total);
  });

  it("are one pool: what is left of the first is spent with the second", () => {
    const periods = [{ scope: "project" as const, period: "all" }];
    const amount = { cost: 0, tokens: 100, ms: 0 };
    const one = addLease(noSpending, { lease_id: "lease_1_inv", amount, periods });
    const two = addLease({ ...one, asked_leases: 1 }, { lease_id: "lease_2_inv", amount, periods });
    expect(heldOf(two, "project/all").tokens).toBe(200);
    expect(fits({ ...nothing, tokens: 150 }, heldOf(two, "project/all"))).toBe(true);
  });
});
