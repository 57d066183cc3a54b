import { describe, expect, it } from "vitest";
import { createTimedCache } from "./timed-cache.ts";

describe("a timed cache", () => {
  it("keeps a value for its time, and does not cache a missing one", async () => {
    const world = { now: 0, stored: null as string | null };
    const memory = createTimedCache<string>({ now: () => world.now, keep_ms: 10, max_entries: 2 });
    const read = () => memory.read("key", async () => world.stored);
    expect(await read()).toBeNull();
    world.stored = "one";
    expect(await read()).toBe("one");
    world.stored = "two";
    expect(await read()).toBe("one");
    world.now = 10;
    expect(await read()).toBe("two");
    memory.forget("key");
    world.stored = null;
    expect(await read()).toBeNull();
  });

  it("does not cache a read that began before a change and finished after it", async () => {
    const memory = createTimedCache<string>({ now: () => 0, keep_ms: 10, max_entries: 2 });
    await memory.read("key", async () => {
      memory.forget("key");
      return "old";
    });
    expect(await memory.read("key", async () => "new")).toBe("new");
  });

  it("holds no more entries than its limit", async () => {
    const memory = createTimedCache<string>({ now: () => 0, keep_ms: 10, max_entries: 2 });
    for (const key of ["a", "b", "c"]) await memory.read(key, async () => key);
    expect(await memory.read("a", async () => "again")).toBe("again");
    expect(await memory.read("c", async () => "again")).toBe("c");
  });
});
