import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { isOver } from "../../../test/fakes/run-over.ts";
import { FakeClock, passTime, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskModel, twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { ThreadBatch } from "../../store/batch.ts";
import { patchThread } from "../threads.ts";

const run = { invocation_id: "inv_a" };

/** The newest versions of the rows that D1 got. */
function rowsOf(batches: ThreadBatch[]) {
  const runs = new Map(batches.flatMap(({ runs }) => runs).map((row) => [row.invocation_id, row]));
  const messages = new Map(batches.flatMap(({ messages }) => messages).map((row) => [row.seq, row]));
  return { runs, messages: [...messages.values()].sort((a, b) => a.seq - b.seq) };
}

describe("the end of a run", () => {
  it("is released only when the run's rows are in D1", async () => {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    await thread.accept("build it", run);
    await thread.read(run).until(isOver);
    const { runs, messages } = rowsOf(thread.batches);
    expect(runs.get("inv_a")).toMatchObject({ status: "completed", steps: 4, result: { text: "all is done" } });
    const types = messages.map(({ type }) => type);
    expect(types).toEqual(["user", "assistant", "tool", "task_list", ...types.slice(4)]);
    expect(types.slice(4)).toEqual(["assistant", "tool", "tool", "assistant", "tool", "assistant"]);
    expect(messages.find(({ type }) => type === "task_list")).toMatchObject({ version: 3, metadata: {} });
    expect(new Set(messages.map(({ invocation_id }) => invocation_id))).toEqual(new Set(["inv_a"]));
  });

  it("waits two seconds at most for a slow D1, while everything before it is already sent", async () => {
    const clock = new FakeClock();
    const never = () => new Promise<void>(() => {});
    const thread = new FakeThread({ replies: [say("hello")], clock, syncThread: never });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    const onThread = thread.read();
    await passTime(clock, 1_900);
    expect(reader.events.at(-1)?.type).toBe("TEXT_MESSAGE_END");
    expect(isOver(onThread)).toBe(false);
    expect(thread.life.live.get("inv_a")?.run.status).toBe("completed");
    await passTime(clock, 200);
    expect([isOver(reader), reader.ended, isOver(onThread)]).toEqual([true, "closed", true]);
  });

  it("comes after all rows of a run that needs more than one batch", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    const messages = Array.from({ length: 250 }, (_, index) => ({ message_id: `m${index}`, content: `text ${index}` }));
    await thread.accept("", { ...run, messages });
    await thread.read(run).until(isOver);
    expect(rowsOf(thread.batches).messages.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 251 }, (_, index) => index + 1),
    );
  });

  it("delays the next run until it is released", async () => {
    const clock = new FakeClock();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const thread = new FakeThread({ replies: [say("one"), say("two")], clock, syncThread: () => gate });
    await thread.accept("first", run);
    await thread.accept("second", { invocation_id: "inv_b" });
    await passTime(clock, 500);
    expect(thread.life.live.get("inv_a")?.run.status).toBe("completed");
    expect(thread.life.live.get("inv_b")?.run.status).toBe("queued");
    open();
    await passTime(clock, 500);
    expect(thread.life.live.size).toBe(0);
    expect(rowsOf(thread.batches).runs.get("inv_b")?.status).toBe("completed");
  });

  it("is released by the next life if a former one only stored it", async () => {
    const clock = new FakeClock();
    let isDown = true;
    const syncThread = () => (isDown ? new Promise<void>(() => {}) : Promise.resolve());
    const thread = new FakeThread({ replies: [say("hello")], clock, syncThread });
    await thread.accept("hi", run);
    await passTime(clock, 500);
    const before = thread.read(run);
    await passTime(clock, 100);
    expect(isOver(before)).toBe(false);
    thread.crash();
    isDown = false;
    const after = thread.read({ ...run, after: before.lastId });
    await settle();
    expect(isOver(after)).toBe(false);
    await thread.alarm();
    await passTime(clock, 100);
    expect(after.events.map(({ type }) => type)).toEqual(["RUN_FINISHED"]);
    expect(rowsOf(thread.batches).runs.get("inv_a")?.status).toBe("completed");
    expect(thread.requests.length).toBe(1);
  });
});

describe("a D1 that fails", () => {
  it("stops no run; the rows follow by alarm, and each wait is up to twice the one before", async () => {
    const clock = new FakeClock();
    let isDown = true;
    const tries: number[] = [];
    const syncThread = async () => {
      tries.push(clock.now());
      if (isDown) throw new Error("D1 is down");
    };
    const thread = new FakeThread({ replies: [say("hello")], clock, syncThread });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    await passTime(clock, 300);
    expect([isOver(reader), reader.ended]).toEqual([true, "closed"]);
    expect(thread.batches).toEqual([]);
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      const at = thread.alarms.at(-1) ?? 0;
      waits.push(at - (tries.at(-1) ?? 0));
      expect(at).toBeGreaterThan(clock.now());
      clock.advance(at - clock.now());
      await thread.alarm();
    }
    for (const [place, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(500 * 2 ** place);
      expect(wait).toBeLessThanOrEqual(1_000 * 2 ** place);
    }
    isDown = false;
    clock.advance(2 ** 9 * 1_000);
    await thread.alarm();
    const { runs, messages } = rowsOf(thread.batches);
    expect(runs.get("inv_a")?.status).toBe("completed");
    expect(messages.map(({ type }) => type)).toEqual(["user", "assistant"]);
    expect(thread.life.outbox.pending).toBe(false);
    expect(thread.life.outbox.retryAt).toBeNull();
  });

  it("gets the missing rows from the next life, and no message twice", async () => {
    let isDown = false;
    const thread = new FakeThread({
      replies: [say("one"), say("two")],
      syncThread: async () => {
        if (isDown) throw new Error("D1 is down");
      },
    });
    await thread.run("first", run);
    isDown = true;
    await thread.run("second", { invocation_id: "inv_b" });
    const before = thread.batches.length;
    thread.crash();
    isDown = false;
    await thread.life.outbox.sync();
    const { runs, messages } = rowsOf(thread.batches.slice(before));
    expect(messages.map(({ invocation_id, type }) => [invocation_id, type])).toEqual([
      ["inv_b", "user"],
      ["inv_b", "assistant"],
    ]);
    expect(runs.get("inv_b")?.status).toBe("completed");
  });

  it("gets a plan that changed during the failure", async () => {
    let isDown = false;
    const thread = new FakeThread({
      defaultReply: twoTaskModel,
      tools: twoTaskTools(),
      syncThread: async () => {
        if (isDown) throw new Error("D1 is down");
      },
    });
    await thread.run("build it", run);
    isDown = true;
    const input = { section_title: "more", task_contents: ["x"] };
    thread.replies.push(call({ id: "c_more", name: "create_tasks", input }), say("later"));
    await thread.run("more", { invocation_id: "inv_b", max_steps: 2 });
    isDown = false;
    await thread.life.outbox.sync();
    const plan = rowsOf(thread.batches).messages.find(({ type }) => type === "task_list");
    expect(plan?.version).toBe(4);
  });

  it("gets what changed while a batch was being sent", async () => {
    let arrive = () => {};
    const slow = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x")], syncThread: () => slow });
    await thread.accept("hi", run);
    await gate.reached;
    const early = thread.life.outbox.sync();
    gate.open();
    await thread.read(run).until(({ events }) => events.at(-1)?.type === "TEXT_MESSAGE_END");
    await settle();
    expect(thread.life.live.get("inv_a")?.run.status).toBe("completed");
    arrive();
    await early;
    await thread.read(run).untilClosed();
    expect(thread.batches[0]?.runs[0]?.status).toBe("running");
    expect(rowsOf(thread.batches).runs.get("inv_a")?.status).toBe("completed");
  });

  it("gets an active run after a second, and a sign of life eight minutes later, but no heartbeat", async () => {
    const clock = new FakeClock();
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x")], clock });
    await thread.accept("hi", run);
    await passTime(clock, 900);
    expect(thread.batches).toEqual([]);
    await passTime(clock, 200);
    expect(thread.batches.flatMap(({ runs }) => runs)).toMatchObject([{ status: "running", attempt: 1 }]);
    const before = thread.batches.length;
    clock.advance(30_000);
    await thread.alarm();
    expect(thread.batches.length).toBe(before);
    expect(thread.alarms.at(-1)).toBe(clock.now() + 30_000);
    clock.advance(8 * 60_000);
    await thread.alarm();
    const beat = thread.batches.slice(before).flatMap(({ runs }) => runs);
    expect(beat).toMatchObject([{ status: "running" }]);
    expect(beat[0]?.version).toBeGreaterThan(thread.batches[0]?.runs[0]?.version ?? 0);
    expect(thread.alarms.at(-1)).toBe(clock.now() + 30_000);
  });

  it("gets versions that only grow", async () => {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    await thread.run("build it", run);
    patchThread(thread.life, { title: "shop" });
    patchThread(thread.life, { metadata: { a: 1 } });
    await thread.life.outbox.sync();
    const versions = thread.batches.flatMap(({ runs }) => runs).map(({ version }) => version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    const threads = thread.batches.flatMap((batch) => (batch.thread === null ? [] : [batch.thread]));
    const [first = 0, last = 0, ...more] = threads.map(({ version }) => version);
    expect(last).toBeGreaterThan(first);
    expect(more).toEqual([]);
    expect(threads.at(-1)).toMatchObject({ title: "shop", metadata: { a: 1 } });
    expect(thread.batches.filter(({ project }) => project !== null).length).toBe(1);
  });
});
