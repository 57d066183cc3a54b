// What a thread asks and writes while D1 or the queue is away for long and the object sleeps between its alarms.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { awayThread } from "../../test/fakes/asleep-thread.ts";
import { settle } from "../../test/fakes/stream.ts";
import { WAITS, waitOf } from "./back-off.ts";
import { findRun } from "./life.ts";
import { writeMeta } from "./rows/database.ts";
import { schedule } from "./scheduler.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

describe("a thread that sleeps while D1 is away", () => {
  it("asks a dozen times in ten minutes, and a handful of times a day", async () => {
    const { thread, sleep } = awayThread();
    await thread.run("hi");
    await settle();
    const minutes = await sleep(10 * MINUTE);
    expect(minutes.asked).toBeLessThanOrEqual(12);
    // One row and one alarm for each.
    expect(minutes.rows + minutes.alarms).toBeLessThanOrEqual(2 * minutes.asked);
    const first = await sleep(DAY - 10 * MINUTE);
    expect(first.asked).toBeLessThanOrEqual(12);
    const later = await sleep(DAY);
    expect(later.asked).toBeGreaterThanOrEqual(4);
    expect(later.asked).toBeLessThanOrEqual(8);
    expect(later.rows + later.alarms).toBeLessThanOrEqual(2 * later.asked);
    if (process.env.SHOW_TIMES) console.log(JSON.stringify({ minutes, first, later }));
  });

  it.each([MINUTE, HOUR, 9 * HOUR, 2 * DAY])("has sent everything soon after D1 is back after %i ms", async (ms) => {
    const { thread, state, sleep } = awayThread();
    await thread.run("hi");
    await settle();
    await sleep(ms);
    state.isAway = false;
    const recovery = await sleep(Math.min(2 * ms, 6 * HOUR) + 2_000);
    expect(thread.life.outbox.retryAt).toBeNull();
    expect(thread.batches.flatMap(({ runs }) => runs)).toMatchObject([{ status: "completed" }]);
    // The try, which was counted, that it succeeded, and that D1 has the thread.
    expect(recovery.rows).toBeLessThanOrEqual(3);
    if (process.env.SHOW_TIMES) console.log(ms, JSON.stringify(recovery));
    await sleep(7 * HOUR);
    expect(await sleep(30 * DAY)).toEqual({ asked: 0, alarms: 0, rows: 0 });
  });

  it("sends at once what a person does when D1 is back", async () => {
    const { thread, state, sleep } = awayThread();
    await thread.run("hi");
    await settle();
    await sleep(DAY);
    state.isAway = false;
    await thread.run("again");
    expect(thread.batches.flatMap(({ runs }) => runs).map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(thread.life.outbox.retryAt).toBeNull();
  });

  it("tries soon after a person's run has asked in vain, and then as before", async () => {
    const { thread, clock, sleep } = awayThread();
    await thread.run("hi");
    await settle();
    await sleep(DAY);
    const before = thread.life.outbox.backlog.failures;
    await thread.run("again");
    await settle();
    expect((thread.life.outbox.retryAt ?? 0) - clock.now()).toBeLessThanOrEqual(10 * MINUTE);
    expect(thread.life.outbox.backlog.failures).toBe(before);
    const day = await sleep(DAY);
    expect(day.asked).toBeLessThanOrEqual(9);
  });

  it("is not asked again by each of many reads that come while D1 fails", async () => {
    const { thread, clock, state } = awayThread();
    await thread.run("hi");
    await settle();
    expect(thread.life.outbox.hasJustFailed).toBe(true);
    const { asked } = state;
    clock.advance(2_000);
    expect(thread.life.outbox.hasJustFailed).toBe(false);
    expect(await thread.life.outbox.syncWithin(3_000)).toBe(false);
    expect(thread.life.outbox.hasJustFailed).toBe(true);
    expect(state.asked).toBe(asked + 1);
  });

  it("waits for the longest wait at most, though the clock was far ahead when it failed", async () => {
    const { thread, clock, state } = awayThread();
    await thread.run("hi");
    await settle();
    const stored = { failures: 3, failing_since: clock.now() + 400 * DAY, retry_at: clock.now() + 400 * DAY };
    writeMeta(thread.life.database.sql, "back_off", stored);
    thread.crash();
    expect((thread.life.outbox.retryAt ?? 0) - clock.now()).toBeLessThanOrEqual(6 * HOUR);
    state.isAway = false;
    expect(await thread.life.outbox.sync()).toBe(true);
  });
});

describe("a thousand threads that failed within a minute", () => {
  it("come back to D1 apart, an hour or days later", () => {
    for (const [outage, bound] of [
      [HOUR, 0.03],
      [2 * DAY, 0.01],
    ] as const) {
      const minutes = new Map<number, number>();
      for (let place = 0; place < 1_000; place++) {
        const name = `user_1/thread_${place}`;
        let at = (place / 1_000) * MINUTE;
        for (let failures = 1; at < outage; failures++) at += waitOf(name, failures, WAITS);
        expect(at - outage).toBeLessThanOrEqual(Math.min(2 * outage, WAITS.cap_ms));
        const minute = Math.floor((at - outage) / MINUTE);
        minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
      }
      expect(Math.max(...minutes.values())).toBeLessThanOrEqual(1_000 * bound * 2);
      if (process.env.SHOW_TIMES) console.log(outage, Math.max(...minutes.values()), minutes.size);
    }
  });
});

describe("a background run while the queue is away", () => {
  it("has its job sent a handful of times in an hour, though each life ends, and then starts", async () => {
    const { thread, sleep } = awayThread({ isAway: false });
    thread.life.ports.sendJob = () => Promise.reject(new Error("no queue"));
    await thread.accept("hi", { background: true, invocation_id: "inv_a" });
    await schedule(thread.life);
    await settle();
    const hour = await sleep(HOUR);
    if (process.env.SHOW_TIMES) console.log("queue", JSON.stringify(hour), thread.jobs.length);
    expect(thread.jobs.length).toBeLessThanOrEqual(8);
    expect(hour.alarms).toBeLessThanOrEqual(thread.jobs.length + 2);
    await sleep(20 * MINUTE);
    expect(findRun(thread.life, "inv_a")?.run.status).toBe("completed");
  });
});
