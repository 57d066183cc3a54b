import { describe, expect, it } from "vitest";
import { type Agent, defaultAgent } from "../protocol/agents/agent.ts";
import { createAgentMemory } from "./agent-memory.ts";

class Stored {
  agent: Agent | null = { ...defaultAgent, agent_id: "a", version: 1 };
  reads = 0;
  readonly read = async (): Promise<Agent | null> => {
    this.reads += 1;
    return this.agent;
  };
}

describe("the cache of agents", () => {
  it("asks the database once in five seconds", async () => {
    let now = 0;
    const memory = createAgentMemory(() => now);
    const stored = new Stored();
    const versions = [];
    for (now = 0; now < 10_000; now += 1_000) {
      if (now === 2_000) stored.agent = { ...defaultAgent, agent_id: "a", version: 2 };
      versions.push((await memory.read("u", "a", stored.read))?.version);
    }
    expect(versions).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    expect(stored.reads).toBe(2);
  });

  it("keeps two users and two agents apart", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    await memory.read("u", "a", stored.read);
    await memory.read("v", "a", stored.read);
    await memory.read("u", "b", stored.read);
    expect(stored.reads).toBe(3);
  });

  it("does not cache that an agent is missing", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    stored.agent = null;
    expect(await memory.read("u", "a", stored.read)).toBeNull();
    stored.agent = defaultAgent;
    expect(await memory.read("u", "a", stored.read)).toBe(defaultAgent);
  });

  it("has the new version at once after a reported change, even for a read during the change", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    let arrive = (_agent: Agent | null): void => {};
    const early = memory.read(
      "u",
      "a",
      () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    );
    memory.forget("u", "a");
    arrive({ ...defaultAgent, version: 1 });
    expect((await early)?.version).toBe(1);
    stored.agent = { ...defaultAgent, version: 2 };
    expect((await memory.read("u", "a", stored.read))?.version).toBe(2);
  });

  it("holds no more than a hundred agents", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    for (let count = 0; count <= 100; count++) await memory.read("u", `a${count}`, stored.read);
    await memory.read("u", "a100", stored.read);
    await memory.read("u", "a1", stored.read);
    expect(stored.reads).toBe(101);
    await memory.read("u", "a0", stored.read);
    expect(stored.reads).toBe(102);
  });
});
