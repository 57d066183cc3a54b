import { verifyEvents } from "@ag-ui/client";
import { EventSchemas } from "@ag-ui/core/schemas";
import { from, lastValueFrom, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { type Reply, say } from "../../../test/fakes/replies.ts";
import { FakeClock, FakeSink, passTime, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { Transcript } from "../../../test/fakes/transcript.ts";
import { playTurn, twoTaskModel, twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { ThreadEvent } from "../../protocol/event.ts";
import { cancelRun } from "../run/control.ts";
import { planStream, watchIdle } from "./streams.ts";

const run = { invocation_id: "inv_a" };

function typesOf(events: ThreadEvent[]): string[] {
  return events.map(({ type }) => type);
}

/** Sends some text, then fails in a way that may pass. */
const breakOff: Reply = async (_request, onDelta) => {
  onDelta({ type: "reasoning", text: "hm" });
  onDelta({ type: "text", text: "void words" });
  await settle();
  const message = "the stream was cut";
  return { kind: "failure", failure: { code: "model_error", message, retryable: true, retry_after_ms: null } };
};

describe("the thread's stream", () => {
  it("carries runs one after another as AG-UI's verifier wants them", async () => {
    const thread = new FakeThread({ defaultReply: twoTaskModel, tools: twoTaskTools() });
    const reader = thread.read();
    await thread.run("build it", run);
    thread.replies.push(say("you are welcome"));
    await thread.run("thanks", { invocation_id: "inv_b" });
    await reader.until(({ events }) => events.filter(({ type }) => type === "RUN_FINISHED").length === 2);
    const parsed = reader.events.map((event) => EventSchemas.parse(event));
    const verified = await lastValueFrom(from(parsed as never[]).pipe(verifyEvents(false), toArray()));
    expect(verified.length).toBe(reader.events.length);
    expect(reader.text.startsWith("retry: 1000\n")).toBe(true);
    const replayed = thread.read({ after: 0 });
    await replayed.until(({ events }) => events.filter(({ type }) => type === "RUN_FINISHED").length === 2);
    const held = (events: ThreadEvent[]) => new Transcript().applyAll(events).value;
    expect(held(replayed.events)).toEqual(held(reader.events));
  });

  it("is closed after a minute without a run, with a long retry, and answers at once if nothing is new", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ replies: [say("hello")], clock });
    const reader = thread.read();
    await passTime(clock, 30_000);
    await thread.accept("hi", run);
    await passTime(clock, 59_000);
    expect(reader.ended).toBe("open");
    await passTime(clock, 3_000);
    expect(reader.ended).toBe("closed");
    expect(reader.text.endsWith("retry: 20000\n")).toBe(true);
    const back = thread.read({ after: reader.lastId });
    expect([back.ended, back.text]).toEqual(["closed", "retry: 20000\n"]);
    thread.crash();
    const later = thread.read({ after: reader.lastId });
    expect([later.ended, later.text]).toEqual(["closed", "retry: 20000\n"]);
  });

  it("is closed after a minute too if the only run was cancelled before it started", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ clock });
    await thread.accept("hi", { ...run, background: true });
    const reader = thread.read();
    await passTime(clock, 100_000);
    expect(reader.ended).toBe("open");
    await cancelRun(thread.life, "inv_a");
    await passTime(clock, 61_000);
    expect(reader.ended).toBe("closed");
    expect(reader.events).toEqual([]);
  });

  it("stays open while a run works for long", async () => {
    const clock = new FakeClock();
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "x")], clock });
    await thread.accept("hi", run);
    const reader = thread.read();
    await passTime(clock, 300_000);
    expect(reader.ended).toBe("open");
    expect(reader.text.split(": ping\n").length).toBeGreaterThan(25);
  });

  it("whose last reader has left leaves no timer behind, which would hold the object in memory", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ replies: [say("hello")], clock });
    await thread.run("hi", run);
    const sink = new FakeSink();
    const plan = planStream(thread.life, { invocation_id: null, after: null, resync: false });
    if (!plan.ok || plan.value.kind !== "follow") throw new Error("there is a stream to follow");
    thread.life.readers.add(sink, plan.value.request);
    watchIdle(thread.life);
    await settle();
    sink.leave();
    await passTime(clock, 11_000);
    expect([thread.life.readers.count, clock.timers]).toEqual([0, 0]);
  });

  it("of an idle thread begins a resync with the two snapshots, and only the last has an id", async () => {
    const thread = new FakeThread({ replies: [say("hello")] });
    await thread.run("hi", run);
    for (const request of [{ resync: true }, { after: 1_000_000 }]) {
      const reader = thread.read(request);
      await settle();
      expect(typesOf(reader.events)).toEqual(["MESSAGES_SNAPSHOT", "STATE_SNAPSHOT"]);
      expect(reader.frames.map(({ id }) => id)).toEqual([null, thread.life.journal.newest]);
      expect(reader.ended).toBe("open");
    }
  });

  it("of a thread that never ran has no events, and its resync is empty", async () => {
    const thread = new FakeThread();
    expect(thread.read({ after: 0 }).text).toBe("retry: 20000\n");
    const reader = thread.read({ resync: true });
    await settle();
    expect(reader.events[0]).toEqual({ type: "MESSAGES_SNAPSHOT", messages: [] });
  });
});

describe("a run's stream", () => {
  it("of an ended run is over for who has its end, if the Worker knows that answer, also in a later life", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two")] });
    const { lastId } = await thread.run("first", run);
    await thread.run("second", { invocation_id: "inv_b" });
    const ask = (after: number | null, may_end = true) => {
      const plan = planStream(thread.life, { ...run, after, resync: false, may_end });
      return plan.ok ? plan.value.kind : plan.error.code;
    };
    const end = lastId ?? 0;
    const { newest } = thread.life.journal;
    expect([end, end + 1, newest].map((after) => ask(after))).toEqual(["over", "over", "over"]);
    expect([null, 0, end - 1, newest + 1].map((after) => ask(after))).toEqual(Array(4).fill("follow"));
    expect(ask(end, false)).toBe("follow");
    thread.crash();
    expect([end - 1, end, end + 1].map((after) => ask(after))).toEqual(["follow", "over", "over"]);
  });

  it("of a run that ended before it started, which has no ids, asks clients not to come back", async () => {
    const thread = new FakeThread();
    await thread.accept("hi", { ...run, background: true });
    await cancelRun(thread.life, "inv_a");
    const reader = thread.read({ ...run, may_end: true });
    expect([reader.ended, typesOf(reader.events)]).toEqual([
      "closed",
      ["RUN_STARTED", "STATE_SNAPSHOT", "RUN_FINISHED"],
    ]);
    expect(reader.text).toMatch(/^retry: 86400000\n/);
  });

  it("waits while the run is queued, and then has all events from its start", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "one"), say("two")] });
    await thread.accept("first", run);
    await thread.accept("second", { invocation_id: "inv_b" });
    const reader = thread.read({ invocation_id: "inv_b" });
    await gate.reached;
    await reader.until(({ text }) => text === "retry: 1000\n");
    gate.open();
    const { events } = await reader.untilClosed();
    expect(events[0]).toMatchObject({ type: "RUN_STARTED", runId: "inv_b" });
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", runId: "inv_b" });
  });

  it("has nothing of the runs around it, live or replayed", async () => {
    const thread = new FakeThread({ replies: [say("one"), say("two"), say("three")] });
    for (const id of ["inv_a", "inv_b", "inv_c"]) await thread.run(`to ${id}`, { invocation_id: id });
    for (const crashes of [false, true]) {
      if (crashes) thread.crash();
      const { events } = await thread.read({ invocation_id: "inv_b" }).untilClosed();
      const types = ["RUN_STARTED", "STATE_SNAPSHOT", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END"];
      expect(typesOf(events)).toEqual([...types, "RUN_FINISHED"]);
      expect(JSON.stringify(events)).not.toMatch(/inv_a|inv_c/);
    }
  });

  it("closes at once for a reader with its end, and is a resync with the end for one with a number too high", async () => {
    const thread = new FakeThread({ replies: [say("one")] });
    const { lastId } = await thread.run("hi", run);
    expect((await thread.read({ ...run, after: lastId }).untilClosed()).events).toEqual([]);
    const { frames } = await thread.read({ ...run, after: 1_000_000 }).untilClosed();
    expect(typesOf(frames.map(({ event }) => event))).toEqual([
      "RUN_STARTED",
      "MESSAGES_SNAPSHOT",
      "STATE_SNAPSHOT",
      "RUN_FINISHED",
    ]);
    expect(frames.map(({ id }) => id)).toEqual([null, null, null, lastId]);
  });
});

function isUsage(event: ThreadEvent): boolean {
  return event.type === "CUSTOM" && event.name === "usage";
}

describe("a model call that is made again after its text was seen", () => {
  it("closes what is open, sends a snapshot without it, and goes on under a new id", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ replies: [breakOff, say("good words")], clock });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    await passTime(clock, 5_000);
    expect(typesOf(reader.events.filter((event) => !isUsage(event)))).toEqual([
      "RUN_STARTED",
      "STATE_SNAPSHOT",
      "REASONING_START",
      "REASONING_MESSAGE_START",
      "REASONING_MESSAGE_CONTENT",
      "REASONING_MESSAGE_END",
      "REASONING_END",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
      "MESSAGES_SNAPSHOT",
      "CUSTOM",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
      "RUN_FINISHED",
    ]);
    const held = new Transcript().applyAll(reader.events);
    expect([...held.messages.values()].map(({ text }) => text)).toEqual(["hi", "good words"]);
  });

  for (const crashes of [false, true]) {
    it(`is a resync for a reader that left in the middle of the void text and comes back ${crashes ? "in another life" : "after the end"}`, async () => {
      const clock = new FakeClock();
      const thread = new FakeThread({ replies: [breakOff, say("good words")], clock });
      await thread.accept("hi", run);
      const reader = thread.read(run);
      await passTime(clock, 5_000);
      const whole = new Transcript().applyAll(reader.events).value;
      if (crashes) thread.crash();
      let resyncs = 0;
      // What a call has used is said within its message when it broke off, and changes nothing for these readers.
      const frames = reader.frames.filter(({ event }) => !isUsage(event));
      for (let count = 0; count < frames.length; count++) {
        const before = frames.slice(0, count);
        const back = thread.read({ ...run, after: before.at(-1)?.id ?? null });
        await settle();
        expect(back.ended).toBe("closed");
        if (back.events[0]?.type === "RUN_STARTED" && count > 0) resyncs += 1;
        const events = [...before, ...back.frames].map(({ event }) => event);
        expect(new Transcript().applyAll(events).value).toEqual(whole);
        if (count === 0) expect(JSON.stringify(back.events)).not.toContain("void words");
      }
      // From the START of the reasoning to the END of the text.
      expect(resyncs).toBe(8);
    });
  }
});

describe("a resync in the middle of a message", () => {
  it("has the finished parts once, in the snapshot, and opens again what is open", async () => {
    const gate = new Gate();
    const thread = new FakeThread({
      replies: [
        async (request, onDelta, signal) => {
          onDelta({ type: "reasoning", text: "first thought" });
          onDelta({ type: "text", text: "first text" });
          onDelta({ type: "tool_call", index: 0, id: "c1", name: "look" });
          onDelta({ type: "tool_arguments", index: 0, text: '{"where":' });
          onDelta({ type: "reasoning", text: "second thought" });
          onDelta({ type: "text", text: "second text" });
          onDelta({ type: "tool_call", index: 1, id: "c2", name: "look" });
          await gate.say("", "")(request, () => {}, signal);
          onDelta({ type: "tool_arguments", index: 0, text: '"a"}' });
          onDelta({ type: "tool_arguments", index: 1, text: '{"where":"b"}' });
          return playTurn({})(request, () => {}, signal);
        },
        say("done"),
      ],
      tools: twoTaskTools(),
    });
    await thread.accept("hi", run);
    await gate.reached;
    const resynced = thread.read({ ...run, resync: true });
    await settle();
    const snapshot = resynced.events.find((event) => event.type === "MESSAGES_SNAPSHOT");
    expect(snapshot?.messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "hi"],
      ["reasoning", "first thoughtsecond thought"],
      ["assistant", "first textsecond text"],
    ]);
    expect(typesOf(resynced.events).slice(3)).toEqual(["TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_START"]);
    gate.open();
    const { events } = await resynced.untilClosed();
    const held = new Transcript().applyAll(events);
    const calls = [...held.messages.values()].flatMap((message) => message.calls);
    expect(calls.map((each) => each.arguments)).toEqual(['{"where":"a"}', '{"where":"b"}']);
    const after = new Transcript().applyAll(thread.read({ ...run, resync: true }).events);
    expect(held.value).toEqual(after.value);
  });
});
