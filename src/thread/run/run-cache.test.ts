import { beforeEach, describe, expect, it, vi } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { cancelRun } from "./control.ts";
import { ensureRunning } from "./run.ts";
import { openRunCache } from "./run-cache.ts";

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

/** A thread with a run that waits for its model. */
async function open() {
  const gate = new Gate();
  const thread = new FakeThread({ replies: [gate.say("", "Done."), say("Done."), say("Done.")] });
  await thread.accept("hello", { invocation_id: "inv_a" });
  await gate.reached;
  const keysOf = () =>
    thread.life.database.sql
      .exec<{ key: string; invocation_id: string }>("SELECT key, invocation_id FROM run_cache ORDER BY id")
      .toArray()
      .map(({ key }) => key);
  const parts = () => thread.life.database.sql.exec("SELECT 1 FROM overflow WHERE owner LIKE 'c:%'").toArray().length;
  return { thread, gate, keysOf, parts, cache: openRunCache(thread.life, "inv_a") };
}

const never = async (): Promise<string> => {
  throw new Error("made again");
};

describe("what a run keeps", () => {
  it("is made once, also for calls at the same time, and outlives a crash", async () => {
    const { thread, cache } = await open();
    const page = Promise.withResolvers<string>();
    const both = [cache("page", () => page.promise), cache("page", never)];
    page.resolve("Tea");
    expect(await Promise.all(both)).toEqual(["Tea", "Tea"]);
    thread.crash();
    expect(await openRunCache(thread.life, "inv_a")("page", never)).toBe("Tea");
  });

  it("is made again by the next call if it failed, which all callers hear", async () => {
    const { cache } = await open();
    const both = await Promise.allSettled([cache("page", never), cache("page", never)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const throws = () => {
      throw new Error("at once");
    };
    await expect(cache("page", throws)).rejects.toThrow("at once");
    expect(await cache("page", async () => "Tea")).toBe("Tea");
  });

  it("is whole if it is longer than a row, and its parts go with it", async () => {
    const { cache, parts, thread, gate: first } = await open();
    const long = "茶".repeat(1_200_000);
    await cache("long", async () => long);
    expect(parts()).toBeGreaterThan(1);
    expect(await cache("long", never)).toBe(long);
    const other = new Gate();
    thread.replies.unshift(other.say("", "x"));
    await thread.accept("next", { invocation_id: "inv_b" });
    first.open();
    await other.reached;
    await openRunCache(thread.life, "inv_b")("short", async () => "x");
    expect(parts()).toBe(0);
  });

  it("is no text of over 4 Mi characters, and not more than 32 Mi or 200 texts together, the newest", async () => {
    const { cache, keysOf } = await open();
    await cache("giant", async () => "x".repeat(4 * 1024 * 1024 + 1));
    for (let at = 0; at < 9; at++) await cache(`large ${at}`, async () => "x".repeat(4 * 1024 * 1024));
    expect(keysOf()).toEqual(Array.from({ length: 8 }, (_, at) => `large ${at + 1}`));
    for (let at = 0; at < 210; at++) await cache(`small ${at}`, async () => "x");
    expect(keysOf()).toHaveLength(200);
    expect(keysOf()[0]).toBe("small 10");
  });

  it("is of no use to another run, whose first text drops it", async () => {
    const { thread, gate, cache, keysOf } = await open();
    await cache("page", async () => "of the first");
    const other = new Gate();
    thread.replies.unshift(other.say("", "x"));
    await thread.accept("next", { invocation_id: "inv_b" });
    gate.open();
    await other.reached;
    const second = openRunCache(thread.life, "inv_b");
    expect(await second("page", async () => "of the second")).toBe("of the second");
    expect(keysOf()).toEqual(["page"]);
  });

  it("is not stored once the run is over, nor in a thread that was deleted meanwhile", async () => {
    const { thread, cache, keysOf } = await open();
    await cache("first", async () => "x");
    const page = Promise.withResolvers<string>();
    const late = cache("late", () => page.promise);
    await cancelRun(thread.life, "inv_a");
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    page.resolve("Tea");
    expect(await late).toBe("Tea");
    expect(keysOf()).toEqual(["first"]);
    thread.life.removed = true;
    expect(await cache("later", async () => "Tea")).toBe("Tea");
    expect(thread.aborts).toEqual([]);
    ensureRunning(thread.life);
  });
});
