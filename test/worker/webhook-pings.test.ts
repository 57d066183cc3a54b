// A webhook proves itself: it gets a ping, and nothing else before its receiver has answered one.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { syncThread } from "../../src/store/sync.ts";
import { claimDelivery, finishTry } from "../../src/store/webhooks/deliveries.ts";
import { setLimits } from "./fixed-limits.ts";
import type { Answer } from "./http-client.ts";
import { at } from "./http-fake-threads.ts";
import {
  client,
  endedBatch,
  forgetWebhooks,
  jobs,
  make,
  makeUnverified,
  nextThread,
  PATH,
  planBatch,
  url,
} from "./webhook-batches.ts";

// The limit is shared by all tests of a user.
beforeEach(() => setLimits({ pings_per_minute: 1_000_000 }));

afterEach(async () => {
  vi.restoreAllMocks();
  await forgetWebhooks();
});

const pathOf = ({ body }: Answer) => `${PATH}/${body.webhook_id}`;
const listOf = async (made: Answer) => (await client.send("GET", `${pathOf(made)}/deliveries`)).body.data ?? [];

/** Makes the newest ping's try end with this status. */
async function answer(made: Answer, status: number): Promise<void> {
  const [ping] = (await listOf(made)).filter(({ event, status }) => event === "webhook.ping" && status === "pending");
  const name = {
    ...{ user_id: "user_first", webhook_id: String(made.body.webhook_id), delivery_id: String(ping?.delivery_id) },
  };
  const claimed = await claimDelivery(env.DB, name, Date.now(), 30_000);
  if (claimed === null) throw new Error("the ping was not due");
  const error = status < 300 ? null : `It answered ${status}.`;
  const tried = { at, status, error, duration_ms: 1 };
  const next_attempt_at = error === null ? null : new Date(Date.now() + 15_000).toISOString();
  await finishTry(env.DB, claimed, { tried, next_attempt_at, disable: null, is_refused: false }, Date.now());
}

async function bringEvents() {
  nextThread();
  const run = await syncThread(env.DB, endedBatch("completed"));
  const plan = await syncThread(env.DB, planBatch([["a", "pending"]], 1));
  return { made: [...run.made, ...plan.made].length, tasks_subscribed: run.tasks_subscribed };
}

describe("a new webhook", () => {
  it("gets a ping at once, and no event before a ping is answered with 2xx", async () => {
    const made = await makeUnverified();
    expect(made.body.unverified_since).toBe(made.body.created_at);
    const [ping] = await listOf(made);
    expect(ping).toMatchObject({
      ...{ event: "webhook.ping", status: "pending", attempts: 0, tries: [] },
      payload: { type: "webhook.ping", timestamp: ping?.created_at, data: { webhook_id: made.body.webhook_id } },
    });
    const { webhook_id } = made.body;
    expect(jobs).toEqual([
      { type: "deliver_webhook", user_id: "user_first", webhook_id, delivery_id: ping?.delivery_id },
    ]);
    expect(await bringEvents()).toEqual({ made: 0, tasks_subscribed: false });
    await answer(made, 500);
    expect(await bringEvents()).toEqual({ made: 0, tasks_subscribed: false });
    expect((await client.send("GET", pathOf(made))).body.unverified_since).toBe(made.body.created_at);
    await client.send("POST", `${pathOf(made)}/ping`);
    await answer(made, 204);
    expect((await client.send("GET", pathOf(made))).body).toMatchObject({
      unverified_since: null,
      failing_since: null,
    });
    expect(await bringEvents()).toEqual({ made: 2, tasks_subscribed: true });
  });

  it("gets its ping when it is enabled, if it was made disabled", async () => {
    const made = await makeUnverified({ enabled: false });
    expect([await listOf(made), jobs]).toEqual([[], []]);
    const refused = await client.send("POST", `${pathOf(made)}/ping`);
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_operation"]);
    await client.send("PATCH", pathOf(made), { enabled: true });
    expect(await listOf(made)).toMatchObject([{ event: "webhook.ping", status: "pending" }]);
    expect(jobs).toHaveLength(1);
  });
});

describe("a webhook whose address changes", () => {
  it("gets a ping at the new one, and what was pending waits for the answer", async () => {
    const made = await make();
    await bringEvents();
    const changed = await client.send("PATCH", pathOf(made), { url: `${url}/moved` });
    expect(changed.body.unverified_since).toEqual(expect.any(String));
    const waiting = (await listOf(made)).filter(({ event }) => event !== "webhook.ping");
    const claim = () =>
      Promise.all(
        waiting.map(async ({ delivery_id }) => {
          const name = { user_id: "user_first", webhook_id: String(made.body.webhook_id) };
          return await claimDelivery(env.DB, { ...name, delivery_id: String(delivery_id) }, Date.now(), 30_000);
        }),
      );
    expect(await claim()).toEqual([null, null]);
    expect((await bringEvents()).made).toBe(0);
    await answer(made, 200);
    expect(await claim()).toMatchObject([{ webhook: { url: `${url}/moved` } }, { attempts: 1 }]);
  });

  it("is not verified by an answer from its former address", async () => {
    const made = await makeUnverified();
    const [ping] = await listOf(made);
    const name = {
      ...{ user_id: "user_first", webhook_id: String(made.body.webhook_id), delivery_id: String(ping?.delivery_id) },
    };
    const claimed = await claimDelivery(env.DB, name, Date.now(), 30_000);
    await client.send("PATCH", pathOf(made), { url: `${url}/victim` });
    const tried = { at, status: 200, error: null, duration_ms: 1 };
    if (claimed === null) throw new Error("the ping was not due");
    await finishTry(env.DB, claimed, { tried, next_attempt_at: null, disable: null, is_refused: false }, Date.now());
    expect((await client.send("GET", pathOf(made))).body.unverified_since).toEqual(expect.any(String));
    expect((await bringEvents()).made).toBe(0);
  });
});

describe("a ping", () => {
  it("ends the one before it, so that one is tried", async () => {
    const made = await makeUnverified();
    const sent = await client.send("POST", `${pathOf(made)}/ping`);
    expect(sent.status).toBe(202);
    expect(sent.body).toMatchObject({ event: "webhook.ping", status: "pending" });
    await client.send("PATCH", pathOf(made), { url: `${url}/moved` });
    const [third, second, first] = await listOf(made);
    const ended = { status: "failed", next_attempt_at: null, tries: [{ error: "A newer ping took its place." }] };
    expect([third, second, first]).toMatchObject([{ status: "pending", tries: [] }, ended, ended]);
  });

  it("is not replayed, and nothing is replayed before one is answered", async () => {
    const made = await makeUnverified();
    for (const replay of ["/replay", "/deliveries/del_1/replay"]) {
      const refused = await client.send(
        "POST",
        `${pathOf(made)}${replay}`,
        replay === "/replay" ? { since: at } : undefined,
      );
      expect([refused.status, refused.body.code]).toEqual([422, "invalid_operation"]);
    }
    await answer(made, 204);
    const [ping] = await listOf(made);
    expect((await client.send("POST", `${pathOf(made)}/deliveries/${ping?.delivery_id}/replay`)).status).toBe(404);
    const range = await client.send("POST", `${pathOf(made)}/replay`, { since: at, status: "all" });
    expect(range.body).toEqual({ replayed: 0, next_cursor: null });
  });
});

describe("an address", () => {
  it("is one webhook's of a user, however it is spelled, also if twenty are made at once", async () => {
    const spelled = ["", "#a", "#b", "#c", "#d"].flatMap((hash) => [
      ...[`https://receiver.example/hook${hash}`, `HTTPS://RECEIVER.example:443/hook${hash}`],
      ...[`https://receiver.example./hook${hash}`, `https://receiver.example/x/../hook${hash}`],
    ]);
    const made = await Promise.all(spelled.map((each) => makeUnverified({ url: each })));
    expect(made.map(({ status }) => status).toSorted()).toEqual([201, ...Array(19).fill(409)]);
    const refused = made.find(({ status }) => status === 409);
    expect(refused?.body).toMatchObject({ code: "already_exists", detail: expect.stringMatching(/^url: .*hook_/) });
    expect(await env.DB.prepare("SELECT count(*) n FROM secrets").first("n")).toBe(1);
    const theirs = await client.addUser("user_same_address");
    expect((await makeUnverified({ url }, theirs)).status).toBe(201);
  });

  it("can't become another webhook's, also if both change at once", async () => {
    const [first, second] = [await make(), await make()];
    const taken = await client.send("PATCH", pathOf(second), { url: `${first.body.url}#` });
    expect([taken.status, taken.body.code]).toEqual([409, "already_exists"]);
    const both = await Promise.all(
      [first, second].map((made, place) => client.send("PATCH", pathOf(made), { url: `${url}/new#${place}` })),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect((await client.send("PATCH", `${PATH}/hook_none`, { url: `${url}/new` })).status).toBe(404);
  });
});
