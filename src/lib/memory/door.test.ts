import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDoor, type Guest } from "./door.ts";

const limits = { all: 100, spare: 20, owner: 50, small: 5, stay_ms: 90_000 };

function openDoor() {
  let counted = 0;
  const door = createDoor(limits, (bytes) => {
    counted += bytes;
  });
  return { door, counted: () => counted };
}

describe("a door", () => {
  it("lets all in at last, holds no more than its limit or one alone, and has nothing once all have left", () => {
    const guest = fc.record({ bytes: fc.integer({ min: 1, max: 130 }), owner: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(fc.array(guest, { maxLength: 40 }), fc.infiniteStream(fc.nat(1000)), (guests, choices) => {
        const { door, counted } = openDoor();
        const choose = (count: number): number => (choices.next().value ?? 0) % count;
        let waiting = guests.map(({ bytes, owner }) => door.comeIn(bytes, owner, 0));
        const inside: Guest[] = [];
        for (let turns = 0; waiting.length > 0; turns++) {
          const asked = waiting[choose(waiting.length)] as Guest;
          if (door.ask(asked, 0)) {
            inside.push(asked);
            waiting = waiting.filter((each) => each !== asked);
          }
          expect(door.held).toBe(inside.reduce((sum, { bytes }) => sum + bytes, 0));
          expect(counted()).toBe(door.held);
          expect(door.held <= limits.all + limits.spare || inside.length === 1).toBe(true);
          if (inside.length > 0 && choose(2) === 0) door.leave(inside.splice(choose(inside.length), 1)[0] as Guest);
          if (turns > 100_000) throw new Error("nobody gets in");
        }
        for (const each of [...inside, ...inside]) door.leave(each);
        expect([door.held, counted()]).toEqual([0, 0]);
      }),
    );
  });

  it("keeps no other owner out for one that has its share", () => {
    const { door } = openDoor();
    const mine = [25, 25, 25].map((bytes) => door.comeIn(bytes, "slow", 0));
    expect(mine.map((each) => door.ask(each, 0))).toEqual([true, true, false]);
    expect(door.ask(door.comeIn(40, "other", 0), 0)).toBe(true);
  });

  it("lets what is small in beside what is large, and neither without end", () => {
    const { door } = openDoor();
    const large = ["a", "b", "c"].map((owner) => door.comeIn(50, owner, 0));
    expect(large.map((each) => door.ask(each, 0))).toEqual([true, true, false]);
    const small = Array.from({ length: 8 }, (_, at) => door.comeIn(4, `${at}`, 0));
    expect(small.filter((each) => door.ask(each, 0))).toHaveLength(5);
  });

  it("lets the first in first, and waits for none that no longer asks", () => {
    const { door } = openDoor();
    const inside = door.comeIn(90, "a", 0);
    expect(door.ask(inside, 0)).toBe(true);
    const [first, second] = [door.comeIn(60, "b", 0), door.comeIn(10, "c", 0)];
    expect([door.ask(second, 4_000), door.ask(first, 4_000)]).toEqual([false, false]);
    door.leave(inside);
    expect(door.ask(second, 8_000)).toBe(false);
    expect(door.ask(second, 10_000)).toBe(true);
  });

  it("gives back what a request held that ended without a word", () => {
    const { door } = openDoor();
    door.ask(door.comeIn(100, "a", 0), 0);
    const next = door.comeIn(100, "b", 89_000);
    expect(door.ask(next, 89_000)).toBe(false);
    expect(door.ask(next, 91_000)).toBe(true);
    expect(door.held).toBe(100);
  });
});
