import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffDelay, readRetryAfter } from "./retry.ts";

const backoff = { base_ms: 500, cap_ms: 30_000 };

describe("backoffDelay", () => {
  it("doubles from the base and stops at the cap", () => {
    expect([1, 2, 3, 4, 20].map((attempt) => backoffDelay(attempt, backoff, 1))).toEqual([
      500, 1000, 2000, 4000, 30_000,
    ]);
  });

  it("is half fixed and half random", () => {
    expect(backoffDelay(3, backoff, 0)).toBe(1000);
    expect(backoffDelay(3, backoff, 0.5)).toBe(1500);
  });

  it("stays between half and whole for any attempt, however large", () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delay = backoffDelay(attempt, backoff, random);
        expect(delay).toBeGreaterThanOrEqual(250);
        expect(delay).toBeLessThanOrEqual(30_000);
      }),
    );
  });
});

describe("readRetryAfter", () => {
  const read = (init: Record<string, string>) => readRetryAfter(new Headers(init), Date.parse("2026-01-01T00:00:00Z"));

  it("reads seconds, milliseconds and dates", () => {
    expect(read({ "retry-after": "2" })).toBe(2000);
    expect(read({ "retry-after": "2", "retry-after-ms": "150" })).toBe(150);
    expect(read({ "retry-after": "Thu, 01 Jan 2026 00:00:07 GMT" })).toBe(7000);
  });

  it("never returns a negative wait", () => {
    expect(read({ "retry-after": "-5" })).toBe(0);
    expect(read({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT" })).toBe(0);
  });

  it("returns null if the headers name no usable time", () => {
    expect(read({})).toBeNull();
    expect(read({ "retry-after": "" })).toBeNull();
    expect(read({ "retry-after": "soon" })).toBeNull();
    expect(read({ "retry-after-ms": "Infinity" })).toBeNull();
  });
});
