// Due times that come to a full quota of runs: they wait, and are tried again for an hour.

import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { addCopies, ScheduleWorld } from "../../../test/fakes/schedule-world.ts";
import { runCount } from "../../../test/setup/run-count.ts";

const NINE = "2026-11-25T09:00:00.000Z";
/** The time so many seconds after nine. */
const nineAnd = (seconds: number) => new Date(Date.parse(NINE) + seconds * 1000).toISOString();
const daily = { cron: "0 9 * * *" };
const FULL = "Your quota of 1 runs started in a minute (runs_per_minute) is used up.";

// Each refusal of another minute is a line.
beforeEach(() => {
  for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation(() => {});
});

/** So many schedules of one user are due at nine; of `QUOTAS` what a user may do. */
async function dueAtNine(count: number, QUOTAS: string | undefined, settings: object = daily): Promise<ScheduleWorld> {
  const world = new ScheduleWorld(QUOTAS === undefined ? {} : { QUOTAS });
  await world.add("2026-11-25T08:59:30Z", {}, settings);
  if (count > 1) addCopies(world, "user_ada", 2, count);
  return world;
}

/** An admin's number for the user. */
async function giveQuota(world: ScheduleWorld, runs_per_minute: number): Promise<void> {
  await world.d1.binding
    .prepare("INSERT OR REPLACE INTO users (user_id, created_at, quotas) VALUES ('user_ada', '2026', ?)")
    .bind(JSON.stringify({ runs_per_minute }))
    .run();
}

interface LogRow {
  trigger_id: string;
  created_at: string;
  status: string;
  reason: string | null;
}

const logOf = (world: ScheduleWorld) =>
  world.d1.read<LogRow>("SELECT trigger_id, created_at, status, reason FROM trigger_deliveries");
const statusesOf = (world: ScheduleWorld) => [...new Set(logOf(world).map(({ status }) => status))].sort();
const startsOf = (world: ScheduleWorld) => new Set(world.inputs.map(({ invocation_id }) => invocation_id)).size;

/** A tick, what it sends, and the ends of all runs, which nobody counts for `runs_at_once` then. */
async function tick(world: ScheduleWorld, at: string): Promise<void> {
  await world.minute(at);
  world.end();
}

describe("a thousand schedules of one user that are due at nine", () => {
  it("all start within half an hour, a few rows a try, and another user's at once", async () => {
    const world = await dueAtNine(1_000, undefined);
    await world.add("2026-11-25T08:59:30Z", { user_id: "user_grace", trigger_id: "trig_grace" }, daily);
    const starts: { at: number; user_id: string }[] = [];
    const steps: number[] = [];
    let tries = 0;
    for (let minute = 0; minute < 30; minute++) {
      await world.sweep(nineAnd(minute * 60));
      const sent = world.jobs.length;
      tries += sent;
      // The first of each before the second of any.
      if (minute === 0) expect(world.jobs.findIndex(({ user_id }) => user_id === "user_grace")).toBeLessThan(2);
      else expect(sent).toBeLessThanOrEqual(40);
      const before = { steps: world.steps, runs: world.inputs.length };
      await world.deliver(nineAnd(minute * 60 + 1));
      expect(world.jobs).toEqual([]);
      for (const { user_id } of world.inputs.slice(before.runs)) starts.push({ at: minute, user_id });
      steps.push(world.steps - before.steps);
      world.end();
    }
    expect(starts.filter(({ user_id }) => user_id === "user_grace")).toEqual([{ at: 0, user_id: "user_grace" }]);
    expect(startsOf(world)).toBe(1_001);
    expect(statusesOf(world)).toEqual(["accepted"]);
    for (let minute = 0; minute < 29; minute++) {
      const inTwo = starts.filter(({ at, user_id }) => user_id === "user_ada" && (at === minute || at === minute + 1));
      expect(inTwo.length).toBeLessThanOrEqual(120);
    }
    // Those that start at nine, and the rest twice: when they are refused, and when they start.
    expect(tries).toBe(1_001 + 880);
    // Each refusal reads twice and writes once; each start is ten steps at most.
    expect(steps[0]).toBeLessThan(880 * 3 + 121 * 10 + 20);
  });
});

describe("a due time that comes to a full quota", () => {
  it("waits with the reason, is not tried before the time that the refusal names, and starts then", async () => {
    const world = await dueAtNine(2, "runs_per_minute=1");
    await tick(world, NINE);
    expect(logOf(world).map(({ status, reason }) => [status, reason])).toEqual([
      ["accepted", null],
      ["waiting", FULL],
    ]);
    await world.sweep(nineAnd(59));
    expect(world.jobs).toEqual([]);
    for (const minute of [1, 2, 3]) await tick(world, nineAnd(minute * 60));
    expect(statusesOf(world)).toEqual(["accepted"]);
    expect(startsOf(world)).toBe(2);
  });

  it("asks no object, and writes nothing but that it waits, once", async () => {
    const world = await dueAtNine(3, "runs_per_minute=0");
    world.isThreadDown = true;
    const readAll = () => ["triggers", "trigger_deliveries"].map((table) => world.d1.read(`SELECT * FROM ${table}`));
    await world.minute(NINE);
    const first = readAll();
    expect(statusesOf(world)).toEqual(["waiting"]);
    for (let minute = 1; minute < 55; minute++) {
      await world.minute(nineAnd(minute * 60));
      expect(world.jobs).toEqual([]);
    }
    expect(readAll()).toEqual(first);
  });

  it("is skipped after an hour, and its row says why", async () => {
    const world = await dueAtNine(3, "runs_per_minute=0");
    for (let minute = 0; minute <= 58; minute++) await world.minute(nineAnd(minute * 60));
    expect(statusesOf(world)).toEqual(["waiting"]);
    for (let minute = 59; minute <= 62; minute++) await world.minute(nineAnd(minute * 60));
    expect(statusesOf(world)).toEqual(["skipped"]);
    const reason =
      "Your quota of 0 runs started in a minute (runs_per_minute) is used up. It was tried again for an hour.";
    expect(logOf(world).map((row) => row.reason)).toEqual([reason, reason, reason]);
  });

  it("has an hour from its first try, also after an outage of hours", async () => {
    const world = await dueAtNine(3, "runs_per_minute=1");
    for (let minute = 0; minute < 6; minute++) await tick(world, nineAnd(10_000 + minute * 60));
    expect(startsOf(world)).toBe(3);
    expect(statusesOf(world)).toEqual(["accepted"]);
  });

  it("gives way to the next due time, whether that starts or waits itself", async () => {
    for (const quota of [0, 1]) {
      const world = await dueAtNine(1, `runs_per_minute=${quota}`, { cron: "*/5 * * * *" });
      await giveQuota(world, 0);
      await tick(world, NINE);
      await giveQuota(world, quota);
      await tick(world, nineAnd(300));
      const reason = `There was no room for it before ${nineAnd(300)}, when the schedule was due again.`;
      expect(logOf(world)).toMatchObject([
        { created_at: NINE, status: "skipped", reason },
        { created_at: nineAnd(300), status: quota === 0 ? "waiting" : "accepted" },
      ]);
    }
  });

  it("gives way in that minute, however many others wait to be tried", async () => {
    const world = await dueAtNine(10, "runs_per_minute=1", { cron: "*/5 * * * *" });
    await tick(world, NINE);
    await tick(world, nineAnd(300));
    const first = logOf(world).filter(({ created_at }) => created_at === NINE);
    expect(first.map(({ status }) => status).sort()).toEqual(["accepted", ...Array(9).fill("skipped")]);
  });

  it("gives way also if the next due time has not been sent yet", async () => {
    const world = await dueAtNine(1, "runs_per_minute=0", { cron: "*/5 * * * *" });
    await world.minute(NINE);
    await world.change({ next_at: null });
    for (const minute of [1, 2, 3, 4, 5]) await world.minute(nineAnd(minute * 60));
    expect(logOf(world)).toMatchObject([{ status: "skipped", reason: expect.stringContaining(nineAnd(300)) }]);
  });

  it("is skipped as any other if a run of its schedule is at work by then", async () => {
    const world = await dueAtNine(2, "runs_per_minute=1");
    await tick(world, NINE);
    const { trigger_id = "" } = logOf(world).find(({ status }) => status === "waiting") ?? {};
    const [run] = world.runs;
    if (run !== undefined) run.status = "running";
    await world.change({ last_thread_id: run?.thread_id, last_invocation_id: run?.invocation_id }, trigger_id);
    for (const minute of [1, 2, 3]) await world.minute(nineAnd(minute * 60));
    expect(world.outcomes(trigger_id)).toMatchObject([
      { status: "skipped", reason: `The run ${run?.invocation_id} was running.` },
    ]);
  });

  it("starts nothing if it was paused meanwhile", async () => {
    const world = await dueAtNine(2, "runs_per_minute=1");
    await tick(world, NINE);
    const { trigger_id = "" } = logOf(world).find(({ status }) => status === "waiting") ?? {};
    await world.change({ enabled: false, next_at: null }, trigger_id);
    for (const minute of [1, 2, 3]) await tick(world, nineAnd(minute * 60));
    expect(world.outcomes(trigger_id)).toMatchObject([{ status: "skipped", reason: "The schedule was paused." }]);
    expect(startsOf(world)).toBe(1);
  });

  it("keeps its place in the line of a schedule that queues", async () => {
    const world = await dueAtNine(1, "runs_per_minute=0", { cron: "*/5 * * * *", overlap: "queue" });
    for (const minute of [0, 5, 10]) await world.minute(nineAnd(minute * 60));
    expect(logOf(world).map(({ status }) => status)).toEqual(["waiting", "waiting", "waiting"]);
    await giveQuota(world, 10);
    await world.change({ next_at: null });
    for (let minute = 11; minute < 20; minute++) await tick(world, nineAnd(minute * 60));
    expect(world.fired).toEqual([NINE, nineAnd(300), nineAnd(600)]);
    expect(statusesOf(world)).toEqual(["accepted"]);
  });

  it("counts a user's own number, for its start and for how many are tried", async () => {
    const world = await dueAtNine(20, "runs_per_minute=1");
    await giveQuota(world, 9);
    await tick(world, NINE);
    expect(startsOf(world)).toBe(9);
    await world.sweep(nineAnd(300));
    expect(world.jobs).toHaveLength(3);
  });
});

describe("runs at once", () => {
  /** A schedule whose user has as many runs as it may have. Its former run is over. */
  async function full(): Promise<ScheduleWorld> {
    const world = await dueAtNine(1, "runs_at_once=1", { cron: "*/5 * * * *" });
    await tick(world, NINE);
    world.d1.read(
      `INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run)
       VALUES ('user_ada', 'thread_busy', 'inv_busy', 'running', 1, '2026', '2026', '{}')`,
    );
    return world;
  }

  it("that are too many ask no object, not even about the schedule's former run", async () => {
    const world = await full();
    world.isThreadDown = true;
    await world.minute(nineAnd(300));
    expect(world.jobs).toEqual([]);
    expect(logOf(world)).toMatchObject([
      { status: "accepted" },
      { status: "waiting", reason: "Your quota of 1 runs that are queued or running (runs_at_once) is used up." },
    ]);
  });

  it("let it start once some have ended", async () => {
    const world = await full();
    await world.minute(nineAnd(300));
    world.d1.read("UPDATE runs SET status = 'completed'");
    for (const minute of [6, 7]) await world.minute(nineAnd(minute * 60));
    expect(startsOf(world)).toBe(2);
    expect(statusesOf(world)).toEqual(["accepted"]);
  });
});

describe("a crash at any step", () => {
  it("leaves one run and one row for each due time that had to wait", async () => {
    for (const moment of ["before", "after"] as const) {
      let hasCrashed = true;
      for (let at = 0; hasCrashed; at++) {
        const world = await dueAtNine(2, "runs_per_minute=1");
        await world.sweep(NINE);
        world.steps = 0;
        world.crash = { at, moment };
        await world.deliver(nineAnd(1));
        for (const minute of [1, 2, 3]) await tick(world, nineAnd(minute * 60));
        hasCrashed = world.steps > at;
        world.revive();
        for (let minute = 4; minute < 10; minute++) await tick(world, nineAnd(minute * 60));
        expect(startsOf(world)).toBe(2);
        expect(logOf(world).map(({ status }) => status)).toEqual(["accepted", "accepted"]);
        expect(world.jobs).toEqual([]);
      }
    }
  });

  it("leaves a row that says whether there was a run, also if the schedule is due again right after", async () => {
    for (const quota of [0, 10]) {
      let hasCrashed = true;
      for (let at = 0; hasCrashed; at++) {
        const world = await dueAtNine(1, `runs_per_minute=${quota}`, { cron: "*/5 * * * *" });
        await giveQuota(world, 0);
        await tick(world, NINE);
        await giveQuota(world, 10);
        await world.sweep(nineAnd(240));
        world.steps = 0;
        world.crash = { at, moment: "after" };
        await world.deliver(nineAnd(241));
        hasCrashed = world.steps > at;
        world.revive();
        world.end();
        // The queue is lost with the life.
        world.jobs = [];
        await giveQuota(world, quota);
        for (const minute of [5, 6, 7]) await tick(world, nineAnd(minute * 60));
        const [first, second] = logOf(world);
        expect(first?.status).toBe(world.fired.includes(NINE) ? "accepted" : "skipped");
        expect(second?.status).toBe(quota === 0 ? "waiting" : "accepted");
      }
    }
  });
});

describe("whatever the quota, the number of schedules and their pace", () => {
  it("ends each due time with one run or with a reason, and none waits for ever", async () => {
    const shapes = fc.record({
      quota: fc.integer({ min: 0, max: 4 }),
      count: fc.integer({ min: 1, max: 5 }),
      cron: fc.constantFrom("0 9 * * *", "*/10 9 * * *", "*/20 9 * * *"),
      overlap: fc.constantFrom("skip" as const, "queue" as const),
      /** In which minutes the runs end. */
      ends: fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ quota, count, cron, overlap, ends }) => {
        const world = await dueAtNine(count, `runs_per_minute=${quota}`, { cron, overlap });
        for (let minute = 0; minute < 60; minute++) {
          await world.sweep(nineAnd(minute * 60));
          // Each job twice, as a queue may deliver it.
          world.jobs.push(...world.jobs);
          await world.deliver(nineAnd(minute * 60 + 1));
          if (ends[minute]) world.end();
        }
        world.end();
        // In a line of six, each has an hour from when it is the first.
        for (let minute = 60; minute < 460; minute += 5) await tick(world, nineAnd(minute * 60));
        expect(world.jobs).toEqual([]);
        const rows = logOf(world);
        const due = cron === "0 9 * * *" ? 1 : cron === "*/10 9 * * *" ? 6 : 3;
        expect(rows).toHaveLength(count * due);
        for (const { status, reason } of rows) {
          expect(["accepted", "skipped"]).toContain(status);
          if (status === "skipped") expect(reason).toMatch(/^(The run|There was no room|Your quota|More than)/);
        }
        expect(startsOf(world)).toBe(rows.filter(({ status }) => status === "accepted").length);
        expect(world.inputs).toHaveLength(startsOf(world));
      }),
      { numRuns: runCount(8) },
    );
  });
});
