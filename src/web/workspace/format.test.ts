import { describe, expect, it } from "vitest";
import { formatsOf } from "./format.ts";

describe("sizes and times", () => {
  const en = formatsOf("en");
  const zh = formatsOf("zh");

  it("show bytes in the unit that fits", () => {
    expect([0, 999, 1_834, 15_000, 104_857_600].map((count) => en.bytes(count))).toEqual([
      "0 B",
      "999 B",
      "1.8 kB",
      "15 kB",
      "105 MB",
    ]);
  });

  it("show durations briefly", () => {
    expect([300, 42_000, 95_000, 3_720_000, 1_800_000].map((ms) => en.duration(ms))).toEqual([
      "0.3s",
      "42s",
      "1m 35s",
      "1h 2m",
      "30m",
    ]);
    expect(zh.duration(95_000)).toBe("1分钟 35秒");
  });

  it("omit the day where it is today", () => {
    const now = Date.UTC(2026, 10, 24, 12);
    expect(en.moment(now, now)).not.toContain("2026");
    expect(en.moment(now - 3 * 86_400_000, now)).toContain("2026");
  });
});
