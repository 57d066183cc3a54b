// ADMIN_API_KEY acts as the first user until that user has a key of its own.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { newId } from "../../src/protocol/ids.ts";
import { createApiKey, findEndedKeys } from "../../src/store/api-keys.ts";
import { type Client, createClient, dropKeysOfFirstUser } from "./http-client.ts";

const FIRST = "user_first";
const USUAL = { scopes: ["read", "run", "write", "admin"], key_id: "admin_key", user_id: FIRST, is_admin: true };

beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await dropKeysOfFirstUser();
  await env.DB.prepare("DELETE FROM users WHERE user_id = ?").bind(FIRST).run();
});

const me = async (client: Client) => (await client.send("GET", "/v1/users/me")).body;
const hasEnded = async () => (await findEndedKeys(env.DB, FIRST, ["admin_key"], Date.now())).length > 0;

describe("the admin key", () => {
  it("acts as the first user until that has a key, only administers then, and acts again when the key is gone", async () => {
    const admin = createClient();
    expect(await me(admin)).toMatchObject(USUAL);
    expect(await hasEnded()).toBe(false);
    const made = await admin.send("POST", "/v1/api-keys", { name: "laptop" });
    const own = admin.as(String(made.body.key));
    for (const isolate of [admin, createClient()]) {
      expect(await me(isolate)).toMatchObject({ ...USUAL, scopes: ["admin"] });
      const refused = await isolate.send("GET", "/v1/threads");
      expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
      expect(refused.body.detail).toContain("This needs an API key with the scope `read`");
      expect(refused.body.detail).toContain("user_first has a key of its own");
      expect((await isolate.send("GET", "/v1/users")).status).toBe(200);
    }
    expect(await hasEnded()).toBe(true);
    expect((await own.send("GET", "/v1/threads")).status).toBe(200);
    expect((await own.send("DELETE", `/v1/api-keys/${made.body.key_id}`)).status).toBe(204);
    expect(await me(admin)).toMatchObject(USUAL);
    expect(await hasEnded()).toBe(false);
  });

  const kinds: [string, object, boolean][] = [
    ["a key with the scope write", { scopes: ["write"] }, true],
    ["a key with the scope run", { scopes: ["run"] }, false],
    ["a key with the scope admin", { scopes: ["admin"] }, false],
  ];
  it.each(kinds)("and %s", async (_what, body, switches) => {
    const admin = createClient();
    expect((await admin.send("POST", "/v1/api-keys", body)).status).toBe(201);
    expect((await me(admin)).scopes).toEqual(switches ? ["admin"] : USUAL.scopes);
  });

  it("continues where the first user has only sessions, or keys that have expired", async () => {
    const add = async (row: object) => {
      const { stored } = await mintApiKey({ name: null, made_by: null }, Date.now());
      await createApiKey(env.DB, FIRST, { ...stored, ...row });
    };
    await add({ kind: "session", key_id: newId("sess") });
    await add({ expires_at: new Date(Date.now() - 1).toISOString() });
    expect(await me(createClient())).toMatchObject(USUAL);
    await add({ expires_at: new Date(Date.now() + 60_000).toISOString() });
    expect((await me(createClient())).scopes).toEqual(["admin"]);
  });

  it("only administers by a setting, without a look at D1, and when the first user is disabled or deleted", async () => {
    const broken = () => {
      throw new Error("D1 is away");
    };
    const DB = { prepare: broken, batch: broken } as unknown as D1Database;
    const only = createClient({ ADMIN_KEY_ONLY_ADMIN: "1", DB });
    expect((await me(only)).scopes).toEqual(["admin"]);
    expect((await only.send("GET", "/v1/threads")).body.detail).toContain("ADMIN_KEY_ONLY_ADMIN=1");
    for (const column of ["disabled_at", "deleted_at"]) {
      await env.DB.prepare(
        `INSERT OR REPLACE INTO users (user_id, created_at, ${column}) VALUES ('user_first', '1', '1')`,
      ).run();
      expect((await me(createClient())).scopes).toEqual(["admin"]);
    }
  });

  it("only administers in an isolate that could ask nobody, which says that this is not for good", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = () => {
      throw new Error("D1 is away");
    };
    const admin = createClient({ DB: { prepare: broken, batch: broken } as unknown as D1Database });
    expect((await me(admin)).scopes).toEqual(["admin"]);
    const refused = await admin.send("GET", "/v1/threads");
    expect(refused).toMatchObject({ status: 500, body: { code: "internal" } });
    expect(refused.body.detail).toContain("could not find out whether ADMIN_API_KEY still acts for user_first");
  });

  it("says that the database has no tables, and what to do, each time", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const missing = () => {
      throw new Error("D1_ERROR: no such table: users: SQLITE_ERROR");
    };
    const admin = createClient({ DB: { prepare: missing, batch: missing } as unknown as D1Database });
    for (const _ of [1, 2]) {
      const refused = await admin.send("GET", "/v1/threads");
      expect(refused).toMatchObject({ status: 503, body: { code: "not_configured" } });
      expect(refused.body.detail).toContain("has no tables");
      expect(refused.body.detail).toContain("npx wrangler d1 migrations apply taskloom --remote");
    }
    const { status, body } = await admin.send("GET", "/healthz?deep=1");
    expect(status).toBe(503);
    expect(JSON.stringify(body)).toContain("Tables are missing: run");
  });

  it("makes nothing for the first user once that has a key, in an isolate that does not know yet", async () => {
    const [here, elsewhere] = [createClient(), createClient()];
    expect(await me(elsewhere)).toMatchObject(USUAL);
    const own = here.as(String((await here.send("POST", "/v1/api-keys", {})).body.key));
    expect((await elsewhere.send("POST", "/v1/api-keys", {})).status).toBe(401);
    expect((await own.send("GET", "/v1/api-keys")).body.data).toHaveLength(1);
    // Users it makes all the same.
    expect((await elsewhere.send("POST", "/v1/users", { user_id: newId("user") })).status).toBe(201);
  });

  it("is known to have become an admin's only within ten seconds, in other isolates", async () => {
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const [here, elsewhere] = [createClient(), createClient()];
    expect(await me(elsewhere)).toMatchObject(USUAL);
    await here.send("POST", "/v1/api-keys", {});
    vi.setSystemTime(Date.now() + 9_999);
    expect(await me(elsewhere)).toMatchObject(USUAL);
    vi.setSystemTime(Date.now() + 1);
    expect((await me(elsewhere)).scopes).toEqual(["admin"]);
  });

  it("opens no ticket any more that it asked for while it acted", async () => {
    const admin = createClient();
    await admin.send("POST", "/v1/projects", { project_id: "ticketed", name: "Shop" });
    const asked = await admin.send("POST", "/v1/projects/ticketed/sandbox/files/ticket", { path: "a.txt" });
    const { pathname, search } = new URL(String(asked.body.url));
    await admin.send("POST", "/v1/api-keys", {});
    const opened = await admin.as(null).send("GET", `${pathname}${search}`);
    expect(opened).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(opened.body.detail).toContain("The API key that asked for the ticket is no longer valid");
  });

  it("shows the first user neither whom it makes nor from where it acts, once it only administers", async () => {
    const admin = createClient();
    const made = await admin.send("POST", "/v1/api-keys", {});
    const from = { "cf-connecting-ip": "192.0.2.66", "user-agent": "the operator's" };
    const user = await admin.send("POST", "/v1/users", { user_id: "user_secret_hire" }, from);
    expect(user.status).toBe(201);
    await admin.send("PATCH", `/v1/users/${FIRST}`, { name: "Ada" }, from);
    const seen = await admin.as(String(made.body.key)).send("GET", "/v1/audit");
    expect(seen.body.data?.[0]).toMatchObject({ action: "user.update", source: { address: null, user_agent: null } });
    expect(seen.text).not.toMatch(/user_secret_hire|192\.0\.2\.66|the operator's/);
    const all = await admin.send("GET", "/v1/audit?action=user.create");
    expect(all.body.data?.[0]).toMatchObject({ target: "user_secret_hire", user_id: null, key_id: "admin_key" });
    expect(all.text).toContain("192.0.2.66");
  });

  it("is warned of where operators look, until it only administers", async () => {
    const admin = createClient();
    const warnings = async () => JSON.stringify((await admin.send("GET", "/v1/server")).body.warnings);
    expect(await warnings()).toContain("still acts for user_first");
    await admin.send("POST", "/v1/api-keys", {});
    expect(await warnings()).not.toContain("still acts for user_first");
  });
});
