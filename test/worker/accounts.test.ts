// Accounts: an admin lists, changes, disables and deletes users, and ends their keys and sessions. "Elsewhere" is another
// isolate, which has its own memory of keys.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { Job } from "../../src/protocol/job.ts";
import { createApiKey, findEndedKeys } from "../../src/store/api-keys.ts";
import { ownerUnlessRevoked } from "../../src/store/keys/maker.ts";
import { putPreview } from "../../src/store/projects/previews.ts";
import { type Client, createClient, dropKeysOfFirstUser } from "./http-client.ts";

const MINUTE = 60_000;

let jobs: Job[] = [];
const JOBS = { send: async (job: Job) => void jobs.push(job) } as unknown as Queue<unknown>;
const settings = { JOBS, ENCRYPTION_KEY: "key of the tests", ALLOW_PRIVATE_URLS: "1" };

let admin: Client;
let elsewhere: Client;
let count = 0;

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  jobs = [];
  [admin, elsewhere] = [createClient(settings), createClient(settings)];
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await dropKeysOfFirstUser();
  await env.DB.prepare("DELETE FROM users WHERE user_id = 'user_first'").run();
});

async function addUser(more: object = {}): Promise<{ user_id: string; key: string; client: Client }> {
  count += 1;
  const user_id = `user_account_${count}`;
  const made = await admin.send("POST", "/v1/users", { user_id, ...more });
  expect(made.status).toBe(201);
  const key = String(made.body.api_key);
  return { user_id, key, client: admin.as(key) };
}

/** Of the kinds that a sign-in makes, too. */
async function addKey(user_id: string, kind: "key" | "session", scopes: ("write" | "admin")[] | null = null) {
  const { key, stored } = await mintApiKey({ name: null, made_by: null, scopes }, Date.now());
  const key_id = kind === "key" ? stored.key_id : newId("sess");
  await createApiKey(env.DB, user_id, { ...stored, key_id, kind });
  return { key, key_id };
}

/** An admin who has no data of its own. */
async function addAdmin(): Promise<{ user_id: string; client: Client }> {
  const { user_id } = await addUser();
  const { key } = await addKey(user_id, "key", ["admin"]);
  return { user_id, client: admin.as(key) };
}

const patch = (user_id: string, body: object, from = admin) => from.send("PATCH", `/v1/users/${user_id}`, body);
const remove = (user_id: string, from = admin) => from.send("DELETE", `/v1/users/${user_id}`);
const statusOf = async (client: Client) => (await client.send("GET", "/v1/threads")).status;

/** What every key may ask for, one after another, and what opens a way in. */
const makes: [string, string, object][] = [
  ["POST", "/v1/api-keys", {}],
  ["POST", "/v1/triggers", { type: "webhook", prompt: "Go.", verify: { scheme: "standard" } }],
  ["POST", "/v1/webhooks", { url: "http://127.0.0.1:9/hook", events: ["run.completed"] }],
];

describe("an account", () => {
  it("is made with an email and a role, read with counts, and shown to admins only", async () => {
    const { user_id, client } = await addUser({ name: "Ada", email: "Ada@Example.com", role: "admin" });
    await addKey(user_id, "session");
    await client.send("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
    const shown = await admin.send("GET", `/v1/users/${user_id}`);
    expect(shown.body).toEqual({
      user_id,
      name: "Ada",
      email: "Ada@Example.com",
      role: "admin",
      state: "active",
      created_at: expect.stringMatching(/Z$/),
      disabled_at: null,
      deleted_at: null,
      counts: { api_keys: 1, sessions: 1, threads: 0, projects: 1, triggers: 0, webhooks: 0, slack_workspaces: 0 },
    });
    for (const path of ["/v1/users", `/v1/users/${user_id}`, `/v1/users/${user_id}/api-keys`]) {
      expect(await client.send("GET", path)).toMatchObject({ status: 403, body: { code: "forbidden" } });
    }
    expect((await admin.send("GET", "/v1/users/user_nobody")).status).toBe(404);
  });

  it("is in the list, newest first, page by page and by its state, and the first user always is", async () => {
    const made = [await addUser(), await addUser(), await addUser()].map(({ user_id }) => user_id);
    await patch(made[1] ?? "", { disabled: true });
    await remove(made[2] ?? "");
    const list = async (query: string) => {
      const seen: string[] = [];
      for (let cursor: unknown = ""; cursor !== null; ) {
        const page = await admin.send("GET", `/v1/users?limit=2${query}${cursor === "" ? "" : `&cursor=${cursor}`}`);
        expect(page.status).toBe(200);
        for (const { user_id } of page.body.data ?? []) seen.push(String(user_id));
        cursor = page.body.next_cursor;
      }
      return seen;
    };
    const all = await list("");
    expect(all.at(-1)).toBe("user_first");
    expect(all.filter((id) => made.includes(id))).toEqual(made.toReversed());
    expect(new Set(all).size).toBe(all.length);
    const [active, disabled, deleting] = await Promise.all(
      ["active", "disabled", "deleting"].map((state) => list(`&state=${state}`)),
    );
    expect([active?.includes(made[0] ?? ""), active?.at(-1)]).toEqual([true, "user_first"]);
    expect([disabled, deleting?.slice(0, 1)]).toEqual([[made[1]], [made[2]]]);
    expect(await list("&state=deleted")).toEqual([]);
    expect((await admin.send("GET", "/v1/users?cursor=x")).body.code).toBe("bad_cursor");
  });

  it("has an email that nobody else has, in any case of its letters, also if two are given it at once", async () => {
    const one = await addUser({ email: "shared@example.com" });
    const taken = await admin.send("POST", "/v1/users", { user_id: "user_too_late", email: "Shared@Example.com" });
    expect(taken).toMatchObject({ status: 409, body: { code: "already_exists" } });
    expect((await admin.send("GET", "/v1/users/user_too_late")).status).toBe(404);
    const [two, three] = [await addUser(), await addUser()];
    expect((await patch(two.user_id, { email: "shared@example.com" })).status).toBe(409);
    const both = await Promise.all([two, three].map(({ user_id }) => patch(user_id, { email: "race@example.com" })));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    // Of a deleted user it is free, and one's own may be given again.
    expect((await patch(one.user_id, { email: "SHARED@example.com" })).status).toBe(200);
    await remove(one.user_id);
    expect((await patch(three.user_id, { email: "shared@example.com" })).status).toBe(200);
    for (const email of ["", "ada", "a b@example.com", "a@b@c", `${"a".repeat(250)}@x.de`]) {
      expect((await patch(three.user_id, { email })).status).toBe(400);
    }
    expect((await patch(three.user_id, {})).status).toBe(400);
  });

  it("changes by the fields that are given, and each change is in the audit without what was given", async () => {
    const { user_id } = await addUser({ name: "Ada" });
    expect((await patch(user_id, { email: "canary@example.com" })).body).toMatchObject({ name: "Ada" });
    expect((await patch(user_id, { name: null })).body).toMatchObject({ name: null, email: "canary@example.com" });
    await patch(user_id, { disabled: true });
    await patch(user_id, { disabled: false });
    await patch("user_nobody", { name: "x" });
    const { results } = await env.DB.prepare("SELECT * FROM audit_entries WHERE user_id IN (?, 'user_nobody')")
      .bind(user_id)
      .all<Record<string, string>>();
    expect(results.map(({ action, outcome }) => `${action} ${outcome}`).sort()).toEqual(
      ["user.update done", "user.update done", "user.disable done", "user.enable done"]
        .concat("user.update refused")
        .sort(),
    );
    expect(JSON.stringify(results)).not.toContain("canary");
  });

  it("that loses the role of an admin loses the scope in all its keys and sessions, and nothing else", async () => {
    const { user_id, key } = await addUser({ role: "admin" });
    const [both, only, session] = [
      await addKey(user_id, "key", ["write", "admin"]),
      await addKey(user_id, "key", ["admin"]),
      await addKey(user_id, "session", ["write", "admin"]),
    ];
    expect((await admin.as(only.key).send("GET", "/v1/users")).status).toBe(200);
    expect((await patch(user_id, { role: null })).body).toMatchObject({ role: null, state: "active" });
    expect((await admin.as(only.key).send("GET", "/v1/users")).status).toBe(403);
    expect(await statusOf(admin.as(key))).toBe(200);
    expect((await admin.as(both.key).send("GET", "/v1/users/me")).body.scopes).toEqual(["read", "run", "write"]);
    const row = await env.DB.prepare("SELECT scopes FROM api_keys WHERE key_id = ?").bind(session.key_id).first();
    expect(row).toEqual({ scopes: null });
    // Keys of who never had the role stay as they are.
    const operator = await addAdmin();
    expect((await patch(operator.user_id, { role: null })).status).toBe(200);
    expect((await operator.client.send("GET", "/v1/users")).status).toBe(200);
  });
});

describe("an admin", () => {
  it("can't shut out the user of its own key, nor the first user while ADMIN_API_KEY acts for it", async () => {
    const { user_id, client } = await addAdmin();
    for (const [target, from] of [
      [user_id, client],
      ["user_first", client],
      ["user_first", admin],
    ] as const) {
      for (const asked of [
        patch(target, { disabled: true }, from),
        patch(target, { role: null }, from),
        remove(target, from),
      ]) {
        expect(await asked).toMatchObject({ status: 422, body: { code: "invalid_operation" } });
      }
      expect((await patch(target, { name: "Grace" }, from)).body).toMatchObject({ name: "Grace", state: "active" });
    }
    expect(jobs.filter(({ type }) => type === "close_account").length).toBe(1);
    await admin.send("POST", "/v1/api-keys", {});
    expect((await patch("user_first", { disabled: true }, client)).body).toMatchObject({ state: "disabled" });
    // The admin key is not the disabled user's, so it goes on, and acts for nobody.
    expect((await admin.send("GET", "/v1/users")).status).toBe(200);
    expect(await statusOf(admin)).toBe(403);
  });

  it("who was disabled or deleted changes nothing more, also where another isolate still knows the key", async () => {
    for (const end of [(id: string) => patch(id, { disabled: true }), remove]) {
      const [former, target] = [await addAdmin(), await addUser()];
      const late = elsewhere.as(String((await addKeyOf(former.user_id)).key));
      expect((await late.send("GET", "/v1/users")).status).toBe(200);
      await end(former.user_id);
      const tried = [
        await patch(target.user_id, { disabled: true }, late),
        await remove(target.user_id, late),
        await late.send("DELETE", `/v1/users/${target.user_id}/sessions`),
        await late.send("POST", "/v1/users", {}),
      ];
      expect(tried.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
      expect(await statusOf(target.client)).toBe(200);
    }
  });

  it("sees and revokes anybody's keys and sessions, with what they made, and of that user only", async () => {
    const [one, other] = [await addUser(), await addUser()];
    const made = await one.client.send("POST", "/v1/api-keys", { name: "laptop" });
    const child = await admin.as(String(made.body.key)).send("POST", "/v1/api-keys", { name: "child" });
    const session = await addKey(one.user_id, "session");
    const path = `/v1/users/${one.user_id}/api-keys`;
    const list = await admin.send("GET", path);
    expect(list.body.data?.map(({ name }) => name)).toEqual(["child", "laptop", "first key"]);
    expect(list.text).not.toMatch(/hash|tl_/);
    const ids = [made.body.key_id, child.body.key_id, session.key_id].map(String);
    for (const id of ids) {
      expect((await admin.send("DELETE", `/v1/users/${other.user_id}/api-keys/${id}?made=revoke`)).status).toBe(404);
    }
    expect(await findEndedKeys(env.DB, one.user_id, ids, Date.now())).toEqual([]);
    expect((await admin.send("DELETE", `${path}/${made.body.key_id}?made=revoke`)).status).toBe(204);
    expect((await admin.send("DELETE", `${path}/${session.key_id}`)).status).toBe(204);
    expect((await findEndedKeys(env.DB, one.user_id, ids, Date.now())).sort()).toEqual(ids.sort());
    expect(await statusOf(admin.as(String(child.body.key)))).toBe(401);
    expect([await statusOf(one.client), await statusOf(other.client)]).toEqual([200, 200]);
    expect((await admin.send("GET", "/v1/users/user_nobody/api-keys")).status).toBe(404);
  });

  it("signs a user out everywhere, and keys go on", async () => {
    const { user_id, client } = await addUser();
    const sessions = [await addKey(user_id, "session"), await addKey(user_id, "session")].map(({ key_id }) => key_id);
    expect((await client.send("GET", "/v1/api-keys")).body.data).toHaveLength(1);
    expect((await admin.send("DELETE", `/v1/users/${user_id}/sessions`)).status).toBe(204);
    expect(await findEndedKeys(env.DB, user_id, sessions, Date.now())).toEqual(sessions);
    expect(await statusOf(client)).toBe(200);
    expect((await admin.send("DELETE", "/v1/users/user_nobody/sessions")).status).toBe(404);
  });
});

/** A key with the scope `admin` alone. */
const addKeyOf = (user_id: string) => addKey(user_id, "key", ["admin"]);

describe("a disabled user", () => {
  it("is refused at once where it was disabled, within ten seconds elsewhere, and let in again when enabled", async () => {
    // An isolate takes its clock when it starts.
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    [admin, elsewhere] = [createClient(settings), createClient(settings)];
    const { user_id, key, client } = await addUser();
    expect([await statusOf(client), await statusOf(elsewhere.as(key))]).toEqual([200, 200]);
    expect((await patch(user_id, { disabled: true })).body).toMatchObject({ state: "disabled" });
    const refused = await client.send("GET", "/v1/threads");
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(refused.body.detail).toBe("This account is disabled. Ask an administrator.");
    // Who has no right key learns nothing.
    expect(await statusOf(admin.as(`${key.slice(0, -1)}!`))).toBe(401);
    vi.setSystemTime(Date.now() + 9_999);
    expect(await statusOf(elsewhere.as(key))).toBe(200);
    vi.setSystemTime(Date.now() + 1);
    expect(await statusOf(elsewhere.as(key))).toBe(403);
    await patch(user_id, { disabled: false });
    expect(await statusOf(client)).toBe(200);
    vi.setSystemTime(Date.now() + 10_000);
    expect(await statusOf(elsewhere.as(key))).toBe(200);
    expect(jobs).toEqual(Array.from({ length: 2 }, () => ({ type: "pause_account", user_id, attempt: 1 })));
  });

  it("makes nothing that opens a way in, with a key that another isolate still knows", async () => {
    const { user_id, key } = await addUser();
    const late = elsewhere.as(key);
    expect(await statusOf(late)).toBe(200);
    for (const end of [() => patch(user_id, { disabled: true }), () => remove(user_id)]) {
      await end();
      for (const [method, path, body] of makes) {
        expect([path, await late.send(method, path, body)]).toMatchObject([path, { status: 401 }]);
      }
    }
    const tables = ["api_keys", "triggers", "webhooks"].map((table) =>
      env.DB.prepare(`SELECT count(*) AS rows FROM ${table} WHERE user_id = ?`).bind(user_id).first("rows"),
    );
    expect(await Promise.all(tables)).toEqual([0, 0, 0]);
  });

  it("keeps no key that was being made meanwhile, in whatever order the two come", async () => {
    for (let round = 0; round < 10; round++) {
      const { user_id, key, client } = await addUser();
      await statusOf(elsewhere.as(key));
      const [made] = await Promise.all([
        elsewhere.as(key).send("POST", "/v1/api-keys", {}),
        patch(user_id, { disabled: true }),
      ]);
      const keys = made.status === 201 ? [key, String(made.body.key)] : [key];
      expect([201, 401, 403]).toContain(made.status);
      for (const each of keys) expect(await statusOf(createClient(settings).as(each))).toBe(403);
      expect(await statusOf(client)).toBe(403);
    }
  });

  it("has only ended keys, and what an agent or a sign-in makes for it fails too", async () => {
    const { user_id } = await addUser();
    const ids = [(await addKey(user_id, "key")).key_id, (await addKey(user_id, "session")).key_id];
    expect(await findEndedKeys(env.DB, user_id, ids, Date.now())).toEqual([]);
    await patch(user_id, { disabled: true });
    expect(await findEndedKeys(env.DB, user_id, ids, Date.now())).toEqual(ids);
    await expect(addKey(user_id, "session")).rejects.toThrow();
    const link = { user_id, project_id: "p", port: 3000, token: newId("key"), url: "", made_by: null };
    const stored = { ...link, created_at: "2026-01-01", expires_at: "2100-01-01" };
    await expect(putPreview(env.DB, stored, ownerUnlessRevoked(user_id, null), null)).rejects.toThrow();
    await patch(user_id, { disabled: false });
    expect(await findEndedKeys(env.DB, user_id, ids, Date.now())).toEqual([]);
  });

  it("is refused while D1 fails by an isolate that learned it, and for a quarter of an hour not by one that did not", async () => {
    let isAway = false;
    const DB = new Proxy(env.DB, {
      get(target, name) {
        if (isAway) throw new Error("D1 is away");
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const { user_id, key } = await addUser();
    const [knows, learned] = [createClient({ ...settings, DB }), createClient({ ...settings, DB })];
    // Only the thread's object is asked: there is no such run.
    const ask = async (of: Client) => (await of.as(key).send("GET", "/v1/threads/t/runs/i")).status;
    expect(await ask(knows)).toBe(404);
    await patch(user_id, { disabled: true });
    expect(await ask(learned)).toBe(403);
    isAway = true;
    vi.setSystemTime(Date.now() + 14 * MINUTE);
    expect([await ask(knows), await ask(learned)]).toEqual([404, 403]);
    vi.setSystemTime(Date.now() + 2 * MINUTE);
    expect(await ask(knows)).toBe(500);
  });
});

describe("a deleted user", () => {
  it("has no key, session or ticket from that moment, and leaves a tombstone whose id is never given again", async () => {
    const { user_id, key, client } = await addUser({ name: "canary", email: "gone@example.com", role: "admin" });
    await env.DB.prepare("UPDATE users SET identity = 'of the person' WHERE user_id = ?").bind(user_id).run();
    const ids = [(await addKey(user_id, "key")).key_id, (await addKey(user_id, "session")).key_id];
    await env.DB.prepare("INSERT INTO tickets VALUES (?, 'h', '', '2100-01-01T00:00:00.000Z', '{}')")
      .bind(user_id)
      .run();
    const deleted = await remove(user_id);
    expect(deleted).toMatchObject({
      status: 202,
      body: { user_id, state: "deleting", name: null, email: null, role: null },
    });
    expect(await statusOf(client)).toBe(401);
    expect(await findEndedKeys(env.DB, user_id, ids, Date.now())).toEqual(ids);
    const rows = await env.DB.batch([
      env.DB.prepare("SELECT * FROM api_keys WHERE user_id = ?").bind(user_id),
      env.DB.prepare("SELECT * FROM tickets WHERE user_id = ?").bind(user_id),
      env.DB.prepare("SELECT name, email, identity FROM users WHERE user_id = ?").bind(user_id),
    ]);
    expect(rows.map(({ results }) => results)).toEqual([
      [],
      [],
      [{ name: null, email: null, identity: "of the person" }],
    ]);
    expect(jobs).toEqual(Array.from({ length: 2 }, () => ({ type: "close_account", user_id, attempt: 1 })));
    for (const id of [user_id, user_id.toUpperCase()]) {
      expect((await admin.send("POST", "/v1/users", { user_id: id })).status).toBe(409);
    }
    // Again is the same; nothing else is possible.
    expect((await remove(user_id)).body).toMatchObject({ state: "deleting", deleted_at: deleted.body.deleted_at });
    for (const body of [{ disabled: false }, { name: "back" }]) expect((await patch(user_id, body)).status).toBe(422);
    expect(await statusOf(admin.as(key))).toBe(401);
  });

  it("is not half deleted: what a kill leaves is the user as before, and a job that finds nothing to do", async () => {
    const { user_id, client } = await addUser();
    const batch = () => Promise.reject(new Error("killed"));
    const DB = new Proxy(env.DB, {
      get(target, name) {
        if (name === "batch") return batch;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await remove(user_id, createClient({ ...settings, DB }))).status).toBe(500);
    expect(jobs).toHaveLength(1);
    expect(await statusOf(client)).toBe(200);
    expect((await admin.send("GET", `/v1/users/${user_id}`)).body.state).toBe("active");
  });
});
