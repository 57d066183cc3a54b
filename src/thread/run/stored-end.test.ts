// The end of a run that a former life stored, and which D1 may lack.
import { describe, expect, it } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { isOver } from "../../../test/fakes/run-over.ts";
import { FakeClock, passTime, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";

const run = { invocation_id: "inv_a" };

describe("an end that was stored", () => {
  const mark = (thread: FakeThread) =>
    thread.life.database.sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = 'synced'").toArray()[0];
  const storeMark = (thread: FakeThread, change: (position: Record<string, unknown>) => void): void => {
    const position = JSON.parse(mark(thread)?.value ?? "{}") as Record<string, unknown>;
    change(position);
    thread.life.database.sql.exec("UPDATE meta SET value = ? WHERE key = 'synced'", JSON.stringify(position));
  };
  const threeRuns = async () => {
    const thread = new FakeThread({ replies: ["1", "2", "3"].map((text) => say(text)) });
    for (const id of ["inv_1", "inv_2", "inv_3"]) await thread.run("hi", { invocation_id: id });
    return thread;
  };

  it("is released for the next life, which writes nothing of it and asks D1 for nothing", async () => {
    const thread = await threeRuns();
    const [before, batches] = [mark(thread), thread.batches.length];
    thread.crash();
    expect([...thread.life.live.keys()]).toEqual([]);
    await settle();
    expect([mark(thread), thread.batches.length]).toEqual([before, batches]);
  });

  it("is released where a former version has stored the position without a mark", async () => {
    const thread = await threeRuns();
    storeMark(thread, (position) => delete position.released);
    thread.crash();
    expect([...thread.life.live.keys()]).toEqual([]);
    thread.replies.push(say("4"));
    await thread.run("more", { invocation_id: "inv_4" });
    expect(JSON.parse(mark(thread)?.value ?? "{}")).toMatchObject({ released: thread.life.journal.newest });
  });

  it("in a thread of a former version is released by the next life if D1 lacks it", async () => {
    const clock = new FakeClock();
    let isDown = false;
    const syncThread = () => (isDown ? new Promise<void>(() => {}) : Promise.resolve());
    const thread = new FakeThread({ replies: [say("1"), say("2")], clock, syncThread });
    await thread.accept("hi", run);
    await passTime(clock, 500);
    storeMark(thread, (position) => delete position.released);
    thread.crash();
    isDown = true;
    await thread.accept("hi", { invocation_id: "inv_b" });
    await passTime(clock, 500);
    thread.crash();
    expect([...thread.life.live.keys()]).toEqual(["inv_b"]);
    expect(isOver(thread.read({ invocation_id: "inv_b" }))).toBe(false);
  });

  it("is released again if D1 may lack it, and no end before it is, also behind a former version's old mark", async () => {
    const thread = await threeRuns();
    storeMark(thread, (position) => Object.assign(position, { released: 0 }));
    thread.crash();
    expect([...thread.life.live.keys()]).toEqual(["inv_3"]);
    await thread.alarm();
    await settle();
    expect(thread.life.live.size).toBe(0);
    thread.crash();
    expect(thread.life.live.size).toBe(0);
  });

  it("by a former version, whose row says that it is not released, is released once", async () => {
    const thread = await threeRuns();
    thread.life.database.sql.exec("UPDATE runs SET released = 0 WHERE invocation_id = 'inv_3'");
    thread.crash();
    expect([...thread.life.live.keys()]).toEqual(["inv_3"]);
    await thread.alarm();
    await settle();
    thread.crash();
    expect(thread.life.live.size).toBe(0);
  });
});
