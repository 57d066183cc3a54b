// What a webhook may make somebody else's server receive: pings, deliveries in a minute, deliveries that wait.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { syncThread } from "../../src/store/sync.ts";
import { claimDelivery, listOverdue } from "../../src/store/webhooks/deliveries.ts";
import { sweepDeliveries } from "../../src/webhooks/routes/sweep-deliveries.ts";
import { setLimits } from "./fixed-limits.ts";
import { createClient } from "./http-client.ts";
import {
  client,
  endedBatch,
  forgetWebhooks,
  jobs,
  make,
  makeUnverified,
  nextThread,
  PATH,
  settings,
  url,
} from "./webhook-batches.ts";

const LEASE_MS = 30_000;

// The limit is shared by all tests of a user.
beforeEach(() => setLimits({ pings_per_minute: 1_000_000 }));

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await forgetWebhooks();
});

/** Copies each delivery of a webhook so many times. */
async function copy(webhook_id: unknown, times: number): Promise<void> {
  await env.DB.prepare(`INSERT INTO deliveries SELECT user_id, webhook_id, delivery_id || '_' || value, event, status,
    attempts, next_attempt_at, created_at, finished_at, payload, tries FROM deliveries, json_each(?2) WHERE webhook_id = ?1`)
    .bind(webhook_id, JSON.stringify(Array.from({ length: times }, (_, place) => place)))
    .run();
}

async function endRun() {
  nextThread();
  return await syncThread(env.DB, endedBatch("completed"));
}

describe("deliveries", () => {
  it("are tried 120 times a minute and webhook, pings included, and the others wait", async () => {
    const { body } = await make({ events: ["run.completed"] });
    await make({ events: ["run.completed"] });
    await endRun();
    await copy(body.webhook_id, 129);
    await client.send("POST", `${PATH}/${body.webhook_id}/ping`);
    const now = 60_000 * Math.ceil(Date.now() / 60_000);
    const names = await listOverdue(env.DB, now + 60_000, 1_000);
    const { results } = await env.DB.prepare("SELECT user_id, webhook_id, delivery_id FROM deliveries").all<
      (typeof names)[number]
    >();
    const claim = async (at: number) => {
      const claimed = [];
      for (const name of results) claimed.push(await claimDelivery(env.DB, name, at, LEASE_MS));
      const ids = claimed.map((each) => each?.webhook_id);
      return [ids.filter((id) => id === body.webhook_id).length, ids.filter((id) => id !== undefined).length];
    };
    expect(results).toHaveLength(132);
    expect(await claim(now)).toEqual([120, 121]);
    expect(await claim(now + 20_000)).toEqual([0, 0]);
    expect(await claim(now + 60_000)).toEqual([120, 121]);
    expect(await env.DB.prepare("SELECT max(sent_count) n FROM webhooks").first("n")).toBe(120);
  });
});

describe("the attempts of all webhooks of a user", () => {
  it("are no more in a minute than the quota, with those that repeat one; the others wait for the next minute", async () => {
    const made = [await make({ events: ["run.completed"] }), await make({ events: ["run.completed"] })];
    const other = await make({ events: ["run.completed"] }, await client.addUser("user_attempts"));
    await endRun();
    await syncThread(env.DB, endedBatch("completed", 2, "user_attempts"));
    for (const { body } of [...made, other]) await copy(body.webhook_id, 19);
    const { results } = await env.DB.prepare("SELECT user_id, webhook_id, delivery_id FROM deliveries").all<
      Parameters<typeof claimDelivery>[1]
    >();
    expect(results).toHaveLength(60);
    const claim = async (at: number) => {
      const claimed = await Promise.all(results.map((name) => claimDelivery(env.DB, name, at, LEASE_MS)));
      const of = (user_id: string) => claimed.filter((each) => each?.user_id === user_id);
      return { own: of("user_first").length, others: of("user_attempts").length };
    };
    setLimits({ webhook_attempts_per_minute: 30 });
    const now = 60_000 * Math.ceil(Date.now() / 60_000);
    expect(await claim(now)).toEqual({ own: 30, others: 20 });
    // The tries of the first claim are over by then, and would be made again.
    expect(await claim(now + 40_000)).toEqual({ own: 0, others: 10 });
    expect(await claim(now + 60_000)).toMatchObject({ own: 30 });
  });
});

describe("the sweep", () => {
  it("gives users turns, and of a user the webhooks, and passes over what may not be sent", async () => {
    const [first, second] = [await make(), await make()];
    const theirs = await client.addUser("user_turns");
    const other = await make({}, theirs);
    await endRun();
    await syncThread(env.DB, endedBatch("completed", 2, "user_turns"));
    for (const { body } of [first, second]) await copy(body.webhook_id, 150);
    const look = async (limit: number) =>
      (await listOverdue(env.DB, Date.now() + 60_000, limit)).map((name) => name.webhook_id);
    const [mine, theirOne] = [first.body.webhook_id, other.body.webhook_id];
    expect((await look(3)).filter((id) => id === theirOne)).toHaveLength(1);
    expect(await look(1_000)).toHaveLength(201);
    expect(new Set((await look(3)).filter((id) => id !== theirOne))).toEqual(new Set([mine, second.body.webhook_id]));
    const changed = await client.send("PATCH", `${PATH}/${mine}`, { url: `${url}/moved` });
    expect(changed.status).toBe(200);
    const names = await listOverdue(env.DB, Date.now() + 60_000, 1_000);
    const ofFirst = names.filter(({ webhook_id }) => webhook_id === mine);
    expect([names.length, ofFirst.length]).toEqual([102, 1]);
    const events = await env.DB.prepare("SELECT event FROM deliveries WHERE delivery_id = ?")
      .bind(ofFirst[0]?.delivery_id ?? "")
      .first("event");
    expect(events).toBe("webhook.ping");
  });
});

describe("the queue", () => {
  it("gets no job for a delivery that its webhook may not send in this minute, and the sweep finds it", async () => {
    const [full, other] = [await make(), await make()];
    const now = Date.now();
    vi.spyOn(Date, "now").mockReturnValue(now);
    await env.DB.prepare("UPDATE webhooks SET sent_minute = ?1, sent_count = 120 WHERE webhook_id = ?2")
      .bind(Math.floor(now / 60_000), full.body.webhook_id)
      .run();
    const { made, tasks_subscribed } = await endRun();
    expect([made.map(({ webhook_id }) => webhook_id), tasks_subscribed]).toEqual([[other.body.webhook_id], true]);
    expect(await listOverdue(env.DB, now + 60_000, 10)).toHaveLength(2);
    vi.mocked(Date.now).mockReturnValue(now + 60_000);
    expect((await endRun()).made).toHaveLength(2);
  });

  it("gets as many jobs of a replay as may be sent in a minute", async () => {
    const { body } = await make();
    await endRun();
    await copy(body.webhook_id, 149);
    await env.DB.prepare("UPDATE deliveries SET status = 'failed', next_attempt_at = NULL").run();
    const replayed = await client.send("POST", `${PATH}/${body.webhook_id}/replay`, { since: "2026-01-01T00:00:00Z" });
    expect([replayed.body, jobs.length]).toEqual([{ replayed: 150, next_cursor: null }, 120]);
    expect(await listOverdue(env.DB, Date.now() + 60_000, 1_000)).toHaveLength(100);
  });
});

describe("what a webhook can't send", () => {
  it("ends as failed if ten thousand others have waited longer, and can be replayed", async () => {
    const { body } = await make({ events: ["run.completed"] });
    await make({ events: ["run.completed"] });
    await endRun();
    await copy(body.webhook_id, 10_002);
    await env.DB.prepare("UPDATE deliveries SET next_attempt_at = '2026-01-02' WHERE delivery_id LIKE '%_10001'").run();
    await env.DB.prepare("UPDATE deliveries SET next_attempt_at = '2026-01-01' WHERE delivery_id LIKE '%_10000'").run();
    const late = Date.now() + 60_000;
    const sent: unknown[] = [];
    const JOBS = { sendBatch: async (jobs: unknown[]) => void sent.push(...jobs) } as unknown as Queue<unknown>;
    await sweepDeliveries({ ...env, JOBS }, late);
    expect(sent).toHaveLength(101);
    const path = `${PATH}/${body.webhook_id}`;
    const { data = [] } = (await client.send("GET", `${path}/deliveries?status=failed`)).body;
    expect(data).toHaveLength(3);
    for (const each of data) {
      expect(each.delivery_id).not.toMatch(/_1000[01]$/);
      expect(each).toMatchObject({ attempts: 0, next_attempt_at: null, finished_at: new Date(late).toISOString() });
      expect(each.tries).toMatchObject([{ status: null, error: expect.stringMatching(/^More than 10000 .*waiting/) }]);
    }
    expect((await client.send("POST", `${path}/deliveries/${data[0]?.delivery_id}/replay`)).status).toBe(202);
    expect(await env.DB.prepare("SELECT count(*) n FROM deliveries WHERE status = 'pending'").first("n")).toBe(10_002);
  });
});

describe("what waits for a receiver's answer", () => {
  it("ends when its webhook is disabled, also beyond the thousand that one statement ends", async () => {
    const { body } = await make({ events: ["run.completed"] });
    await endRun();
    await copy(body.webhook_id, 1_050);
    const path = `${PATH}/${body.webhook_id}`;
    await client.send("PATCH", path, { url: `${url}/moved` });
    await client.send("PATCH", path, { enabled: false });
    const late = Date.now() + 60_000;
    const left = await listOverdue(env.DB, late, 1_000);
    expect(left).toHaveLength(52);
    for (const name of left) {
      expect(await claimDelivery(env.DB, name, late, LEASE_MS)).toMatchObject({ webhook: { enabled: false } });
    }
  });
});

describe("pings", () => {
  it("are limited to twenty a minute and user, however webhooks are made, changed, enabled and deleted", async () => {
    setLimits({ pings_per_minute: 20 });
    vi.useFakeTimers({ toFake: ["Date"] });
    const limited = createClient(settings);
    const ada = await limited.addUser("user_pings");
    const statuses: number[] = [];
    for (let round = 0; statuses.length < 26; round++) {
      const made = await ada.send("POST", PATH, { url: `${url}/${round}`, events: ["run.completed"] });
      statuses.push(made.status);
      if (made.status !== 201) continue;
      const path = `${PATH}/${made.body.webhook_id}`;
      statuses.push((await ada.send("POST", `${path}/ping`)).status);
      statuses.push((await ada.send("PATCH", path, { url: `${url}/${round}/2` })).status);
      statuses.push((await ada.send("PATCH", path, { enabled: true })).status);
      // Nothing is sent for these.
      expect((await ada.send("PATCH", path, { enabled: false, url: `${url}/${round}/3` })).status).toBe(200);
      expect((await ada.send("PATCH", path, { events: ["run.failed"] })).status).toBe(200);
      await ada.send("DELETE", path);
    }
    expect(statuses.slice(0, 20).filter((status) => status >= 400)).toEqual([]);
    expect(new Set(statuses.slice(20))).toEqual(new Set([429]));
    const refused = await ada.send("POST", PATH, { url, events: ["run.completed"] });
    expect(refused.body.code).toBe("rate_limited");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    expect((await ada.send("GET", PATH)).body.data).toEqual([]);
    expect((await makeUnverified({}, limited)).status).toBe(201);
  });

  it("keep nobody out if the location's count is missing or fails", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const failing = { limit: () => Promise.reject(new Error("away")) };
    for (const USER_LIMIT of [failing, undefined]) {
      const from = createClient({ ...settings, USER_LIMIT });
      for (let count = 0; count < 5; count++) {
        const made = await makeUnverified({}, from);
        expect(made.status).toBe(201);
        await client.send("DELETE", `${PATH}/${made.body.webhook_id}`);
      }
    }
  });
});
