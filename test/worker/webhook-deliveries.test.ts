// The deliveries that a thread's batches make in D1, and how they are listed, sent and replayed.
import { createExecutionContext, createMessageBatch, env, getQueueResult } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { consumeJobs } from "../../src/jobs.ts";
import type { WebhookPayload } from "../../src/protocol/webhook.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { endLostRuns } from "../../src/store/runs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { LIST_OVERDUE } from "../../src/store/webhooks/deliveries.ts";
import { setLimits } from "./fixed-limits.ts";
import { createClient } from "./http-client.ts";
import { at } from "./http-fake-threads.ts";
import { client, endedBatch, forgetWebhooks, make, nextThread, PATH, planBatch, settings } from "./webhook-batches.ts";

// The limit is shared by all tests of a user.
beforeEach(() => setLimits({ pings_per_minute: 1_000_000 }));

afterEach(async () => {
  vi.restoreAllMocks();
  await forgetWebhooks();
});

async function readPayloads(): Promise<WebhookPayload[]> {
  const { results } = await env.DB.prepare("SELECT payload FROM deliveries ORDER BY delivery_id").all<{
    payload: string;
  }>();
  return results.map(({ payload }) => JSON.parse(payload) as WebhookPayload);
}

const reportedTasks = async () =>
  (await readPayloads()).map(({ data }) => data.tasks?.map(({ id, status }) => `${id} ${status}`));

describe("deliveries", () => {
  it("are made in the batch that ends a run, once for each webhook subscribed to that event", async () => {
    const thread_id = nextThread();
    const [first, second] = [await make(), await make({ events: ["run.completed"] })];
    await make({ events: ["run.failed"] });
    await make({ enabled: false });
    expect(await syncThread(env.DB, endedBatch("running", 1))).toEqual({ made: [], tasks_subscribed: true });
    const { made } = await syncThread(env.DB, endedBatch("completed"));
    expect(made.map(({ webhook_id }) => webhook_id).toSorted()).toEqual(
      [first.body.webhook_id, second.body.webhook_id].toSorted(),
    );
    expect(new Set(made.map(({ delivery_id }) => delivery_id)).size).toBe(1);
    expect((await readPayloads())[0]).toEqual({
      type: "run.completed",
      timestamp: at,
      data: {
        thread_id,
        project_id: "proj-of-thread",
        invocation_id: "inv-001",
        status: "completed",
        seq: 41,
        taskloom_hops: 1,
      },
    });
    for (const version of [2, 3, 1])
      expect((await syncThread(env.DB, endedBatch("completed", version))).made).toEqual([]);
  });

  it("are not made for a user without webhooks or for a deleted thread, and then cost no row", async () => {
    nextThread();
    expect(await syncThread(env.DB, endedBatch("completed", 2, "user_without"))).toEqual({
      made: [],
      tasks_subscribed: false,
    });
    const results: D1Result[] = [];
    const counting = {
      prepare: (query: string) => env.DB.prepare(query),
      batch: async (statements: D1PreparedStatement[]) => {
        results.push(...(await env.DB.batch(statements)));
        return results;
      },
    } as unknown as D1Database;
    await syncThread(counting, planBatch([["a", "pending"]], 1));
    // The plan's row and no other.
    expect(results.reduce((sum, { meta }) => sum + meta.rows_written, 0)).toBe(1);
    await make();
    await deleteThread(env.DB, endedBatch("failed").key, Date.now());
    expect((await syncThread(env.DB, endedBatch("failed"))).made).toEqual([]);
    expect((await syncThread(env.DB, planBatch([["a", "completed"]], 2))).made).toEqual([]);
    expect(await readPayloads()).toEqual([]);
  });

  it("are looked for by D1 in fewer statements for a user without webhooks, and made once if the first came since", async () => {
    const statements: number[] = [];
    let fails = false;
    const db = {
      prepare: (query: string) => env.DB.prepare(query),
      batch: async (batch: D1PreparedStatement[]) => {
        if (fails && statements.length > 0) throw new Error("D1 is away");
        statements.push(batch.length);
        return await env.DB.batch(batch);
      },
    } as unknown as D1Database;
    nextThread();
    await syncThread(env.DB, endedBatch("running", 1));
    expect((await syncThread(db, endedBatch("running", 2))).made).toEqual([]);
    expect(statements.splice(0)).toEqual([1]);
    const { body } = await make();
    fails = true;
    await expect(syncThread(db, endedBatch("completed", 3))).rejects.toThrow("D1 is away");
    fails = false;
    expect((await syncThread(db, endedBatch("completed", 3))).made).toMatchObject([{ webhook_id: body.webhook_id }]);
    expect((await syncThread(db, endedBatch("completed", 3))).made).toEqual([]);
    expect(await readPayloads()).toHaveLength(1);
    await forgetWebhooks();
    nextThread();
    expect((await syncThread(env.DB, endedBatch("completed", 1))).made).toEqual([]);
    await make();
    expect((await syncThread(db, endedBatch("completed", 2))).made).toEqual([]);
    nextThread();
    expect(await syncThread(db, endedBatch("completed", 2))).toMatchObject({ made: [{}], tasks_subscribed: true });
  });

  it("report a run that its thread has lost as failed", async () => {
    nextThread();
    await make();
    const batch = endedBatch("running", 1);
    await syncThread(env.DB, batch);
    await endLostRuns(env.DB, batch.key, ["inv-001", "inv-unknown"], Date.now());
    await endLostRuns(env.DB, batch.key, ["inv-001"], Date.now());
    expect(await readPayloads()).toMatchObject([
      {
        type: "run.failed",
        data: { project_id: "proj-of-thread", invocation_id: "inv-001", status: "failed", seq: null },
      },
    ]);
  });

  it("report in one event each task that is new, has another status or text, or is gone, and no other", async () => {
    const thread_id = nextThread();
    await make();
    await syncThread(
      env.DB,
      planBatch(
        [
          ["a", "pending"],
          ["b", "pending", "d\u0000ü\ud83d"],
          ["c", "pending"],
        ],
        1,
      ),
    );
    expect(await reportedTasks()).toEqual([["a pending", "b pending", "c pending"]]);
    expect(await readPayloads()).toEqual([
      {
        type: "task.updated",
        timestamp: expect.any(String),
        data: {
          ...{ thread_id, project_id: "proj-001", invocation_id: "inv-001", seq: 10, taskloom_hops: 2 },
          task: { id: "a", status: "pending" },
          tasks: ["a", "b", "c"].map((id) => ({ id, status: "pending" })),
        },
      },
    ]);
    await env.DB.prepare("DELETE FROM deliveries").run();
    const next = planBatch(
      [
        ["a", "completed"],
        ["b", "pending", "d\u0000ü\ud83d"],
        ["d", "pending"],
      ],
      2,
    );
    const { made } = await syncThread(env.DB, next);
    expect(await reportedTasks()).toEqual([["a completed", "d pending", "c deleted"]]);
    expect(made).toEqual([{ user_id: "user_first", webhook_id: expect.any(String), delivery_id: expect.any(String) }]);
    for (const late of [next, planBatch([["a", "pending"]], 1)])
      expect((await syncThread(env.DB, late)).made).toEqual([]);
    await env.DB.prepare("DELETE FROM deliveries").run();
    await syncThread(
      env.DB,
      planBatch(
        [
          ["a", "completed"],
          ["b", "pending", "reworded"],
          ["d", "pending"],
        ],
        3,
      ),
    );
    expect(await reportedTasks()).toEqual([["b pending"]]);
  });

  it("are one for each webhook, with all tasks in the plan's order, for the largest plan", async () => {
    nextThread();
    for (let count = 0; count < 3; count++) await make({ events: ["task.updated"] });
    const tasks = Array.from({ length: 500 }, (_, place): [string, "pending"] => [`task_${place}`, "pending"]);
    const { made } = await syncThread(env.DB, planBatch(tasks, 1));
    expect(made).toHaveLength(3);
    const reported = tasks.map(([id, status]) => `${id} ${status}`);
    expect(await reportedTasks()).toEqual([reported, reported, reported]);
    await env.DB.prepare("DELETE FROM deliveries").run();
    await syncThread(env.DB, planBatch([], 2));
    expect((await reportedTasks())[0]).toEqual(tasks.map(([id]) => `${id} deleted`));
  });

  it("are listed newest first, page by page and by status", async () => {
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}/deliveries`;
    for (const status of ["completed", "failed", "cancelled"] as const) {
      nextThread();
      await syncThread(env.DB, endedBatch(status));
    }
    await env.DB.prepare("UPDATE deliveries SET status = 'failed' WHERE event = 'run.failed'").run();
    const whole = (await client.send("GET", path)).body.data ?? [];
    expect(whole).toHaveLength(3);
    expect(whole.map(({ delivery_id }) => delivery_id)).toEqual(
      whole
        .map(({ delivery_id }) => String(delivery_id))
        .toSorted()
        .toReversed(),
    );
    expect(whole[0]).toEqual({
      delivery_id: expect.stringMatching(/^del_/),
      event: expect.any(String),
      status: expect.any(String),
      attempts: 0,
      next_attempt_at: expect.any(String),
      tries: [],
      payload: expect.any(Object),
      created_at: expect.any(String),
      finished_at: null,
    });
    const first = await client.send("GET", `${path}?limit=2`);
    const rest = await client.send("GET", `${path}?limit=2&cursor=${first.body.next_cursor}`);
    expect([...(first.body.data ?? []), ...(rest.body.data ?? [])]).toEqual(whole);
    expect(rest.body.next_cursor).toBeNull();
    expect((await client.send("GET", `${path}?status=failed`)).body.data).toMatchObject([{ event: "run.failed" }]);
    expect((await client.send("GET", `${path}?status=lost`)).status).toBe(400);
    expect((await client.send("GET", `${path}?cursor=x`)).body.code).toBe("bad_cursor");
  });

  it("end if their webhook is disabled, and are deleted with it", async () => {
    nextThread();
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}`;
    nextThread();
    await syncThread(env.DB, endedBatch("completed"));
    await client.send("PATCH", path, { enabled: false });
    const { data } = (await client.send("GET", `${path}/deliveries`)).body;
    expect(data).toMatchObject([
      { status: "failed", next_attempt_at: null, tries: [{ error: "The webhook is disabled." }] },
    ]);
    const refused = await client.send("POST", `${path}/deliveries/${data?.[0]?.delivery_id}/replay`);
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_operation"]);
    expect((await client.send("POST", `${path}/replay`, { since: at })).body.code).toBe("invalid_operation");
    await client.send("DELETE", path);
    expect(await readPayloads()).toEqual([]);
  });
});

describe("a job of a delivery", () => {
  it("is acknowledged if the receiver does not answer, and the outcome is in the log", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    nextThread();
    const privately = { ...settings, ALLOW_PRIVATE_URLS: "1" };
    const made = await make({ url: "http://127.0.0.1:9/?token=canary" }, createClient(privately));
    const synced = await syncThread(env.DB, endedBatch("completed"));
    const [name] = synced.made;
    const sent: { job: unknown; options: unknown }[] = [];
    const send = async (job: unknown, options: unknown) => void sent.push({ job, options });
    const bodies = Array.from({ length: 20 }, () => ({ type: "deliver_webhook", ...name }));
    const messages = bodies.map((body, place) => ({ id: `m${place}`, timestamp: new Date(), attempts: 1, body }));
    const batch = createMessageBatch("taskloom-jobs", messages);
    await consumeJobs(batch, { ...env, ...privately, JOBS: { send } as unknown as Queue<unknown> });
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.explicitAcks).toHaveLength(20);
    const { data } = (await client.send("GET", `${PATH}/${made.body.webhook_id}/deliveries`)).body;
    expect(data).toMatchObject([
      {
        status: "pending",
        attempts: 1,
        tries: [{ status: null, error: expect.stringMatching(/^It was not reached/) }],
      },
    ]);
    expect(JSON.stringify(data)).not.toContain("canary");
    const { delaySeconds } = (sent[0]?.options ?? {}) as { delaySeconds: number };
    expect(sent).toMatchObject([{ job: { type: "deliver_webhook", ...name } }]);
    expect(delaySeconds).toBeGreaterThanOrEqual(15);
    expect(delaySeconds).toBeLessThan(30);
  });
});

describe("the sweep of deliveries", () => {
  it("reads only due deliveries through their index", async () => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${LIST_OVERDUE}`)
      .bind(at, 10)
      .all<{ detail: string }>();
    const details = results.map(({ detail }) => detail).filter((detail) => /^(?:SCAN|SEARCH) \w/.test(detail));
    expect(details).toEqual([
      expect.stringMatching(/^SEARCH due USING COVERING INDEX deliveries_due/),
      expect.stringMatching(/^SEARCH resting USING PRIMARY KEY/),
      expect.stringMatching(/^SEARCH w USING PRIMARY KEY/),
      expect.stringMatching(/^SEARCH it USING PRIMARY KEY/),
    ]);
  });
});
