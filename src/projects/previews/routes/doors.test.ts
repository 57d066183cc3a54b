import { describe, expect, it } from "vitest";
import type { PortDoor } from "../../../agent/workspace.ts";
import { createDoorMemory, LOOK_MS } from "./doors.ts";

function rig() {
  const world = { now: 0, door: null as PortDoor | null, asked: 0, isAway: false };
  const memory = createDoorMemory(() => world.now);
  const find = async () => {
    world.asked += 1;
    if (world.isAway) throw new Error("Daytona is away");
    return world.door;
  };
  return { world, read: (age_ms?: number) => memory.read("user/project/3000", find, age_ms) };
}

const door = { address: "http://toolbox/box/proxy/3000", token: "token" };

describe("a way into a sandbox", () => {
  it("is remembered for a minute, and asked for again where a younger one is wanted", async () => {
    const { world, read } = rig();
    world.door = door;
    expect((await read()).door).toBe(door);
    world.now = 59_000;
    expect((await read()).door).toBe(door);
    expect(world.asked).toBe(1);
    await read(LOOK_MS);
    expect(world.asked).toBe(2);
    await read(LOOK_MS);
    expect(world.asked).toBe(2);
  });

  it("that there is not is asked for again soon", async () => {
    const { world, read } = rig();
    expect((await read()).door).toBeNull();
    world.door = door;
    expect((await read()).door).toBeNull();
    world.now = LOOK_MS;
    expect((await read()).door).toBe(door);
  });

  it("stays the one that is known while Daytona's API is away, which is asked again as seldom as ever", async () => {
    const { world, read } = rig();
    world.door = door;
    await read();
    world.isAway = true;
    world.now = 60_000;
    expect((await read()).door).toBe(door);
    expect((await read()).door).toBe(door);
    expect(world.asked).toBe(2);
  });

  it("can't be told where none is known and Daytona's API is away", async () => {
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
