import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createGrowth, type Grower } from "./growth.ts";

const limits = { all: 100, small: 5 };
const newGrower = (): Grower => ({ bytes: 0, asked_at: 0 });

describe("what grows while it is read", () => {
  it("all comes to its end, and holds no more than the limit and one of the largest together", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat(1000)), (ends, choices) => {
        let counted = 0;
        const growth = createGrowth(limits, (bytes) => {
          counted += bytes;
        });
        let open = ends.map((end) => ({ end, grower: newGrower(), read: 0 }));
        for (let turns = 0; open.length > 0; turns++) {
          const one = open[(choices.next().value ?? 0) % open.length] as (typeof open)[number];
          if (growth.ask(one.grower, one.read + 1, 0)) one.read += 1;
          if (one.read === one.end) {
            growth.leave(one.grower);
            open = open.filter((each) => each !== one);
          }
          expect(growth.held).toBe(counted);
          expect(growth.held).toBeLessThan(limits.all + 90);
          if (turns > 100_000) throw new Error("none may grow");
        }
        expect(growth.held).toBe(0);
      }),
    );
  });

  it("lets the one grow that has been large for the longest, and does not wait for one that is silent", () => {
    const growth = createGrowth(limits, () => {});
    const [first, second, third] = [newGrower(), newGrower(), newGrower()];
    for (const each of [first, second, third]) expect(growth.ask(each, 33, 0)).toBe(true);
    expect([second, third].map((each) => growth.ask(each, 40, 1_000))).toEqual([false, false]);
    expect(growth.ask(first, 90, 1_000)).toBe(true);
    expect(growth.ask(second, 40, 4_000)).toBe(true);
    expect(growth.ask(third, 40, 4_000)).toBe(false);
  });

  it("does not count what is small", () => {
    const growth = createGrowth(limits, () => {});
    for (let count = 0; count < 1_000; count++) expect(growth.ask(newGrower(), 4, 0)).toBe(true);
    expect(growth.held).toBe(0);
  });
});
