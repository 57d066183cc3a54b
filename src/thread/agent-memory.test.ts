import { describe, expect, it } from "vitest";
import { defaultAgent } from "../protocol/agents/agent.ts";
import type { StartingAgent } from "../store/agents/versions.ts";
import { createAgentMemory } from "./agent-memory.ts";

class Stored {
  agent: StartingAgent | null = { ...defaultAgent, agent_id: "a", version: 1 };
  reads = 0;
  readonly read = async (): Promise<StartingAgent | null> => {
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
      versions.push((await memory.read("u", "a", "p", stored.read))?.version);
    }
    expect(versions).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    expect(stored.reads).toBe(2);
  });

  it("keeps two users and two agents apart", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    await memory.read("u", "a", "p", stored.read);
    await memory.read("v", "a", "p", stored.read);
    await memory.read("u", "b", "p", stored.read);
    expect(stored.reads).toBe(3);
  });

  it("does not cache that an agent is missing", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    stored.agent = null;
    expect(await memory.read("u", "a", "p", stored.read)).toBeNull();
    stored.agent = defaultAgent;
    expect(await memory.read("u", "a", "p", stored.read)).toBe(defaultAgent);
  });

  it("has the new version at once after a reported change, even for a read during the change", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    let arrive = (_agent: StartingAgent | null): void => {};
    const early = memory.read(
      "u",
      "a",
      "p",
      () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    );
    memory.forget("u", "a");
    arrive({ ...defaultAgent, version: 1 });
    expect((await early)?.version).toBe(1);
    stored.agent = { ...defaultAgent, version: 2 };
    expect((await memory.read("u", "a", "p", stored.read))?.version).toBe(2);
  });

  it("holds no more than a hundred agents", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    for (let count = 0; count <= 100; count++) await memory.read("u", `a${count}`, "p", stored.read);
    await memory.read("u", "a100", "p", stored.read);
    await memory.read("u", "a1", "p", stored.read);
    expect(stored.reads).toBe(101);
    await memory.read("u", "a0", "p", stored.read);
    expect(stored.reads).toBe(102);
  });

  it("keeps the caps of two projects apart, and forgets an agent with all of them", async () => {
    const memory = createAgentMemory(() => 0);
    const stored = new Stored();
    const readAll = async () => {
      for (const project of ["p", "q", null]) await memory.read("u", "a", project, stored.read);
      await memory.read("u", "ab", "p", stored.read);
      await memory.read("v", "a", "p", stored.read);
      return stored.reads;
    };
    expect(await readAll()).toBe(5);
    expect(await readAll()).toBe(5);
    memory.forget("u", "a");
    expect(await readAll()).toBe(8);
    memory.forgetProject("u", "p");
    expect(await readAll()).toBe(10);
    memory.forgetUser("u");
    expect(await readAll()).toBe(14);
  });

  it("reads a project that a thread just made as none, until its caps may have changed", async () => {
    let now = 0;
    const memory = createAgentMemory(() => now);
    const stored = new Stored();
    const asked: (string | null)[] = [];
    const read = (project: string | null) =>
      memory.read("u", "a", project, (project_id) => {
        asked.push(project_id);
        return stored.read();
      });
    await read(null);
    memory.noteNewProject("u", "new");
    await read("new");
    expect(asked).toEqual([null]);
    memory.forgetProject("u", "new");
    await read("new");
    expect(asked).toEqual([null, "new"]);
    memory.noteNewProject("u", "newer");
    for (now of [4_999, 5_000]) await read("newer");
    expect(asked).toEqual([null, "new", "newer"]);
  });
});
