// What readers, later lives and D1 have of a thread whose messages are superseded.
import { describe, expect, it } from "vitest";
import { again, edit, listed, snapshotIn, twoTurns } from "../../../test/fakes/asked-again.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { ensureRunning } from "../run/run.ts";
import { planStream } from "../stream/streams.ts";

describe("a reader of the thread", () => {
  it("that is there gets the conversation without it before the run, and one of the run gets the run alone", async () => {
    const thread = await twoTurns("three");
    const reader = thread.read();
    await reader.until(({ events }) => events.filter(({ type }) => type === "RUN_FINISHED").length === 2);
    const { events } = await thread.run("", edit("msg_of_inv_b", "other", "msg_new", { invocation_id: "inv_c" }));
    expect(events.map(({ type }) => type)).not.toContain("MESSAGES_SNAPSHOT");
    await reader.until(({ events }) => events.filter(({ type }) => type === "RUN_FINISHED").length === 3);
    expect(snapshotIn(reader.events)).toEqual(["first", "one"]);
    const types = reader.events.map(({ type }) => type);
    expect(types[types.indexOf("MESSAGES_SNAPSHOT") + 1]).toBe("RUN_STARTED");
    // From its last number on it has nothing to catch up with.
    expect(thread.read({ after: reader.lastId }).text.trim()).toBe("retry: 20000");
  });

  it("of a run that is superseded in the middle of its resync gets no message of the run that does it", async () => {
    const thread = await twoTurns("three");
    const plan = planStream(thread.life, { invocation_id: "inv_b", after: null, resync: true });
    if (!plan.ok || plan.value.kind !== "follow") throw new Error("there is a stream to follow");
    const opening = plan.value.request.opening[Symbol.iterator]();
    let text = "";
    while (!text.includes("first")) text += String(opening.next().value);
    await thread.run("", edit("msg_of_inv_b", "other", "msg_new", { invocation_id: "inv_c" }));
    for (let piece = opening.next(); piece.done !== true; piece = opening.next()) text += piece.value;
    expect(text).toContain("first");
    expect(text).not.toContain("other");
    expect(text).not.toContain("three");
  });

  it("that comes back from before gets a resync, in this life and in a later one", async () => {
    const thread = await twoTurns("three");
    const { lastId } = await thread.read().until(({ events }) => events.at(-1)?.type === "RUN_FINISHED");
    await thread.run("", again("msg_of_inv_b", { invocation_id: "inv_c" }));
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      for (const after of [null, 3, lastId]) {
        const back = await thread
          .read({ after })
          .until(({ events }) => events.some(({ type }) => type === "STATE_SNAPSHOT"));
        expect(snapshotIn(back.events)).toEqual(["first", "one", "second", "three"]);
      }
    }
    const own = await thread.read({ invocation_id: "inv_b", after: 0 }).untilClosed();
    expect(own.events.map(({ type }) => type)).toContain("TEXT_MESSAGE_CONTENT");
  });
});

describe("a life that ends", () => {
  it("leaves either all of it or nothing, and the run continues", async () => {
    let isReached = true;
    for (let at = 0; isReached; at++) {
      let left = -1;
      let die = () => {};
      const died = new Promise<void>((resolve) => {
        die = resolve;
      });
      const dies = () => {
        left -= 1;
        if (left === -1) die();
        return left === -1;
      };
      const thread = new FakeThread({ defaultReply: say("ok"), dies });
      await thread.run("first", { invocation_id: "inv_a" });
      left = at;
      const input = edit("msg_of_inv_a", "other", "msg_new", { invocation_id: "inv_b" });
      const accepted = await thread.accept("", input).catch(() => null);
      if (accepted !== null && thread.isAlive)
        await Promise.race([died, thread.read({ invocation_id: "inv_b" }).untilClosed()]);
      isReached = !thread.isAlive;
      left = Number.POSITIVE_INFINITY;
      thread.crash();
      const rows = listed(thread, true);
      const isDone = rows.includes("-user first");
      expect([rows.includes("user other"), rows.includes("-assistant ok")]).toEqual([isDone, isDone]);
      ensureRunning(thread.life);
      await thread.accept("", input);
      await thread.read({ invocation_id: "inv_b" }).untilClosed();
      expect(listed(thread)).toEqual(["user other", "assistant ok"]);
    }
  });
});

describe("D1", () => {
  it("gets a range until it has all of its rows, also from a later life", async () => {
    let isAway = false;
    const thread = new FakeThread({
      replies: ["one", "two", "three"].map((text) => say(text)),
      syncThread: async () => {
        if (isAway) throw new Error("D1 is away");
        return { made: [], tasks_subscribed: false };
      },
    });
    await thread.run("first", { invocation_id: "inv_a" });
    isAway = true;
    await thread.run("second", { invocation_id: "inv_b" });
    await thread.run("", again("msg_of_inv_a", { invocation_id: "inv_c" }));
    thread.crash();
    isAway = false;
    expect(await thread.life.outbox.sync()).toBe(true);
    const sent = thread.batches.at(-1);
    expect(sent?.superseded).toEqual([expect.objectContaining({ by: "inv_c", from: 2, through: 4 })]);
    // Rows are sent as they were: the range marks them.
    expect(sent?.messages.map(({ type }) => type)).toEqual(["user", "assistant", "assistant"]);
    await thread.run("third", { invocation_id: "inv_d" });
    expect(thread.batches.at(-1)?.superseded).toBeUndefined();
    thread.crash();
    expect(thread.life.outbox.pending && thread.life.superseded.ranges).toEqual([]);
  });
});

describe("a read of rows by their type", () => {
  it("leaves out what is superseded", async () => {
    const thread = await twoTurns("three");
    await thread.run("", again("msg_of_inv_a", { invocation_id: "inv_c" }));
    const { sql } = thread.life.database;
    const own = "SELECT content FROM messages WHERE is_llm_message = 1 AND type <> 'summary' ORDER BY seq";
    expect(sql.exec<{ content: string }>(own).toArray().length).toBe(2);
    const newest = "SELECT seq FROM messages WHERE type = 'assistant' ORDER BY seq DESC LIMIT 2";
    expect(sql.exec<{ seq: number }>(newest).toArray()).toEqual([{ seq: 5 }]);
  });
});
