// Tests of the sweep: it sends each due time that counts once, whether sweeps overlap or were missed.
import { describe, expect, it } from "vitest";
import { addCopies, type FireSchedule, ScheduleWorld } from "../../../test/fakes/schedule-world.ts";
import type { Env } from "../../config.ts";
import { sweepSchedules } from "./due-schedules.ts";

const iso = (time: string) => new Date(time).toISOString();

function jobOf(due_at: string): FireSchedule {
  return { type: "fire_schedule", user_id: "user_ada", trigger_id: "trig_1", due_at: iso(due_at), attempt: 1 };
}

describe("a schedule that is due", () => {
  it("is fired once and gets its next due time", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:59:30Z", {}, { cron: "0 9 * * *", timezone: "Europe/Berlin" });
    await world.minute("2026-11-25T07:59:00Z");
    expect(world.runs).toHaveLength(0);
    const fresh = new ScheduleWorld();
    await fresh.add("2026-11-25T07:30:00Z", {}, { cron: "0 9 * * *", timezone: "Europe/Berlin" });
    await fresh.minute("2026-11-25T08:00:00Z");
    await fresh.minute("2026-11-25T08:01:00Z");
    expect(fresh.fired).toEqual(["2026-11-25T08:00:00.000Z"]);
    expect(fresh.trigger()).toMatchObject({ next_at: "2026-11-26T08:00:00.000Z" });
    expect(fresh.trigger().last_invocation_id).toBe(fresh.runs[0]?.invocation_id);
    expect(fresh.outcomes()).toMatchObject([{ status: "accepted", source_id: "2026-11-25T08:00:00.000Z" }]);
    expect(fresh.inputs[0]).toMatchObject({
      background: true,
      messages: [
        {
          content:
            "Look at the news.\n\nThis run was scheduled for Wednesday, 2026-11-25 09:00, Europe/Berlin (GMT+01:00).",
        },
      ],
      metadata: { trigger_id: "trig_1", due_at: "2026-11-25T08:00:00.000Z" },
    });
  });

  it("starts one run even if the sweep runs twice at once and each job arrives twice", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    await Promise.all([world.sweep("2026-11-25T08:01:00Z"), world.sweep("2026-11-25T08:01:00Z")]);
    expect(world.jobs).toHaveLength(2);
    const jobs = [...world.jobs, ...world.jobs, ...world.jobs];
    await Promise.allSettled(jobs.map((job) => world.fire(job, "2026-11-25T08:01:01Z")));
    await world.deliver("2026-11-25T08:01:06Z");
    expect(world.fired).toEqual(["2026-11-25T08:01:00.000Z"]);
    expect(world.outcomes()).toMatchObject([{ status: "accepted", invocation_id: world.runs[0]?.invocation_id }]);
  });

  it("is fired for its last due time if minutes were missed", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    await world.minute("2026-11-25T08:05:20Z");
    expect(world.fired).toEqual(["2026-11-25T08:05:00.000Z"]);
    expect(world.trigger().next_at).toBe("2026-11-25T08:06:00.000Z");
  });

  it("is fired once after an outage of a day or of a year", async () => {
    for (const [cron, until, due, next] of [
      ["*/10 * * * *", "2026-11-26T08:04:00Z", "2026-11-26T08:00:00.000Z", "2026-11-26T08:10:00.000Z"],
      ["* * * * *", "2027-11-25T08:00:30Z", "2027-11-25T08:00:00.000Z", "2027-11-25T08:01:00.000Z"],
      ["0 0 1 1 *", "2027-11-25T08:00:30Z", "2027-01-01T00:00:00.000Z", "2028-01-01T00:00:00.000Z"],
    ] as const) {
      const world = new ScheduleWorld();
      await world.add("2026-11-25T08:00:30Z", {}, { cron });
      await world.minute(until);
      await world.minute(until);
      expect(world.fired).toEqual([due]);
      expect(world.outcomes()).toMatchObject([{ status: "accepted", source_id: due }]);
      expect(world.trigger().next_at).toBe(next);
    }
  });

  it("is not moved if it was changed after it was read", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    const changed = iso("2026-11-26T09:00:00Z");
    const JOBS = { sendBatch: () => world.change({ next_at: changed }) };
    await sweepSchedules({ ...world.env, JOBS } as unknown as Env, Date.parse("2026-11-25T08:01:00Z"));
    expect(world.trigger().next_at).toBe(changed);
  });

  it("is not fired if it was paused or changed before its job arrived", async () => {
    for (const change of [
      { enabled: false, next_at: null },
      { settings: { verify: null, key: null, cron: "30 8 * * *", timezone: "UTC", overlap: "skip" as const } },
      { created_at: "2026-11-25T08:01:30.000Z" } as object,
    ]) {
      const world = new ScheduleWorld();
      await world.add("2026-11-25T08:00:30Z");
      await world.sweep("2026-11-25T08:01:00Z");
      await world.change(change);
      await world.deliver("2026-11-25T08:02:00Z");
      expect(world.runs).toEqual([]);
      expect(world.outcomes()).toEqual([]);
    }
  });

  it("fires nothing for a deleted trigger or another user's", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    for (const job of [
      { ...jobOf("2026-11-25T08:01:00Z"), user_id: "user_eve" },
      { ...jobOf("2026-11-25T08:01:00Z"), trigger_id: "trig_2" },
      jobOf("2026-11-25T08:01:30Z"),
    ]) {
      expect(await world.fire(job, "2026-11-25T08:02:00Z")).toEqual({ ok: true, value: null });
    }
    expect(world.runs).toEqual([]);
  });

  it("has no next time if it is never due again", async () => {
    const world = new ScheduleWorld();
    await world.add("2999-11-30T23:58:30Z", {}, { cron: "59 23 30 11 *" });
    await world.minute("2999-11-30T23:59:00Z");
    expect(world.runs).toHaveLength(1);
    expect(world.trigger()).toMatchObject({ next_at: null, enabled: 1 });
  });

  it("is disabled with a reason if it can't be read any more, and does not block others", async () => {
    const world = new ScheduleWorld();
    const broken = { next_at: iso("2026-11-25T08:01:00Z"), trigger_id: "trig_broken" };
    await world.add("2026-11-25T08:00:30Z", {}, { cron: "* * * * *" });
    await world.add("2026-11-25T08:00:30Z", broken);
    await world.change(
      { settings: { verify: null, key: null, cron: "0 9 * * *", timezone: "Mars/Phobos", overlap: "skip" } },
      "trig_broken",
    );
    await world.minute("2026-11-25T08:01:00Z");
    await world.minute("2026-11-25T08:02:00Z");
    expect(world.runs.length).toBeGreaterThan(0);
    expect(world.trigger("trig_broken")).toMatchObject({ enabled: 0, next_at: null });
    expect(world.outcomes("trig_broken")).toMatchObject([
      { status: "refused", reason: expect.stringContaining("is not an IANA time zone") },
    ]);
  });

  it("deletes rows that are thirty days older", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z", {}, { cron: "0 0 1 * *" });
    for (const at of ["2026-12-01", "2027-01-01", "2027-02-01"]) {
      await world.minute(`${at}T00:00:00Z`);
      world.end();
    }
    expect(world.fired).toHaveLength(3);
    expect(world.outcomes().map(({ source_id }) => source_id.slice(0, 10))).toEqual(["2027-02-01"]);
  });
});

describe("ten thousand schedules", () => {
  it("that are due at once are each sent once", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    for (const index of Array(6).keys()) addCopies(world, `user_${index}`, index * 2_000 + 2, index * 2_000 + 2_001);
    await world.sweep("2026-11-25T08:01:00Z");
    expect(new Set(world.jobs.map(({ trigger_id }) => trigger_id)).size).toBe(10_000);
    expect(world.jobs).toHaveLength(10_000);
    expect(world.steps).toBeLessThan(200);
    await world.sweep("2026-11-25T08:01:30Z");
    expect(new Set(world.jobs.map(({ trigger_id }) => trigger_id)).size).toBe(12_001);
    expect(world.jobs).toHaveLength(12_001);
  });

  it("of one user that are due each minute don't hold up another user's", async () => {
    const world = new ScheduleWorld();
    await world.add("2026-11-25T08:00:30Z");
    addCopies(world, "user_ada", 2, 12_000);
    await world.sweep("2026-11-25T08:01:00Z");
    await world.sweep("2026-11-25T08:02:00Z");
    await world.add("2026-11-25T08:02:30Z", { user_id: "user_grace", trigger_id: "trig_grace" });
    world.jobs = [];
    await world.sweep("2026-11-25T08:03:00Z");
    const place = world.jobs.findIndex(({ user_id }) => user_id === "user_grace");
    expect(place).toBeGreaterThanOrEqual(0);
    expect(place).toBeLessThan(2);
    expect(world.jobs).toHaveLength(2_001);
  });

  it("are found through the indexes made for them", async () => {
    const { d1 } = new ScheduleWorld();
    const plan = (query: string, ...values: (string | number)[]) =>
      d1.read<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, ...values).map(({ detail }) => detail);
    const { READ_DUE_SCHEDULES, MOVE_SCHEDULES, READ_WAITING_SCHEDULES } = await import(
      "../../store/triggers/due-schedules.ts"
    );
    const due = plan(READ_DUE_SCHEDULES, "2026", 10, 10).join("\n");
    expect(due).toContain("SEARCH triggers USING COVERING INDEX triggers_due");
    expect(due).toContain("SEARCH triggers USING INDEX triggers_by_id");
    expect(plan(MOVE_SCHEDULES, "[]").join("\n")).toContain("SEARCH triggers USING COVERING INDEX triggers_due");
    expect(plan(READ_WAITING_SCHEDULES, 10, "2026", 120).join("\n")).toContain(
      "USING COVERING INDEX trigger_deliveries_waiting",
    );
  });
});
