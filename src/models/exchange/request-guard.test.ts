import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { guardRequest } from "./request-guard.ts";

const limits = { first_byte_ms: 1000, idle_ms: 300, total_ms: 5000 };
const open = (caller = new AbortController().signal) => guardRequest(limits, caller);

describe("guardRequest", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("stops a request that gets no first byte", () => {
    const guard = open();
    vi.advanceTimersByTime(999);
    expect(guard.signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(guard.reason).toBe("no_first_byte");
    expect(guard.signal.aborted).toBe(true);
  });

  it("applies the limit of the first byte until the reply begins, whatever else arrives", () => {
    const guard = open();
    for (let turn = 0; turn < 3; turn++) {
      vi.advanceTimersByTime(900);
      guard.touch("waiting");
    }
    vi.advanceTimersByTime(999);
    expect(guard.reason).toBeNull();
    vi.advanceTimersByTime(1);
    expect(guard.reason).toBe("no_first_byte");
  });

  it("applies the shorter limit as soon as the reply begins", () => {
    const guard = open();
    guard.touch("waiting");
    guard.touch("begun");
    vi.advanceTimersByTime(300);
    expect(guard.reason).toBe("silent");
  });

  it("stops comments that would keep a connection alive for ever", () => {
    const guard = open();
    for (let turn = 0; turn < 10; turn++) {
      vi.advanceTimersByTime(900);
      guard.touch("waiting");
    }
    expect(guard.reason).toBe("too_long");
  });

  it("stops a reply that falls silent, counted from its last bytes", () => {
    const guard = open();
    for (let turn = 0; turn < 5; turn++) {
      vi.advanceTimersByTime(250);
      guard.touch("begun");
    }
    expect(guard.reason).toBeNull();
    vi.advanceTimersByTime(300);
    expect(guard.reason).toBe("silent");
  });

  it("stops a reply that trickles for ever", () => {
    const guard = open();
    for (let turn = 0; turn < 60; turn++) {
      vi.advanceTimersByTime(100);
      guard.touch("begun");
    }
    expect(guard.reason).toBe("too_long");
  });

  it("waits less once the model has finished", () => {
    const guard = guardRequest(
      { first_byte_ms: 60_000, idle_ms: 60_000, total_ms: 600_000 },
      new AbortController().signal,
    );
    guard.touch("finished");
    vi.advanceTimersByTime(5000);
    expect(guard.reason).toBe("silent");
  });

  it("takes bytes for life also once the model has finished, so that a late token count is read", () => {
    const guard = guardRequest(
      { first_byte_ms: 60_000, idle_ms: 60_000, total_ms: 600_000 },
      new AbortController().signal,
    );
    for (let turn = 0; turn < 5; turn++) {
      guard.touch("finished");
      vi.advanceTimersByTime(4000);
    }
    expect(guard.reason).toBeNull();
    vi.advanceTimersByTime(1000);
    expect(guard.reason).toBe("silent");
  });

  it("closes the body when the caller aborts, even if the body arrives only later", () => {
    const caller = new AbortController();
    const guard = open(caller.signal);
    const closed = vi.fn();
    guard.onStop(closed);
    caller.abort();
    expect(guard.reason).toBe("cancelled");
    expect(closed).toHaveBeenCalledOnce();
    const late = vi.fn();
    guard.onStop(late);
    expect(late).toHaveBeenCalledOnce();
  });

  it("is stopped from the start if the caller has already aborted", () => {
    expect(open(AbortSignal.abort()).reason).toBe("cancelled");
  });

  it("sets one timer for a reply that comes in time", () => {
    // The runner puts back what was spied on once more at the end of the file, and must not put back a fake.
    vi.useRealTimers();
    const set = vi.spyOn(globalThis, "setTimeout");
    const guard = open();
    guard.touch("waiting");
    for (let turn = 0; turn < 5; turn++) guard.touch("begun");
    guard.release();
    expect(set).toHaveBeenCalledOnce();
    set.mockRestore();
  });

  it("leaves no timer and no listener when released", () => {
    const caller = new AbortController();
    const guard = open(caller.signal);
    guard.touch("begun");
    guard.release();
    expect(vi.getTimerCount()).toBe(0);
    caller.abort();
    expect(guard.reason).toBeNull();
  });
});
