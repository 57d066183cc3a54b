// What a key may give to keys that it makes, until when it holds, and what is shown of it.
import { env } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { mintApiKey } from "../../src/http/api-key.ts";
import { expandScopes, type Scope, scopes } from "../../src/protocol/keys/scope.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { isMakerGone } from "../../src/store/keys/maker.ts";
import { createUser } from "../../src/store/people/users.ts";
import { ADMIN_KEY, type Answer, type Client, createClient, dropKeysOfFirstUser } from "./http-client.ts";

const DAY = 86_400;

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await dropKeysOfFirstUser();
});

/** A client with a key whose row has these scopes and this expiry, and its id. */
async function withKey(client: Client, user_id: string, given: Scope[] | null, expires_at: number | null = null) {
  const time = expires_at === null ? null : new Date(expires_at).toISOString();
  const grant = { name: null, made_by: null, scopes: given, expires_at: time };
  const { key, stored } = await mintApiKey(grant, Date.now());
  expect(await createApiKey(env.DB, user_id, stored)).toBe(true);
  return { client: client.as(key), key_id: stored.key_id };
}

const make = (client: Client, body: object = {}): Promise<Answer> => client.send("POST", "/v1/api-keys", body);
const me = async (client: Client, made: Answer) =>
  (await client.as(String(made.body.key)).send("GET", "/v1/users/me")).body;

describe("a key that a key makes", () => {
  it("has no scope that its maker has not, and does not outlive it, whatever is asked for", async () => {
    const admin = createClient();
    const anyScopes = fc.subarray([...scopes]);
    const life = fc.option(fc.integer({ min: 1, max: 400 }), { nil: null });
    let users = 0;
    const check = async (own: Scope[], days: number | null, asked: Scope[], asked_days: number | null) => {
      const now = Date.now();
      const expires_at = days === null ? null : now + days * DAY * 1000;
      // A user has a hundred keys at most.
      users += 1;
      const { client } = await withKey(admin, `user_grants_${users}`, expandScopes([...own, "write"]), expires_at);
      const body = {
        ...(asked.length > 0 && { scopes: asked }),
        ...(asked_days !== null && { expires_in_seconds: asked_days * DAY }),
      };
      const asked_at = Date.now();
      const made = await make(client, body);
      const made_by = Date.now();
      const held = expandScopes([...own, "write"]);
      const isMore = asked.some((scope) => !held.includes(scope));
      const isLonger = days !== null && asked_days !== null && asked_days >= days;
      if (isMore || isLonger) {
        expect(made).toMatchObject({ status: 403, body: { code: "forbidden" } });
        return;
      }
      expect(made.status).toBe(201);
      const seen = await me(client, made);
      // `admin` is given only if it is asked for.
      expect(seen.scopes).toEqual(asked.length > 0 ? expandScopes(asked) : ["read", "run", "write"]);
      expect(seen.expires_at).toBe(made.body.expires_at);
      const until = made.body.expires_at === null ? null : Date.parse(String(made.body.expires_at));
      if (asked_days === null) expect(until).toBe(expires_at);
      else {
        const made_at = (until ?? 0) - asked_days * DAY * 1000;
        expect([made_at >= asked_at, made_at <= made_by]).toEqual([true, true]);
      }
    };
    await fc.assert(fc.asyncProperty(anyScopes, life, anyScopes, life, check), { numRuns: 60 });
  });

  it("may do all that its user may, in later versions too, if its maker may and nothing is asked for", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_unlimited");
    for (const client of [admin, ada]) {
      const made = await make(client);
      expect(made.body).toMatchObject({ scopes: null, expires_at: null, last_used_at: null });
      expect(await me(client, made)).toMatchObject({ scopes: ["read", "run", "write"], is_admin: false });
    }
    const limited = await make(ada, { scopes: ["write"] });
    const inherited = await make(ada.as(String(limited.body.key)));
    expect(inherited.body.scopes).toEqual(["read", "run", "write"]);
  });

  it("may be an admin only if an admin says so, and can then do that and nothing else", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_no_admin");
    const refused = await make(ada, { scopes: ["admin"] });
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(refused.body.detail).toContain("`admin`");
    const operator = admin.as(String((await make(admin, { scopes: ["admin"] })).body.key));
    expect((await operator.send("POST", "/v1/users", { user_id: "user_by_operator" })).status).toBe(201);
    expect((await operator.send("GET", "/v1/server")).status).toBe(200);
    expect((await operator.send("GET", "/v1/threads")).status).toBe(403);
    expect((await make(operator, { scopes: ["admin"] })).status).toBe(403);
  });

  it("is refused with scopes or a life that no key can have", async () => {
    const admin = createClient();
    for (const body of [
      { scopes: [] },
      { scopes: ["fly"] },
      { scopes: "read" },
      { expires_in_seconds: 0 },
      { expires_in_seconds: 1.5 },
      { expires_in_seconds: 400_000_000 },
    ]) {
      expect([body, (await make(admin, body)).status]).toEqual([body, 400]);
    }
  });
});

describe("a key that expires", () => {
  it("is refused from then on with a sentence that says so, and is still listed", async () => {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    const ada = await createClient().addUser("user_expiring");
    const made = await make(ada, { expires_in_seconds: 60, scopes: ["read"] });
    const other = ada.as(String(made.body.key));
    const end = new Date(now + 60_000).toISOString();
    vi.setSystemTime(now + 59_999);
    expect((await other.send("GET", "/v1/threads")).status).toBe(200);
    vi.setSystemTime(now + 60_000);
    for (const later of [0, 30_000, 3_600_000]) {
      vi.setSystemTime(now + 60_000 + later);
      expect(await other.send("GET", "/v1/threads")).toMatchObject({
        status: 401,
        body: { code: "unauthorized", detail: `The API key expired at ${end}.` },
      });
    }
    const { data = [] } = (await ada.send("GET", "/v1/api-keys")).body;
    expect(data.find(({ key_id }) => key_id === made.body.key_id)).toMatchObject({
      scopes: ["read"],
      expires_at: end,
      last_used_at: new Date(now + 59_999).toISOString(),
    });
  });

  it("makes nothing by a request that it was admitted for before", async () => {
    const admin = createClient();
    const { key_id } = await withKey(admin, "user_late", null, Date.now() - 1);
    const { stored } = await mintApiKey({ name: null, made_by: key_id }, Date.now());
    const error = await createApiKey(env.DB, "user_late", stored).catch((reason: unknown) => reason);
    expect(isMakerGone(error)).toBe(true);
    const user = {
      user_id: "user_made_late",
      name: null,
      email: null,
      role: null,
      created_at: new Date().toISOString(),
    };
    const refused = await createUser(env.DB, user, stored, "user_late").catch((reason: unknown) => reason);
    expect(isMakerGone(refused)).toBe(true);
    expect(await env.DB.prepare("SELECT 1 FROM users WHERE user_id = 'user_made_late'").first()).toBeNull();
  });

  it("is not counted as a wrong key, so its address is not slowed down", async () => {
    const admin = createClient();
    const { client } = await withKey(admin, "user_patient", null, Date.now() - 1);
    for (let sent = 0; sent < 150; sent++) {
      const answer = await client.send("GET", "/v1/threads", undefined, { "cf-connecting-ip": "192.0.2.77" });
      expect(answer.status).toBe(401);
    }
  });

  it("opens no ticket that it asked for", async () => {
    const admin = createClient({ DAYTONA_API_KEY: "d", DAYTONA_API_URL: "http://127.0.0.1:9" });
    const { client, key_id } = await withKey(admin, "user_ticket", ["write"], Date.now() + 60_000);
    await client.send("POST", "/v1/projects", { project_id: "p", name: "p" });
    const made = await client.send("POST", "/v1/projects/p/sandbox/files/ticket", { path: "a.txt" });
    expect(made.status).toBe(201);
    await env.DB.prepare("UPDATE api_keys SET expires_at = '2026-01-01T00:00:00.000Z' WHERE key_id = ?")
      .bind(key_id)
      .run();
    const { pathname, search } = new URL(String(made.body.url));
    expect(await client.as(null).send("GET", `${pathname}${search}`)).toMatchObject({
      status: 401,
      body: { detail: "The API key that asked for the ticket is no longer valid." },
    });
  });
});

describe("the last use of a key", () => {
  it("is known to the hour, and a refused request is a use", async () => {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    const admin = createClient();
    const { client, key_id } = await withKey(admin, "user_uses", ["read"]);
    const lastUse = async () =>
      (await env.DB.prepare("SELECT last_used_at FROM api_keys WHERE key_id = ?").bind(key_id).first())?.last_used_at;
    expect(await lastUse()).toBeNull();
    await client.send("POST", "/v1/agents", { name: "no" });
    expect(await lastUse()).toBe(new Date(now).toISOString());
    vi.setSystemTime(now + 3_000_000);
    await client.send("GET", "/v1/threads");
    expect(await lastUse()).toBe(new Date(now).toISOString());
    vi.setSystemTime(now + 3_700_000);
    // Another isolate.
    await createClient().as(ADMIN_KEY).send("GET", "/v1/threads");
    await client.send("GET", "/v1/threads");
    expect(await lastUse()).toBe(new Date(now + 3_700_000).toISOString());
  });

  it("does not hold up or fail a request when it can't be stored", async () => {
    const logged: string[] = [];
    vi.spyOn(console, "warn").mockImplementation((line) => void logged.push(String(line)));
    const DB = new Proxy(env.DB, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
        return (query: string) => {
          if (/^update "api_keys"/i.test(query)) throw new Error("D1 takes no writes");
          return target.prepare(query);
        };
      },
    });
    const { client } = await withKey(createClient({ DB }), "user_unnoted", ["read"]);
    expect((await client.send("GET", "/v1/threads")).status).toBe(200);
    expect(logged.filter((line) => line.includes("key_use_not_noted"))).toHaveLength(1);
  });
});
