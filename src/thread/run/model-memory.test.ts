import { describe, expect, it } from "vitest";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { writeMeta } from "../rows/database.ts";
import { openModelMemory } from "./model-memory.ts";

describe("a thread's memory of its models", () => {
  it("outlives the life that learned, for each server and model apart", () => {
    const thread = new FakeThread();
    const memory = openModelMemory(thread.life);
    memory.add("host a", "ids:nine");
    memory.add("host a", "ids:nine");
    memory.add("host b", "no images");
    thread.crash();
    const next = openModelMemory(thread.life);
    expect(next.read("host a")).toEqual(["ids:nine"]);
    expect(next.read("host b")).toEqual(["no images"]);
    expect(next.read("host c")).toEqual([]);
  });

  it("stays small: the newest models and rules are kept", () => {
    const thread = new FakeThread();
    const memory = openModelMemory(thread.life);
    for (let at = 0; at < 30; at++) memory.add(`host ${at}`, "x");
    for (let at = 0; at < 100; at++) memory.add("host 29", `image:${at}`);
    expect(memory.read("host 0")).toEqual([]);
    expect(memory.read("host 14")).toEqual(["x"]);
    expect(memory.read("host 29")).toHaveLength(65);
    expect(memory.read("host 29").at(-1)).toBe("image:99");
  });

  it("keeps what it knows of a server, however many images that refused", () => {
    const memory = openModelMemory(new FakeThread().life);
    memory.add("host a", "ids:nine");
    for (let at = 0; at < 100; at++) memory.add("host a", `image:${at}`);
    expect(memory.read("host a")).toContain("ids:nine");
    expect(memory.read("host a")).toContain("image:99");
  });

  it("forgets a rule that did not hold", () => {
    const thread = new FakeThread();
    const memory = openModelMemory(thread.life);
    memory.add("host a", "ids:nine");
    memory.add("host a", "no images");
    memory.remove("host a", "ids:nine");
    thread.crash();
    expect(openModelMemory(thread.life).read("host a")).toEqual(["no images"]);
  });

  it("starts anew from a damaged row", () => {
    const thread = new FakeThread();
    writeMeta(thread.life.database.sql, "model_rules", { "host a": [1] });
    const memory = openModelMemory(thread.life);
    expect(memory.read("host a")).toEqual([]);
    memory.add("host a", "ids:nine");
    expect(openModelMemory(thread.life).read("host a")).toEqual(["ids:nine"]);
  });
});
