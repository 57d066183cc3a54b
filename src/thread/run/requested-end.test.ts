// Requested ends of runs: a request is stored first, so the end of a life does not undo it. A run that can't be
// started, ended or delivered by the queue does not wait for ever.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Gate } from "../../../test/fakes/gate.ts";
import { say } from "../../../test/fakes/replies.ts";
import { FakeClock, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { Model } from "../../agent/model.ts";
import { onAlarm } from "../alarm.ts";
import { acceptRun } from "../inbox/accept.ts";
import { findRun } from "../life.ts";
import { cancelBefore, cancelRun, failDeadLetteredRun, startBackground, waitForEnd } from "./control.ts";
import { ensureRunning } from "./run.ts";

const run = { invocation_id: "inv_a" };
const HOUR = 60 * 60_000;

// Ended lives write to the log.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

function statusOf(thread: FakeThread, id: string): string | undefined {
  return findRun(thread.life, id)?.run.status;
}

/** A model call that neither answers nor heeds its signal. */
const deaf: Model["stream"] = () => new Promise(() => {});

describe("a cancel", () => {
  it("is carried out by the next life if the one that accepted it ends first", async () => {
    const thread = new FakeThread({ replies: [deaf], defaultReply: say("must not be asked") });
    await thread.accept("hi", run);
    await settle();
    void cancelRun(thread.life, "inv_a");
    await settle();
    expect(statusOf(thread, "inv_a")).toBe("running");
    thread.crash();
    ensureRunning(thread.life);
    await waitForEnd(thread.life, "inv_a", 5_000);
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "cancelled", attempt: 2 });
    expect(thread.requests.length).toBe(1);
  });

  it("ends the life within two alarms if the run ignores it, and the next life ends the run", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ replies: [deaf], clock });
    await thread.accept("hi", run);
    await settle();
    void cancelRun(thread.life, "inv_a");
    await settle();
    clock.advance(30_000);
    await onAlarm(thread.life);
    await settle();
    expect(thread.aborts).toEqual([]);
    clock.advance(31_000);
    await onAlarm(thread.life);
    await settle();
    expect(thread.aborts).toEqual(["a run did not end within a minute of the request"]);
    thread.crash();
    ensureRunning(thread.life);
    await settle();
    expect(statusOf(thread, "inv_a")).toBe("cancelled");
  });

  it("shows the end within two seconds even if D1 accepts nothing", async () => {
    const clock = new FakeClock();
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", "")], clock, syncThread: () => new Promise(() => {}) });
    await thread.accept("hi", run);
    const reader = thread.read(run);
    await gate.reached;
    const began = clock.now();
    const cancelled = cancelRun(thread.life, "inv_a");
    await settle();
    while (!findRun(thread.life, "inv_a")?.released) {
      clock.advance(100);
      await settle();
      if (clock.now() - began > 10_000) break;
    }
    expect(clock.now() - began).toBeLessThan(2_000);
    expect(await cancelled).toMatchObject({ value: { status: "cancelled" } });
    expect((await reader.untilClosed()).events.at(-1)).toMatchObject({ outcome: { type: "cancelled" } });
  });
});

describe("on_busy replace", () => {
  it("is carried out by the next life if the one that accepted the input ends first", async () => {
    const thread = new FakeThread({ replies: [deaf], defaultReply: say("hello") });
    await thread.accept("first", run);
    await settle();
    await acceptRun(thread.life, thread.input("waits", { invocation_id: "inv_b" }), false);
    await acceptRun(thread.life, thread.input("instead", { invocation_id: "inv_c", on_busy: "replace" }), false);
    thread.crash();
    ensureRunning(thread.life);
    expect(await waitForEnd(thread.life, "inv_c", 5_000)).toMatchObject({ value: { status: "completed" } });
    expect([statusOf(thread, "inv_a"), statusOf(thread, "inv_b")]).toEqual(["cancelled", "cancelled"]);
    expect(thread.requests.length).toBe(2);
  });

  it("is carried out by the next life even if all runs wait for their jobs", async () => {
    const thread = new FakeThread({ defaultReply: say("hello") });
    await thread.accept("first", { ...run, background: true });
    const replacing = { invocation_id: "inv_b", background: true, on_busy: "replace" } as const;
    await acceptRun(thread.life, thread.input("instead", replacing), false);
    thread.crash();
    ensureRunning(thread.life);
    await settle();
    expect([statusOf(thread, "inv_a"), statusOf(thread, "inv_b")]).toEqual(["cancelled", "queued"]);
  });

  it("ends waiting runs and the active one, and spares later ones", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", "")], defaultReply: say("hello") });
    await thread.accept("first", run);
    await gate.reached;
    await thread.accept("waits", { invocation_id: "inv_b", background: true });
    await thread.accept("instead", { invocation_id: "inv_c", on_busy: "replace" });
    await thread.accept("later", { invocation_id: "inv_d" });
    const replacing = findRun(thread.life, "inv_c");
    if (replacing !== null) cancelBefore(thread.life, replacing);
    await waitForEnd(thread.life, "inv_d", 5_000);
    const statuses = ["inv_a", "inv_b", "inv_c", "inv_d"].map((id) => statusOf(thread, id));
    expect(statuses).toEqual(["cancelled", "cancelled", "completed", "completed"]);
  });
});

describe("a run whose start ends every life", () => {
  it("fails as crash_loop, its stream says so, and the next run starts", async () => {
    let isPoisoned = false;
    const thread = new FakeThread({ defaultReply: say("hello"), dies: (when) => isPoisoned && when === "before" });
    await acceptRun(thread.life, thread.input("poison", run), false);
    await acceptRun(thread.life, thread.input("fine", { invocation_id: "inv_b" }), false);
    for (let life = 0; life < 5; life++) {
      thread.crash();
      isPoisoned = true;
      ensureRunning(thread.life);
      await settle();
      isPoisoned = false;
      expect(thread.isAlive).toBe(false);
    }
    thread.crash();
    const reader = thread.read(run);
    ensureRunning(thread.life);
    await waitForEnd(thread.life, "inv_b", 5_000);
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "failed", error: { code: "crash_loop" } });
    expect((await reader.untilClosed()).events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "crash_loop" });
    expect(statusOf(thread, "inv_b")).toBe("completed");
  });
});

describe("a run whose lives end every fifteen minutes without progress", () => {
  it("fails as crash_loop in the 21st life", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ defaultReply: deaf, clock });
    await thread.accept("hi", run);
    await settle();
    for (let life = 2; life <= 21; life++) {
      expect(statusOf(thread, "inv_a")).toBe("running");
      clock.advance(15 * 60_000);
      thread.crash();
      ensureRunning(thread.life);
      await settle();
    }
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "failed", error: { code: "crash_loop" } });
  });
});

describe("a run without progress for two hours", () => {
  it("fails as stalled, and not earlier", async () => {
    const clock = new FakeClock();
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", "")], clock });
    await thread.accept("hi", run);
    await gate.reached;
    clock.advance(2 * HOUR - 1_000);
    await onAlarm(thread.life);
    await settle();
    expect(statusOf(thread, "inv_a")).toBe("running");
    clock.advance(2_000);
    await onAlarm(thread.life);
    await settle();
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "failed", error: { code: "stalled" } });
  });
});

describe("a background run", () => {
  const background = { ...run, background: true };

  it("starts by itself after an hour if its job never comes", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({
      defaultReply: say("hello"),
      clock,
      sendJob: () => Promise.reject(new Error("no queue")),
    });
    await thread.accept("hi", background);
    clock.advance(HOUR - 1_000);
    await onAlarm(thread.life);
    await settle();
    expect(statusOf(thread, "inv_a")).toBe("queued");
    clock.advance(2_000);
    await onAlarm(thread.life);
    await settle();
    expect(statusOf(thread, "inv_a")).toBe("completed");
  });

  it("needs no heartbeat while it only waits for its job: the alarm is set for the next try", async () => {
    const clock = new FakeClock();
    const thread = new FakeThread({ defaultReply: say("hello"), clock });
    await thread.accept("hi", background);
    await thread.life.outbox.sync();
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      await onAlarm(thread.life);
      await settle();
      const next = thread.alarms.at(-1) ?? 0;
      waits.push((next - clock.now()) / 1000);
      clock.advance(next - clock.now());
    }
    for (const [place, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.min(40 * 2 ** place, 600));
      expect(wait).toBeLessThanOrEqual(Math.min(80 * 2 ** place, 1_200));
    }
    expect(thread.jobs.length).toBe(6);
  });

  it("ends in its turn if its job died while another run was active, and a late job does not start it", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("half", " done")], defaultReply: say("must not be asked") });
    await thread.accept("first", { invocation_id: "inv_first" });
    await gate.reached;
    await thread.accept("hi", background);
    const reader = thread.read(run);
    void failDeadLetteredRun(thread.life, "inv_a");
    startBackground(thread.life, "inv_a");
    gate.open();
    await waitForEnd(thread.life, "inv_a", 5_000);
    expect(statusOf(thread, "inv_first")).toBe("completed");
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "failed", error: { code: "dead_letter" } });
    expect((await reader.untilClosed()).events.at(-1)).toMatchObject({ type: "RUN_ERROR", code: "dead_letter" });
    expect(thread.requests.length).toBe(1);
  });
});
