// Schedules in workerd: the test triggers the cron like the platform does, with the real queue and real threads.
import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  env,
  getQueueResult,
} from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/index.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { Trigger } from "../../src/protocol/trigger.ts";
import { READ_DUE_SCHEDULES, READ_WAITING_SCHEDULES } from "../../src/store/triggers/due-schedules.ts";
import { createTrigger, readTrigger } from "../../src/store/triggers/triggers.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { sweepSchedules } from "../../src/triggers/routes/due-schedules.ts";

const MINUTE_MS = 60_000;

function makeSchedule(now: number, part: Partial<Trigger> = {}): Trigger {
  const at = new Date(now - MINUTE_MS).toISOString();
  return {
    user_id: newId("user"),
    trigger_id: newId("trig"),
    type: "schedule",
    agent_id: null,
    project_id: null,
    prompt: "[[say 2]]",
    thread: "new",
    enabled: true,
    settings: { verify: null, key: null, cron: "* * * * *", timezone: "Europe/Berlin", overlap: "skip" },
    next_at: new Date(now).toISOString(),
    last_fired_at: null,
    last_thread_id: null,
    last_invocation_id: null,
    created_at: at,
    updated_at: at,
    made_by: null,
    ...part,
  };
}

interface Row {
  created_at: string;
  status: string;
  thread_id: string;
  invocation_id: string;
}

async function readRows(trigger: Trigger): Promise<Row[]> {
  const read = await env.DB.prepare("SELECT * FROM trigger_deliveries WHERE trigger_id = ? ORDER BY created_at")
    .bind(trigger.trigger_id)
    .all<Row>();
  return read.results;
}

/** Runs the cron twice at once. */
async function tick(now: number): Promise<void> {
  const once = () => worker.scheduled(createScheduledController({ scheduledTime: now }), env);
  await Promise.all([once(), once()]);
}

describe("a schedule for every minute", () => {
  it("has one run for each due time, although the cron runs twice at once", async () => {
    const start = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    const trigger = makeSchedule(start);
    await createTrigger(env.DB, trigger);
    for (let minute = 0; minute < 3; minute++) {
      await tick(start + minute * MINUTE_MS);
      const row = await vi.waitFor(async () => {
        const newest = (await readRows(trigger)).at(minute);
        expect(newest?.status).toBe("accepted");
        return newest as Row;
      }, 20_000);
      const key = { user_id: trigger.user_id, thread_id: row.thread_id };
      const ended = await threadStub(env, key).waitForEnd(key, row.invocation_id, 20_000);
      expect(ended).toMatchObject({ ok: true, value: { status: "completed", background: true } });
    }
    const rows = await readRows(trigger);
    expect(rows.map(({ created_at }) => Date.parse(created_at) - start)).toEqual([0, MINUTE_MS, 2 * MINUTE_MS]);
    const runs = await env.DB.prepare("SELECT thread_id, invocation_id, status FROM runs WHERE user_id = ?")
      .bind(trigger.user_id)
      .all<Row>();
    expect(runs.results.map(({ invocation_id }) => invocation_id).toSorted()).toEqual(
      rows.map(({ invocation_id }) => invocation_id).toSorted(),
    );
    expect(await readTrigger(env.DB, trigger.user_id, trigger.trigger_id)).toMatchObject({
      next_at: new Date(start + 3 * MINUTE_MS).toISOString(),
      last_invocation_id: rows[2]?.invocation_id,
    });
  });

  it("lets a due time wait while its run works, and fires it when the run has ended", async () => {
    const start = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    const settings = makeSchedule(start).settings;
    const prompt = "[[say 20]] [[stall after 4]]";
    const trigger = makeSchedule(start, { prompt, settings: { ...settings, overlap: "queue" } });
    await createTrigger(env.DB, trigger);
    await tick(start);
    const first = await vi.waitFor(async () => {
      const [row] = await readRows(trigger);
      expect(row?.status).toBe("accepted");
      return row as Row;
    }, 20_000);
    await tick(start + MINUTE_MS);
    await vi.waitFor(async () => expect((await readRows(trigger))[1]?.status).toBe("waiting"), 20_000);
    const key = { user_id: trigger.user_id, thread_id: first.thread_id };
    await threadStub(env, key).cancel(key, first.invocation_id);
    await tick(start + MINUTE_MS + 1);
    await vi.waitFor(async () => expect((await readRows(trigger))[1]?.status).toBe("accepted"), 20_000);
    expect(await readRows(trigger)).toHaveLength(2);
  });
});

describe("the queue's consumer", () => {
  it("repeats a schedule's job if the thread fails, and sends it once more as a dead letter", async () => {
    const now = Date.now();
    const trigger = makeSchedule(now, {
      settings: { ...makeSchedule(now).settings, cron: "0 0 1 1 *", timezone: "UTC" },
    });
    const due_at = `${new Date(now).getUTCFullYear() + 1}-01-01T00:00:00.000Z`;
    await createTrigger(env.DB, trigger);
    const sent: unknown[] = [];
    const JOBS = { send: async (body: unknown, options: unknown) => void sent.push([body, options]) };
    const THREADS = { idFromName: () => "", get: () => ({ accept: () => Promise.reject(new Error("down")) }) };
    const broken = { ...env, JOBS, THREADS } as unknown as typeof env;
    const { user_id, trigger_id } = trigger;
    const body = { type: "fire_schedule", user_id, trigger_id, due_at, attempt: 1 };
    for (const [queue, isDone] of [
      ["taskloom-jobs", false],
      ["taskloom-dead", true],
    ] as const) {
      const batch = createMessageBatch(queue, [{ id: "m", timestamp: new Date(), attempts: 1, body }]);
      await worker.queue(batch, broken, createExecutionContext());
      const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
      expect([explicitAcks.length, retryMessages.length]).toEqual(isDone ? [1, 0] : [0, 1]);
    }
    expect(sent).toEqual([[{ ...body, attempt: 2 }, { delaySeconds: 300 }]]);
  });
});

describe("ten thousand schedules", () => {
  it("cost the sweep almost nothing while none is due, and are moved by few statements when they are", async () => {
    await env.DB.prepare("UPDATE triggers SET next_at = NULL").run();
    const now = Date.parse("2031-01-01T00:00:00Z");
    const trigger = makeSchedule(now, {
      settings: { ...makeSchedule(now).settings, cron: "0 0 * * *", timezone: "UTC" },
    });
    await createTrigger(env.DB, trigger);
    await env.DB.prepare(
      `INSERT INTO triggers SELECT 'user_' || (value % 5), 'trig_' || value, type, agent_id, project_id, thread, enabled, next_at, last_fired_at,
         last_thread_id, last_invocation_id, created_at, updated_at, settings, prompt, made_by
       FROM triggers, (WITH RECURSIVE counted(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM counted WHERE value < 9999)
         SELECT value FROM counted) WHERE trigger_id = ?`,
    )
      .bind(trigger.trigger_id)
      .run();
    const early = new Date(now - 1).toISOString();
    const due = await env.DB.prepare(READ_DUE_SCHEDULES).bind(early, 2_000, 10_000).all();
    const waiting = await env.DB.prepare(READ_WAITING_SCHEDULES).bind(2_000, early, 120).all();
    expect(due.results).toEqual([]);
    expect(due.meta.rows_read + waiting.meta.rows_read).toBeLessThan(12);
    const all = await env.DB.prepare(READ_DUE_SCHEDULES).bind(new Date(now).toISOString(), 2_000, 10_000).all();
    // About six for each: its entry in the index, the ranking, its row.
    expect(all.meta.rows_read).toBeLessThan(70_000);

    const sent = new Map<string, number>();
    let batches = 0;
    const JOBS = {
      sendBatch: async (batch: { body: { trigger_id: string } }[]) => {
        batches += 1;
        for (const { body } of batch) sent.set(body.trigger_id, (sent.get(body.trigger_id) ?? 0) + 1);
      },
    };
    await sweepSchedules({ ...env, JOBS } as unknown as typeof env, now);
    expect(sent.size).toBe(10_000);
    expect(batches).toBe(100);
    const moved = await env.DB.prepare(
      "SELECT count(*) AS rows FROM triggers WHERE next_at = '2031-01-02T00:00:00.000Z'",
    ).first<{ rows: number }>();
    expect(moved?.rows).toBe(10_000);
  });
});
