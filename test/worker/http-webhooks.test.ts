// Webhooks over HTTP, down to the rows in D1.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { syncThread } from "../../src/store/sync.ts";
import { setLimits } from "./fixed-limits.ts";
import { createClient } from "./http-client.ts";
import { at } from "./http-fake-threads.ts";
import {
  client,
  endedBatch,
  forgetWebhooks,
  make,
  makeUnverified,
  nextThread,
  PATH,
  settings,
  url,
} from "./webhook-batches.ts";

// The limit is shared by all tests of a user.
beforeEach(() => setLimits({ pings_per_minute: 1_000_000 }));

afterEach(async () => {
  vi.restoreAllMocks();
  await forgetWebhooks();
});

describe("webhooks", () => {
  it("are made, listed, read, changed and deleted, and the secret is returned once", async () => {
    const made = await makeUnverified({ events: ["run.failed", "run.completed", "run.failed"] });
    expect(made.status).toBe(201);
    const { secret, ...shown } = made.body;
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(shown).toEqual({
      webhook_id: expect.stringMatching(/^hook_/),
      url,
      events: ["run.failed", "run.completed"],
      enabled: true,
      unverified_since: expect.any(String),
      failing_since: null,
      disabled_at: null,
      disabled_reason: null,
      created_at: expect.any(String),
      made_by: "admin_key",
    });
    const path = `${PATH}/${made.body.webhook_id}`;
    expect((await client.send("GET", PATH)).body).toEqual({ data: [shown], next_cursor: null });
    expect((await client.send("GET", path)).body).toEqual(shown);
    await env.DB.prepare(
      "UPDATE webhooks SET enabled = 0, disabled_at = ?1, disabled_reason = 'gone', failing_since = ?1",
    )
      .bind(at)
      .run();
    expect((await client.send("GET", path)).body).toMatchObject({ enabled: false, disabled_reason: "gone" });
    const changed = await client.send("PATCH", path, { enabled: true, events: ["task.updated"], url: `${url}/2` });
    expect(changed.body).toEqual({
      ...{ ...shown, url: `${url}/2`, events: ["task.updated"] },
      unverified_since: expect.any(String),
    });
    expect((await client.send("DELETE", path)).status).toBe(204);
    expect((await client.send("GET", path)).body.code).toBe("not_found");
    expect((await env.DB.prepare("SELECT * FROM secrets").all()).results).toEqual([]);
  });

  it("take events of budgets, and keep the list of those who don't", async () => {
    const before = await make({ events: ["run.completed", "run.failed", "run.interrupted", "run.cancelled"] });
    const events = ["budget.warning", "budget.reached"];
    const made = await make({ events, url: `${url}/budgets` });
    expect(made.body).toMatchObject({ events });
    const listed = (await client.send("GET", PATH)).body.data ?? [];
    expect(listed.map((each) => each.events)).toEqual([events, before.body.events]);
    const wrong = await client.send("PATCH", `${PATH}/${made.body.webhook_id}`, { events: ["budget.spent"] });
    expect(wrong).toMatchObject({ status: 400, body: { code: "invalid_field" } });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["no address", { url: "receiver" }, /^url: /],
    ["an address of another kind", { url: "ftp://receiver.example/" }, /^url: .*http/],
    [
      "a password in the address",
      { url: "https://ada:canary@receiver.example/" },
      /^url: .*not contain a user or password/,
    ],
    ["a user in the address", { url: "https://ada@receiver.example/" }, /^url: .*not contain a user or password/],
    ["an address with a line feed", { url: "https://receiver.example\n/" }, /^url: must not contain spaces/],
    ["an address without end", { url: `https://receiver.example/${"a".repeat(2000)}` }, /^url: /],
    ["this computer", { url: "http://localhost:8787/" }, /^url: is this computer itself/],
    ["the cloud's metadata", { url: "http://169.254.169.254/" }, /^url: is a link-local/],
    ["a private network", { url: "http://0xa.1/" }, /^url: is an address of a private network/],
    ["no events", { events: [] }, /^events: /],
    ["an event that there is not", { events: ["run.started"] }, /^events/],
    ["a secret that is none", { secret: "whsec_short" }, /^secret: must be whsec_/],
  ])("are refused with %s", async (_what, body, detail) => {
    const refused = await make(body);
    expect([refused.status, refused.body.code]).toEqual([400, "invalid_field"]);
    expect(refused.body.detail).toMatch(detail);
    expect(refused.text).not.toContain("canary");
  });

  it("may have a private address if the operator permits it, and can't be changed to one otherwise", async () => {
    const privately = createClient({ ...settings, ALLOW_PRIVATE_URLS: "1" });
    expect((await make({ url: "http://127.0.0.1:9/" }, privately)).status).toBe(201);
    const made = await make();
    const changed = await client.send("PATCH", `${PATH}/${made.body.webhook_id}`, { url: "http://127.0.0.1:9/" });
    expect([changed.status, changed.body.code]).toEqual([400, "invalid_field"]);
  });

  it("are limited to twenty, even if they are made at the same time", async () => {
    const made = await Promise.all(Array.from({ length: 25 }, () => makeUnverified()));
    expect(made.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(made.filter(({ body }) => body.code === "quota_exceeded")).toHaveLength(5);
    expect(await env.DB.prepare("SELECT count(*) n FROM secrets").first("n")).toBe(20);
  });

  it("answer 503 to making and rotating without ENCRYPTION_KEY", async () => {
    const made = await make();
    const bare = createClient({ ...settings, ENCRYPTION_KEY: "" });
    for (const answer of [
      await make({}, bare),
      await bare.send("POST", `${PATH}/${made.body.webhook_id}/rotate`, {}),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([503, "not_configured"]);
    }
  });

  it("belong to their user and don't exist for another", async () => {
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}`;
    nextThread();
    await syncThread(env.DB, endedBatch("completed"));
    const { data } = (await client.send("GET", `${path}/deliveries`)).body;
    const other = await client.addUser("user_hook_other");
    const answers = [
      await other.send("GET", path),
      await other.send("PATCH", path, { enabled: false }),
      await other.send("DELETE", path),
      await other.send("POST", `${path}/rotate`, {}),
      await other.send("GET", `${path}/deliveries`),
      await other.send("POST", `${path}/deliveries/${data?.[0]?.delivery_id}/replay`),
      await other.send("POST", `${path}/replay`, { since: at }),
      await other.send("POST", `${path}/ping`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 404));
    expect((await other.send("GET", PATH)).body.data).toEqual([]);
    expect((await client.send("GET", path)).body.enabled).toBe(true);
  });

  it("are rotated with an overlap, and each of many concurrent rotations gives a secret that signs", async () => {
    const made = await make();
    const path = `${PATH}/${made.body.webhook_id}/rotate`;
    const rotated = await client.send("POST", path, { overlap_seconds: 60 });
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).not.toBe(made.body.secret);
    const own = `whsec_${btoa("x".repeat(24))}`;
    expect((await client.send("POST", path, { secret: own })).body.secret).toBe(own);
    const many = await Promise.all([1, 2, 3].map(() => client.send("POST", path, {})));
    expect(many.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await client.send("POST", path, { overlap_seconds: 1e9 })).status).toBe(400);
  });

  it("keep secrets out of D1, lists and logs", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const secret = `whsec_${btoa("canary-9f1c-secret-of-mine!!")}`;
    const made = await make({ secret });
    const path = `${PATH}/${made.body.webhook_id}`;
    nextThread();
    await syncThread(env.DB, endedBatch("completed"));
    const shown = [
      await client.send("GET", PATH),
      await client.send("GET", path),
      await client.send("PATCH", path, { enabled: false }),
      await client.send("GET", `${path}/deliveries`),
      await make({ secret, extra: 1 }),
      await make({ secret: `${secret}!` }),
      await make({ secret, url: "x" }),
    ].map(({ text }) => text);
    const rows = await env.DB.prepare("SELECT * FROM secrets, webhooks, deliveries").all<Record<string, unknown>>();
    expect(rows.results).toHaveLength(1);
    const bytes = rows.results.map((row) => JSON.stringify(row) + atob(String(row.sealed)));
    for (const text of [...shown, ...bytes, ...written]) {
      expect(text).not.toContain(secret.slice(6, 20));
      expect(text).not.toContain("canary");
    }
  });
});
