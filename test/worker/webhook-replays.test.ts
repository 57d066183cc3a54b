// Deliveries that are sent once more because their user asks for it.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { syncThread } from "../../src/store/sync.ts";
import { sweepDeliveries } from "../../src/webhooks/routes/sweep-deliveries.ts";
import { setLimits } from "./fixed-limits.ts";
import { createClient } from "./http-client.ts";
import { at } from "./http-fake-threads.ts";
import {
  client,
  endedBatch,
  forgetWebhooks,
  jobs,
  make,
  nextThread,
  PATH,
  queue,
  settings,
} from "./webhook-batches.ts";

// The limit is shared by all tests of a user.
beforeEach(() => setLimits({ pings_per_minute: 1_000_000 }));

afterEach(async () => {
  vi.restoreAllMocks();
  await forgetWebhooks();
});

describe("a replay", () => {
  async function makeEnded(count: number, status: "failed" | "delivered") {
    const made = await make({ events: ["run.completed"] });
    for (let place = 0; place < count; place++) {
      nextThread();
      await syncThread(env.DB, endedBatch("completed"));
    }
    await env.DB.prepare("UPDATE deliveries SET status = ?, attempts = 10, next_attempt_at = NULL, finished_at = ?")
      .bind(status, at)
      .run();
    return `${PATH}/${made.body.webhook_id}`;
  }

  it("of one delivery starts it again under its id", async () => {
    const path = await makeEnded(1, "delivered");
    const [row] = (await client.send("GET", `${path}/deliveries`)).body.data ?? [];
    const replayed = await client.send("POST", `${path}/deliveries/${row?.delivery_id}/replay`);
    expect(replayed.status).toBe(202);
    expect(replayed.body).toEqual({
      ...row,
      status: "pending",
      attempts: 0,
      next_attempt_at: expect.any(String),
      finished_at: null,
    });
    expect(jobs).toMatchObject([{ type: "deliver_webhook", delivery_id: row?.delivery_id }]);
    expect((await client.send("POST", `${path}/deliveries/del_unknown/replay`)).status).toBe(404);
  });

  it("of a range takes the failed deliveries within it, or all finished ones", async () => {
    const path = await makeEnded(3, "failed");
    await env.DB.prepare(
      "UPDATE deliveries SET status = 'delivered' WHERE delivery_id = (SELECT min(delivery_id) FROM deliveries)",
    ).run();
    const [minuteAgo, inAMinute] = [-60_000, 60_000].map((ms) => new Date(Date.now() + ms).toISOString());
    const past = await client.send("POST", `${path}/replay`, { since: at, until: minuteAgo });
    expect([past.status, past.body]).toEqual([202, { replayed: 0, next_cursor: null }]);
    const failed = await client.send("POST", `${path}/replay`, { since: minuteAgo, until: inAMinute });
    expect(failed.body).toEqual({ replayed: 2, next_cursor: null });
    const rest = await client.send("POST", `${path}/replay`, { since: minuteAgo, status: "all" });
    expect(rest.body).toEqual({ replayed: 1, next_cursor: null });
    expect(new Set(jobs.map((job) => "delivery_id" in job && job.delivery_id)).size).toBe(3);
    for (const body of [{}, { since: "yesterday" }, { since: at, status: "pending" }]) {
      expect((await client.send("POST", `${path}/replay`, body)).status).toBe(400);
    }
  });

  it("of more than a thousand continues with its cursor", async () => {
    const path = await makeEnded(1, "failed");
    const copy = `INSERT INTO deliveries SELECT user_id, webhook_id, delivery_id || '_' || value, event, status, attempts,
      next_attempt_at, created_at, finished_at, payload, tries FROM deliveries, json_each(?)`;
    await env.DB.prepare(copy)
      .bind(JSON.stringify(Array.from({ length: 1_200 }, (_, place) => place)))
      .run();
    const since = new Date(Date.now() - 60_000).toISOString();
    const first = await client.send("POST", `${path}/replay`, { since, status: "all" });
    expect(first.body).toEqual({ replayed: 1_000, next_cursor: expect.any(String) });
    await env.DB.prepare("UPDATE deliveries SET status = 'delivered', attempts = 1 WHERE status = 'pending'").run();
    const next = await client.send("POST", `${path}/replay`, { since, status: "all", cursor: first.body.next_cursor });
    expect(next.body).toEqual({ replayed: 201, next_cursor: null });
    const counts = await env.DB.prepare(
      "SELECT status, count(*) n FROM deliveries GROUP BY status ORDER BY status",
    ).all();
    expect(counts.results).toEqual([
      { status: "delivered", n: 1_000 },
      { status: "pending", n: 201 },
    ]);
  });

  it("is picked up by the sweep if the queue takes no job", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const path = await makeEnded(1, "failed");
    const away = { sendBatch: () => Promise.reject(new Error("the queue is away")) } as unknown as Queue<unknown>;
    const [row] = (await client.send("GET", `${path}/deliveries`)).body.data ?? [];
    const begun = await createClient({ ...settings, JOBS: away }).send(
      "POST",
      `${path}/deliveries/${row?.delivery_id}/replay`,
    );
    expect(begun.status).toBe(202);
    await sweepDeliveries({ ...env, JOBS: queue }, Date.now());
    expect(jobs).toEqual([]);
    await sweepDeliveries({ ...env, JOBS: queue }, Date.now() + 31_000);
    expect(jobs).toMatchObject([{ type: "deliver_webhook", delivery_id: row?.delivery_id }]);
  });
});
