import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { rowsOfType } from "../../../test/fakes/message-rows.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import { findRun } from "../life.ts";
import { readMessages } from "../rows/messages.ts";
import { sendNewJobs } from "../scheduler.ts";
import { cancelRun, failDeadLetteredRun, getRun, startBackground, waitForEnd } from "./control.ts";
import { ensureRunning } from "./run.ts";

const run = { invocation_id: "inv_a" };
const background = { ...run, background: true };

function statusOf(thread: FakeThread, id: string): string | undefined {
  return findRun(thread.life, id)?.run.status;
}

function rowsOf(thread: FakeThread) {
  return readMessages(thread.life.database.sql, thread.life.thread, 0, 100);
}

describe("a cancel", () => {
  it("keeps the partial text, marked as partial, and returns the ended run", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half a thou", "")] });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    await gate.reached;
    const cancelled = await cancelRun(thread.life, "inv_a");
    expect(cancelled).toMatchObject({ ok: true, value: { status: "cancelled", result: null, error: null } });
    const { events } = await reader.untilClosed();
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", outcome: { type: "cancelled" } });
    const [, assistant, status] = rowsOf(thread);
    expect(assistant).toMatchObject({
      type: "assistant",
      content: { content: "half a thou" },
      metadata: { partial: true },
    });
    expect(status).toMatchObject({ type: "status", is_llm_message: false, content: { status: "cancelled" } });
  });

  it("drops half a tool call, and readers get a snapshot without it", async () => {
    let reach = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const thread = new FakeThread({
      replies: [
        async (_request, onDelta, signal) => {
          onDelta({ type: "text", text: "I will" });
          onDelta({ type: "tool_call", index: 0, id: "c1", name: "look" });
          onDelta({ type: "tool_arguments", index: 0, text: '{"whe' });
          reach();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          const usage = null;
          return { kind: "aborted", reply: { text: "I will", reasoning: "", tool_calls: [], finish: "other", usage } };
        },
      ],
      tools: twoTaskTools(),
    });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    await reached;
    await cancelRun(thread.life, "inv_a");
    const { events } = await reader.untilClosed();
    const snapshot = events.find((event) => event.type === "MESSAGES_SNAPSHOT");
    expect(snapshot?.messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "hi"],
      ["assistant", "I will"],
    ]);
    expect(JSON.stringify(snapshot)).not.toContain("toolCalls");
  });

  it("gives each call of the message a result", async () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const tools = twoTaskTools().map((tool) => {
      if (tool.name !== "work") return tool;
      const execute = () => {
        begin();
        return new Promise<never>(() => {});
      };
      return { ...tool, execute };
    });
    const clock = new FakeClock();
    const replies = [
      call({ id: "c1", name: "work", input: { what: "x" } }, { id: "c2", name: "look", input: { where: "y" } }),
    ];
    const thread = new FakeThread({ replies, tools, clock });
    await thread.accept("hi", run);
    await begun;
    const cancelled = cancelRun(thread.life, "inv_a");
    await passTime(clock, 3_000);
    expect(await cancelled).toMatchObject({ ok: true, value: { status: "cancelled" } });
    const answers = rowsOfType(rowsOf(thread), "tool");
    expect(answers.map(({ content }) => content.tool_call_id)).toEqual(["c1", "c2"]);
  });

  it("ends a waiting run without an event in the journal; its readers get the reason", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x")] });
    await thread.accept("hi", run);
    await thread.accept("ho", { invocation_id: "inv_b" });
    await gate.reached;
    const waiting = thread.read({ invocation_id: "inv_b" });
    const waiter = waitForEnd(thread.life, "inv_b", 60_000);
    expect(await cancelRun(thread.life, "inv_b")).toMatchObject({ value: { status: "cancelled", started_at: null } });
    expect(await waiter).toMatchObject({ value: { status: "cancelled" } });
    const types = ["RUN_STARTED", "STATE_SNAPSHOT", "RUN_FINISHED"];
    expect((await waiting.untilClosed()).events.map(({ type }) => type)).toEqual(types);
    expect(thread.read({ invocation_id: "inv_b" }).events.map(({ type }) => type)).toEqual(types);
    expect(statusOf(thread, "inv_a")).toBe("running");
    gate.open();
    await thread.read(run).untilClosed();
    expect(rowsOf(thread).map(({ invocation_id }) => invocation_id)).toEqual(["inv_a", "inv_a"]);
    expect(thread.batches.flatMap(({ runs }) => runs).at(-1)).toMatchObject({ status: "completed" });
  });

  it("returns a run that has ended, and not_found for an unknown one", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    await thread.run("hi", run);
    expect(await cancelRun(thread.life, "inv_a")).toMatchObject({ value: { status: "completed" } });
    for (const asked of [cancelRun, getRun]) {
      expect(await asked(thread.life, "inv_x")).toMatchObject({ error: { code: "not_found" } });
    }
  });

  it("ends a run that a former life left", async () => {
    const thread = new FakeThread({ defaultReply: () => new Promise<never>(() => {}) });
    await thread.accept("hi", run);
    await thread.read(run).until(({ frames }) => frames.length > 0);
    thread.crash();
    thread.replies.push(async (_request, _onDelta, signal) => {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener("abort", () => resolve());
      });
      return { kind: "aborted", reply: { text: "", reasoning: "", tool_calls: [], finish: "other", usage: null } };
    });
    expect(await cancelRun(thread.life, "inv_a")).toMatchObject({ value: { status: "cancelled" } });
  });
});

describe("a wait for the end of a run", () => {
  it("returns the run as it is after the time, or ended once its rows are in D1", async () => {
    const clock = new FakeClock();
    let bring = () => {};
    const gate = new Gate();
    const stored = new Promise<void>((resolve) => {
      bring = resolve;
    });
    const thread = new FakeThread({ replies: [gate.say("", "x")], clock, syncThread: () => stored });
    await thread.accept("hi", run);
    const early = waitForEnd(thread.life, "inv_a", 100);
    const others = [1, 2, 3].map(() => waitForEnd(thread.life, "inv_a", 300_000));
    await passTime(clock, 200);
    expect(await early).toMatchObject({ value: { status: "running" } });
    let answered = 0;
    for (const other of others) void other.then(() => (answered += 1));
    gate.open();
    await passTime(clock, 500);
    expect([statusOf(thread, "inv_a"), answered]).toEqual(["completed", 0]);
    bring();
    await passTime(clock, 100);
    for (const other of others) expect(await other).toMatchObject({ value: { status: "completed" } });
    expect(thread.life.waiters.size).toBe(0);
  });
});

describe("a background run", () => {
  it("starts with its job and not before; the job is sent after the row is in D1", async () => {
    const sent: string[] = [];
    const thread = new FakeThread({
      replies: [say("hello")],
      syncThread: async () => void sent.push("row"),
      sendJob: async () => void sent.push("job"),
    });
    await thread.accept("hi", background);
    await thread.life.outbox.sync();
    await sendNewJobs(thread.life);
    ensureRunning(thread.life);
    await settle();
    expect(statusOf(thread, "inv_a")).toBe("queued");
    expect(sent).toEqual(["row", "job"]);
    expect(thread.jobs).toEqual([{ type: "run_agent_background", ...thread.key, invocation_id: "inv_a" }]);
    expect(thread.batches[0]?.runs[0]).toMatchObject({ status: "queued", background: true });
    const reader = thread.read(run);
    startBackground(thread.life, "inv_a");
    expect((await reader.untilClosed()).events.at(-1)?.type).toBe("RUN_FINISHED");
    expect(startBackground(thread.life, "inv_a")).toEqual({ ok: true, value: null });
    expect(startBackground(thread.life, "inv_x")).toMatchObject({ error: { code: "not_found" } });
    expect(thread.requests.length).toBe(1);
  });

  it("has its job sent again after 40 s or more, then with a back-off that the next life goes on with", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ clock });
    await thread.accept("hi", background);
    await thread.alarm();
    const at = [clock.now()];
    for (let round = 0; round < 190; round++) {
      clock.advance(10_000);
      thread.crash();
      await thread.alarm();
      if (thread.jobs.length > at.length) at.push(clock.now());
    }
    const waits = at.slice(1).map((time, index) => (time - (at[index] ?? 0)) / 1000);
    expect(waits.length).toBeGreaterThan(3);
    for (const [place, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(40 * 2 ** place);
      expect(wait).toBeLessThanOrEqual(80 * 2 ** place + 10);
    }
    startBackground(thread.life, "inv_a");
    clock.advance(1_200_000);
    await sendNewJobs(thread.life);
    expect(thread.jobs.length).toBe(at.length);
  });

  it("starts before a run behind it that may start, and waits if that may not start either", async () => {
    const thread = new FakeThread({ replies: [say("a"), say("b"), say("c")] });
    await thread.accept("a", background);
    await thread.accept("b", { invocation_id: "inv_b", background: true });
    await settle();
    expect(["inv_a", "inv_b"].map((id) => statusOf(thread, id))).toEqual(["queued", "queued"]);
    startBackground(thread.life, "inv_b");
    await thread.read({ invocation_id: "inv_b" }).untilClosed();
    expect(statusOf(thread, "inv_a")).toBe("completed");
    const texts = rowsOf(thread).filter(({ type }) => type === "user");
    expect(texts.map(({ invocation_id }) => invocation_id)).toEqual(["inv_a", "inv_b"]);
  });

  it("fails with dead_letter and its events if the queue gave it up, and continues if it has started", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    await thread.accept("hi", background);
    const reader = thread.read(run);
    await failDeadLetteredRun(thread.life, "inv_a");
    const { events } = await reader.untilClosed();
    expect(events.map(({ type }) => type)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT", "RUN_ERROR"]);
    expect(findRun(thread.life, "inv_a")?.run.error).toMatchObject({ code: "dead_letter" });
    expect(thread.batches.flatMap(({ runs }) => runs).at(-1)?.status).toBe("failed");
    await thread.run("again", { invocation_id: "inv_b" });
    for (const id of ["inv_a", "inv_b"]) await failDeadLetteredRun(thread.life, id);
    expect(["inv_a", "inv_b"].map((id) => statusOf(thread, id))).toEqual(["failed", "completed"]);
    expect(await failDeadLetteredRun(thread.life, "inv_x")).toMatchObject({ error: { code: "not_found" } });
  });

  it("fails as a dead letter while D1 is slow, and the next run waits until that end is released", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ replies: [say("b")], clock, syncThread: () => new Promise(() => {}) });
    await thread.accept("hi", background);
    const reader = thread.read();
    const failed = failDeadLetteredRun(thread.life, "inv_a");
    await thread.accept("next", { invocation_id: "inv_b" });
    await passTime(clock, 1_500);
    expect(reader.events.map(({ type }) => type)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT"]);
    expect(statusOf(thread, "inv_b")).toBe("queued");
    await passTime(clock, 4_500);
    await failed;
    const starts = reader.events.flatMap((event) => (event.type === "RUN_STARTED" ? [event.runId] : []));
    expect(starts).toEqual(["inv_a", "inv_b"]);
    expect(reader.events.at(-1)?.type).toBe("RUN_FINISHED");
  });
});
