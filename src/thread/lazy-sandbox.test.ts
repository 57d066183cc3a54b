import { describe, expect, it } from "vitest";
import { MemorySandbox } from "../../examples/memory-sandbox/sandbox.ts";
import { lazySandbox } from "./lazy-sandbox.ts";

const { signal } = new AbortController();

describe("lazySandbox", () => {
  it("makes nothing before the first call, and one sandbox for all calls", async () => {
    let made = 0;
    const sandbox = lazySandbox(async () => {
      made += 1;
      return new MemorySandbox();
    });
    expect(made).toBe(0);
    await Promise.all([
      sandbox.writeFile("a", new Uint8Array([1]), signal),
      sandbox.writeFile("b", new Uint8Array([2]), signal),
    ]);
    expect([made, await sandbox.readFile("b", signal)]).toEqual([1, new Uint8Array([2])]);
  });

  it("fails a call with a SandboxError if it can't be made, and tries again at the next call", async () => {
    let tries = 0;
    const sandbox = lazySandbox(async () => {
      tries += 1;
      if (tries === 1) throw new Error("D1 is away");
      return new MemorySandbox();
    });
    await expect(sandbox.listCommands(signal)).rejects.toMatchObject({ name: "SandboxError", code: "failed" });
    expect(await sandbox.listCommands(signal)).toEqual([]);
  });

  it("is made again at the first use after a renewal, and stays as it was if that fails", async () => {
    const formers: unknown[] = [];
    let isAway = false;
    const sandbox = lazySandbox(async (former) => {
      formers.push(former);
      if (isAway) throw new Error("D1 is away");
      return new MemorySandbox();
    });
    sandbox.renew?.();
    await sandbox.writeFile("a", new Uint8Array([1]), signal);
    isAway = true;
    sandbox.renew?.();
    expect(formers).toEqual([null]);
    expect(await sandbox.readFile("a", signal)).toEqual(new Uint8Array([1]));
    isAway = false;
    await expect(sandbox.readFile("a", signal)).rejects.toMatchObject({ code: "not_found" });
    expect(formers).toHaveLength(3);
  });

  it("is not made only to report facts of itself", async () => {
    const facts = { system: "", work_dir: "/", programs: [], has_route: null, notes: null };
    const sandbox = lazySandbox(async () => Object.assign(new MemorySandbox(), { readFacts: async () => facts }));
    expect(await sandbox.readFacts?.(signal)).toBeNull();
    await sandbox.listCommands(signal);
    expect(await sandbox.readFacts?.(signal)).toEqual(facts);
  });

  it("has no notices before it is made, and then those of the sandbox", async () => {
    const sandbox = lazySandbox(async () => Object.assign(new MemorySandbox(), { takeNotice: () => "news" }));
    expect(sandbox.takeNotice?.()).toBeNull();
    await sandbox.listCommands(signal);
    expect(sandbox.takeNotice?.()).toBe("news");
  });
});
