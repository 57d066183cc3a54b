// The alarm fires a bounded number of times, whatever D1 does meanwhile, and is set while D1 lacks rows.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Gate } from "../../test/fakes/gate.ts";
import { say } from "../../test/fakes/replies.ts";
import { FakeClock, passTime, settle } from "../../test/fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "../../test/fakes/thread.ts";
import type { ThreadBatch } from "../store/batch.ts";
import { QUIET_MS, SILENT_MS } from "../store/signs.ts";
import { onAlarm } from "./alarm.ts";
import { findRun } from "./life.ts";
import { resumeStaleRuns } from "./run/control.ts";
import { schedule } from "./scheduler.ts";
import { patchThread } from "./threads.ts";

const run = { invocation_id: "inv_a" };
const HOUR = 60 * 60_000;

// A failed run logs an error.
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

/** Fires each alarm in its time, as the platform does, and returns how many fired. */
async function alarmsWithin(thread: FakeThread, clock: FakeClock, ms: number): Promise<number> {
  const until = clock.now() + ms;
  for (let fired = 0, seen = 0; ; fired++) {
    const at = thread.alarms.at(-1);
    if (at === undefined || thread.alarms.length === seen || at > until || fired === 100) return fired;
    seen = thread.alarms.length;
    if (at > clock.now()) await passTime(clock, at - clock.now());
    await onAlarm(thread.life);
    await settle();
  }
}

function mutedThread(options: FakeThreadOptions): { thread: FakeThread; clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, thread: new FakeThread({ defaultReply: say("hello"), clock, ...options }) };
}

describe("the alarm", () => {
  it("does not fire again and again if D1 failed and then does not answer", async () => {
    let calls = 0;
    const syncThread = (): Promise<void> => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error("D1 is away")) : new Promise(() => {});
    };
    const { thread, clock } = mutedThread({ syncThread });
    await thread.run("hi", run);
    await settle();
    expect(calls).toBe(1);
    expect(await alarmsWithin(thread, clock, 60_000)).toBeLessThan(6);
    expect(calls).toBeGreaterThan(1);
  });

  it("does not fire again and again if a job is due and D1 does not answer", async () => {
    const { thread, clock } = mutedThread({ syncThread: () => new Promise(() => {}) });
    await thread.accept("hi", { ...run, background: true });
    await schedule(thread.life);
    expect(await alarmsWithin(thread, clock, 5 * 60_000)).toBeLessThan(20);
  });

  it("is set for a retry within a second after D1 failed", async () => {
    const { thread, clock } = mutedThread({ syncThread: () => Promise.reject(new Error("D1 is away")) });
    await thread.run("hi", run);
    await settle();
    expect(thread.alarms.at(-1)).toBeGreaterThanOrEqual(clock.now() + 500);
    expect(thread.alarms.at(-1)).toBeLessThanOrEqual(clock.now() + 1_000);
  });

  it("sends a job that is due even if D1 does not answer", async () => {
    const { thread, clock } = mutedThread({ syncThread: () => new Promise(() => {}) });
    await thread.accept("hi", { ...run, background: true });
    const done = thread.alarm();
    await passTime(clock, 5_000);
    await done;
    expect(thread.jobs.length).toBe(1);
  });

  it("is set if D1 lacks rows when the request is answered, even if nothing runs", async () => {
    const { thread, clock } = mutedThread({ syncThread: () => new Promise(() => {}) });
    patchThread(thread.life, { title: "new" });
    const synced = thread.life.outbox.syncWithin(3_000);
    await passTime(clock, 3_100);
    expect(await synced).toBe(false);
    await schedule(thread.life);
    expect(thread.alarms.length).toBe(1);
  });

  it("is not set for an idle thread whose alarm finds nothing to do", async () => {
    const { thread } = mutedThread({});
    await thread.run("hi", run);
    thread.crash();
    const before = thread.alarms.length;
    await thread.alarm();
    expect(thread.alarms.length).toBe(before);
  });
});

describe("a run that stores nothing for an hour", () => {
  it("writes a sign of life to D1 before the sweep would look for it, and no heartbeat", async () => {
    const sent: { at: number; ids: string[] }[] = [];
    const gate = new Gate();
    const clock = new FakeClock();
    const syncThread = async (batch: ThreadBatch) => {
      sent.push({ at: clock.now(), ids: batch.runs.map(({ invocation_id }) => invocation_id) });
    };
    const thread = new FakeThread({ defaultReply: say("hello"), replies: [gate.say("half", "")], clock, syncThread });
    await thread.accept("hi", run);
    await thread.accept("and then", { invocation_id: "inv_b" });
    await gate.reached;
    await schedule(thread.life);
    await passTime(clock, 1_000);
    await alarmsWithin(thread, clock, HOUR);
    for (const id of ["inv_a", "inv_b"]) {
      const times = sent.filter(({ ids }) => ids.includes(id)).map(({ at }) => at);
      const waits = times.slice(1).map((at, place) => at - (times[place] ?? 0));
      expect(waits.length).toBeGreaterThan(5);
      expect(waits.length).toBeLessThan(9);
      expect(Math.max(...waits)).toBeLessThan(QUIET_MS + SILENT_MS);
    }
    expect(sent.length).toBeLessThan(10);
    gate.open();
    await settle();
  });

  it("gets a new version when the sweep asks for it, without which its row would be stale again in a minute", async () => {
    const { thread } = mutedThread({});
    await thread.accept("hi", { ...run, background: true });
    await thread.life.outbox.sync();
    const versionOf = () => thread.batches.flatMap(({ runs }) => runs).at(-1)?.version ?? 0;
    const before = versionOf();
    expect(await resumeStaleRuns(thread.life, ["inv_a", "inv_lost"])).toEqual(["inv_lost"]);
    expect(versionOf()).toBeGreaterThan(before);
  });

  it("keeps the time that it has worked, though its life ends", async () => {
    const gate = new Gate();
    const { thread, clock } = mutedThread({ replies: [gate.say("half", "")] });
    await thread.accept("hi", run);
    await gate.reached;
    await schedule(thread.life);
    await alarmsWithin(thread, clock, 10 * 60_000);
    thread.crash();
    expect(findRun(thread.life, "inv_a")?.spending.worked_ms).toBeGreaterThan(8 * 60_000);
  });

  it.each([
    ["every two minutes", {}, 5],
    ["at each alarm under a cap on minutes", { max_minutes: 60 }, 20],
  ])("stores the time that it has worked %s", async (_when, cap, most) => {
    const gate = new Gate();
    const { thread, clock } = mutedThread({ replies: [gate.say("half", "")] });
    await thread.accept("hi", { ...run, caps: [{ scope: "run", ...cap }] });
    await gate.reached;
    await schedule(thread.life);
    const versionOf = () => findRun(thread.life, "inv_a")?.version ?? 0;
    const before = versionOf();
    await alarmsWithin(thread, clock, 10 * 60_000 + 1_000);
    expect(versionOf() - before).toBeLessThanOrEqual(most);
    expect(versionOf() - before).toBeGreaterThanOrEqual(most - 1);
    gate.open();
    await settle();
  });
});

describe("a sandbox", () => {
  it("is kept alive while its run works, and not after that", async () => {
    const asked: number[] = [];
    const gate = new Gate();
    const { thread, clock } = mutedThread({ replies: [gate.say("thought", " for long")] });
    Object.assign(thread.sandbox, { keepAlive: async (since: number) => void asked.push(since) });
    const begun = clock.now();
    await thread.accept("hi", run);
    await gate.reached;
    await schedule(thread.life);
    const fired = await alarmsWithin(thread, clock, 10 * 60_000);
    expect(fired).toBeGreaterThan(15);
    expect(asked).toEqual(Array.from({ length: fired }, () => begun));
    gate.open();
    await settle();
    expect(findRun(thread.life, "inv_a")?.run.status).toBe("completed");
    await thread.alarm();
    expect(asked).toHaveLength(fired);
  });

  it("that can't be kept alive does not affect the run", async () => {
    const gate = new Gate();
    const { thread } = mutedThread({ replies: [gate.say("a", "b")] });
    Object.assign(thread.sandbox, { keepAlive: () => Promise.reject(new Error("the provider is away")) });
    await thread.accept("hi", run);
    await gate.reached;
    await thread.alarm();
    gate.open();
    await settle();
    expect([findRun(thread.life, "inv_a")?.run.status, thread.aborts, thread.failures]).toEqual(["completed", [], []]);
  });
});

describe("a life that comes after hours without a server", () => {
  it("resumes the run instead of failing it as stalled", async () => {
    const gate = new Gate();
    const { thread, clock } = mutedThread({ replies: [gate.say("half", "")] });
    await thread.accept("hi", run);
    await gate.reached;
    clock.advance(3 * HOUR);
    thread.crash();
    await onAlarm(thread.life);
    await settle();
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "completed", attempt: 2 });
  });
});
