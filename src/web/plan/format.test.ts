import { describe, expect, it } from "vitest";
import { formatCount, formatDuration } from "./format.ts";

describe("formatDuration", () => {
  it("says its two largest units", () => {
    const said = [0, 0.4, 59.4, 59.6, 184, 4_859].map((seconds) => formatDuration(seconds, "en"));
    expect(said).toEqual(["0s", "<1s", "59s", "1m 0s", "3m 4s", "1h 20m"]);
    expect(formatDuration(184, "zh-CN")).toBe("3分钟 4秒");
  });
});

describe("formatCount", () => {
  it("writes small numbers out and large ones short", () => {
    expect([formatCount(12_345, "en"), formatCount(1_234_567, "en")]).toEqual(["12,345", "1.2M"]);
  });
});
