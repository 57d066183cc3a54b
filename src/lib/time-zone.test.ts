import { describe, expect, it } from "vitest";
import { dayIn, readTimeZone } from "./time-zone.ts";

describe("readTimeZone", () => {
  it.each([
    ["UTC", "UTC"],
    ["europe/berlin", "Europe/Berlin"],
    ["America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"],
  ])("takes %s", (name, expected) => {
    expect(readTimeZone(name)).toBe(expected);
  });

  it.each(["", "+01:00", "-05:00", "Mars/Phobos", "Europe/Berlin\n", "Etc/Unknown", "A".repeat(100), "<b>"])(
    "refuses %j",
    (name) => {
      expect(readTimeZone(name)).toBeNull();
    },
  );
});

it("knows every zone, however many were asked for before", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  expect(zones.filter((zone) => readTimeZone(zone) === null)).toEqual([]);
  expect(readTimeZone("europe/berlin")).toBe("Europe/Berlin");
  expect(dayIn("Asia/Shanghai", Date.parse("2026-11-27T23:30:00Z")).date).toBe("2026-11-28");
});

describe("dayIn", () => {
  it("has the date and weekday where the person is", () => {
    const at = Date.parse("2026-11-27T23:30:00Z");
    expect(dayIn("UTC", at)).toEqual({ date: "2026-11-27", weekday: "Friday" });
    expect(dayIn("Asia/Shanghai", at)).toEqual({ date: "2026-11-28", weekday: "Saturday" });
    expect(dayIn("America/Los_Angeles", Date.parse("2027-01-01T00:00:00Z")).date).toBe("2026-12-31");
  });
});
