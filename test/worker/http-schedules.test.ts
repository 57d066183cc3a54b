// Triggers that a schedule fires, over HTTP: their times, and which times are refused.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clearTriggers, makeTrigger } from "./hook-client.ts";
import { type Client, createClient } from "./http-client.ts";

const PATH = "/v1/triggers";
const settings = { ENCRYPTION_KEY: "key of the tests" };
const client = createClient(settings);
const webhook = { type: "webhook", prompt: "Triage {{$.issue.title}}.", verify: { scheme: "standard" } };
const schedule = { type: "schedule", prompt: "Report.", cron: "0 9 * * 1-5", timezone: "Europe/Berlin" };

afterEach(async () => {
  vi.restoreAllMocks();
  await clearTriggers();
});

const make = (body: Record<string, unknown> = webhook, from: Client = client) => makeTrigger(from, body);

describe("a schedule", () => {
  it("shows its next five times, and none while it is paused", async () => {
    const made = await make(schedule);
    expect(made).toMatchObject({ secret: null, url: null, verify: null, cron: schedule.cron, overlap: "skip" });
    expect(made.next_times).toHaveLength(5);
    const nextAt = () => env.DB.prepare("SELECT next_at FROM triggers").first("next_at");
    expect(await nextAt()).toBe(made.next_times[0]);
    const path = `${PATH}/${made.trigger_id}`;
    expect((await client.send("PATCH", path, { enabled: false })).body).toMatchObject({
      enabled: false,
      next_times: [],
    });
    expect(await nextAt()).toBeNull();
    const on = await client.send("PATCH", path, {
      enabled: true,
      cron: "30 4 * * *",
      timezone: "UTC",
      overlap: "queue",
    });
    expect(on.body).toMatchObject({ enabled: true, cron: "30 4 * * *", overlap: "queue" });
    expect(await nextAt()).toMatch(/T04:30:00\.000Z$/);
  });

  it("has every change of many made at once", async () => {
    const { trigger_id } = await make({ ...schedule, enabled: false });
    const path = `${PATH}/${trigger_id}`;
    const changes = [{ prompt: "Other." }, { enabled: true }, { cron: "30 4 * * *" }, { overlap: "queue" }];
    const answers = await Promise.all(changes.map((change) => client.send("PATCH", path, change)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await client.send("GET", path)).body).toMatchObject(Object.assign({}, ...changes));
    expect(await env.DB.prepare("SELECT next_at FROM triggers").first("next_at")).toMatch(/T\d\d:30:00\.000Z$/);
  });

  it("keeps its next time if its times did not change", async () => {
    const { trigger_id } = await make(schedule);
    await env.DB.prepare("UPDATE triggers SET next_at = '2026-01-01T00:00:00.000Z'").run();
    await client.send("PATCH", `${PATH}/${trigger_id}`, { prompt: "Other.", enabled: true, cron: schedule.cron });
    expect(await env.DB.prepare("SELECT next_at FROM triggers").first("next_at")).toBe("2026-01-01T00:00:00.000Z");
  });

  it("that SCHEDULE_MINUTES permitted when it was made continues and can be changed, and gets no other such cron", async () => {
    const made = await client.send("POST", PATH, schedule);
    const path = `${PATH}/${made.body.trigger_id}`;
    await env.DB.prepare("UPDATE triggers SET settings = json_set(settings, '$.cron', '* * * * *')").run();
    const changed = await client.send("PATCH", path, { prompt: "Other.", cron: "* * * * *", enabled: true });
    expect(changed).toMatchObject({ status: 200, body: { prompt: "Other.", cron: "* * * * *" } });
    const refused = await client.send("PATCH", path, { cron: "*/2 * * * *" });
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_field" } });
  });

  it.each([
    ["a field of a webhook", { verify: { scheme: "github" } }, "unknown_field", /"verify"/],
    ["a secret", { secret: "x".repeat(20) }, "unknown_field", /"secret"/],
    ["no cron", { cron: undefined }, "invalid_field", /^cron/],
    ["six fields", { cron: "* * * * * *" }, "invalid_field", /^cron: has too many fields/],
    ["words", { cron: "every day at nine o'clock" }, "invalid_field", /^cron: can.t be read/],
    [
      "due times a minute apart",
      { cron: "* 9 * * *" },
      "invalid_field",
      /^cron: due times must be at least 5 minutes apart/,
    ],
    ["a day that never comes", { cron: "0 0 30 2 *" }, "invalid_field", /^cron/],
    ["no time zone", { timezone: "Berlin" }, "invalid_field", /^timezone: is not an IANA time zone/],
    ["a key's threads", { thread: "per_key" }, "invalid_field", /^thread: per_key is for webhooks/],
  ])("is refused with %s", async (_what, body, code, detail) => {
    const answer = await client.send("POST", PATH, { ...schedule, ...body });
    expect(answer.body.code).toBe(code);
    expect(answer.body.detail).toMatch(detail);
  });

  it("has no secret to rotate, and accepts no payload", async () => {
    const { trigger_id } = await make(schedule);
    expect((await client.send("POST", `${PATH}/${trigger_id}/rotate`, {})).body.code).toBe("invalid_operation");
    const run = await client.send("POST", `${PATH}/${trigger_id}/run`, { payload: 1 });
    expect([run.body.code, run.body.detail]).toEqual(["unknown_field", expect.stringContaining("payload")]);
  });
});
