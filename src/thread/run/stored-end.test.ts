// The end of a run that a former life stored, and which D1 may lack.
import { describe, expect, it } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";

const _run = { invocation_id: "inv_a" };

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

  it("is released again if D1 may lack it, and no end before it is", async () => {
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
});
