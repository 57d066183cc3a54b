import { describe, expect, it } from "vitest";
import type { PortEndpoint } from "../../../agent/workspace.ts";
import { createEndpointCache, LOOK_UP_MS } from "./endpoints.ts";

function rig() {
  const world = { now: 0, endpoint: null as PortEndpoint | null, asked: 0, isAway: false };
  const memory = createEndpointCache(() => world.now);
  const find = async () => {
    world.asked += 1;
    if (world.isAway) throw new Error("the provider is away");
    return world.endpoint;
  };
  return { world, read: (age_ms?: number) => memory.read("user/project/3000", find, age_ms) };
}

const endpoint = { address: "http://toolbox/box/proxy/3000", headers: { key: "token" } };

describe("the endpoint of a sandbox's port", () => {
  it("is cached for a minute, and looked up again if a younger one is requested", async () => {
    const { world, read } = rig();
    world.endpoint = endpoint;
    expect((await read()).endpoint).toBe(endpoint);
    world.now = 59_000;
    expect((await read()).endpoint).toBe(endpoint);
    expect(world.asked).toBe(1);
    await read(LOOK_UP_MS);
    expect(world.asked).toBe(2);
    await read(LOOK_UP_MS);
    expect(world.asked).toBe(2);
  });

  it("is looked up again soon if the sandbox did not run", async () => {
    const { world, read } = rig();
    expect((await read()).endpoint).toBeNull();
    world.endpoint = endpoint;
    expect((await read()).endpoint).toBeNull();
    world.now = LOOK_UP_MS;
    expect((await read()).endpoint).toBe(endpoint);
  });

  it("stays cached while the provider is away, and is looked up no more often than usual", async () => {
    const { world, read } = rig();
    world.endpoint = endpoint;
    await read();
    world.isAway = true;
    world.now = 60_000;
    expect((await read()).endpoint).toBe(endpoint);
    expect((await read()).endpoint).toBe(endpoint);
    expect(world.asked).toBe(2);
  });

  it("is an error if none is cached and the provider is away", async () => {
    const { world, read } = rig();
    world.isAway = true;
    await expect(read()).rejects.toThrow("away");
    world.isAway = false;
    await read();
    world.isAway = true;
    world.now = LOOK_UP_MS;
    await expect(read()).rejects.toThrow("away");
  });
});
