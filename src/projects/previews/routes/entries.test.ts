import { describe, expect, it } from "vitest";
import type { PortEntry } from "../../../agent/workspace.ts";
import { createEntryMemory, LOOK_MS } from "./entries.ts";

function rig() {
  const world = { now: 0, entry: null as PortEntry | null, asked: 0, isAway: false };
  const memory = createEntryMemory(() => world.now);
  const find = async () => {
    world.asked += 1;
    if (world.isAway) throw new Error("the provider is away");
    return world.entry;
  };
  return { world, read: (age_ms?: number) => memory.read("user/project/3000", find, age_ms) };
}

const entry = { address: "http://toolbox/box/proxy/3000", headers: { key: "token" } };

describe("an entry to a port of a sandbox", () => {
  it("is remembered for a minute, and asked for again where a younger one is wanted", async () => {
    const { world, read } = rig();
    world.entry = entry;
    expect((await read()).entry).toBe(entry);
    world.now = 59_000;
    expect((await read()).entry).toBe(entry);
    expect(world.asked).toBe(1);
    await read(LOOK_MS);
    expect(world.asked).toBe(2);
    await read(LOOK_MS);
    expect(world.asked).toBe(2);
  });

  it("that is missing is asked for again soon", async () => {
    const { world, read } = rig();
    expect((await read()).entry).toBeNull();
    world.entry = entry;
    expect((await read()).entry).toBeNull();
    world.now = LOOK_MS;
    expect((await read()).entry).toBe(entry);
  });

  it("stays the one that is known while the provider is away, which is asked again as seldom as ever", async () => {
    const { world, read } = rig();
    world.entry = entry;
    await read();
    world.isAway = true;
    world.now = 60_000;
    expect((await read()).entry).toBe(entry);
    expect((await read()).entry).toBe(entry);
    expect(world.asked).toBe(2);
  });

  it("is unknown where none was found and the provider is away", async () => {
    const { world, read } = rig();
    world.isAway = true;
    await expect(read()).rejects.toThrow("away");
    world.isAway = false;
    await read();
    world.isAway = true;
    world.now = LOOK_MS;
    await expect(read()).rejects.toThrow("away");
  });
});
