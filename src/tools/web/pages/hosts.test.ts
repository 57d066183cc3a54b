import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BUSY, createHostTurns } from "./hosts.ts";

const never = new AbortController().signal;
const site = new URL("https://a.example/");

describe("a turn at a host", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is kept as long as its request takes", async () => {
    const hosts = createHostTurns();
    const first = Promise.withResolvers<string>();
    const order: string[] = [];
    const made = hosts.use(site, never, () => first.promise).then((value) => order.push(value));
    const next = hosts.use(site, never, async () => "second").then((value) => order.push(String(value)));
    await vi.advanceTimersByTimeAsync(19_000);
    expect(order).toEqual([]);
    first.resolve("first");
    await vi.advanceTimersByTimeAsync(200);
    await Promise.all([made, next]);
    expect(order).toEqual(["first", "second"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends within seconds of the life that held it, whose timers end with it", async () => {
    const hosts = createHostTurns();
    void hosts.use(site, never, () => new Promise(() => {}));
    vi.clearAllTimers();
    const began = Date.now();
    const next = hosts.use(site, never, async () => Date.now() - began);
    await vi.advanceTimersByTimeAsync(40_000);
    expect(await next).toBeLessThan(5000);
  });

  it("is free at once for the next one when the one that holds it is cancelled", async () => {
    const hosts = createHostTurns();
    const stop = new AbortController();
    const held = hosts.use(site, stop.signal, () => {
      const { promise, reject } = Promise.withResolvers<never>();
      stop.signal.addEventListener("abort", () => reject(stop.signal.reason));
      return promise;
    });
    const next = hosts.use(site, never, async () => "read");
    stop.abort(new Error("cancelled"));
    await expect(held).rejects.toThrow("cancelled");
    await vi.advanceTimersByTimeAsync(200);
    expect(await next).toBe("read");
  });

  it("is not waited for by one that was cancelled, nor for ever", async () => {
    const hosts = createHostTurns({ turn_ms: 60_000 });
    void hosts.use(site, never, () => new Promise(() => {}));
    const stop = new AbortController();
    const cancelled = hosts.use(site, stop.signal, async () => "read");
    const patient = hosts.use(site, never, async () => "read");
    stop.abort(new Error("cancelled"));
    await expect(cancelled).rejects.toThrow("cancelled");
    await vi.advanceTimersByTimeAsync(41_000);
    expect(await patient).toBe(BUSY);
  });
});
