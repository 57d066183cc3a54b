import { describe, expect, it } from "vitest";
import { codeOf, expectOk } from "../../../test/fakes/accepted.ts";
import { Gate } from "../../../test/fakes/gate.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { say } from "../../../test/fakes/replies.ts";
import { settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { isOwnShape } from "../rows/own-ids.ts";
import { cancelBefore } from "../run/control.ts";
import { acceptRun } from "./accept.ts";
import { listWaiting } from "./waiting.ts";

const run = { invocation_id: "inv_a" };

function rowsOf(thread: FakeThread) {
  return readMessages(thread.life.database.sql, thread.life.thread, 0, 1000);
}

function userTexts(thread: FakeThread): unknown[] {
  return rowsOfType(rowsOf(thread), "user").map(({ content }) => content.content);
}

/** The input that the AG-UI route makes. */
function history(ids: string[], more: Partial<RunInput> = {}): Partial<RunInput> {
  return { from_history: true, messages: ids.map((id) => ({ message_id: id, content: `text of ${id}` })), ...more };
}

describe("an invocation id", () => {
  it("makes one run when it arrives fifty times at once", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    const input = thread.input("hi", run);
    const all = await Promise.all(Array.from({ length: 50 }, () => acceptRun(thread.life, input, false)));
    expect(all.map((each) => expectOk(each).run.invocation_id)).toEqual(Array(50).fill("inv_a"));
    expect(all.filter((each) => expectOk(each).created).length).toBe(1);
    expect(thread.life.live.size).toBe(1);
  });

  it("conflicts with another body and returns the run for its own, in a later life and after the end too", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    const metadata = { b: 1, a: { d: [1, 2], c: null } };
    await thread.run("hi", { ...run, metadata });
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      expect(codeOf(await thread.accept("hi", { ...run, metadata: { a: { c: null, d: [1, 2] }, b: 1 } }))).toBe("ok");
      for (const other of [
        thread.accept("ho", { ...run, metadata }),
        thread.accept("hi", run),
        thread.accept("hi", { ...run, metadata, model: "x" }),
        thread.accept("hi", { ...run, metadata, max_steps: 3 }),
        thread.accept("hi", { ...run, metadata, agent_id: "agent_default" }),
        thread.accept("hi", { ...run, metadata: { ...metadata, a: { d: [2, 1], c: null } } }),
      ]) {
        expect(codeOf(await other)).toBe("idempotency_conflict");
      }
    }
    expect(userTexts(thread)).toEqual(["hi"]);
  });

  it("attaches to the known run whatever the body says, if the route asks for that", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    await thread.run("hi", run);
    const again = await acceptRun(thread.life, thread.input("other", run), true);
    expect(expectOk(again)).toMatchObject({ created: false, run: { invocation_id: "inv_a", status: "completed" } });
  });
});

describe("a busy thread", () => {
  it("runs enqueued inputs in the order of their arrival", async () => {
    const gate = new Gate();
    const replies = [gate.say("", "0"), ...["1", "2", "3", "4", "5"].map((text) => say(text))];
    const thread = new FakeThread({ replies });
    await Promise.all(["a", "b", "c", "d", "e", "f"].map((id) => thread.accept(id, { invocation_id: `inv_${id}` })));
    await gate.reached;
    expect([...thread.life.live.values()].map(({ run: { status } }) => status)).toEqual([
      "running",
      ...Array(5).fill("queued"),
    ]);
    expect(userTexts(thread)).toEqual(["a"]);
    const whole = thread.read();
    gate.open();
    await thread.read({ invocation_id: "inv_f" }).untilClosed();
    await whole.until(({ text }) => text.split("RUN_FINISHED").length > 6);
    expect(userTexts(thread)).toEqual(["a", "b", "c", "d", "e", "f"]);
    const started = whole.events.flatMap((event) => (event.type === "RUN_STARTED" ? [event.runId] : []));
    expect(started).toEqual(["inv_a", "inv_b", "inv_c", "inv_d", "inv_e", "inv_f"]);
  });

  it("keeps the order of arrival when an earlier input waits longer for its agent", async () => {
    const thread = new FakeThread({ replies: [say("1"), say("2")] });
    const slow = new Gate();
    const read = thread.life.ports.readAgent;
    let reads = 0;
    thread.life.ports.readAgent = async (...of) => {
      reads += 1;
      if (reads === 1) await slow.opened;
      return read(...of);
    };
    const first = thread.accept("a", { invocation_id: "inv_a" });
    const second = thread.accept("b", { invocation_id: "inv_b" });
    await settle();
    slow.open();
    await Promise.all([first, second]);
    await thread.read({ invocation_id: "inv_b" }).untilClosed();
    expect(userTexts(thread)).toEqual(["a", "b"]);
  });

  it("rejects all but one of many inputs at once with `on_busy: reject`", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "hello"), say("next")] });
    const posts = Array.from({ length: 20 }, (_, index) => thread.accept(`m${index}`, { on_busy: "reject" }));
    const codes = (await Promise.all(posts)).map(codeOf);
    expect(codes.filter((code) => code === "ok").length).toBe(1);
    expect(codes.filter((code) => code === "busy").length).toBe(19);
    gate.open();
    await thread.read({ invocation_id: [...thread.life.live.keys()][0] ?? "" }).untilClosed();
    expect(codeOf(await thread.accept("next", { on_busy: "reject" }))).toBe("ok");
  });

  it("cancels the active run and all that wait when an input replaces them", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", ""), say("new")] });
    await thread.accept("old", run);
    await thread.accept("waits", { invocation_id: "inv_b" });
    await gate.reached;
    await thread.accept("replaces", { invocation_id: "inv_c", on_busy: "replace" });
    const record = findRun(thread.life, "inv_c");
    if (record === null) throw new Error("not accepted");
    await cancelBefore(thread.life, record);
    const { events } = await thread.read({ invocation_id: "inv_c" }).untilClosed();
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "success" } });
    expect(["inv_a", "inv_b"].map((id) => findRun(thread.life, id)?.run.status)).toEqual(["cancelled", "cancelled"]);
    expect(userTexts(thread)).toEqual(["old", "replaces"]);
  });

  it("refuses long messages beyond what a life can hold, and accepts more once it holds less", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "0")], defaultReply: say("yes") });
    await thread.accept("first", { invocation_id: "inv_first" });
    await gate.reached;
    const long = "x".repeat(1_000_000);
    const codes: string[] = [];
    for (let index = 0; index < 10; index++) {
      const policy = index % 2 === 0 ? ({ on_busy: "steer" } as const) : {};
      codes.push(codeOf(await thread.accept(`${long}${index}`, { invocation_id: `inv_${index}`, ...policy })));
    }
    expect(codes.slice(0, 7).every((code) => code === "ok")).toBe(true);
    expect(codes.slice(8).every((code) => code === "rate_limited")).toBe(true);
    expect(codeOf(await thread.accept("short", { invocation_id: "inv_short" }))).toBe("ok");
    gate.open();
    await thread.read({ invocation_id: "inv_short" }).untilClosed();
    expect(codeOf(await thread.accept(long, { invocation_id: "inv_again" }))).toBe("ok");
  });

  it("accepts a hundred waiting runs and no more", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "0")] });
    const posts = Array.from({ length: 103 }, (_, index) => thread.accept(`m${index}`));
    const codes = (await Promise.all(posts)).map(codeOf);
    expect(codes.filter((code) => code === "ok").length).toBe(100);
    expect(codes.filter((code) => code === "rate_limited").length).toBe(3);
    // An input that replaces them all needs no room beside them.
    const replacing = await thread.accept("instead", { on_busy: "replace" });
    expect(codeOf(replacing)).toBe("ok");
  });
});

describe("an input", () => {
  it("is refused without content", async () => {
    const thread = new FakeThread();
    expect(codeOf(await thread.accept(" \n "))).toBe("empty_message");
    expect(codeOf(await thread.accept("", { messages: [] }))).toBe("empty_message");
    expect(codeOf(await thread.accept("hi", { agent_id: "agent_x" }))).toBe("not_found");
    expect(thread.life.live.size).toBe(0);
  });

  it("can't reuse a message id of a row, a waiting run, a steering message or itself", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "0"), say("1"), say("2")] });
    const message = (message_id: string) => ({ messages: [{ message_id, content: "hi" }] });
    await thread.accept("", { ...message("m1"), ...run });
    await gate.reached;
    await thread.accept("", { ...message("m2"), invocation_id: "inv_b" });
    await thread.accept("", { ...message("m3"), invocation_id: "inv_s", on_busy: "steer" });
    for (const id of ["m1", "m2", "m3"]) {
      for (const on_busy of ["enqueue", "steer", "replace"] as const) {
        expect(codeOf(await thread.accept("", { ...message(id), on_busy }))).toBe("already_exists");
      }
    }
    const twice = { messages: [...message("m4").messages, ...message("m4").messages] };
    expect(codeOf(await thread.accept("", twice))).toBe("already_exists");
    gate.open();
    await thread.read({ invocation_id: "inv_b" }).untilClosed();
    expect(rowsOf(thread).flatMap((row) => (row.type === "user" ? [row.message_id] : []))).toEqual(["m1", "m3", "m2"]);
    expect(thread.aborts).toEqual([]);
  });
});

describe("a message that nobody has named", () => {
  it("gets an id of the object's own, in no index, whatever the route made up, and a repeat is the same run", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    for (const invocation_id of ["inv_a", "inv_b"]) {
      const given = { invocation_id, messages: [{ message_id: "msg_made_up", content: "hi" }], unnamed_messages: true };
      await thread.run("hi", given);
      expect(expectOk(await thread.accept("hi", given)).created).toBe(false);
    }
    const said = rowsOfType(rowsOf(thread), "user");
    expect(said.map(({ message_id }) => isOwnShape(message_id))).toEqual([true, true]);
    expect(new Set(said.map(({ message_id }) => message_id)).size).toBe(2);
  });

  it("has that id while it waits, too", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", ""), say("hello")] });
    await thread.accept("hi", run);
    await gate.reached;
    const messages = [{ message_id: "msg_made_up", content: "later" }];
    await thread.accept("later", { invocation_id: "inv_b", messages, unnamed_messages: true });
    const [waiting] = listWaiting(thread.life);
    expect(isOwnShape(waiting?.message_id ?? "")).toBe(true);
    thread.crash();
    expect(listWaiting(thread.life)).toMatchObject([{ message_id: waiting?.message_id }]);
    expect(findRun(thread.life, "inv_b")?.input).not.toHaveProperty("unnamed_messages");
  });
});

describe("the id of a reply", () => {
  it("can't be a message's", async () => {
    const thread = new FakeThread({ replies: [say("one")] });
    await thread.run("hi", run);
    const reply = rowsOf(thread).find(({ type }) => type === "assistant");
    const messages = [{ message_id: reply?.message_id ?? "", content: "hi" }];
    expect(codeOf(await thread.accept("", { messages, invocation_id: "inv_b" }))).toBe("already_exists");
  });
});

describe("a client's whole history", () => {
  it("adds only unknown messages after the last known one", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two")] });
    await thread.run("", { ...history(["m1"]), ...run });
    await thread.run("", { ...history(["m0", "m1", "m2", "m3"]), invocation_id: "inv_b" });
    expect(userTexts(thread)).toEqual(["text of m1", "text of m2", "text of m3"]);
    expect(thread.requests[1]?.messages.filter(({ role }) => role === "user").length).toBe(3);
    expect(codeOf(await thread.accept("", history(["m1", "m2", "m3"])))).toBe("empty_message");
  });

  it("treats a message that waits in the inbox as known", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "0"), say("1"), say("2")] });
    await thread.accept("", { ...history(["m1"]), ...run });
    await gate.reached;
    await thread.accept("", { ...history(["m1", "m2"]), invocation_id: "inv_b" });
    await thread.accept("", { ...history(["m1", "m2", "m3"]), invocation_id: "inv_c" });
    gate.open();
    await thread.read({ invocation_id: "inv_c" }).untilClosed();
    expect(userTexts(thread)).toEqual(["text of m1", "text of m2", "text of m3"]);
  });
});
