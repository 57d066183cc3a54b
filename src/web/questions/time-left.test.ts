import { describe, expect, it } from "vitest";
import { timeLeft } from "./time-left.ts";

describe("timeLeft", () => {
  it("counts hours, then minutes, then seconds, none of it rounded up", () => {
    expect(timeLeft(3 * 3_600_000 - 1)).toMatchObject({ count: 2, unit: "hour" });
    expect(timeLeft(2 * 3_600_000 - 1)).toMatchObject({ count: 119, unit: "minute" });
    expect(timeLeft(60_000)).toMatchObject({ count: 1, unit: "minute" });
    expect(timeLeft(59_999)).toMatchObject({ count: 59, unit: "second" });
  });

  it("changes exactly when its text changes", () => {
    for (const ms of [59_999, 60_000, 61_234, 7_200_000, 80_000_000]) {
      const now = timeLeft(ms);
      expect(timeLeft(ms - (now?.changesInMs ?? 0) + 1)).toMatchObject({ count: now?.count, unit: now?.unit });
      expect(timeLeft(ms - (now?.changesInMs ?? 0))).not.toMatchObject({ count: now?.count, unit: now?.unit });
    }
  });

  it("shows nothing over a day, and when the time is up", () => {
    expect([timeLeft(86_400_001), timeLeft(0), timeLeft(-5)]).toEqual([null, null, null]);
  });
});
