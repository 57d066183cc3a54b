import { describe, expect, it } from "vitest";
import { firstMoment } from "./usage.ts";

describe("firstMoment", () => {
  it("is today's midnight for one day, and one midnight earlier for each further day", () => {
    const now = Date.parse("2026-03-01T23:59:59.999Z");
    expect(firstMoment(1, now)).toBe("2026-03-01T00:00:00.000Z");
    expect(firstMoment(2, now)).toBe("2026-02-28T00:00:00.000Z");
    expect(firstMoment(30, now)).toBe("2026-01-31T00:00:00.000Z");
  });

  it("counts midnight itself to the day that begins", () => {
    expect(firstMoment(1, Date.parse("2026-03-01T00:00:00.000Z"))).toBe("2026-03-01T00:00:00.000Z");
  });
});
