// What an isolate counts of a user: the last minute, and what is open.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCounts } from "./counts.ts";

const MINUTE = 60_000;

describe("a rate", () => {
  it("never lets more than the quota into any sixty seconds, and always as much in the end", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), fc.array(fc.integer({ min: 0, max: 20_000 })), (quota, gaps) => {
        const counts = createCounts();
        const taken: number[] = [];
        let now = 1_800_000_000_000;
        for (const gap of gaps) {
          now += gap;
          if (counts.take("key", quota, now).wait_ms === 0) taken.push(now);
          expect(taken.filter((at) => at > now - MINUTE).length).toBeLessThanOrEqual(quota);
        }
        now += 2 * MINUTE;
        for (let count = 0; count < quota; count++) expect(counts.take("key", quota, now).wait_ms).toBe(0);
        expect(counts.take("key", quota, now).wait_ms).toBeGreaterThan(0);
      }),
    );
  });

  it("says when the next one may succeed: then it does, and not a moment before", () => {
    for (const start of [0, 1, 9_999, 123_456]) {
      const counts = createCounts();
      for (const at of [start, start + 15_000, start + 31_000]) expect(counts.take("key", 3, at).wait_ms).toBe(0);
      const { wait_ms } = counts.take("key", 3, start + 40_000);
      expect(wait_ms).toBeLessThanOrEqual(70_000);
      expect(counts.waitFor("key", 3, start + 40_000 + wait_ms - 1)).toBe(1);
      expect(counts.take("key", 3, start + 40_000 + wait_ms).wait_ms).toBe(0);
    }
  });

  it("is that of a minute also after the clock was set back, and a refusal lasts no longer", () => {
    const counts = createCounts();
    const ahead = 1_800_000_000_000;
    for (let count = 0; count < 60; count++) expect(counts.take("key", 60, ahead).wait_ms).toBe(0);
    counts.refuse("key", ahead);
    const now = ahead - 10 * MINUTE;
    expect(counts.waitFor("key", 60, now)).toBeLessThanOrEqual(70_000);
    for (let second = 0; second < 600; second += 2)
      expect(counts.take("key", 60, now + second * 1_000).wait_ms).toBe(0);
    expect(counts.takeNotice("key", now)).toBe(true);
  });

  it("lets no more through where the clock goes back by seconds", () => {
    const counts = createCounts();
    expect(counts.take("key", 1, 100_000).wait_ms).toBe(0);
    for (const at of [99_999, 95_000, 60_000]) {
      const { wait_ms } = counts.take("key", 1, at);
      expect(wait_ms).toBeGreaterThan(0);
      expect(wait_ms).toBeLessThanOrEqual(70_000);
    }
  });

  it("counts each key alone, and a refused one not at all", () => {
    const counts = createCounts();
    expect(counts.take("one", 1, 0).wait_ms).toBe(0);
    for (let count = 0; count < 1_000; count++) expect(counts.take("one", 1, 30_000).wait_ms).toBe(40_000);
    expect(counts.take("two", 1, 30_000).wait_ms).toBe(0);
    expect(counts.take("one", 1, 70_000).wait_ms).toBe(0);
  });

  it("refuses for some seconds what another place has refused", () => {
    const counts = createCounts();
    counts.refuse("key", 1_000);
    expect(counts.take("key", 10, 2_000).wait_ms).toBe(4_000);
    expect(counts.take("key", 10, 6_000).wait_ms).toBe(0);
  });

  it("remembers ten thousand keys, and forgets those that were used the longest ago", () => {
    const counts = createCounts();
    for (let user = 0; user <= 10_000; user++) counts.take(String(user), 1, 0);
    expect(counts.take("10000", 1, 0).wait_ms).toBeGreaterThan(0);
    expect(counts.take("0", 1, 0).wait_ms).toBe(0);
  });
});

describe("what is open", () => {
  it("has as many as the quota at once, and closing twice frees one", () => {
    const counts = createCounts();
    const first = counts.open("key", 2, 0);
    expect(counts.open("key", 2, 0)).not.toBeNull();
    expect(counts.open("key", 2, 0)).toBeNull();
    first?.();
    first?.();
    expect(counts.open("key", 2, 0)).not.toBeNull();
    expect(counts.open("key", 2, 0)).toBeNull();
    expect(counts.open("other", 2, 0)).not.toBeNull();
  });

  it("is forgotten sooner if it can't last so long", () => {
    const counts = createCounts();
    counts.open("key", 1, 0, 300_000);
    expect(counts.open("key", 1, 300_000)).toBeNull();
    expect(counts.open("key", 1, 300_001)).not.toBeNull();
  });

  it("is forgotten after an hour, so that what never closed keeps nobody out", () => {
    const counts = createCounts();
    const lost = counts.open("key", 1, 0);
    expect(counts.open("key", 1, 3_600_000)).toBeNull();
    const next = counts.open("key", 1, 3_600_001);
    expect(next).not.toBeNull();
    lost?.();
    expect(counts.open("key", 1, 3_600_002)).toBeNull();
    next?.();
    expect(counts.open("key", 1, 3_600_003)).not.toBeNull();
  });
});

it("says something of a key once a minute", () => {
  const counts = createCounts();
  expect([0, 1, 59_999, 60_000].map((now) => counts.takeNotice("key", now))).toEqual([true, false, false, true]);
});
