import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryAccount, type Entrant, type MemoryAccount } from "./account.ts";

const limits = { all: 100, kept: 60, work: 50, small: 5, portion: 0 };

/** A pool that can give back all but a floor. */
function openPool(account: MemoryAccount, name: string, share = 20) {
  let held = 0;
  const pool = account.openPool(name, share, (bytes) => add(-Math.min(bytes, held)));
  const add = (bytes: number): void => {
    held += bytes;
    pool.add(bytes);
  };
  return { add, held: () => held };
}

const workOf = (account: MemoryAccount) => account.describe().work;

describe("what an isolate keeps", () => {
  it("never passes its share, nor what work leaves of the whole, whatever comes in which order", () => {
    const step = fc.oneof(
      fc.record({ pool: fc.nat(2), bytes: fc.nat(40) }),
      fc.record({ enters: fc.integer({ min: 5, max: 50 }) }),
      fc.record({ leaves: fc.nat(10) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const account = createMemoryAccount(limits);
        const pools = ["texts", "frames", "histories"].map((name) => openPool(account, name));
        const inside: Entrant[] = [];
        for (const action of steps) {
          if ("pool" in action) pools[action.pool]?.add(action.bytes);
          else if ("enters" in action) inside.push(account.comeIn(action.enters, 0));
          else inside.splice(action.leaves % Math.max(1, inside.length), 1).forEach(account.leave);
          for (const each of inside) account.ask(each, 0);
          const kept = pools.reduce((sum, pool) => sum + pool.held(), 0);
          expect(Object.values(account.describe().kept).reduce((sum, held) => sum + held, 0)).toBe(kept);
          expect(kept).toBeLessThanOrEqual(limits.kept);
          expect(kept + workOf(account)).toBeLessThanOrEqual(limits.all);
          expect(workOf(account)).toBeLessThanOrEqual(limits.work);
        }
      }),
    );
  });

  it("is taken from whoever has more than its share, then from all where work needs it", () => {
    const account = createMemoryAccount(limits);
    const [texts, frames] = [openPool(account, "texts", 20), openPool(account, "frames", 40)];
    texts.add(20);
    frames.add(35);
    frames.add(15);
    expect([texts.held(), frames.held()]).toEqual([20, 40]);
    account.ask(account.comeIn(50, 0), 0);
    expect([texts.held(), frames.held()]).toEqual([10, 40]);
  });

  it("is not asked again and again where nothing can be given", () => {
    const account = createMemoryAccount({ ...limits, portion: 10 });
    let asked = 0;
    const pool = account.openPool("frames", 0, () => (asked += 1));
    pool.add(61);
    expect(asked).toBe(2);
    for (let count = 0; count < 9; count++) pool.add(1);
    expect(asked).toBe(2);
    pool.add(1);
    expect(asked).toBe(4);
  });
});

describe("what is admitted", () => {
  it("all gets in, in the order in which it came, and the largest alone, whatever their weights", () => {
    const weights = fc.array(fc.integer({ min: 5, max: 400 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(weights, fc.infiniteStream(fc.nat(1000)), (sizes, choices) => {
        const account = createMemoryAccount(limits);
        const waiting = sizes.map((bytes) => account.comeIn(bytes, 0));
        const order: Entrant[] = [];
        const inside: Entrant[] = [];
        const choose = (count: number): number => (choices.next().value ?? 0) % count;
        for (let turns = 0; order.length < waiting.length; turns++) {
          // Whoever asks first, and however often, gains nothing by it.
          const asked = waiting[choose(waiting.length)] as Entrant;
          const before = asked.state;
          if (before !== "left" && account.ask(asked, 0) && before === "waiting") {
            order.push(asked);
            inside.push(asked);
          }
          const held = inside.reduce((sum, { bytes }) => sum + bytes, 0);
          expect(workOf(account)).toBe(held);
          expect(held <= limits.work || inside.length === 1).toBe(true);
          if (inside.length > 0 && choose(2) === 0) account.leave(inside.shift() as Entrant);
          if (turns > 100_000) throw new Error("nobody gets in");
        }
        expect(order).toEqual(waiting);
      }),
    );
  });

  it("does not wait for one whose object has died in the line", () => {
    const account = createMemoryAccount(limits);
    const first = account.comeIn(50, 0);
    expect(account.ask(first, 0)).toBe(true);
    account.comeIn(50, 0);
    const last = account.comeIn(50, 0);
    account.leave(first);
    expect(account.ask(last, 4_000)).toBe(false);
    expect(account.ask(last, 8_000)).toBe(true);
  });

  it("gives back once, however often it is called", () => {
    const account = createMemoryAccount(limits);
    const [one, other] = [account.comeIn(20, 0), account.comeIn(20, 0)];
    account.ask(one, 0);
    account.ask(other, 0);
    account.leave(one);
    account.leave(one);
    expect(workOf(account)).toBe(20);
  });
});
