// Caps on every surface of the API: what sets one, what takes it away, and what a run is given.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readConfig } from "../../src/config.ts";
import { Problem } from "../../src/http/errors.ts";
import { requirePrice } from "../../src/http/routes/money/price.ts";
import type { Interrupt } from "../../src/protocol/run.ts";
import type { RunInput } from "../../src/protocol/thread.ts";
import { objectOf } from "./faulty-object.ts";
import { clearTriggers, deliverTo, makeHook, signStandard } from "./hook-client.ts";
import { type Client, createClient } from "./http-client.ts";
import { realUser } from "./real-client.ts";

const settings = { ENCRYPTION_KEY: "key of the tests" };
const all = { max_cost_usd: 0.5, max_total_tokens: 1_000, max_minutes: 1.5 };
const none = { max_cost_usd: null, max_total_tokens: null, max_minutes: null };

/** Each with the field that the answer names. */
const wrong: [string, unknown][] = [
  ["max_cost_usd", -0.01],
  ["max_cost_usd", 1_000_001],
  ["max_cost_usd", "0.5"],
  ["max_total_tokens", 1.5],
  ["max_total_tokens", -1],
  ["max_minutes", 525_601],
  ["max_minutes", true],
];

afterEach(async () => {
  vi.restoreAllMocks();
  await clearTriggers();
});

function lastInput(client: Client): RunInput {
  return client.threads.asked.findLast(({ method, url }) => method === "accept" || url !== undefined)
    ?.input as RunInput;
}

async function expectRefusals(client: Client, method: string, path: string, body: object, prefix = ""): Promise<void> {
  for (const [field, value] of wrong) {
    const answer = await client.send(method, path, { ...body, [field]: value });
    expect(answer, `${method} ${path} ${field}: ${value}`).toMatchObject({
      status: 400,
      body: { code: "invalid_field" },
    });
    expect(answer.body.detail).toMatch(new RegExp(`^${prefix}${field}: `));
  }
  const answer = await client.send(method, path, { ...body, max_cost: 1 });
  expect(answer.body, `${method} ${path}`).toMatchObject({
    code: "unknown_field",
    detail: expect.stringMatching(/^not known: "max_cost"/),
  });
}

describe("a run", () => {
  const RUNS = "/v1/threads/thread-001/runs";

  it("is given the caps of its request, and 0 is one", async () => {
    const client = createClient();
    await client.send("POST", RUNS, { message: "hi", ...all });
    expect(lastInput(client).caps).toEqual([{ scope: "run", ...all }]);
    await client.send("POST", RUNS, { message: "hi", max_minutes: 0, max_cost_usd: null });
    expect(lastInput(client).caps).toEqual([{ scope: "run", max_minutes: 0 }]);
    const stream = { accept: "text/event-stream" };
    expect((await client.send("POST", RUNS, { message: "hi", max_total_tokens: 7 }, stream)).status).toBe(200);
    expect(lastInput(client).caps).toEqual([{ scope: "run", max_total_tokens: 7 }]);
  });

  it("has no caps without them", async () => {
    const client = createClient();
    for (const body of [{}, none]) {
      await client.send("POST", RUNS, { message: "hi", ...body });
      expect(lastInput(client)).not.toHaveProperty("caps");
    }
  });

  it("is refused with a cap that can't be", async () => {
    const client = createClient();
    await expectRefusals(client, "POST", RUNS, { message: "hi" });
    expect(client.threads.asked).toEqual([]);
  });

  it("that names a model without a price is refused under a cap in dollars, before anything else", async () => {
    const client = createClient();
    const body = { message: "hi", model: "nobody/knows-what-it-costs" };
    const refused = await client.send("POST", RUNS, { ...body, max_cost_usd: 1 });
    expect(refused).toMatchObject({ status: 422, body: { code: "price_unknown" } });
    expect(refused.body.detail).toContain("max_cost_usd");
    expect(client.threads.asked).toEqual([]);
    for (const caps of [{ max_cost_usd: null }, { max_total_tokens: 1, max_minutes: 1 }]) {
      expect((await client.send("POST", RUNS, { ...body, ...caps })).status).toBe(202);
    }
  });

  it("may be capped in dollars if its model has a price, even 0", () => {
    const env = { OPENAI_API_KEY: "key", OPENAI_BASE_URL: "https://house.example/v1", MODEL_PRICES: '{"priced": 0}' };
    const { models } = readConfig(env as unknown as Parameters<typeof readConfig>[0]);
    expect(() => requirePrice(models, "priced", { max_cost_usd: 1 })).not.toThrow();
    expect(() => requirePrice(models, undefined, { max_cost_usd: 1 })).not.toThrow();
    expect(() => requirePrice(models, "other", { max_cost_usd: 0 })).toThrow(Problem);
  });

  it("that answers another takes caps, too", async () => {
    const client = createClient();
    await client.send("POST", RUNS, { message: "hi", invocation_id: "asking" });
    const asked = { message: "Which?", tool_call_id: "call", response_schema: {}, expires_at: null };
    const interrupts: Interrupt[] = [{ id: "int-1", reason: "question", ...asked }];
    const key = { user_id: "user_first", thread_id: "thread-001" };
    await client.threads.end(key, "asking", { status: "interrupted", interrupts });
    const path = `${RUNS}/asking/resume`;
    const body = { resume: [{ interrupt_id: "int-1", status: "resolved", payload: "blue" }] };
    await expectRefusals(client, "POST", path, body);
    expect((await client.send("POST", path, { ...body, ...all })).status).toBe(202);
    expect(lastInput(client).caps).toEqual([{ scope: "run", ...all }]);
  });

  it("of an AG-UI client takes them from the forwarded properties, and refuses those that can't be", async () => {
    const client = createClient();
    const messages = [{ id: "u1", role: "user", content: "hi" }];
    const send = (forwardedProps: unknown) =>
      client.send("POST", "/ag-ui", { threadId: "thread-001", runId: "run-1", messages, forwardedProps });
    expect((await send({ ...all, other: 1 })).status).toBe(200);
    expect(lastInput(client).caps).toEqual([{ scope: "run", ...all }]);
    for (const forwardedProps of [undefined, null, "x", {}, none]) {
      expect((await send(forwardedProps)).status).toBe(200);
      expect(lastInput(client)).not.toHaveProperty("caps");
    }
    for (const [field, value] of wrong) {
      const answer = await send({ [field]: value });
      expect(answer).toMatchObject({ status: 400, body: { code: "invalid_field" } });
      expect(answer.body.detail).toMatch(new RegExp(`^forwardedProps.${field}: `));
    }
  });
});

describe("an agent", () => {
  it("keeps caps in its versions: null takes one away, and a rollback brings it back", async () => {
    const client = await createClient().addUser("user_caps_agent");
    const made = await client.send("POST", "/v1/agents", { agent_id: "a", name: "A", ...all, on_cap: "ask" });
    expect(made).toMatchObject({ status: 201, body: { version: 1, ...all, on_cap: "ask" } });
    const changed = await client.send("PATCH", "/v1/agents/a", { max_cost_usd: null, max_minutes: 0 });
    expect(changed.body).toMatchObject({ version: 2, ...all, max_cost_usd: null, max_minutes: 0, on_cap: "ask" });
    expect((await client.send("PATCH", "/v1/agents/a", { max_cost_usd: null })).body).toMatchObject({ version: 2 });
    expect((await client.send("GET", "/v1/agents/a/versions/1")).body).toMatchObject(all);
    const compared = await client.send("GET", "/v1/agents/a/compare?from=1&to=2");
    expect(compared.body.changes).toEqual([
      { field: "max_cost_usd", from: 0.5, to: null },
      { field: "max_minutes", from: 1.5, to: 0 },
    ]);
    expect((await client.send("POST", "/v1/agents/a/rollback", { version: 1 })).body).toMatchObject({
      version: 3,
      ...all,
    });
  });

  it("has none by default", async () => {
    const client = await createClient().addUser("user_caps_usual");
    const made = await client.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
    expect(made.body).toMatchObject({ ...none, on_cap: "end" });
  });

  it("is refused with a cap that can't be", async () => {
    const client = await createClient().addUser("user_caps_wrong");
    await expectRefusals(client, "POST", "/v1/agents", { name: "A" });
    await client.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
    await expectRefusals(client, "PATCH", "/v1/agents/a", {});
    const answer = await client.send("PATCH", "/v1/agents/a", { on_cap: "stop" });
    expect(answer.body.detail).toMatch(/^on_cap: /);
  });
});

describe("a trigger", () => {
  const webhook = { type: "webhook", prompt: "Go.", verify: { scheme: "standard" } };
  const schedule = { type: "schedule", prompt: "Report.", cron: "0 9 * * 1-5" };

  it.each([webhook, schedule])("keeps caps, of which null takes one away: $type", async (body) => {
    const client = createClient(settings);
    const made = await client.send("POST", "/v1/triggers", { ...body, ...all });
    expect(made).toMatchObject({ status: 201, body: all });
    const path = `/v1/triggers/${made.body.trigger_id}`;
    const patch = async (fields: object) => (await client.send("PATCH", path, fields)).body;
    expect(await patch({ max_cost_usd: 0 })).toMatchObject({ ...all, max_cost_usd: 0 });
    expect(await patch({ enabled: false })).toMatchObject({ ...all, max_cost_usd: 0 });
    expect(await patch({ max_cost_usd: null })).toMatchObject({ ...all, max_cost_usd: null });
    expect((await client.send("GET", path)).body).toMatchObject({ ...all, max_cost_usd: null });
    expect(await patch(none)).toMatchObject(none);
    const row = await env.DB.prepare("SELECT settings FROM triggers").first<{ settings: string }>();
    expect(JSON.parse(row?.settings ?? "")).not.toHaveProperty("caps");
    await expectRefusals(client, "PATCH", path, {});
    await expectRefusals(client, "POST", "/v1/triggers", body, `(?:${body.type}\\.)?`);
  });

  it("gives them to its runs, also if it is run now", async () => {
    const client = createClient(settings);
    for (const body of [webhook, schedule]) {
      const { trigger_id } = (await client.send("POST", "/v1/triggers", { ...body, max_cost_usd: 0.25 })).body;
      expect((await client.send("POST", `/v1/triggers/${trigger_id}/run`, {})).status).toBe(202);
      expect(lastInput(client).caps).toEqual([{ scope: "trigger", max_cost_usd: 0.25 }]);
    }
  });

  it("gives them to the runs of its deliveries, and none without any", async () => {
    const client = createClient(settings);
    for (const caps of [{ max_minutes: 3 }, {}]) {
      const { trigger_id, secret } = await makeHook(client, caps);
      expect((await deliverTo(client, trigger_id, "{}", signStandard(secret, "{}"))).status).toBe(202);
      if ("max_minutes" in caps) expect(lastInput(client).caps).toEqual([{ scope: "trigger", ...caps }]);
      else expect(lastInput(client)).not.toHaveProperty("caps");
    }
  });
});

describe("a thread's object", () => {
  /** The input of the thread's only run, as it is stored until the run takes it. */
  async function storedInput(user_id: string, thread_id: string): Promise<RunInput> {
    return await runInDurableObject(objectOf({ user_id, thread_id }), (_instance, { storage }) =>
      JSON.parse(storage.sql.exec<{ input: string }>("SELECT input FROM runs").one().input),
    );
  }

  it("stores the trigger's caps with the run that a signed delivery starts, and keeps them for its repeats", async () => {
    const user_id = "user_caps_real";
    const client = await realUser(user_id, settings);
    const { trigger_id, secret } = await makeHook(client, { max_cost_usd: 0.25, max_minutes: 0 });
    const headers = signStandard(secret, "{}");
    const { body } = await deliverTo(client, trigger_id, "{}", headers);
    const caps = [{ scope: "trigger", max_cost_usd: 0.25, max_minutes: 0 }];
    expect((await storedInput(user_id, String(body.thread_id))).caps).toEqual(caps);
    await client.send("PATCH", `/v1/triggers/${trigger_id}`, { max_cost_usd: 9 });
    const repeated = await deliverTo(client, trigger_id, "{}", headers);
    expect(repeated).toMatchObject({ status: 202, body: { ...body, duplicate: true } });
    expect((await storedInput(user_id, String(body.thread_id))).caps).toEqual(caps);
  });

  it("refuses an id that comes again with other caps", async () => {
    const client = await realUser("user_caps_repeated", settings);
    const start = (max_cost_usd?: number) =>
      client.send("POST", "/v1/threads/thread-001/runs", {
        ...{ message: "hi", invocation_id: "inv-1", background: true },
        ...(max_cost_usd === undefined ? {} : { max_cost_usd }),
      });
    expect((await start(1)).status).toBe(202);
    expect((await start(1)).status).toBe(202);
    for (const other of [2, undefined]) {
      expect(await start(other)).toMatchObject({ status: 409, body: { code: "idempotency_conflict" } });
    }
  });
});

describe("a project", () => {
  it("keeps caps, of which null takes one away, also if two requests change them at once", async () => {
    const client = await createClient().addUser("user_caps_project");
    const made = await client.send("POST", "/v1/projects", { project_id: "p", name: "P", ...all });
    expect(made).toMatchObject({ status: 201, body: all });
    expect(made.body).not.toHaveProperty("caps");
    const patch = async (fields: object) => (await client.send("PATCH", "/v1/projects/p", fields)).body;
    expect(await patch({ max_cost_usd: null, name: "Q" })).toMatchObject({ ...all, max_cost_usd: null, name: "Q" });
    expect(await patch({ name: "R" })).toMatchObject({ ...all, max_cost_usd: null, name: "R" });
    await Promise.all([patch({ max_cost_usd: 0 }), patch({ max_minutes: 9 })]);
    const expected = { ...all, max_cost_usd: 0, max_minutes: 9 };
    expect((await client.send("GET", "/v1/projects/p")).body).toMatchObject(expected);
    expect((await client.send("GET", "/v1/projects")).body.data).toMatchObject([expected]);
    expect(await patch(none)).toMatchObject(none);
    const row = await env.DB.prepare("SELECT caps FROM projects WHERE user_id = 'user_caps_project'").first();
    expect(row).toEqual({ caps: null });
    await expectRefusals(client, "PATCH", "/v1/projects/p", {});
    await expectRefusals(client, "POST", "/v1/projects", { name: "P" });
  });

  it("has none without them", async () => {
    const client = await createClient().addUser("user_caps_plain");
    expect((await client.send("POST", "/v1/projects", { project_id: "p", name: "P", ...none })).body).toMatchObject(
      none,
    );
    expect((await client.send("GET", "/v1/projects/p")).body).toMatchObject(none);
  });
});
