// Schedules that queue, and whose user's quota of runs is full for a while: they wait for the run before them as long
// as that takes.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ScheduleWorld } from "../../../test/fakes/schedule-world.ts";

const NINE = "2026-11-25T09:00:00.000Z";
/** The time so many minutes after nine. */
const nineAnd = (minutes: number) => new Date(Date.parse(NINE) + minutes * 60_000).toISOString();

beforeEach(() => {
  for (const level of ["error", "warn"] as const) vi.spyOn(console, level).mockImplementation(() => {});
});

async function giveQuota(world: ScheduleWorld, runs_per_minute: number): Promise<void> {
  await world.d1.binding
    .prepare("INSERT OR REPLACE INTO users (user_id, created_at, quotas) VALUES ('user_ada', '2026', ?)")
    .bind(JSON.stringify({ runs_per_minute }))
    .run();
}

/** D1 hears of each run's state, as it does within two seconds. */
function follow(world: ScheduleWorld): void {
  for (const { user_id, thread_id, invocation_id, status } of world.runs)
    world.d1.read(
      `INSERT OR REPLACE INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run)
       VALUES (?, ?, ?, ?, 1, '2026', '2026', '{}')`,
      ...[user_id, thread_id, invocation_id, status],
    );
}

/** The run of nine o'clock works for long, and one due time comes meanwhile: now, or at a full quota. */
async function behindRun(quota: number): Promise<ScheduleWorld> {
  const world = new ScheduleWorld({ QUOTAS: "runs_per_minute=3" });
  await world.add("2026-11-25T08:59:30Z", {}, { cron: "*/5 * * * *", overlap: "queue" });
  await world.minute(NINE);
  follow(world);
  await giveQuota(world, quota);
  await world.minute(nineAnd(5));
  await world.change({ next_at: null });
  return world;
}

const logOf = (world: ScheduleWorld) =>
  world.d1.read("SELECT created_at, status, reason, retry_at FROM trigger_deliveries ORDER BY created_at");

const inLine = [
  { created_at: NINE, status: "accepted" },
  {
    created_at: nineAnd(5),
    status: "waiting",
    reason: expect.stringMatching(/^The run inv_\w+ was running\.$/),
    retry_at: null,
  },
];

describe("a due time that waits for the run before it", () => {
  it("is not given an hour by a quota that is full for a minute", async () => {
    const world = await behindRun(3);
    await giveQuota(world, 0);
    await world.minute(nineAnd(6));
    await giveQuota(world, 3);
    for (let minute = 7; minute < 180; minute++) await world.minute(nineAnd(minute));
    expect(logOf(world)).toMatchObject(inLine);
    world.end();
    await world.minute(nineAnd(180));
    expect(world.fired).toEqual([NINE, nineAnd(5)]);
  });

  it("waits in line also if it came to a full quota, and asks no object then", async () => {
    const world = await behindRun(0);
    world.isThreadDown = true;
    for (let minute = 6; minute < 180; minute++) await world.minute(nineAnd(minute));
    expect(world.jobs).toEqual([]);
    expect(logOf(world)).toMatchObject(inLine);
    world.isThreadDown = false;
    world.end();
    follow(world);
    await giveQuota(world, 3);
    await world.minute(nineAnd(180));
    expect(world.fired).toEqual([NINE, nineAnd(5)]);
  });

  it("has an hour for a full quota from when that run has ended", async () => {
    const world = await behindRun(0);
    for (let minute = 6; minute < 100; minute++) await world.minute(nineAnd(minute));
    world.end();
    follow(world);
    for (let minute = 100; minute < 158; minute++) await world.minute(nineAnd(minute));
    expect(logOf(world)).toMatchObject([{}, { status: "waiting", reason: expect.stringMatching(/^Your quota/) }]);
    for (let minute = 158; minute < 164; minute++) await world.minute(nineAnd(minute));
    expect(logOf(world)).toMatchObject([{}, { status: "skipped", reason: expect.stringMatching(/for an hour\.$/) }]);
  });

  it("keeps no other schedule from the tries that its user has", async () => {
    const world = await behindRun(3);
    // It came to a full quota before D1 had heard of the run.
    world.d1.read("DELETE FROM runs");
    await giveQuota(world, 0);
    await world.minute(nineAnd(6));
    follow(world);
    await world.add("2026-11-25T09:06:30Z", { trigger_id: "trig_2" }, { cron: "7 9 * * *" });
    await world.minute(nineAnd(7));
    expect(world.outcomes("trig_2")).toMatchObject([{ status: "waiting" }]);
    await giveQuota(world, 3);
    // One try a minute, and that in line was there first.
    for (let minute = 8; minute < 14; minute++) await world.minute(nineAnd(minute));
    expect(world.outcomes("trig_2")).toMatchObject([{ status: "accepted" }]);
    expect(logOf(world)[1]).toMatchObject(inLine[1] ?? {});
  });
});
