// Schedules that come to a full quota in workerd, with the real D1: what waiting costs.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/config.ts";
import type { Job } from "../../src/protocol/job.ts";
import type { Trigger } from "../../src/protocol/trigger.ts";
import { READ_WAITING_SCHEDULES } from "../../src/store/triggers/due-schedules.ts";
import { createTrigger } from "../../src/store/triggers/triggers.ts";
import { sweepSchedules } from "../../src/triggers/routes/due-schedules.ts";
import { fireSchedule } from "../../src/triggers/routes/fire-schedule.ts";
import { countedDatabase } from "./counted-database.ts";

type FireSchedule = Extract<Job, { type: "fire_schedule" }>;

const NINE = Date.parse("2031-03-01T09:00:00Z");
const MINUTE_MS = 60_000;
const { db, written } = countedDatabase();

/** Threads that nobody may ask. */
const THREADS = {
  idFromName: () => "",
  get: () => {
    throw new Error("a thread was asked");
  },
};

function serverWith(settings: Partial<Env>) {
  const jobs: FireSchedule[] = [];
  const JOBS = {
    sendBatch: async (batch: { body: FireSchedule }[]) => void jobs.push(...batch.map(({ body }) => body)),
  };
  const server = { ...env, DB: db, JOBS, THREADS, ...settings } as unknown as typeof env;
  const minute = async (at: number) => {
    await sweepSchedules(server, at);
    const sent = jobs.splice(0);
    for (const job of sent) await fireSchedule(job, server, at + 1_000);
    return sent.length;
  };
  return { server, minute };
}

async function addSchedules(user_id: string, count: number): Promise<void> {
  const at = new Date(NINE - MINUTE_MS).toISOString();
  const trigger: Trigger = {
    ...{ user_id, trigger_id: `${user_id}_0`, type: "schedule", agent_id: null, project_id: null, prompt: "Look." },
    ...{ thread: "new", enabled: true, next_at: new Date(NINE).toISOString(), last_fired_at: null },
    ...{ last_thread_id: null, last_invocation_id: null, created_at: at, updated_at: at, made_by: null },
    settings: { verify: null, key: null, cron: "0 9 * * *", timezone: "UTC", overlap: "skip" },
  };
  await createTrigger(env.DB, trigger);
  await env.DB.prepare(
    `INSERT INTO triggers SELECT user_id, ?2 || value, type, agent_id, project_id, thread, enabled, next_at, last_fired_at,
       last_thread_id, last_invocation_id, created_at, updated_at, settings, prompt, made_by
     FROM triggers, (WITH RECURSIVE counted(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM counted WHERE value < ?3)
       SELECT value FROM counted) WHERE trigger_id = ?1`,
  )
    .bind(trigger.trigger_id, `${user_id}_`, count - 1)
    .run();
}

const countOf = async (user_id: string, status: string) =>
  await env.DB.prepare("SELECT count(*) AS rows FROM trigger_deliveries WHERE user_id = ? AND status = ?")
    .bind(user_id, status)
    .first<number>("rows");

describe("three hundred schedules of a user without any room", { timeout: 60_000 }, () => {
  it("wait, are tried a few a minute without a write or a thread, and end together after an hour", async () => {
    const user_id = "user_without_room";
    await addSchedules(user_id, 300);
    const { minute } = serverWith({ QUOTAS: "runs_per_minute=30,runs_at_once=0" });
    expect(await minute(NINE)).toBe(300);
    expect(await countOf(user_id, "waiting")).toBe(300);
    written.length = 0;
    for (const at of [3, 4, 5]) expect(await minute(NINE + at * MINUTE_MS)).toBe(10);
    // The clock moves schedules of users who may not act, and there are none.
    expect(written).toEqual([]);
    const now = new Date(NINE + 6 * MINUTE_MS).toISOString();
    const read = await env.DB.prepare(READ_WAITING_SCHEDULES).bind(2_000, now, 30).all();
    expect(read.results).toHaveLength(10);
    // Its entry in the index, the ranking, whether its user may act, and the user's own quota.
    expect(read.meta.rows_read).toBeLessThan(300 * 8);
    expect(await minute(NINE + 62 * MINUTE_MS)).toBe(0);
    expect(await countOf(user_id, "skipped")).toBe(300);
    expect(written).toHaveLength(1);
  });
});
