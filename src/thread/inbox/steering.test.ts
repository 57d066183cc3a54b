import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { cancelRun } from "../run/control.ts";
import { ensureRunning } from "../run/run.ts";
import { takeSteered } from "./steering.ts";

const run = { invocation_id: "inv_a" };
const steer = { invocation_id: "inv_s", on_busy: "steer" } as const;

function usersOf(thread: FakeThread) {
  const rows = readMessages(thread.life.database.sql, thread.life.thread, 0, 1000);
  return rowsOfType(rows, "user").map(({ invocation_id, content }) => [invocation_id, content.content]);
}

describe("a message that steers", () => {
  it("is taken by the active run at its next step, sent to readers as a user's text, and answered with that run", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("begun", " ended"), say("as you like")] });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    await gate.reached;
    const accepted = await thread.accept("make it blue", steer);
    expect(accepted).toMatchObject({ ok: true, value: { created: false, run: { invocation_id: "inv_a" } } });
    expect(usersOf(thread)).toEqual([["inv_a", "hi"]]);
    gate.open();
    const { events } = await reader.untilClosed();
    expect(usersOf(thread)).toEqual([
      ["inv_a", "hi"],
      ["inv_a", "make it blue"],
    ]);
    const start = events.find((event) => event.type === "TEXT_MESSAGE_START" && event.role === "user");
    expect(start).toEqual({ type: "TEXT_MESSAGE_START", messageId: "msg_of_inv_s", role: "user" });
    const texts = [...new Transcript().applyAll(events).messages.values()].map(({ text }) => text);
    expect(texts).toEqual(["hi", "begun ended", "make it blue", "as you like"]);
    expect(thread.requests[1]?.messages.at(-1)).toEqual({ role: "user", content: "make it blue" });
    expect(findRun(thread.life, "inv_a")?.run.steps).toBe(2);
  });

  it("returns the same run for a repeat and conflicts with another body, before and after it was taken", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x"), say("y")] });
    await thread.accept("hi", run);
    await gate.reached;
    await Promise.all(Array.from({ length: 10 }, () => thread.accept("blue", steer)));
    expect(await thread.accept("red", steer)).toMatchObject({ error: { code: "idempotency_conflict" } });
    gate.open();
    await thread.read(run).untilClosed();
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      const repeat = await thread.accept("blue", steer);
      expect(repeat).toMatchObject({ ok: true, value: { created: false, run: { invocation_id: "inv_a" } } });
      expect(await thread.accept("red", steer)).toMatchObject({ error: { code: "idempotency_conflict" } });
    }
    expect(usersOf(thread).length).toBe(2);
  });

  it("reaches D1 with the next synchronization, though its run has not changed since the last", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x")] });
    await thread.accept("hi", run);
    await gate.reached;
    await thread.accept("make it blue", steer);
    const { outbox } = thread.life;
    await outbox.sync();
    const record = findRun(thread.life, "inv_a");
    if (record === null) throw new Error("not accepted");
    takeSteered(thread.life, record);
    expect(outbox.pending).toBe(true);
    await outbox.sync();
    const sent = thread.batches.flatMap(({ messages }) => rowsOfType(messages, "user"));
    expect(sent.map(({ content }) => content.content)).toEqual(["hi", "make it blue"]);
    expect(outbox.pending).toBe(false);
    gate.open();
    await thread.read(run).untilClosed();
  });

  it("becomes an ordinary run on an idle thread", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    expect(await thread.accept("hi", steer)).toMatchObject({ ok: true, value: { created: true } });
    await thread.read({ invocation_id: "inv_s" }).untilClosed();
    expect(usersOf(thread)).toEqual([["inv_s", "hi"]]);
  });

  it("becomes a run of its own, behind those that wait, if the active run ends without taking it", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", ""), say("b"), say("s")] });
    await thread.accept("hi", run);
    await gate.reached;
    await thread.accept("waits", { invocation_id: "inv_b" });
    await thread.accept("too late", steer);
    await cancelRun(thread.life, "inv_a");
    await thread.read({ invocation_id: "inv_s" }).untilClosed();
    expect(usersOf(thread)).toEqual([
      ["inv_a", "hi"],
      ["inv_b", "waits"],
      ["inv_s", "too late"],
    ]);
    const repeat = await thread.accept("too late", steer);
    expect(repeat).toMatchObject({ ok: true, value: { created: false, run: { invocation_id: "inv_s" } } });
  });

  it("waits for the results of the calls that are under way", async () => {
    const gate = new Gate();
    const looks = twoTaskTools().filter(({ name }) => name === "look");
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const tools = looks.map((tool) => ({
      ...tool,
      execute: async () => {
        begin();
        await gate.opened;
        return { content: "seen", is_error: false };
      },
    }));
    const thread = new FakeThread({
      replies: [call({ id: "c1", name: "look", input: { where: "x" } }), say("ok")],
      tools,
    });
    await thread.accept("hi", run);
    await begun;
    await thread.accept("hurry", steer);
    gate.open();
    await thread.read(run).untilClosed();
    const roles = thread.requests[1]?.messages.map(({ role }) => role);
    expect(roles).toEqual(["system", "user", "assistant", "tool", "user"]);
  });

  it("survives the end of the life that accepted it, however long it is", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x"), say("y")] });
    await thread.accept("hi", run);
    await gate.reached;
    const long = "好".repeat(700_000);
    await thread.accept(long, steer);
    thread.crash();
    ensureRunning(thread.life);
    await thread.read(run).untilClosed();
    expect(usersOf(thread)[1]).toEqual(["inv_a", long]);
    expect(thread.aborts).toEqual([]);
  });
});
