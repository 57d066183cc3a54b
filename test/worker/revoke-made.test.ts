// What a key made, through the API: recorded, listed, and revoked with it. The attacker has a key that its owner deletes.
import { createExecutionContext, createMessageBatch, env, getQueueResult } from "cloudflare:test";
import { Daytona } from "@daytonaio/sdk";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { consumeJobs } from "../../src/jobs.ts";
import { servePreview } from "../../src/projects/previews/routes/host.ts";
import { sweepRevoked } from "../../src/projects/routes/revoke-made.ts";
import type { Job } from "../../src/protocol/job.ts";
import type { RunInput } from "../../src/protocol/thread.ts";
import { signStandard } from "./hook-client.ts";
import { type Client, createClient } from "./http-client.ts";

const BODY = '{"issue":{"title":"It is slow"}}';
/** Daytona refuses this key at once; an unreachable server would be retried for ten seconds. */
const away = { DAYTONA_API_KEY: "a key that is wrong" };

const jobs: Job[] = [];
const JOBS = { send: async (job: Job) => void jobs.push(job) } as unknown as Queue<unknown>;
const settings = { ENCRYPTION_KEY: "key of the tests", PREVIEW_DOMAIN: "previews.example", JOBS };
const admin = createClient(settings);

const daytona = new Daytona({
  apiKey: env.DAYTONA_API_KEY ?? "",
  apiUrl: env.DAYTONA_API_URL ?? "",
  useDeprecatedPolling: true,
});

let count = 0;
let user_id = "";
let owner: Client;
let attacker: Client;
let key_id = "";
let project = "";

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  jobs.length = 0;
  count += 1;
  user_id = `user_revoke_${count}`;
  owner = await admin.addUser(user_id);
  const made = await makeKey(owner);
  attacker = made.client;
  key_id = made.key_id;
  project = `revoke-${count}`;
  await owner.send("POST", "/v1/projects", { project_id: project, name: "Shop" });
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  for await (const sandbox of daytona.list({ labels: { app: "taskloom" } })) {
    if (sandbox.labels?.project_id?.startsWith("revoke-")) await sandbox.delete();
  }
});

async function makeKey(from: Client): Promise<{ client: Client; key_id: string }> {
  const { body } = await from.send("POST", "/v1/api-keys", {});
  return { client: from.as(String(body.key)), key_id: String(body.key_id) };
}

async function makeHook(from: Client, part: object = {}): Promise<{ trigger_id: string; secret: string }> {
  const body = { type: "webhook", prompt: "Triage {{$.issue.title}}.", verify: { scheme: "standard" }, ...part };
  const made = await from.send("POST", "/v1/triggers", body);
  expect(made.status).toBe(201);
  return made.body as { trigger_id: string; secret: string };
}

function deliver(trigger_id: string, secret: string) {
  return owner.as(null).send("POST", `/hooks/${trigger_id}`, BODY, signStandard(secret, BODY));
}

const revoke = (id = key_id, from = owner) => from.send("DELETE", `/v1/api-keys/${id}?made=revoke`);
const listOf = async (id = key_id, from = owner) => (await from.send("GET", `/v1/api-keys/${id}/made`)).body.data;
const sandbox = (path: string) => `/v1/projects/${project}/sandbox/${path}`;

async function openSsh(from: Client): Promise<string> {
  const { status, body } = await from.send("POST", sandbox("ssh"), {});
  expect(status).toBe(201);
  return /(\w+)@/.exec(String(body.command))?.[1] ?? "";
}

async function opensSsh(token: string): Promise<boolean> {
  const path = `${env.DAYTONA_API_URL}/sandbox/ssh-access/validate?token=${token}`;
  const answer = await fetch(path, { headers: { authorization: `Bearer ${env.DAYTONA_API_KEY}` } });
  return ((await answer.json()) as { valid: boolean }).valid;
}

async function makeLink(from: Client, port = 3000): Promise<string> {
  const { status, body } = await from.send("POST", sandbox("previews"), { port });
  expect(status).toBe(201);
  return String(body.url);
}

/** What a visitor's browser gets for a link under our domain: there is no sandbox, so an open link is asleep. */
async function visit(url: string): Promise<string> {
  const request = new Request(url, { headers: { accept: "application/json" } });
  const answer = await servePreview(request, { ...(env as Env), ...settings });
  return ((await (answer as Response).json()) as { reason: string }).reason;
}

/** Delivers a job as the queue does, and expects it to be acknowledged. */
async function consume(job: Job | undefined, own: object = {}): Promise<void> {
  const batch = createMessageBatch("taskloom-jobs", [{ id: "m", timestamp: new Date(), attempts: 1, body: job }]);
  await consumeJobs(batch, { ...env, ...settings, ...own });
  expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toEqual(["m"]);
}

describe("what a deleted key made", () => {
  it("goes on as before if nothing else is asked for", async () => {
    const hook = await makeHook(attacker);
    const url = await makeLink(attacker);
    expect((await owner.send("DELETE", `/v1/api-keys/${key_id}`)).status).toBe(204);
    expect((await attacker.send("GET", "/v1/threads")).status).toBe(401);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    expect(await visit(url)).toBe("asleep");
    expect(jobs).toEqual([]);
  });

  it("is revoked with it: a trigger fires no more, and says why", async () => {
    const hook = await makeHook(attacker);
    const schedule = { type: "schedule", prompt: "Report.", cron: "0 8 * * *" };
    const due = String((await attacker.send("POST", "/v1/triggers", schedule)).body.trigger_id);
    const kept = await makeHook(owner);
    expect((await revoke()).status).toBe(204);
    const refused = await deliver(hook.trigger_id, hook.secret);
    expect([refused.status, refused.body.code]).toEqual([503, "not_configured"]);
    expect((await deliver(kept.trigger_id, kept.secret)).status).toBe(202);
    for (const id of [hook.trigger_id, due]) {
      expect((await owner.send("GET", `/v1/triggers/${id}`)).body).toMatchObject({
        enabled: false,
        next_times: [],
        disabled_at: expect.any(String),
        disabled_reason: `What its API key made was revoked: ${key_id}.`,
        made_by: key_id,
      });
    }
    expect((await owner.send("GET", `/v1/triggers/${kept.trigger_id}`)).body).toMatchObject({
      enabled: true,
      disabled_reason: null,
    });
  });

  it("is enabled again only with a new secret, and then belongs to the key that did it", async () => {
    const { trigger_id, secret } = await makeHook(attacker);
    await revoke();
    const path = `/v1/triggers/${trigger_id}`;
    const refused = await owner.send("PATCH", path, { enabled: true });
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_operation"]);
    expect(refused.body.detail).toContain("no secret");
    // Other changes don't hide why it is disabled.
    expect((await owner.send("PATCH", path, { prompt: "Other" })).body.disabled_reason).toContain(key_id);
    const rotated = await owner.send("POST", `${path}/rotate`, {});
    expect(rotated.status).toBe(200);
    expect((await deliver(trigger_id, String(rotated.body.secret))).status).toBe(403);
    const { key_id: own } = (await owner.send("GET", "/v1/api-keys")).body.data?.[0] ?? {};
    expect((await owner.send("PATCH", path, { enabled: true })).body).toMatchObject({
      enabled: true,
      disabled_at: null,
      disabled_reason: null,
      made_by: own,
    });
    expect((await deliver(trigger_id, String(rotated.body.secret))).status).toBe(202);
    expect((await deliver(trigger_id, secret)).status).toBe(401);
    // A revocation that is repeated does not touch it.
    expect((await revoke()).status).toBe(204);
    expect((await owner.send("GET", path)).body.enabled).toBe(true);
  });

  it("is revoked with it: a link opens nothing, SSH neither, and a webhook sends nothing", async () => {
    const url = await makeLink(attacker);
    const kept = await makeLink(owner, 3001);
    expect(await visit(url)).toBe("asleep");
    const token = await openSsh(attacker);
    expect(await opensSsh(token)).toBe(true);
    const hook = { url: "https://receiver.example/x", events: ["run.completed"] };
    const { webhook_id } = (await attacker.send("POST", "/v1/webhooks", hook)).body;
    await env.DB.prepare(
      "INSERT INTO deliveries VALUES (?, ?, 'del_1', 'run.completed', 'pending', 0, '2026-01-01', '2026-01-01', NULL, '{}', '[]')",
    )
      .bind(user_id, webhook_id)
      .run();
    expect((await revoke()).status).toBe(204);
    expect(await visit(url)).toBe("unknown_link");
    expect(await visit(kept)).not.toBe("unknown_link");
    expect(await opensSsh(token)).toBe(false);
    expect((await owner.send("GET", sandbox("ssh"))).status).toBe(404);
    const links = (await owner.send("GET", sandbox("previews"))).body.data;
    expect(links).toMatchObject([{ port: 3001 }]);
    const path = `/v1/webhooks/${webhook_id}`;
    expect((await owner.send("GET", path)).body).toMatchObject({
      enabled: false,
      disabled_reason: `What its API key made was revoked: ${key_id}.`,
    });
    expect((await owner.send("GET", `${path}/deliveries`)).body.data).toMatchObject([{ status: "failed" }]);
    expect((await owner.send("PATCH", path, { enabled: true })).body).toMatchObject({ disabled_reason: null });
    expect(await listOf()).toEqual([]);
  });

  it("is revoked with it through keys that it made, also those that were deleted to hide it", async () => {
    const second = await makeKey(attacker);
    const third = await makeKey(second.client);
    const hook = await makeHook(third.client);
    await second.client.send("DELETE", `/v1/api-keys/${second.key_id}`);
    await third.client.send("DELETE", `/v1/api-keys/${third.key_id}`);
    const fourth = await makeKey(attacker);
    expect(await listOf()).toMatchObject([
      { type: "api_key", id: fourth.key_id, made_by: key_id },
      { type: "trigger", id: hook.trigger_id, name: "Triage {{$.issue.title}}.", enabled: true, made_by: third.key_id },
    ]);
    expect((await fourth.client.send("GET", "/v1/threads")).status).toBe(200);
    expect((await revoke()).status).toBe(204);
    expect((await fourth.client.send("GET", "/v1/threads")).status).toBe(401);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
  });

  it("may include the key of the request itself", async () => {
    const hook = await makeHook(attacker);
    expect((await revoke(key_id, attacker)).status).toBe(204);
    expect((await attacker.send("GET", "/v1/threads")).status).toBe(401);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
  });

  it("is revoked also after the key was deleted, and a second time nothing happens", async () => {
    const hook = await makeHook(attacker);
    await owner.send("DELETE", `/v1/api-keys/${key_id}`);
    expect(await listOf()).toMatchObject([{ type: "trigger", id: hook.trigger_id, made_by: key_id }]);
    expect((await revoke()).status).toBe(204);
    expect((await revoke()).status).toBe(204);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
    expect((await owner.send("DELETE", `/v1/api-keys/${key_id}`)).status).toBe(404);
  });

  it("includes a trigger to which the key gave a secret, and a webhook to which it gave an address", async () => {
    const hook = await makeHook(owner);
    const stolen = (await attacker.send("POST", `/v1/triggers/${hook.trigger_id}/rotate`, {})).body;
    expect(stolen.made_by).toBe(key_id);
    const sent = { url: "https://receiver.example/x", events: ["run.completed"] };
    const { webhook_id, made_by } = (await owner.send("POST", "/v1/webhooks", sent)).body;
    const path = `/v1/webhooks/${webhook_id}`;
    expect((await attacker.send("PATCH", path, { url: sent.url, events: sent.events })).body.made_by).toBe(made_by);
    expect((await attacker.send("PATCH", path, { url: "https://thief.example/x" })).body.made_by).toBe(key_id);
    await revoke();
    expect((await deliver(hook.trigger_id, String(stolen.secret))).status).toBe(503);
    expect((await owner.send("GET", path)).body.enabled).toBe(false);
  });

  it("includes Slack workspaces and tickets", async () => {
    await env.DB.batch([
      env.DB.prepare("INSERT INTO slack_workspaces VALUES (?, ?, 'Acme', 'B', NULL, NULL, 'a', 'a', ?)").bind(
        user_id,
        `T${count}`,
        key_id,
      ),
      env.DB.prepare("INSERT INTO secrets VALUES (?, 'slack', ?, 's', 'k', 'a', 'a', 'x')").bind(user_id, `T${count}`),
    ]);
    await attacker.send("POST", sandbox("terminal"), {});
    expect(await listOf()).toMatchObject([{ type: "slack_workspace", id: `T${count}`, name: "Acme" }]);
    await revoke();
    for (const table of ["slack_workspaces", "secrets", "tickets"]) {
      const left = await env.DB.prepare(`SELECT * FROM ${table} WHERE user_id = ?`).bind(user_id).all();
      expect([table, left.results]).toEqual([table, []]);
    }
  });
});

describe("a key that is deleted while its requests are under way", () => {
  it("makes nothing more, although another isolate still lets it in", async () => {
    const elsewhere = createClient(settings).as("none");
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const inside = elsewhere.as(String(body.key));
    const hook = await makeHook(inside);
    const kept = await makeHook(owner);
    const sent = { url: "https://receiver.example/x", events: ["run.completed"] };
    const { webhook_id } = (await inside.send("POST", "/v1/webhooks", sent)).body;
    await owner.send("POST", sandbox("start"));
    await revoke(String(body.key_id));
    // The other isolate remembers the key for some seconds.
    expect((await inside.send("GET", "/v1/threads")).status).toBe(200);
    const verify = { scheme: "standard" };
    for (const [method, path, sentBody] of [
      ["POST", "/v1/api-keys", {}],
      ["POST", "/v1/triggers", { type: "webhook", prompt: "p", verify }],
      ["POST", "/v1/webhooks", sent],
      ["POST", sandbox("previews"), { port: 3000 }],
      ["POST", sandbox("ssh"), {}],
    ] as const) {
      expect([path, (await inside.send(method, path, sentBody)).status]).toEqual([path, 401]);
    }
    for (const path of [`/v1/triggers/${hook.trigger_id}`, `/v1/triggers/${kept.trigger_id}`]) {
      expect((await inside.send("POST", `${path}/rotate`, {})).status).toBe(409);
    }
    await owner.send("POST", `/v1/triggers/${hook.trigger_id}/rotate`, {});
    expect((await inside.send("PATCH", `/v1/triggers/${hook.trigger_id}`, { enabled: true })).status).toBe(409);
    expect((await inside.send("PATCH", `/v1/webhooks/${webhook_id}`, { enabled: true })).status).toBe(404);
    expect((await deliver(kept.trigger_id, kept.secret)).status).toBe(202);
    expect((await owner.send("GET", `/v1/triggers/${hook.trigger_id}`)).body.enabled).toBe(false);
    expect((await owner.send("GET", sandbox("ssh"))).status).toBe(404);
    expect((await owner.send("GET", sandbox("previews"))).body.data).toEqual([]);
  });
});

describe("a revocation that is interrupted", () => {
  it("before it was decided is carried out by the job", async () => {
    const hook = await makeHook(attacker);
    const token = await openSsh(attacker);
    let batches = 0;
    // The first one reads what there is.
    const dying = new Proxy(env.DB, {
      get: (target, name) => {
        if (name === "batch" && ++batches > 1) return () => Promise.reject(new Error("killed"));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, DB: dying }).as(String(body.key));
    expect((await cut.send("DELETE", `/v1/api-keys/${key_id}?made=revoke`)).status).toBe(500);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    expect(jobs).toEqual([{ type: "revoke_made", user_id, key_id, attempt: 1 }]);
    await consume(jobs[0]);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
    expect(await opensSsh(token)).toBe(false);
    expect(jobs).toHaveLength(1);
  });

  it("is refused, with nothing changed, if no job can be sent", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const hook = await makeHook(attacker);
    const full = { send: () => Promise.reject(new Error("the queue is away")) } as unknown as Queue<unknown>;
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, JOBS: full }).as(String(body.key));
    expect((await cut.send("DELETE", `/v1/api-keys/${key_id}?made=revoke`)).status).toBe(500);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
  });

  it("while Daytona is away is shown as pending, and retried until it has ended there", async () => {
    const signed = { ...settings, PREVIEW_DOMAIN: undefined };
    const local = createClient(signed as Partial<Env>);
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const own = local.as(String(body.key));
    const made = await own.send("POST", "/v1/api-keys", {});
    const thief = local.as(String(made.body.key));
    const id = String(made.body.key_id);
    await makeLink(thief);
    const kept = await makeLink(own, 3001);
    const token = await openSsh(thief);
    const cut = createClient({ ...signed, ...away } as Partial<Env>).as(String(body.key));
    expect((await revoke(id, cut)).status).toBe(204);
    expect((await admin.as(String(made.body.key)).send("GET", "/v1/threads")).status).toBe(401);
    expect(await opensSsh(token)).toBe(true);
    expect(await listOf(id)).toMatchObject([
      { type: "ssh_access", id: project, pending: true },
      { type: "preview", id: "3000", pending: true },
    ]);
    expect((await own.send("GET", sandbox("previews"))).body.data).toMatchObject([{ port: 3001, url: kept }]);
    const asked = { PREVIEW_DOMAIN: "" };
    await consume(jobs[0], { ...asked, ...away });
    expect(jobs).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(await opensSsh(token)).toBe(true);
    await consume(jobs[1], asked);
    expect(await opensSsh(token)).toBe(false);
    expect(await listOf(id)).toEqual([]);
    // A queue may deliver the same job twice.
    await consume(jobs[1], asked);
    expect(jobs).toHaveLength(2);
    expect((await own.send("GET", sandbox("previews"))).body.data).toMatchObject([{ port: 3001, url: kept }]);
  });

  it("leaves what another key opened in the meantime", async () => {
    const thiefs = await openSsh(attacker);
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, ...away }).as(String(body.key));
    expect((await revoke(key_id, cut)).status).toBe(204);
    expect(await opensSsh(thiefs)).toBe(true);
    const own = await openSsh(owner);
    expect(await opensSsh(thiefs)).toBe(false);
    await consume(jobs[0]);
    expect(await opensSsh(own)).toBe(true);
  });

  it("gives up when everything has expired at the provider", async () => {
    await openSsh(attacker);
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, ...away }).as(String(body.key));
    await revoke(key_id, cut);
    const yesterday = new Date(Date.now() - 26 * 3_600_000).toISOString();
    await env.DB.prepare("UPDATE ssh_accesses SET created_at = ? WHERE user_id = ?").bind(yesterday, user_id).run();
    await consume(jobs[0], away);
    expect(jobs).toHaveLength(1);
    expect(await listOf()).toEqual([]);
  });

  it("and whose job was lost is carried out by the sweep", async () => {
    const token = await openSsh(attacker);
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, ...away }).as(String(body.key));
    await revoke(key_id, cut);
    await sweepRevoked(env as Env, Date.parse("2026-11-27T10:14:00Z"));
    expect(await opensSsh(token)).toBe(true);
    await sweepRevoked(env as Env, Date.parse("2026-11-27T10:15:00Z"));
    expect(await opensSsh(token)).toBe(false);
  });
});

describe("the maker", () => {
  it("is in the answers of what it made, and unknown for what was made before", async () => {
    const { body: hook } = await attacker.send("GET", `/v1/triggers/${(await makeHook(attacker)).trigger_id}`);
    expect(hook.made_by).toBe(key_id);
    await openSsh(attacker);
    expect((await owner.send("GET", sandbox("ssh"))).body).toMatchObject({ made_by: key_id });
    await makeLink(attacker);
    expect((await owner.send("GET", sandbox("previews"))).body.data).toMatchObject([{ made_by: key_id }]);
    const keys = (await owner.send("GET", "/v1/api-keys")).body.data;
    expect(keys?.map(({ made_by }) => made_by)).toEqual([expect.stringMatching(/^key_/), "admin_key"]);
    expect(await listOf("unknown")).toEqual([]);
    await env.DB.prepare("UPDATE triggers SET made_by = NULL WHERE user_id = ?").bind(user_id).run();
    expect(await listOf("unknown")).toMatchObject([{ type: "trigger", id: hook.trigger_id, made_by: null }]);
    expect((await revoke("unknown")).status).toBe(404);
    expect(((await listOf("admin_key")) ?? []).map(({ type }) => type).toSorted()).toEqual([
      ...["api_key", "api_key", "preview", "ssh_access"],
    ]);
  });

  it("is carried by the runs of a key, of a trigger, and of a person who fires it", async () => {
    const inputs = () =>
      owner.threads.asked.filter(({ method }) => method === "accept").map(({ input }) => input as RunInput);
    await attacker.send("POST", "/v1/threads/t/runs", { message: "Hello" });
    expect(inputs().at(-1)?.key_id).toBe(key_id);
    const hook = await makeHook(attacker);
    await deliver(hook.trigger_id, hook.secret);
    expect(inputs().at(-1)?.key_id).toBe(key_id);
    await owner.send("POST", `/v1/triggers/${hook.trigger_id}/run`, {});
    const { key_id: own } = (await owner.send("GET", "/v1/api-keys")).body.data?.at(-1) ?? {};
    expect(inputs().at(-1)?.key_id).toBe(own);
  });

  it("reveals nothing of another user's key", async () => {
    const hook = await makeHook(attacker);
    const other = await admin.addUser(`${user_id}_other`);
    for (const path of [`/v1/api-keys/${key_id}/made`, "/v1/api-keys/key_00000000000000000000000000/made"]) {
      const { status, body } = await other.send("GET", path);
      expect([status, body.code, body.detail]).toEqual([404, "not_found", "There is no such key."]);
    }
    for (const end of ["", "?made=keep", "?made=revoke"]) {
      expect((await other.send("DELETE", `/v1/api-keys/${key_id}${end}`)).status).toBe(404);
    }
    expect((await revoke("admin_key", other)).status).toBe(204);
    expect((await attacker.send("GET", "/v1/threads")).status).toBe(200);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    expect(jobs.every((job) => job.user_id === `${user_id}_other`)).toBe(true);
    expect((await owner.send("GET", "/v1/api-keys/unknown/made")).body.data).toEqual([]);
    expect((await owner.send("DELETE", `/v1/api-keys/${key_id}?made=all`)).status).toBe(400);
  });
});
