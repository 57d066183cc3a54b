// The limits of the webhook entry point, and the handling of secrets.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { setLimits } from "./fixed-limits.ts";
import { clearTriggers, hooksOf, signStandard } from "./hook-client.ts";
import { createClient } from "./http-client.ts";

const settings = { ENCRYPTION_KEY: "key of the tests" };
const client = createClient(settings);
const BODY = '{"issue":{"number":7,"title":"It is slow"}}';

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  await clearTriggers();
});

const { make, deliver, logOf } = hooksOf(client);

describe("limits of deliveries", () => {
  it("slow down strangers and keep their refusals out of the log, without affecting the sender", async () => {
    const { trigger_id, secret } = await make();
    let [refused, last] = [0, await deliver(trigger_id, "{}", {})];
    for (; last.status === 401 && refused < 90; refused++) last = await deliver(trigger_id, "{}", {});
    expect([last.status, last.body.code, last.headers.get("retry-after")]).toEqual([429, "rate_limited", "60"]);
    // Thirty, unless Cloudflare's minute ended meanwhile.
    expect(refused).toBeGreaterThanOrEqual(30);
    expect(await logOf(trigger_id)).toHaveLength(refused);
    expect((await deliver(trigger_id, BODY, signStandard(secret, BODY))).status).toBe(202);
    const other = await make();
    expect((await deliver(other.trigger_id, "{}", {})).status).toBe(401);
  });

  it("log no more refusals than its owner's quota, however many triggers are called", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    setLimits({ logged_refusals_per_minute: 3 });
    const few = createClient(settings);
    const made = await Promise.all([make(), make(), make()]);
    for (let count = 0; count < 3; count++) {
      for (const { trigger_id } of made) await deliver(trigger_id, "{}", {}, few);
    }
    const logs = await Promise.all(made.map(({ trigger_id }) => logOf(trigger_id)));
    expect(logs.flat()).toHaveLength(3);
    for (const { trigger_id, secret } of made) {
      expect((await deliver(trigger_id, BODY, signStandard(secret, BODY), few)).status).toBe(202);
    }
  });

  it("apply to the sender too", async () => {
    const full = createClient({ ...settings, DELIVERY_LIMIT: { limit: async () => ({ success: false }) } });
    const { trigger_id, secret } = await make();
    const answer = await deliver(trigger_id, BODY, signStandard(secret, BODY), full);
    expect([answer.status, answer.body.code, answer.headers.get("retry-after")]).toEqual([429, "rate_limited", "60"]);
    expect(await logOf(trigger_id)).toMatchObject([{ status: "refused", reason: "Too many deliveries in a minute." }]);
  });

  it("keep nobody out if they are missing or fail", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const limit = { limit: () => Promise.reject(new Error("away")) };
    const { trigger_id, secret } = await make();
    for (const limits of [{ DELIVERY_LIMIT: undefined, REFUSAL_LIMIT: undefined }, { DELIVERY_LIMIT: limit }]) {
      const answer = await deliver(
        trigger_id,
        BODY,
        signStandard(secret, BODY),
        createClient({ ...settings, ...limits }),
      );
      expect(answer.status).toBe(202);
    }
  });

  it("delete log rows older than 30 days with the next delivery", async () => {
    const { trigger_id, secret } = await make();
    await deliver(trigger_id, BODY, signStandard(secret, BODY));
    await env.DB.prepare("UPDATE trigger_deliveries SET created_at = '2020-01-01T00:00:00.000Z'").run();
    await deliver(trigger_id, "{}", signStandard(secret, "{}"));
    expect(await logOf(trigger_id)).toHaveLength(1);
  });
});

describe("a trigger's secret", () => {
  const rotate = (trigger_id: string, body: Record<string, unknown> = {}) =>
    client.send("POST", `/v1/triggers/${trigger_id}/rotate`, body);
  const statusOf = async (trigger_id: string, secret: string, at = Date.now()) =>
    (await deliver(trigger_id, BODY, signStandard(secret, BODY, { at }))).status;

  it("stays valid beside the next one until the overlap ends", async () => {
    const { trigger_id, secret } = await make();
    const rotated = await rotate(trigger_id, { overlap_seconds: 60 });
    expect(rotated.headers.get("cache-control")).toBe("no-store");
    const next = String(rotated.body.secret);
    expect(next).not.toBe(secret);
    expect([await statusOf(trigger_id, secret), await statusOf(trigger_id, next)]).toEqual([202, 202]);
    const later = Date.now() + 61_000;
    vi.useFakeTimers({ toFake: ["Date"], now: later });
    expect([await statusOf(trigger_id, secret, later), await statusOf(trigger_id, next, later)]).toEqual([401, 202]);
  });

  it("stays valid until its own overlap ends, even if it is rotated again, or twice at once", async () => {
    const { trigger_id, secret } = await make();
    const [second, third] = await Promise.all([
      rotate(trigger_id, { overlap_seconds: 60 }),
      rotate(trigger_id, { overlap_seconds: 60 }),
    ]);
    const fourth = await rotate(trigger_id, { overlap_seconds: 3600 });
    const all = [secret, ...[second, third, fourth].map(({ body }) => String(body.secret))];
    expect(await Promise.all(all.map((each) => statusOf(trigger_id, each)))).toEqual([202, 202, 202, 202]);
    const later = Date.now() + 61_000;
    vi.useFakeTimers({ toFake: ["Date"], now: later });
    const [first, , , last] = await Promise.all(all.map((each) => statusOf(trigger_id, each, later)));
    expect([first, last]).toEqual([401, 202]);
    const only = String((await rotate(trigger_id, { overlap_seconds: 0 })).body.secret);
    const left = await Promise.all([...all, only].map((each) => statusOf(trigger_id, each, later)));
    expect(left).toEqual([401, 401, 401, 401, 202]);
  });

  it("ends immediately without an overlap, and may be chosen by the sender", async () => {
    const { trigger_id, secret } = await make();
    const own = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    expect((await rotate(trigger_id, { secret: own, overlap_seconds: 0 })).body).toMatchObject({
      trigger_id,
      secret: own,
    });
    expect([await statusOf(trigger_id, secret), await statusOf(trigger_id, own)]).toEqual([401, 202]);
    for (const body of [{ overlap_seconds: 700_000 }, { overlap_seconds: -1 }, { secret: "short" }]) {
      expect((await rotate(trigger_id, body)).body.code).toBe("invalid_field");
    }
  });

  it("is only in the answer that made it, in no row as plain text, and in no log", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const canary = "canary-7b2e-secret-of-a-sender";
    const { trigger_id } = await make({ secret: canary, verify: { scheme: "header", header: "X-Token" } });
    const path = `/v1/triggers/${trigger_id}`;
    const token = { "x-token": canary };
    const answers = [
      await deliver(trigger_id, BODY, token),
      await deliver(trigger_id, BODY, { "x-token": `${canary}!` }),
      await deliver(trigger_id, BODY, { authorization: canary }),
      await deliver("trig_none", BODY, token),
      await deliver(trigger_id, "{", { ...token, "content-type": "application/json" }),
      await client.send("GET", path),
      await client.send("GET", "/v1/triggers"),
      await client.send("PATCH", path, { prompt: "Other." }),
      await client.send("POST", `${path}/run`, {}),
      await client.send("POST", `${path}/rotate`, { overlap_seconds: 5 }),
      await client.send("GET", `${path}/deliveries`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([202, 401, 401, 404, 400, 200, 200, 200, 202, 200, 200]);
    const tables = ["triggers", "trigger_deliveries", "secrets"].map((table) =>
      env.DB.prepare(`SELECT * FROM ${table}`).all(),
    );
    const rows = (await Promise.all(tables)).flatMap(({ results }) => results);
    expect(rows.length).toBeGreaterThan(5);
    const inputs = JSON.stringify(client.threads.asked);
    for (const text of [...answers.map(({ text }) => text), JSON.stringify(rows), inputs, ...written]) {
      expect(text).not.toContain(canary);
      expect(text).not.toContain(btoa(canary).slice(0, 20));
    }
    expect(JSON.stringify(rows)).not.toContain("It is slow");
  });
});
