import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startClock } from "./clock.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-25T08:00:42Z") });
});

afterEach(() => {
  vi.useRealTimers();
});

function listen(): { struck: string[]; stop: () => void } {
  const struck: string[] = [];
  const stop = startClock(() => void struck.push(new Date().toISOString().slice(11, 22)));
  return { struck, stop };
}

describe("the clock", () => {
  it("ticks at once, and then just after each whole minute", () => {
    const { struck, stop } = listen();
    vi.advanceTimersByTime(3 * 60_000);
    stop();
    expect(struck).toEqual(["08:00:42.00", "08:01:00.05", "08:02:00.05", "08:03:00.05"]);
  });

  it("is on the minute again after the machine has slept", () => {
    const { struck, stop } = listen();
    vi.setSystemTime(Date.parse("2026-11-25T11:30:10Z"));
    vi.advanceTimersByTime(80_000);
    stop();
    expect(struck.slice(-1)).toEqual(["11:31:00.05"]);
  });

  it("does not tick after it is stopped", () => {
    const { struck, stop } = listen();
    stop();
    vi.advanceTimersByTime(3 * 60_000);
    expect(struck).toHaveLength(1);
  });
});
