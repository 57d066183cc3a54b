import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createByteLimiter, type Entry } from "./byte-limiter.ts";

const limits = { all: 100, spare: 20, owner: 50, small: 5, stay_ms: 90_000 };

function openLimiter() {
  let counted = 0;
  const limiter = createByteLimiter(limits, (bytes) => {
    counted += bytes;
  });
  return { limiter, counted: () => counted };
}

describe("a byte limiter", () => {
  it("lets all in at last, holds no more than its limit or one alone, and has nothing once all have left", () => {
    const entry = fc.record({ bytes: fc.integer({ min: 1, max: 130 }), owner: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), fc.infiniteStream(fc.nat(1000)), (entries, choices) => {
        const { limiter, counted } = openLimiter();
        const choose = (count: number): number => (choices.next().value ?? 0) % count;
        let waiting = entries.map(({ bytes, owner }) => limiter.enqueue(bytes, owner, 0));
        const inside: Entry[] = [];
        for (let turns = 0; waiting.length > 0; turns++) {
          const asked = waiting[choose(waiting.length)] as Entry;
          if (limiter.tryEnter(asked, 0)) {
            inside.push(asked);
            waiting = waiting.filter((each) => each !== asked);
          }
          expect(limiter.held).toBe(inside.reduce((sum, { bytes }) => sum + bytes, 0));
          expect(counted()).toBe(limiter.held);
          expect(limiter.held <= limits.all + limits.spare || inside.length === 1).toBe(true);
          if (inside.length > 0 && choose(2) === 0) limiter.leave(inside.splice(choose(inside.length), 1)[0] as Entry);
          if (turns > 100_000) throw new Error("nobody gets in");
        }
        for (const each of [...inside, ...inside]) limiter.leave(each);
        expect([limiter.held, counted()]).toEqual([0, 0]);
      }),
    );
  });

  it("keeps no other owner out for one that has its share", () => {
    const { limiter } = openLimiter();
    const mine = [25, 25, 25].map((bytes) => limiter.enqueue(bytes, "slow", 0));
    expect(mine.map((each) => limiter.tryEnter(each, 0))).toEqual([true, true, false]);
    expect(limiter.tryEnter(limiter.enqueue(40, "other", 0), 0)).toBe(true);
  });

  it("lets what is small in beside what is large, and neither without end", () => {
    const { limiter } = openLimiter();
    const large = ["a", "b", "c"].map((owner) => limiter.enqueue(50, owner, 0));
    expect(large.map((each) => limiter.tryEnter(each, 0))).toEqual([true, true, false]);
    const small = Array.from({ length: 8 }, (_, at) => limiter.enqueue(4, `${at}`, 0));
    expect(small.filter((each) => limiter.tryEnter(each, 0))).toHaveLength(5);
  });

  it("lets the first in first, and waits for none that no longer asks", () => {
    const { limiter } = openLimiter();
    const inside = limiter.enqueue(90, "a", 0);
    expect(limiter.tryEnter(inside, 0)).toBe(true);
    const [first, second] = [limiter.enqueue(60, "b", 0), limiter.enqueue(10, "c", 0)];
    expect([limiter.tryEnter(second, 4_000), limiter.tryEnter(first, 4_000)]).toEqual([false, false]);
    limiter.leave(inside);
    expect(limiter.tryEnter(second, 8_000)).toBe(false);
    expect(limiter.tryEnter(second, 10_000)).toBe(true);
  });

  it("gives back what a request held that ended without a word", () => {
    const { limiter } = openLimiter();
    limiter.tryEnter(limiter.enqueue(100, "a", 0), 0);
    const next = limiter.enqueue(100, "b", 89_000);
    expect(limiter.tryEnter(next, 89_000)).toBe(false);
    expect(limiter.tryEnter(next, 91_000)).toBe(true);
    expect(limiter.held).toBe(100);
  });
});
