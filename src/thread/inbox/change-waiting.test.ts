// What a person does to messages that wait: edits, removals, and sending one now.
import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { say } from "../../../test/fakes/replies.ts";
import { settle } from "../../../test/fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { changeWaiting, removeWaiting } from "./change-waiting.ts";
import { listWaiting } from "./waiting.ts";

const steer = { on_busy: "steer" } as const;
const long = "x".repeat(3_000_000);

const shownOf = (thread: FakeThread) => listWaiting(thread.life).map(({ on_busy, content }) => `${on_busy} ${content}`);
const idOf = (text: string) => `msg_of_inv_${text}`;

/** A thread whose run waits for its model, and the messages sent since. */
async function busyThread(...given: ([text: string, more?: Partial<RunInput>] | FakeThreadOptions)[]) {
  const gate = new Gate();
  const sent = given.filter((each) => Array.isArray(each));
  const options = given.find((each) => !Array.isArray(each));
  const thread = new FakeThread({ replies: [gate.say("", "0")], defaultReply: say("ok"), ...options });
  await thread.accept("hi", { invocation_id: "inv_a" });
  await gate.reached;
  for (const [text, more] of sent) await thread.accept(text, { invocation_id: `inv_${text}`, ...more });
  return { thread, gate };
}

/** What people said, with the run that took it, once all of it has ended. */
async function saidIn(thread: FakeThread, last: string): Promise<string[]> {
  await thread.read({ invocation_id: last }).untilClosed();
  const rows = rowsOfType(readMessages(thread.life.database.sql, thread.life.thread, 0, 100), "user");
  return rows.map(({ invocation_id, content }) => `${invocation_id}: ${String(content.content).slice(0, 9)}`);
}

describe("a message that waits", () => {
  it("is edited in its place, whichever run it waits for", async () => {
    const { thread, gate } = await busyThread(["s1", steer], ["q1"], ["q2"]);
    for (const text of ["s1", "q1"]) {
      const changed = await changeWaiting(thread.life, idOf(text), { content: `${text} anew` });
      expect(changed).toMatchObject({ ok: true, value: { message_id: idOf(text), content: `${text} anew` } });
    }
    expect(shownOf(thread)).toEqual(["steer s1 anew", "enqueue q1 anew", "enqueue q2"]);
    gate.open();
    expect(await saidIn(thread, "inv_q2")).toEqual(["inv_a: hi", "inv_a: s1 anew", "inv_q1: q1 anew", "inv_q2: q2"]);
  });

  it("may become long and short again, for the next life too", async () => {
    const { thread } = await busyThread(["s1", steer], ["q1"]);
    for (const content of [long, "short"]) {
      for (const text of ["s1", "q1"]) await changeWaiting(thread.life, idOf(text), { content });
      thread.crash();
      expect(shownOf(thread).map((text) => text.length)).toEqual(
        content === long ? [4_006, 4_008] : ["steer short".length, "enqueue short".length],
      );
    }
  });

  it("is the same request as before for who repeats it", async () => {
    const { thread } = await busyThread(["q1"]);
    await changeWaiting(thread.life, idOf("q1"), { content: "other" });
    expect(await thread.accept("q1", { invocation_id: "inv_q1" })).toMatchObject({
      ok: true,
      value: { created: false },
    });
    expect(shownOf(thread)).toEqual(["enqueue other"]);
  });

  it("is removed, and its run is cancelled without a trace in the conversation", async () => {
    const { thread, gate } = await busyThread(["s1", steer], ["q1"], ["q2"]);
    for (const text of ["s1", "q1"]) expect(await removeWaiting(thread.life, idOf(text))).toMatchObject({ ok: true });
    expect(shownOf(thread)).toEqual(["enqueue q2"]);
    expect(findRun(thread.life, "inv_q1")?.run.status).toBe("cancelled");
    gate.open();
    expect(await saidIn(thread, "inv_q2")).toEqual(["inv_a: hi", "inv_q2: q2"]);
    // Who repeats the request learns which run it was for, and it does not wait again.
    expect(await thread.accept("s1", { invocation_id: "inv_s1", ...steer })).toMatchObject({
      value: { created: false },
    });
  });

  it("is sent now: the active run reads it, and the run that it would have begun is cancelled", async () => {
    const { thread, gate } = await busyThread(["q1"], ["q2"], ["s1", steer]);
    const sent = await changeWaiting(thread.life, idOf("q2"), { content: "now", steers: true });
    expect(sent).toMatchObject({ ok: true, value: { on_busy: "steer", content: "now", message_id: idOf("q2") } });
    expect(shownOf(thread)).toEqual(["steer s1", "steer now", "enqueue q1"]);
    expect(findRun(thread.life, "inv_q2")?.run.status).toBe("cancelled");
    gate.open();
    expect(await saidIn(thread, "inv_q1")).toEqual(["inv_a: hi", "inv_a: s1", "inv_a: now", "inv_q1: q1"]);
  });

  it("is said to be sent now, also if the run takes it before D1 has the end of the other one", async () => {
    const d1 = Promise.withResolvers<void>();
    const { thread, gate } = await busyThread({ syncThread: () => d1.promise }, ["q1"]);
    const sending = changeWaiting(thread.life, idOf("q1"), { content: "now", steers: true });
    gate.open();
    while (rowsOfType(readMessages(thread.life.database.sql, thread.life.thread, 0, 100), "user").length < 2)
      await settle();
    d1.resolve();
    expect(await sending).toMatchObject({ ok: true, value: { on_busy: "steer", content: "now" } });
  });

  it("and was sent now too late begins a run of its own", async () => {
    const { thread } = await busyThread(["q1"], ["q2"]);
    await changeWaiting(thread.life, idOf("q2"), { steers: true });
    thread.life.active?.cancel.abort();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    const rows = async () => await saidIn(thread, "inv_q1");
    expect((await rows()).some((text) => text.endsWith(": q1"))).toBe(true);
    const own = [...thread.life.live.values()].find(({ input }) => input?.messages[0]?.content === "q2");
    if (own) await thread.read({ invocation_id: own.run.invocation_id }).untilClosed();
    expect((await rows()).filter((text) => /^inv_\w+: q2$/.test(text))).toHaveLength(1);
  });

  it.each([
    ["was taken", "msg_of_inv_a"],
    ["nobody sent", "msg_unknown"],
  ])("is not one that %s", async (_which, id) => {
    const { thread } = await busyThread(["q1"]);
    expect(await changeWaiting(thread.life, id, { content: "x" })).toMatchObject({ error: { code: "not_found" } });
    expect(await removeWaiting(thread.life, id)).toMatchObject({ error: { code: "not_found" } });
  });

  it("has something to say, and room", async () => {
    const { thread } = await busyThread(["q1"], ["q2"], ["q3"]);
    const change = (text: string, content: string) => changeWaiting(thread.life, idOf(text), { content });
    expect(await change("q1", " ")).toMatchObject({ error: { code: "empty_message" } });
    expect(await change("q1", long)).toMatchObject({ ok: true });
    expect(await change("q2", long)).toMatchObject({ ok: true });
    expect(await change("q3", long)).toMatchObject({ error: { code: "rate_limited" } });
    expect(shownOf(thread).at(-1)).toBe("enqueue q3");
  });

  it("is not sent now where no run works, or with results of tools beside it", async () => {
    const { thread } = await busyThread([
      "q1",
      { tool_results: [{ message_id: "m", tool_call_id: "c", content: "r" }] },
    ]);
    const sent = await changeWaiting(thread.life, idOf("q1"), { steers: true });
    expect(sent).toMatchObject({ error: { code: "invalid_operation" } });
    expect(shownOf(thread)).toEqual(["enqueue q1"]);
  });

  it("is not sent now where it replaces another message, which the run that works would not do", async () => {
    const { thread } = await busyThread();
    const message = { message_id: "msg_e", content: "hello" };
    const supersede = { message_id: idOf("a"), replaces: true };
    await thread.accept("", { messages: [message], on_busy: "replace", supersede });
    const sent = await changeWaiting(thread.life, "msg_e", { steers: true });
    expect(sent).toMatchObject({ error: { code: "invalid_operation" } });
    expect(shownOf(thread)).toEqual(["enqueue hello"]);
  });
});
