// One due time from its job to its run or its row, under crashes, repetition and concurrency.
import { describe, expect, it } from "vitest";
import { type FireSchedule, ScheduleWorld } from "../../../test/fakes/schedule-world.ts";
import { fail } from "../../protocol/error.ts";

const iso = (time: string) => new Date(time).toISOString();

function jobOf(due_at: string): FireSchedule {
  return { type: "fire_schedule", user_id: "user_ada", trigger_id: "trig_1", due_at: iso(due_at), attempt: 1 };
}

describe("a crash at any step", () => {
  it("leaves one run and one row per due time, and none unsent", async () => {
    for (const overlap of ["skip", "queue"] as const) {
      for (const moment of ["before", "after"] as const) {
        let hasCrashed = true;
        for (let at = 0; hasCrashed; at++) {
          const world = new ScheduleWorld();
          await world.add("2026-11-25T08:00:30Z", { project_id: null }, { overlap });
          world.crash = { at, moment };
          await world.minute("2026-11-25T08:01:00Z");
          hasCrashed = world.steps > at;
          world.revive();
          // In the same minute: what was sent arrives again, what was not sent is still due.
          await world.deliver("2026-11-25T08:01:10Z");
          await world.minute("2026-11-25T08:01:40Z");
          await world.deliver("2026-11-25T08:01:50Z");
          expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z"]);
          expect(world.outcomes()).toMatchObject([{ status: "accepted", invocation_id: expect.any(String) }]);
          expect(world.trigger().next_at).toBe("2026-11-25T08:02:00.000Z");
          expect(world.jobs).toEqual([]);
        }
      }
    }
  });

  it("leaves one run if the prompt or the thread was changed before the job came again", async () => {
    for (const change of [{ prompt: "Another." }, { thread: "thread-001" }]) {
      let hasCrashed = true;
      for (let at = 0; hasCrashed; at++) {
        const world = new ScheduleWorld();
        await world.add("2026-11-25T08:00:30Z");
        await world.sweep("2026-11-25T08:01:00Z");
        world.steps = 0;
        world.crash = { at, moment: "after" };
        await world.deliver("2026-11-25T08:01:00Z");
        hasCrashed = world.steps > at;
        world.revive();
        await world.change(change);
        await world.deliver("2026-11-25T08:01:10Z");
        expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z"]);
        expect(world.outcomes()).toMatchObject([
          { status: "accepted", invocation_id: world.runs[0]?.invocation_id ?? "" },
        ]);
      }
    }
  });

  it("keeps the run in the log if the trigger was run by hand before the job came again", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    await world.sweep("2026-11-25T08:01:00Z");
    // After reading, lookup, claim, four counts of what the user has and acceptance, the row is the next step.
    world.steps = 0;
    world.crash = { at: 7, moment: "after" };
    await world.deliver("2026-11-25T08:01:00Z");
    world.revive();
    expect([world.runs.length, world.outcomes().length]).toEqual([1, 0]);
    const [first] = world.runs;
    if (first) world.runs.push({ ...first, thread_id: "thread_hand", invocation_id: "inv_hand", metadata: {} });
    await world.change({ last_thread_id: "thread_hand", last_invocation_id: "inv_hand" });
    await world.deliver("2026-11-25T08:01:10Z");
    expect(world.outcomes()).toMatchObject([{ status: "accepted", invocation_id: first?.invocation_id }]);
    expect(world.trigger().last_invocation_id).toBe("inv_hand");
  });

  it("fires each waiting due time once", async () => {
    let hasCrashed = true;
    for (let at = 0; hasCrashed; at++) {
      const world = new ScheduleWorld();
      await world.add("2026-11-25T08:00:30Z", {}, { overlap: "queue" });
      await world.minute("2026-11-25T08:01:00Z");
      await world.minute("2026-11-25T08:02:00Z");
      world.end();
      await world.change({ enabled: true, next_at: null });
      world.steps = 0;
      world.crash = { at, moment: "after" };
      await world.minute("2026-11-25T08:02:40Z");
      hasCrashed = world.steps > at;
      world.revive();
      await world.minute("2026-11-25T08:02:50Z");
      await world.deliver("2026-11-25T08:03:00Z");
      expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z", "2026-11-25T08:02:00.000Z"]);
      expect(world.outcomes().map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    }
  });
});

describe("a due time while the previous run still works", () => {
  it("is skipped with a reason, and the next one is fired once the run has ended", async () => {
    for (const end of ["completed", "failed", "cancelled", "interrupted"] as const) {
      const world = new ScheduleWorld();
      await world.add("2026-11-25T08:00:30Z");
      await world.minute("2026-11-25T08:01:00Z");
      await world.minute("2026-11-25T08:02:00Z");
      world.end(end);
      await world.minute("2026-11-25T08:03:00Z");
      expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z", "2026-11-25T08:03:00.000Z"]);
      expect(world.outcomes().map(({ status }) => status)).toEqual(["accepted", "skipped", "accepted"]);
      expect(world.outcomes()[1]?.reason).toBe(`The run ${world.runs[0]?.invocation_id} was running.`);
    }
  });

  it("stays skipped or fired if its job comes again after that run", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    for (const minute of ["01", "02"]) await world.minute(`2026-11-25T08:${minute}:00Z`);
    world.end();
    await world.minute("2026-11-25T08:03:00Z");
    world.end();
    const before = world.outcomes();
    const { last_invocation_id } = world.trigger();
    for (const minute of ["01", "02", "03"]) {
      await world.fire(jobOf(`2026-11-25T08:${minute}:00Z`), "2026-11-25T08:03:30Z");
    }
    expect(world.outcomes()).toEqual(before);
    expect(world.runs).toHaveLength(2);
    expect(world.trigger().last_invocation_id).toBe(last_invocation_id);
  });

  it("waits and is fired in its turn, one after another", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {}, { overlap: "queue" });
    for (const minute of ["01", "02", "03"]) await world.minute(`2026-11-25T08:${minute}:00Z`);
    expect(world.outcomes().map(({ status }) => status)).toEqual(["accepted", "waiting", "waiting"]);
    world.end();
    // The thread is free now: a later due time does not overtake those that wait.
    await world.minute("2026-11-25T08:04:00Z");
    await world.minute("2026-11-25T08:05:00Z");
    expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z", "2026-11-25T08:02:00.000Z"]);
    for (const minute of ["06", "07", "08"]) {
      world.end();
      await world.minute(`2026-11-25T08:${minute}:00Z`);
    }
    expect(world.fired.map((due) => String(due).slice(14, 16))).toEqual(["01", "02", "03", "04", "05"]);
    expect(world.outcomes().map(({ status }) => status)).toEqual([
      ...Array.from({ length: 5 }, () => "accepted"),
      ...Array.from({ length: 3 }, () => "waiting"),
    ]);
  });

  it("waits with at most nineteen others, and the oldest is skipped", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {}, { overlap: "queue" });
    for (let minute = 1; minute <= 25; minute++) {
      await world.minute(`2026-11-25T08:${String(minute).padStart(2, "0")}:00Z`);
    }
    const rows = world.outcomes();
    expect(rows.filter(({ status }) => status === "waiting")).toHaveLength(20);
    expect(rows.slice(0, 6).map(({ status }) => status)).toEqual([
      "accepted",
      "skipped",
      "skipped",
      "skipped",
      "skipped",
      "waiting",
    ]);
    expect(rows[1]?.reason).toContain("More than 20");
    world.end();
    await world.minute("2026-11-25T08:25:40Z");
    expect(world.fired.at(-1)).toBe("2026-11-25T08:06:00.000Z");
  });

  it("does not wait for ever if the schedule was paused or deleted", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {}, { overlap: "queue" });
    await world.minute("2026-11-25T08:01:00Z");
    await world.minute("2026-11-25T08:02:00Z");
    await world.change({ enabled: false, next_at: null });
    await world.minute("2026-11-25T08:03:00Z");
    expect(world.outcomes().map(({ status, reason }) => [status, reason])).toEqual([
      ["accepted", null],
      ["skipped", "The schedule was paused."],
    ]);
  });

  it("is fired once if two jobs arrive at once", async () => {
    for (const overlap of ["skip", "queue"] as const) {
      const world = new ScheduleWorld();
      await world.add("2026-11-25T08:00:30Z", {}, { overlap });
      const jobs = [jobOf("2026-11-25T08:01:00Z"), jobOf("2026-11-25T08:02:00Z"), jobOf("2026-11-25T08:03:00Z")];
      world.jobs = jobs;
      const done = await Promise.all(jobs.map((job) => world.fire(job, "2026-11-25T08:03:01Z")));
      expect(done.filter(({ ok }) => ok).length).toBeGreaterThan(0);
      expect(world.runs).toHaveLength(1);
      // The queue delivers again the jobs that were retried.
      await world.deliver("2026-11-25T08:03:06Z");
      expect(world.runs).toHaveLength(1);
      expect(world.outcomes().filter(({ status }) => status === "accepted")).toHaveLength(1);
      expect(world.outcomes()).toHaveLength(3);
    }
  });

  it("waits for a run that another job is starting", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {
      last_thread_id: "thread_x",
      last_invocation_id: "inv_x",
      last_fired_at: iso("2026-11-25T08:00:50Z"),
    });
    expect(await world.fire(jobOf("2026-11-25T08:01:00Z"), "2026-11-25T08:01:00Z")).toMatchObject({ ok: false });
    expect(await world.fire(jobOf("2026-11-25T08:01:00Z"), "2026-11-25T08:01:30Z")).toMatchObject({ ok: true });
    expect(world.runs).toHaveLength(1);
  });
});

describe("a due time that can't be fired", () => {
  it("is refused with the reason if another try would change nothing", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    world.refusal = fail("not_found", "The thread thread-001 was deleted.");
    await world.minute("2026-11-25T08:01:00Z");
    world.refusal = null;
    await world.minute("2026-11-25T08:02:00Z");
    expect(world.outcomes()).toMatchObject([
      { status: "refused", reason: "The thread thread-001 was deleted." },
      { status: "accepted" },
    ]);
    expect(world.jobs).toEqual([]);
  });

  it("is retried while the thread or the database is unavailable, and then becomes one run", async () => {
    for (const part of ["isThreadDown", "isDatabaseDown"] as const) {
      const world = new ScheduleWorld();
      await world.add("2026-11-25T08:00:30Z", {}, { cron: "1 8 * * *" });
      await world.sweep("2026-11-25T08:01:00Z");
      world[part] = true;
      for (let wait = 5; wait <= 35; wait += 10) await world.deliver(`2026-11-25T08:01:${wait + 10}Z`);
      expect(world.jobs).toHaveLength(1);
      world[part] = false;
      await world.deliver("2026-11-25T08:03:00Z");
      expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z"]);
      expect(world.outcomes()).toMatchObject([{ status: "accepted" }]);
    }
  });

  it("is still due if the database or the queue was unavailable for the sweep", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {}, { cron: "1 8 * * *" });
    world.isDatabaseDown = true;
    await world.minute("2026-11-25T08:01:00Z");
    world.isDatabaseDown = false;
    await world.minute("2026-11-25T08:09:00Z");
    expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z"]);
  });

  it("is retried for an hour as a dead letter, and then refused", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {}, { cron: "1 8 * * *" });
    world.isThreadDown = true;
    let job: FireSchedule | undefined = jobOf("2026-11-25T08:01:00Z");
    let tries = 0;
    for (; job !== undefined; job = world.jobs.pop()) {
      tries += 1;
      expect(await world.deliverDead(job, "2026-11-25T08:04:00Z")).toMatchObject({ ok: true });
    }
    expect(tries).toBe(8);
    expect(world.outcomes()).toMatchObject([
      { status: "refused", reason: expect.stringContaining("could not be started") },
    ]);
  });

  it("gives way to a later due time as a dead letter, and is fired if the cause has gone", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    world.isThreadDown = true;
    await world.deliverDead(jobOf("2026-11-25T08:01:00Z"), "2026-11-25T08:04:00Z");
    expect(world.outcomes()).toMatchObject([{ status: "skipped" }]);
    expect(world.jobs).toEqual([]);
    world.isThreadDown = false;
    await world.deliverDead(jobOf("2026-11-25T08:04:00Z"), "2026-11-25T08:07:00Z");
    expect(world.fired).toEqual(["2026-11-25T08:04:00.000Z"]);
  });

  it("is sent again as a dead letter even if the database is unavailable", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    world.isDatabaseDown = true;
    await world.deliverDead(jobOf("2026-11-25T08:01:00Z"), "2026-11-25T08:04:00Z");
    expect(world.jobs).toMatchObject([{ due_at: "2026-11-25T08:01:00.000Z", attempt: 2 }]);
  });
});
