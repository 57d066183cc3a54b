import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Leave, Room } from "./room.ts";

const KIB = 1024;
const MIB = KIB * KIB;
const SPARE = 2 * MIB;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Notes who is inside, in the order of entering. */
function open(limit = 6 * MIB) {
  const room = new Room("test", limit);
  const inside: { id: string; bytes: number; leave: Leave }[] = [];
  const refused: string[] = [];
  const come = (id: string, bytes: number, owner?: string) => {
    void room.enter(bytes, { ...(owner === undefined ? {} : { owner }) }).then((leave) => {
      if (leave === null) refused.push(id);
      else inside.push({ id, bytes, leave });
    });
  };
  return { room, inside, refused, come, names: () => inside.map(({ id }) => id) };
}

describe("a room", () => {
  it("lets all in at last, holds no more than its limit or one alone, and has nothing once all have left", () => {
    const entry = fc.record({ kib: fc.integer({ min: 1, max: 8_000 }), owner: fc.constantFrom(undefined, "a", "b") });
    return fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 30 }),
        fc.infiniteStream(fc.nat(1000)),
        async (entries, choices) => {
          const { room, inside, refused, come } = open();
          for (const [at, { kib, owner }] of entries.entries()) come(String(at), kib * KIB, owner);
          let left = 0;
          for (let turns = 0; left + refused.length < entries.length; turns++) {
            await vi.advanceTimersByTimeAsync(250);
            expect(room.held).toBe(inside.reduce((sum, { bytes }) => sum + bytes, 0));
            expect(room.held <= room.limit + SPARE || inside.length === 1).toBe(true);
            const [one] = inside.splice((choices.next().value ?? 0) % Math.max(1, inside.length), 1);
            one?.leave();
            one?.leave();
            if (one !== undefined) left += 1;
            if (turns > 10_000) throw new Error("nobody gets in");
          }
          expect([room.held, room.waiting]).toEqual([0, 0]);
          // Our own work waits for longer than all of this takes.
          for (const id of refused) expect(entries[Number(id)]?.owner).toBeDefined();
        },
      ),
      { numRuns: 30 },
    );
  });

  it("lets the first in first, and the largest alone", async () => {
    const { inside, come, names } = open();
    for (const [id, mib] of Object.entries({ one: 4, large: 20, last: 1 })) come(id, mib * MIB);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names()).toEqual(["one"]);
    inside[0]?.leave();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names()).toEqual(["one", "large"]);
    inside[1]?.leave();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names()).toEqual(["one", "large", "last"]);
  });

  it("keeps no other owner out for one that has its half", async () => {
    const { come, names } = open();
    for (const id of ["1", "2", "3"]) come(id, 1.5 * MIB, "slow");
    come("4", 2 * MIB, "other");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names()).toEqual(["1", "2", "4"]);
  });

  it("lets what is short in beside what is long, and neither without end", async () => {
    const { come, names } = open();
    for (const owner of ["a", "b", "c"]) come(owner, 3 * MIB, owner);
    for (let at = 0; at < 40; at++) come(`short ${at}`, 60 * KIB, `owner ${at}`);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(names().slice(0, 2)).toEqual(["a", "b"]);
    expect(names()).toHaveLength(2 + Math.floor(SPARE / (60 * KIB)));
  });

  it("refuses a client after ten seconds, and lets our own work wait for five minutes, unless it ends before", async () => {
    const { room, refused, come } = open();
    come("inside", 6 * MIB);
    come("client", MIB, "owner");
    come("work", MIB);
    let goesOn = true;
    let isOver = false;
    void room.enter(MIB, { goOn: () => goesOn }).then((leave) => {
      isOver = leave === null;
    });
    await vi.advanceTimersByTimeAsync(9_000);
    expect(refused).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([refused, isOver]).toEqual([["client"], false]);
    goesOn = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(isOver).toBe(true);
    await vi.advanceTimersByTimeAsync(290_000);
    expect([refused, room.waiting]).toEqual([["client", "work"], 0]);
  });

  it("waits for none whose object has died in the line, and gives back what its request held without a word", async () => {
    const { room, come, names } = open();
    come("gone", 6 * MIB, "a");
    await vi.advanceTimersByTimeAsync(0);
    // Its timer never fires again.
    come("dead", 6 * MIB, "b");
    vi.clearAllTimers();
    vi.setSystemTime(Date.now() + 85_000);
    come("next", 6 * MIB, "c");
    await vi.advanceTimersByTimeAsync(4_000);
    expect(names()).toEqual(["gone"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect([names(), room.held]).toEqual([["gone", "next"], 6 * MIB]);
  });

  it("looks for the dead once for all who wait, not once for each", async () => {
    const { room, come } = open();
    const looks = vi.spyOn(Math, "abs");
    for (let at = 0; at < 500; at++) come(String(at), 6 * MIB, String(at));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(room.waiting).toBe(499 * 6 * MIB);
    // Each asks some nine times in this second.
    expect(looks.mock.calls.length).toBeLessThan(60 * 500);
    looks.mockRestore();
  });
});
