// Users who are disabled or deleted: what they had no longer opens anything, here and elsewhere.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { newId } from "../../src/protocol/ids.ts";
import { findEndedKeys } from "../../src/store/api-keys.ts";
import { ownerUnlessRevoked } from "../../src/store/keys/maker.ts";
import { listDueAccounts } from "../../src/store/people/closing.ts";
import { putPreview } from "../../src/store/projects/previews.ts";
import { makeSession, ofPage } from "../fakes/session.ts";
import { type Client, createClient } from "./http-client.ts";
import {
  addKey,
  addUser,
  admin,
  elsewhere,
  jobs,
  patch,
  remove,
  setAccounts,
  settings,
  startIsolates,
  statusOf,
} from "./people-client.ts";

const MINUTE = 60_000;

setAccounts();

/** What every key may ask for, one after another, and what opens a way in. */
const makes: [string, string, object][] = [
  ["POST", "/v1/api-keys", {}],
  ["POST", "/v1/triggers", { type: "webhook", prompt: "Go.", verify: { scheme: "standard" } }],
  ["POST", "/v1/webhooks", { url: "http://127.0.0.1:9/hook", events: ["run.completed"] }],
];

describe("a disabled user", () => {
  it("is refused at once where it was disabled, within ten seconds elsewhere, and admitted again when enabled", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    startIsolates();
    const { user_id, key, client } = await addUser();
    expect([await statusOf(client), await statusOf(elsewhere.as(key))]).toEqual([200, 200]);
    expect((await patch(user_id, { disabled: true })).body).toMatchObject({ state: "disabled" });
    const refused = await client.send("GET", "/v1/threads");
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(refused.body.detail).toBe("This account is disabled. Ask an administrator.");
    // Whoever has no right key learns nothing.
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
    for (let round = 0; round < 5; round++) {
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
  }, 60_000);

  it("opens no ticket that it asked for before", async () => {
    const { user_id, client } = await addUser();
    await client.send("POST", "/v1/projects", { project_id: "shop", name: "Shop" });
    const asked = await client.send("POST", "/v1/projects/shop/sandbox/files/ticket", { path: "a.txt" });
    const { pathname, search } = new URL(String(asked.body.url));
    await patch(user_id, { disabled: true });
    const opened = await admin.as(null).send("GET", `${pathname}${search}`);
    expect(opened).toMatchObject({ status: 403, body: { code: "forbidden" } });
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

describe("a session of a disabled user", () => {
  it("can be signed out, so that it is nobody's when the user is enabled", async () => {
    const { user_id } = await addUser();
    const { session_id, token } = await makeSession(env.DB, { user_id });
    await patch(user_id, { disabled: true });
    const out = await admin.as(null).send("POST", "/auth/sign-out", undefined, ofPage(token));
    expect([out.status, out.headers.get("set-cookie")]).toEqual([
      200,
      expect.stringContaining("taskloom-session=; Max-Age=0"),
    ]);
    await patch(user_id, { disabled: false });
    expect(await findEndedKeys(env.DB, user_id, [session_id], Date.now())).toEqual([session_id]);
    expect((await admin.as(null).send("GET", "/v1/users/me", undefined, ofPage(token))).status).toBe(401);
  });
});

describe("a user who is shut out while the queue is away", () => {
  it.each([
    ["refuses", () => Promise.reject(new Error("the queue is away"))],
    ["gives no answer", () => new Promise(() => {})],
  ])("and %s is out at once, and the clock finds what is left", { timeout: 60_000 }, async (_, away) => {
    const from = createClient({ ...settings, JOBS: { send: away } as unknown as Queue<unknown> });
    const [disabled, deleted] = [await addUser(), await addUser()];
    expect((await patch(disabled.user_id, { disabled: true }, from)).body).toMatchObject({ state: "disabled" });
    expect((await remove(deleted.user_id, from)).body).toMatchObject({ state: "deleting" });
    expect([await statusOf(from.as(disabled.key)), await statusOf(from.as(deleted.key))]).toEqual([403, 401]);
    const due = await listDueAccounts(env.DB, Date.now(), 1_000);
    expect(due).toContainEqual({ user_id: deleted.user_id, rest: "deleted" });
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
    const batch = (statements: D1PreparedStatement[]) =>
      // Not the one that brings the entry of the audit.
      statements.length > 1 ? Promise.reject(new Error("killed")) : env.DB.batch(statements);
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
