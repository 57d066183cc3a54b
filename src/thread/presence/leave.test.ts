// Runs that end when their readers have left: whoever reads, comes back or stays, and whenever the object dies.
import { describe, expect, it } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { FakeClock, FakeSink, passTime, settle } from "../../../test/fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { peopleTools } from "../../tools/people.ts";
import { onAlarm } from "../alarm.ts";
import { findRun } from "../life.ts";
import { readMeta } from "../rows/database.ts";
import { waitForEnd } from "../run/control.ts";
import { planStream } from "../stream/streams.ts";

const cancels = { invocation_id: "inv_a", on_disconnect: "cancel" } as const;

/** A thread whose first run waits in its model call, and what a test does with it. */
async function workingThread(input: Partial<RunInput> = cancels, options: FakeThreadOptions = {}) {
  const clock = new FakeClock();
  const gate = new Gate();
  const defaultReply = gate.say("so far", " and more");
  const thread = new FakeThread({ clock, defaultReply, ...options });
  await thread.accept("hi", { invocation_id: "inv_a", ...input });
  if (input.background !== true) await gate.reached;
  const open = async (invocation_id: string | null = "inv_a"): Promise<FakeSink> => {
    const sink = new FakeSink();
    const plan = planStream(thread.life, { invocation_id, after: null, resync: false });
    if (!plan.ok || plan.value.kind !== "follow") throw new Error("there is a stream to follow");
    thread.life.readers.add(sink, plan.value.request);
    await settle();
    return sink;
  };
  /** Time passes, and alarms fire as the platform fires them. */
  const pass = async (ms: number): Promise<void> => {
    const until = clock.now() + ms;
    while (clock.now() < until) {
      clock.advance(Math.min(500, until - clock.now()));
      await settle();
      const at = thread.alarms.at(-1);
      if (at === undefined || at > clock.now()) continue;
      thread.alarms.length = 0;
      alarms += 1;
      await onAlarm(thread.life);
      await settle();
    }
  };
  let alarms = 0;
  const statusOf = (id = "inv_a") => findRun(thread.life, id)?.run.status;
  return { clock, gate, thread, open, pass, statusOf, fired: () => alarms };
}

describe("a run that is to be cancelled when its readers have left", () => {
  it("continues while one reads, and is cancelled some seconds after the last has left, with the text so far", async () => {
    const { thread, open, pass, statusOf, fired } = await workingThread();
    const [first, second] = [await open(), await open()];
    await pass(120_000);
    first.leave();
    await pass(60_000);
    expect(statusOf()).toBe("running");
    second.leave();
    await pass(3_000);
    expect(statusOf()).toBe("running");
    const before = fired();
    await pass(8_000);
    expect(statusOf()).toBe("cancelled");
    // The one that cancels it, and what the run's end asks for.
    expect(fired() - before).toBeLessThan(4);
    const texts = thread.batches.flatMap(({ messages }) => messages.map(({ content }) => JSON.stringify(content)));
    expect(texts.some((text) => text.includes("so far"))).toBe(true);
  });

  it("continues if a reader comes back in time, again and again", async () => {
    const { open, pass, statusOf } = await workingThread();
    for (let times = 0; times < 5; times++) {
      const reader = await open();
      await pass(1_000);
      reader.leave();
      await pass(4_500);
    }
    await open();
    await pass(120_000);
    expect(statusOf()).toBe("running");
  });

  it("counts a reader of the thread as one of the run, also if it was there before the run", async () => {
    const { open, pass, statusOf } = await workingThread();
    const [ofThread, ofRun] = [await open(null), await open()];
    ofRun.leave();
    await pass(60_000);
    expect(statusOf()).toBe("running");
    ofThread.leave();
    await pass(12_000);
    expect(statusOf()).toBe("cancelled");
  });

  it("continues if nobody ever read it, and if a request waits for its end", async () => {
    const { thread, open, pass, statusOf } = await workingThread();
    await pass(600_000);
    const waiting = waitForEnd(thread.life, "inv_a", 60_000);
    const reader = await open();
    reader.leave();
    await pass(50_000);
    expect(statusOf()).toBe("running");
    await pass(60_000);
    expect(statusOf()).toBe("cancelled");
    await waiting;
  });

  it("is cancelled by the next life if its readers left before the object died", async () => {
    const { thread, open, pass, statusOf } = await workingThread();
    const reader = await open();
    reader.leave();
    await pass(3_000);
    thread.crash();
    await pass(60_000);
    expect(statusOf()).toBe("cancelled");
  });

  it("gives the readers of a life that died half a minute to come back, and is cancelled without them", async () => {
    for (const comesBack of [true, false]) {
      const { thread, open, pass, statusOf } = await workingThread();
      await open();
      await pass(10_000);
      thread.crash();
      await pass(25_000);
      expect(statusOf()).toBe("running");
      if (comesBack) await open();
      await pass(90_000);
      expect(statusOf()).toBe(comesBack ? "running" : "cancelled");
    }
  });

  it("is cancelled while it waits for another, which continues", async () => {
    const { thread, open, pass, statusOf } = await workingThread({ on_disconnect: "continue" });
    await thread.accept("second", { invocation_id: "inv_b", on_disconnect: "cancel" });
    const reader = await open("inv_b");
    reader.leave();
    await pass(12_000);
    expect([statusOf(), statusOf("inv_b")]).toEqual(["running", "cancelled"]);
  });

  it("stays interrupted once it asks, however many leave", async () => {
    const clock = new FakeClock();
    const replies = [call({ id: "call-1", name: "ask", input: { question: "Which?" } })];
    const thread = new FakeThread({ clock, replies, tools: peopleTools });
    const reader = await thread.run("hi", cancels);
    expect(reader.ended).toBe("closed");
    await passTime(clock, 60_000);
    await onAlarm(thread.life);
    expect(findRun(thread.life, "inv_a")?.run.status).toBe("interrupted");
  });
});

describe("whether a run is cancelled when its readers have left", () => {
  const agent = { on_disconnect: "cancel" } as const;
  it.each([
    ["the request says so", { on_disconnect: "cancel" }, {}, true],
    ["its agent says so", {}, { agent }, true],
    ["neither says so", {}, {}, false],
    [
      "the request says otherwise, as Slack, webhooks and schedules do",
      { on_disconnect: "continue" },
      { agent },
      false,
    ],
    ["its agent says so, and it is a background run", { background: true }, { agent }, false],
    ["the request of a background run says so", { background: true, on_disconnect: "cancel" }, {}, true],
  ] as [string, Partial<RunInput>, FakeThreadOptions, boolean][])("if %s", async (_, input, options, expected) => {
    const { thread, open, pass, statusOf } = await workingThread(input, options);
    const reader = await open();
    await pass(1_000);
    reader.leave();
    await pass(15_000);
    expect(statusOf() === "cancelled").toBe(expected);
    const isStored = readMeta(thread.life.database.sql, "watched", (value) => value) !== null;
    expect([isStored, thread.life.watched.size > 0 || isStored]).toEqual([expected, expected]);
  });

  it("costs a run that continues no statement, no alarm and no timer", async () => {
    const counted = async (on_disconnect: "continue" | undefined) => {
      const clock = new FakeClock();
      const thread = new FakeThread({ clock, replies: [say("one")] });
      const reader = await thread.run("hi", { invocation_id: "inv_a", ...(on_disconnect && { on_disconnect }) });
      return [reader.frames.length, thread.alarms.length, clock.timers, thread.life.cancelProbe];
    };
    expect(await counted("continue")).toEqual(await counted(undefined));
  });
});
