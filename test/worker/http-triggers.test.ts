// Triggers over HTTP: what their owner can do with them. Deliveries are in http-hooks.test.ts.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RunInput } from "../../src/protocol/thread.ts";
import type { Trigger } from "../../src/protocol/trigger.ts";
import { logTriggerEvent } from "../../src/store/triggers/log.ts";
import { readTrigger } from "../../src/store/triggers/triggers.ts";
import { clearTriggers, makeTrigger, signStandard } from "./hook-client.ts";
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

function lastInput(from = client): RunInput {
  return from.threads.asked.findLast(({ method }) => method === "accept")?.input as RunInput;
}

describe("a webhook trigger", () => {
  it("is made, read and listed with its fields, and shows its secret once", async () => {
    const made = await client.send("POST", PATH, webhook);
    expect([made.status, made.headers.get("cache-control")]).toEqual([201, "no-store"]);
    const { secret, ...rest } = made.body;
    expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect(rest).toEqual({
      trigger_id: expect.stringMatching(/^trig_/),
      type: "webhook",
      agent_id: null,
      project_id: null,
      prompt: webhook.prompt,
      verify: { scheme: "standard" },
      thread: "new",
      key: null,
      enabled: true,
      url: `http://localhost/hooks/${rest.trigger_id}`,
      cron: null,
      timezone: null,
      overlap: null,
      next_times: [],
      max_cost_usd: null,
      max_total_tokens: null,
      max_minutes: null,
      last_fired_at: null,
      created_at: expect.any(String),
      disabled_at: null,
      disabled_reason: null,
      made_by: "admin_key",
    });
    expect(made.headers.get("location")).toBe(`${PATH}/${rest.trigger_id}`);
    expect((await client.send("GET", `${PATH}/${rest.trigger_id}`)).body).toEqual(rest);
    const other = await make(schedule);
    const page = await client.send("GET", `${PATH}?limit=1`);
    expect(page.body.data).toMatchObject([{ trigger_id: other.trigger_id }]);
    const next = await client.send("GET", `${PATH}?limit=1&cursor=${page.body.next_cursor}`);
    expect(next.body).toEqual({ data: [rest], next_cursor: null });
  });

  it("keeps `verify` as it was sent, and the given secret", async () => {
    for (const verify of [
      { scheme: "hmac", header: "X-Sig" },
      { scheme: "hmac", header: "X-Sig", encoding: "base64", timestamp_header: "X-Time", id_header: null },
      { scheme: "header", header: "X-Token" },
    ]) {
      const made = await make({ ...webhook, verify });
      expect(made.verify).toEqual(verify);
      expect((await client.send("GET", `${PATH}/${made.trigger_id}`)).body.verify).toEqual(verify);
    }
    const given = "a secret that the sender chose";
    expect((await make({ ...webhook, verify: { scheme: "github" }, secret: given })).secret).toBe(given);
  });

  it.each([
    ["a field of a schedule", { cron: "* * * * *" }, "unknown_field", /"cron"/],
    ["no verification", { verify: undefined }, "invalid_field", /^verify/],
    ["a scheme that there is not", { verify: { scheme: "none" } }, "invalid_field", /^verify/],
    ["a header that is no name", { verify: { scheme: "header", header: "a b" } }, "invalid_field", /^verify\.header/],
    [
      "a body that is not signed",
      { verify: { scheme: "hmac", header: "a", signed: "{timestamp}" } },
      "invalid_field",
      /^verify\.signed: must contain \{body/,
    ],
    [
      "a time that is not signed",
      { verify: { scheme: "hmac", header: "a", timestamp_header: "t", signed: "{body}" } },
      "invalid_field",
      /^verify\.signed: must contain \{timestamp/,
    ],
    [
      "an id without its header",
      { verify: { scheme: "hmac", header: "a", signed: "{id}{body}" } },
      "invalid_field",
      /^verify\.signed: must not contain \{id/,
    ],
    ["a blank prompt", { prompt: " \n" }, "invalid_field", /^prompt: says nothing/],
    ["a prompt without end", { prompt: "x".repeat(20_001) }, "invalid_field", /^prompt/],
    ["half a character", { prompt: "\ud800" }, "invalid_field", /^prompt/],
    [
      "a pick that can't be read",
      { prompt: "Look at {{$.a b}}" },
      "invalid_field",
      /^prompt: the pick at character 9 /,
    ],
    ["a short secret", { secret: "short" }, "invalid_field", /^secret: must have at least/],
    ["a secret of another kind", { secret: `${"x".repeat(20)}!` }, "invalid_field", /^secret: .*Standard Webhooks/],
    ["a thread that is no id", { thread: "a/b" }, "invalid_field", /^thread/],
    ["a key that picks nothing", { thread: "per_key", key: "all" }, "invalid_field", /^key: must pick/],
    ["a key for one thread", { key: "{{$.a}}" }, "invalid_field", /^key: is for thread/],
    ["an agent that there is not", { agent_id: "agent_none" }, "not_found", /agent_none/],
    ["a project that there is not", { project_id: "proj_none" }, "not_found", /proj_none/],
    ["an id of its own", { trigger_id: "mine" }, "unknown_field", /trigger_id/],
  ])("is refused with %s", async (_what, body, code, detail) => {
    const answer = await client.send("POST", PATH, { ...webhook, ...body });
    expect(answer.body.code).toBe(code);
    expect(answer.body.detail).toMatch(detail);
    const stored = await env.DB.prepare("SELECT count(*) AS rows FROM secrets").first("rows");
    expect(stored).toBe(0);
  });

  it("can't be made on a server without ENCRYPTION_KEY", async () => {
    const answer = await createClient({ ENCRYPTION_KEY: " " }).send("POST", PATH, webhook);
    expect([answer.status, answer.body.code]).toEqual([503, "not_configured"]);
    expect(answer.body.detail).toContain("ENCRYPTION_KEY");
  });
});

describe("a change of a trigger", () => {
  it("is merged, and may not set fields of the other type or the type itself", async () => {
    const { trigger_id, secret: _, ...made } = await make();
    const path = `${PATH}/${trigger_id}`;
    const changed = await client.send("PATCH", path, { thread: "per_key", key: "{{$.issue.id}}" });
    expect(changed.body).toEqual({ ...made, trigger_id, thread: "per_key", key: "{{$.issue.id}}" });
    expect((await client.send("PATCH", path, { thread: "thread-001" })).body).toMatchObject({ key: null });
    for (const [body, name] of [
      [{ cron: "* * * * *", timezone: "UTC" }, '"cron", "timezone"'],
      [{ type: "schedule" }, '"type"'],
      [{ secret: "x" }, '"secret"'],
    ] as const) {
      const answer = await client.send("PATCH", path, body);
      expect([answer.body.code, answer.body.detail]).toEqual(["unknown_field", expect.stringContaining(name)]);
    }
    const wrong = await client.send("PATCH", path, { prompt: "{{$.a" });
    expect(wrong.body.detail).toMatch(/^prompt: the pick/);
  });

  it("of the scheme keeps the secret if it fits", async () => {
    const made = await make({ ...webhook, verify: { scheme: "github" } });
    const path = `${PATH}/${made.trigger_id}`;
    expect((await client.send("PATCH", path, { verify: { scheme: "standard" } })).status).toBe(200);
    const sent = await client.send("POST", `/hooks/${made.trigger_id}`, "{}", signStandard(made.secret, "{}"));
    expect(sent.status).toBe(202);
    const own = await make({ ...webhook, verify: { scheme: "github" }, secret: "no key of that kind!" });
    const refused = await client.send("PATCH", `${PATH}/${own.trigger_id}`, { verify: { scheme: "standard" } });
    expect(refused.body.detail).toMatch(/^verify: the trigger's secret does not fit/);
  });
});

describe("running a trigger now", () => {
  it("starts the run of the given payload, even while the trigger is paused", async () => {
    const made = await make({ ...webhook, enabled: false });
    const run = await client.send("POST", `${PATH}/${made.trigger_id}/run`, { payload: { issue: { title: "slow" } } });
    expect(run.status).toBe(202);
    const input = lastInput();
    expect(run.body).toEqual({ invocation_id: input.invocation_id, thread_id: input.thread_id });
    expect(input).toMatchObject({ background: true, metadata: { trigger_id: made.trigger_id } });
    expect(String(input.messages[0]?.content)).toMatch(/^Triage <webhook_payload path="\$\.issue\.title">"slow"<\//);
    expect((await client.send("GET", `${PATH}/${made.trigger_id}/deliveries`)).body.data).toMatchObject([
      { status: "accepted", invocation_id: input.invocation_id, thread_id: input.thread_id },
    ]);
    const row = await env.DB.prepare("SELECT last_thread_id, last_invocation_id FROM triggers").first();
    expect(row).toEqual({ last_thread_id: input.thread_id, last_invocation_id: input.invocation_id });
    expect((await client.send("GET", `${PATH}/${made.trigger_id}`)).body.last_fired_at).toEqual(expect.any(String));
  });

  it("needs no payload, starts another run each time, and the same for the same Idempotency-Key", async () => {
    const { trigger_id } = await make(schedule);
    const run = async (headers = {}) => (await client.send("POST", `${PATH}/${trigger_id}/run`, {}, headers)).body;
    const [one, two] = [await run(), await run()];
    expect(one.thread_id).not.toBe(two.thread_id);
    expect(lastInput().messages[0]?.content).toBe("Report.");
    const key = { "idempotency-key": "same" };
    expect(await run(key)).toEqual(await run(key));
    expect((await client.send("GET", `${PATH}/${trigger_id}/deliveries`)).body.data).toHaveLength(3);
  });

  it("refuses an Idempotency-Key that was used with another payload", async () => {
    const { trigger_id } = await make();
    const key = { "idempotency-key": "same" };
    expect((await client.send("POST", `${PATH}/${trigger_id}/run`, { payload: 1 }, key)).status).toBe(202);
    client.threads.next = { failure: { code: "idempotency_conflict", detail: "Another body." } };
    const other = await client.send("POST", `${PATH}/${trigger_id}/run`, { payload: 2 }, key);
    expect([other.status, other.body.code]).toEqual([409, "idempotency_conflict"]);
  });

  it("says why no run can start", async () => {
    const { trigger_id } = await make();
    client.threads.next = { failure: { code: "not_found", detail: "The thread was deleted." } };
    const run = await client.send("POST", `${PATH}/${trigger_id}/run`, {});
    expect([run.status, run.body.detail]).toEqual([404, "The thread was deleted."]);
  });
});

describe("a trigger's owner", () => {
  it("is the only one who can see it", async () => {
    const { trigger_id } = await make();
    const other = await client.addUser("user_triggers_other");
    const path = `${PATH}/${trigger_id}`;
    const tries: [string, string, unknown?][] = [
      ["GET", path],
      ["PATCH", path, { enabled: false }],
      ["DELETE", path],
      ["POST", `${path}/rotate`, {}],
      ["POST", `${path}/run`, {}],
      ["GET", `${path}/deliveries`],
    ];
    for (const [method, place, body] of tries) {
      const answer = await other.send(method, place, body);
      expect([method, place, answer.status, answer.body.code]).toEqual([method, place, 404, "not_found"]);
      expect((await client.as(null).send(method, place, body)).status).toBe(401);
    }
    expect((await other.send("GET", PATH)).body.data).toEqual([]);
    expect((await client.send("GET", path)).body.enabled).toBe(true);
  });

  it("may name only their own agents and projects", async () => {
    const other = await client.addUser("user_triggers_third");
    const project = await client.send("POST", "/v1/projects", { name: "p" });
    const agent = await client.send("POST", "/v1/agents", { name: "a" });
    for (const body of [{ project_id: project.body.project_id }, { agent_id: agent.body.agent_id }]) {
      expect((await other.send("POST", PATH, { ...webhook, ...body })).status).toBe(404);
      const own = await make(webhook, other);
      expect((await other.send("PATCH", `${PATH}/${own.trigger_id}`, body)).status).toBe(404);
      expect(await make({ ...webhook, ...body })).toMatchObject(body);
    }
  });

  it("deletes it with its secret and its log, and a late delivery leaves nothing", async () => {
    const { trigger_id } = await make();
    await client.send("POST", `${PATH}/${trigger_id}/run`, {});
    const trigger = await readTrigger(env.DB, "user_first", trigger_id);
    expect((await client.send("DELETE", `${PATH}/${trigger_id}`)).status).toBe(204);
    const event = { status: "accepted", reason: null, source_id: null, thread_id: null, invocation_id: null } as const;
    await logTriggerEvent(env.DB, trigger as Trigger, event, Date.now());
    for (const table of ["triggers", "trigger_deliveries", "secrets"]) {
      expect(await env.DB.prepare(`SELECT count(*) AS rows FROM ${table}`).first("rows")).toBe(0);
    }
    expect((await client.send("DELETE", `${PATH}/${trigger_id}`)).status).toBe(404);
  });
});
