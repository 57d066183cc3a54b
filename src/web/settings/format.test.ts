import { describe, expect, it } from "vitest";
import { firstLine, formatCompact, formatDay, formatDue, formatDuration, formatTime, localeOf } from "./format.ts";

describe("localeOf", () => {
  it("is the browser's own variant of the chosen language", () => {
    expect(localeOf("en", ["zh-CN", "en-GB", "en-US"])).toBe("en-GB");
    expect(localeOf("zh", ["en-GB", "zh-TW"])).toBe("zh-TW");
  });

  it("is a common one where the browser uses another language", () => {
    expect(localeOf("zh", ["de-DE"])).toBe("zh-CN");
    expect(localeOf("en", [])).toBe("en");
  });
});

describe("times", () => {
  it("are shown in the given zone", () => {
    const time = "2026-11-26T23:30:00.000Z";
    expect(formatDue("en-GB", time, "Europe/Berlin")).toMatch(/^Fri,? 27 Nov, 00:30$/);
    expect(formatDue("en-GB", time, "UTC")).toContain("26 Nov");
    expect(formatTime("zh-CN", time, "Asia/Shanghai")).toBe("2026年11月27日 07:30");
  });

  it("are shown in UTC, labelled as such, where the browser does not know the zone", () => {
    expect(formatDue("en-GB", "2026-11-26T23:30:00.000Z", "Mars/Phobos")).toContain("UTC");
  });

  it("are empty where the server sent none", () => {
    expect(formatTime("en", "soon")).toBe("");
  });

  it("keep a calendar day whatever the zone of the machine", () => {
    expect(formatDay("en-GB", "2026-11-26")).toBe("26 Nov");
  });
});

describe("numbers", () => {
  it("are short where there is little room", () => {
    expect(formatCompact("en", 12_345)).toBe("12.3K");
    expect(formatCompact("zh-CN", 123_456)).toBe("12.3万");
  });

  it("show a wait in the unit that fits", () => {
    expect(formatDuration("en", 87)).toBe("87 ms");
    expect(formatDuration("en", 10_012)).toBe("10 sec");
  });
});

describe("firstLine", () => {
  it("skips empty lines and cuts a long one between characters", () => {
    expect(firstLine("\n\n  Triage it.  \nThen more.")).toBe("Triage it.");
    expect(firstLine("😀😀😀😀", 3)).toBe("😀😀…");
    expect(firstLine("  \n ")).toBe("");
  });
});
