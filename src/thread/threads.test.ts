// Threads: long contents, snapshots, state, diagnostics, ownership and removal.
import { describe, expect, it, vi } from "vitest";
import { Gate } from "../../test/fakes/gate.ts";
import { call, type Reply, reply, say } from "../../test/fakes/replies.ts";
import { FakeClock, passTime, settle } from "../../test/fakes/stream.ts";
import { FakeThread } from "../../test/fakes/thread.ts";
import { applyPatch } from "../../test/fakes/transcript.ts";
import { twoTaskModel, twoTaskTools } from "../../test/fakes/two-task-model.ts";
import { describeLife } from "./diagnostics.ts";
import { acceptRun } from "./inbox/accept.ts";
import { findRun } from "./life.ts";
import { readMessages } from "./rows/messages.ts";
import { readRemoval } from "./rows/stored-thread.ts";
import { waitForEnd } from "./run/control.ts";
import { readHistory } from "./run/summaries.ts";
import { messagesSnapshot } from "./stream/snapshot.ts";
import { finishRemoval, ownedBy, removeThread } from "./threads.ts";
import { wakeLife } from "./wake.ts";

const run = { invocation_id: "inv_a" };
// More than a row of SQLite may hold in UTF-8, and not a whole number of overflow parts.
const LONG = `${"电商🛒".repeat(200_001)}.`;

function rowsOf(thread: FakeThread) {
  return readMessages(thread.life.database.sql, thread.life.thread, 0, 1000);
}

/** The bytes of the largest value in the object's tables. */
function largestValue(thread: FakeThread): number {
  const { sql } = thread.life.database;
  const tables = { messages: ["content", "metadata"], runs: ["run", "input"], journal: ["events"], overflow: ["text"] };
  const sizes = Object.entries(tables).flatMap(([table, columns]) =>
    columns.map(
      (column) =>
        sql
          .exec<{ size: number | null }>(`SELECT max(length(CAST(${column} AS BLOB))) AS size FROM ${table}`)
          .toArray()[0]?.size ?? 0,
    ),
  );
  return Math.max(...sizes);
}

describe("a content over a megabyte", () => {
  const thinkLong: Reply = async (_request, onDelta) => {
    onDelta({ type: "reasoning", text: LONG });
    onDelta({ type: "text", text: LONG });
    return reply({ text: LONG, reasoning: LONG });
  };

  it("is kept whole, in a person's message, the model's reasoning and text, and the run's result", async () => {
    const thread = new FakeThread({ replies: [thinkLong] });
    await thread.run(LONG, run);
    expect(largestValue(thread)).toBeLessThanOrEqual(1_000_000);
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      const [user, assistant] = rowsOf(thread);
      expect([user, assistant].map((row) => row?.content)).toMatchObject([{ role: "user" }, { role: "assistant" }]);
      expect(assistant?.metadata.reasoning === LONG).toBe(true);
      expect(findRun(thread.life, "inv_a")?.run.result?.text === LONG).toBe(true);
      expect(readHistory(thread.life.database.sql).history.map(({ content }) => content === LONG)).toEqual([
        true,
        true,
      ]);
      const { events } = await thread.read(run).untilClosed();
      const content = events.find((event) => event.type === "TEXT_MESSAGE_CONTENT");
      expect(content?.delta === LONG).toBe(true);
    }
    expect(thread.aborts).toEqual([]);
  });
});

describe("a snapshot", () => {
  it("holds the newest messages up to a mebibyte of bytes, whole and in order", async () => {
    const thread = new FakeThread({ replies: Array.from({ length: 8 }, () => say("ok")) });
    for (let index = 0; index < 8; index++) await thread.run(`${index}${"店".repeat(80_000)}`);
    const snapshot = messagesSnapshot(thread.life);
    const bytes = new TextEncoder().encode(JSON.stringify(snapshot)).byteLength;
    expect(bytes).toBeLessThanOrEqual(1024 * 1024 + 1000);
    expect(bytes).toBeGreaterThan(900_000);
    const messages = snapshot.type === "MESSAGES_SNAPSHOT" ? snapshot.messages : [];
    expect(messages.map(({ content }) => String(content)[0]).join("")).toBe("o4o5o6o7o");
  });

  it("holds the newest message however long it is, and leaves out an empty one", async () => {
    const thread = new FakeThread({ replies: [say(LONG), say("")], defaultReply: say("") });
    await thread.run("hi", run);
    const snapshot = messagesSnapshot(thread.life);
    const messages = snapshot.type === "MESSAGES_SNAPSHOT" ? snapshot.messages : [];
    expect(messages.map(({ content }) => content === LONG)).toEqual([true]);
    await thread.run("say nothing");
    expect(rowsOf(thread).filter(({ type }) => type === "assistant").length).toBeGreaterThan(1);
    const later = messagesSnapshot(thread.life);
    expect(later.type === "MESSAGES_SNAPSHOT" && later.messages.map(({ content }) => content)).toEqual(["say nothing"]);
  });
});

describe("the state", () => {
  it("is the same in each life, and a port has one preview: the newest", async () => {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    await thread.run("build it", run);
    const { state } = thread.life;
    const before = state.value;
    expect(before.sandbox).toEqual({ state: "none", previews: [{ port: 8000, url: "http://p.localhost/" }] });
    thread.crash();
    expect(thread.life.state.value).toEqual(before);
    let patched: unknown = before;
    const changes = [
      () => thread.life.state.setSandboxState("started"),
      () => thread.life.state.setSandboxState("started"),
      () => thread.life.state.addPreview({ port: 9000, url: "http://q/" }),
      () => thread.life.state.addPreview({ port: 8000, url: "http://new/" }),
    ];
    for (const change of changes) {
      patched = applyPatch(patched, change());
      expect(patched).toEqual(thread.life.state.value);
    }
    expect(thread.life.state.value.sandbox.previews.map(({ url }) => url)).toEqual(["http://new/", "http://q/"]);
  });
});

describe("diagnostics", () => {
  it("report the thread's state without any content of its messages", async () => {
    const gate = new Gate();
    const thread = new FakeThread({
      replies: [call({ id: "c1", name: "work", input: { what: "geheim" } }), gate.say("geheim", "geheim")],
      tools: twoTaskTools(),
      syncThread: async () => {
        throw new Error("D1 is down");
      },
    });
    await thread.accept("geheim", { ...run, metadata: { note: "geheim" } });
    await gate.reached;
    await thread.accept("geheim too", { invocation_id: "inv_s", on_busy: "steer" });
    await thread.accept("geheim later", { invocation_id: "inv_b" });
    await thread.life.outbox.sync();
    const shown = describeLife(thread.life);
    expect(JSON.stringify(shown)).not.toContain("geheim");
    expect(shown).toMatchObject({
      instance_id: thread.life.instance_id,
      inbox: [
        { invocation_id: "inv_a", status: "running", attempt: 1, steps: 1 },
        { invocation_id: "inv_b", status: "queued" },
      ],
      journal: { open_parts: 1 },
      d1: { pending: true, failures: 1, failing_since: expect.any(String), last_error: "D1 is down" },
      last_errors: [],
    });
  });

  it("name the kind of an error that ended a run, not its text", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const thread = new FakeThread();
    thread.life.ports.openSandbox = async () => {
      throw new TypeError("geheim");
    };
    const { events } = await thread.run("hi", run);
    expect(events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "internal" });
    expect(JSON.stringify(events.at(-1))).not.toContain("geheim");
    expect(describeLife(thread.life).last_errors).toMatchObject([{ message: "a run failed: TypeError; see the log" }]);
  });
});

describe("the owner", () => {
  it("is the only user who finds the thread", () => {
    const { life, key } = new FakeThread();
    expect(ownedBy(life, key).ok).toBe(true);
    const others = [
      { ...key, user_id: "user_2" },
      { ...key, thread_id: "thread_2" },
    ];
    for (const other of [...others]) expect(ownedBy(life, other)).toMatchObject({ error: { code: "not_found" } });
    expect(ownedBy(null, key)).toMatchObject({ error: { code: "not_found" } });
    expect(readRemoval(life.database)).toBe(null);
  });
});

const noAlarm = { setAlarm: async () => {}, deleteAlarm: async () => {} };

describe("a removal", () => {
  it("ends active, waiting and steering inputs, answers waiters and readers, and accepts nothing new", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", "")] });
    await thread.accept("hi", run);
    await gate.reached;
    await thread.accept("waits", { invocation_id: "inv_b" });
    await thread.accept("steers", { invocation_id: "inv_s", on_busy: "steer" });
    const reader = thread.read();
    const waiter = waitForEnd(thread.life, "inv_b", 60_000);
    const removed = removeThread(thread.life, "req_1");
    const late = await acceptRun(thread.life, thread.input("late"), false);
    expect(late).toMatchObject({ error: { code: "not_found" } });
    await removed;
    await finishRemoval(thread.life.database, thread.life.ports, noAlarm, thread.life);
    expect(await waiter).toMatchObject({ value: { status: "cancelled" } });
    expect([reader.ended, thread.life.active, thread.life.live.size]).toEqual(["closed", null, 0]);
    expect(reader.events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    expect(thread.life.outbox.pending).toBe(false);
    expect(thread.requests.length).toBe(1);
    expect(thread.aborts).toEqual([]);
  });

  it("is final once it is stored, and the alarm retries D1 until it follows", async () => {
    let isDown = true;
    const deleted: unknown[] = [];
    const thread = new FakeThread({
      replies: [say("hello")],
      deleteThread: async (key) => {
        if (isDown) throw new Error("D1 is down");
        deleted.push(key);
      },
    });
    await thread.run("hi", run);
    const { database, ports } = thread.life;
    await removeThread(thread.life, "req_1");
    const alarms: string[] = [];
    const alarm = { setAlarm: async () => void alarms.push("set"), deleteAlarm: async () => void alarms.push("gone") };
    // The mark that it is removed is never there without an alarm.
    expect(thread.alarms.at(-1)).toBeGreaterThan(Date.now() + 20_000);
    await finishRemoval(database, ports, alarm, thread.life);
    expect(readRemoval(database)).toMatchObject({ request_id: "req_1", done: false });
    isDown = false;
    await finishRemoval(database, ports, alarm, null);
    await finishRemoval(database, ports, alarm, null);
    expect(deleted).toEqual([expect.objectContaining(thread.key)]);
    expect([readRemoval(database)?.done, alarms]).toEqual([true, ["set", "gone"]]);
    expect(wakeLife(database, ports, thread.life.platform)).toBe(null);
  });

  it("does not wait for a run that can't be ended", async () => {
    const clock = new FakeClock();
    let letGo = (): void => {};
    const deaf: Reply = (request, onDelta, signal) =>
      new Promise((resolve) => {
        letGo = () => resolve(say("too late")(request, onDelta, signal));
      });
    const thread = new FakeThread({ replies: [deaf], clock });
    await thread.accept("hi", run);
    await thread.accept("waits", { invocation_id: "inv_b" });
    await settle();
    const { life } = thread;
    const removed = removeThread(life, "req_1").then(() => finishRemoval(life.database, life.ports, noAlarm, life));
    await passTime(clock, 20_000);
    await removed;
    expect(readRemoval(life.database)?.done).toBe(true);
    // Whatever it still does ends its life and restores nothing.
    vi.spyOn(console, "error").mockImplementation(() => {});
    letGo();
    await passTime(clock, 1_000);
    expect(thread.isAlive).toBe(false);
  });
});
