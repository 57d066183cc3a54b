// Sessions in the app: what a browser's cookie may do, where it counts, and how it ends.
import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { startSession } from "../../src/http/sessions/start.ts";
import type { Scope } from "../../src/protocol/keys/scope.ts";
import { makeSession, ofPage, tokenIn } from "../fakes/session.ts";
import { ADMIN_KEY, type Client, createClient } from "./http-client.ts";

const HOUR = 3_600_000;

let user_id: string;
let client: Client;
let owner: Client;
let count = 0;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  count += 1;
  user_id = `user_sessions_${count}`;
  client = createClient({ ENCRYPTION_KEY: "key of the tests" });
  owner = await client.addUser(user_id);
});
afterEach(() => vi.restoreAllMocks());

async function signIn(given: { scopes?: Scope[] | null; now?: number; lasts_ms?: number; user_agent?: string } = {}) {
  const session = await makeSession(env.DB, { user_id, ...given });
  const headers = ofPage(session.token);
  const send = (method: string, path: string, body?: unknown, own: Record<string, string> = {}) =>
    client.as(null).send(method, path, body, { ...headers, ...own });
  return { ...session, headers, send };
}

const entries = async () =>
  (
    await env.DB.prepare(
      "SELECT action, actor_id, key_id, target, outcome, details FROM audit_entries WHERE user_id = ? ORDER BY entry_id",
    )
      .bind(user_id)
      .all<Record<string, string>>()
  ).results;

describe("a session's cookie", () => {
  it("stands for a key of its user, with what its user may do", async () => {
    const { send, session_id } = await signIn();
    const { status, body } = await send("GET", "/v1/users/me");
    expect([status, body.user_id, body.key_id, body.scopes]).toEqual([
      200,
      user_id,
      session_id,
      ["read", "run", "write"],
    ]);
    expect((await send("POST", "/v1/projects", { name: "Shop" })).status).toBe(201);
    expect((await send("GET", "/v1/server")).status).toBe(403);
    const admin = await signIn({ scopes: ["read", "run", "write", "admin"] });
    expect((await admin.send("GET", "/v1/server")).status).toBe(200);
  });

  it("counts for nothing beside an `Authorization` header, right or wrong", async () => {
    const { headers } = await signIn();
    const other = await client.addUser(`${user_id}_other`);
    expect((await other.send("GET", "/v1/users/me", undefined, headers)).body.user_id).toBe(`${user_id}_other`);
    for (const key of ["wrong", "tl_wrong", ""]) {
      expect((await client.as(key).send("GET", "/v1/users/me", undefined, headers)).status).toBe(401);
    }
    const basic = { ...headers, authorization: "Basic YTpi" };
    expect((await client.as(null).send("GET", "/v1/users/me", undefined, basic)).status).toBe(401);
  });

  it("is no key, and a key is no cookie", async () => {
    const { token, session_id } = await signIn();
    for (const key of [token, session_id, token.split(".")[1] ?? "", token.replaceAll(".", "_")]) {
      expect((await client.as(key).send("GET", "/v1/users/me")).status).toBe(401);
    }
    const { body } = await owner.send("POST", "/v1/api-keys", {});
    for (const cookie of [String(body.key), ADMIN_KEY, String(body.key_id), session_id, "", "x".repeat(10_000)]) {
      expect((await client.as(null).send("GET", "/v1/users/me", undefined, ofPage(cookie))).status).toBe(401);
    }
    // Also where the row's hash is that of the whole key.
    await env.DB.prepare("UPDATE api_keys SET kind = 'session' WHERE key_id = ?").bind(body.key_id).run();
    expect((await client.as(String(body.key)).send("GET", "/v1/users/me")).status).toBe(401);
  });

  it("that is wrong counts as a wrong key", async () => {
    const { token, send } = await signIn();
    const address = { "cf-connecting-ip": `192.0.2.${count}` };
    const statuses: number[] = [];
    for (let guess = 0; guess < 60; guess++) {
      const secret = guess.toString(16).padStart(64, "0");
      const wrong = `${token.split(".")[0]}.${secret}.${secret}`;
      statuses.push(
        (await client.as(null).send("GET", "/v1/users/me", undefined, { ...ofPage(wrong), ...address })).status,
      );
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    // Neighbours with a session that is known here pass.
    expect((await send("GET", "/v1/users/me", undefined, { "cf-connecting-ip": "192.0.2.200" })).status).toBe(200);
    expect((await send("GET", "/v1/users/me", undefined, address)).status).toBe(200);
  });

  it("keeps what it opens out of caches", async () => {
    const { send } = await signIn();
    for (const [path, status] of [
      ["/v1/users/me", 200],
      ["/v1/threads/none", 404],
    ] as const) {
      const answer = await send("GET", path);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([status, "private, no-store"]);
    }
    expect((await owner.send("GET", "/v1/users/me")).headers.get("cache-control")).toBeNull();
  });

  it("is replaced by the answer after an hour, also by one that refuses, and the next one holds", async () => {
    const { send } = await signIn({ now: Date.now() - HOUR, lasts_ms: 3 * HOUR });
    const answer = await send("GET", "/v1/threads/none");
    const next = tokenIn(answer) ?? "";
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([
      404,
      expect.stringMatching(/^taskloom-session=sess_[^;]+; Max-Age=7[12]\d\d; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect((await client.as(null).send("GET", "/v1/users/me", undefined, ofPage(next))).status).toBe(200);
  });
});

/** Of a page elsewhere, or of no page. */
const foreign: Record<string, string>[] = [
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "none" },
  { "sec-fetch-site": "cross-site", origin: "http://localhost" },
  { origin: "https://evil.example" },
  { origin: "http://localhost:3000" },
  { origin: "null" },
];

describe("a request that another site's page makes with the cookie", () => {
  it("is refused, whatever its method and its body's type, and changes nothing", async () => {
    const { token } = await signIn();
    const cookie = { cookie: `taskloom-session=${token}` };
    const body = JSON.stringify({ name: "planted" });
    const types = [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "application/json",
    ];
    for (const headers of foreign) {
      for (const type of types) {
        const sent = { ...cookie, ...headers, "content-type": type };
        expect((await client.as(null).send("POST", "/v1/projects", body, sent)).status).toBe(401);
      }
      for (const [method, path] of [
        ["GET", "/v1/threads"],
        ["HEAD", "/v1/threads"],
        ["DELETE", "/v1/sessions"],
        ["GET", "/v1/threads/none/events"],
      ] as const) {
        const answer = await client.as(null).send(method, path, undefined, { ...cookie, ...headers });
        expect([method, path, headers, answer.status]).toEqual([method, path, headers, 401]);
        expect(answer.headers.get("set-cookie")).toBeNull();
      }
      const out = await client.as(null).send("POST", "/auth/sign-out", undefined, { ...cookie, ...headers });
      expect([out.status, out.headers.get("set-cookie")]).toEqual([403, null]);
      const socket = { ...cookie, ...headers, upgrade: "websocket", connection: "Upgrade" };
      expect((await client.as(null).send("GET", "/v1/terminal?ticket=none", undefined, socket)).status).toBeGreaterThan(
        400,
      );
    }
    expect((await client.as(null).send("POST", "/v1/projects", body, cookie)).status).toBe(401);
    expect((await owner.send("GET", "/v1/projects")).body.data).toEqual([]);
    expect((await owner.send("GET", "/v1/sessions")).body.data).toHaveLength(1);
  });

  it("gets no rights from `CORS_ORIGINS=*`", async () => {
    const { headers } = await signIn();
    const open = createClient({ CORS_ORIGINS: "*" });
    const origin = "https://evil.example";
    const preflight = {
      origin,
      "access-control-request-method": "DELETE",
      "access-control-request-headers": "content-type",
      ...headers,
    };
    for (const [method, own] of [
      ["OPTIONS", preflight],
      ["GET", { ...headers, origin, "sec-fetch-site": "cross-site" }],
    ] as const) {
      const answer = await open.as(null).send(method, "/v1/sessions", undefined, own);
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect([method, answer.headers.get("access-control-allow-credentials")]).toEqual([method, null]);
      expect(answer.body.data).toBeUndefined();
    }
  });

  it("by a browser that says nothing of the page reads, and starts nothing", async () => {
    const { token, send } = await signIn();
    const headers = { cookie: `taskloom-session=${token}` };
    await send("POST", "/v1/projects", { project_id: `old-${count}`, name: "Shop" });
    const ask = (method: string, path: string) => client.as(null).send(method, path, undefined, headers);
    for (const method of ["GET", "HEAD"]) {
      expect((await ask(method, "/v1/threads")).status).toBe(200);
      for (const path of [`/v1/projects/old-${count}/sandbox/files`, "/v1/sessions", "/v1/webhooks"]) {
        expect([path, (await ask(method, path)).status]).toEqual([path, 401]);
      }
    }
    const own = { ...headers, origin: "http://localhost" };
    expect((await client.as(null).send("POST", "/v1/projects", { name: "Own" }, own)).status).toBe(201);
  });
});

describe("a cookie that somebody else may have set", () => {
  const ask = (url: string, cookie: string) =>
    createApp().request(
      url,
      { headers: { cookie, "sec-fetch-site": "same-origin" } },
      env as Env,
      createExecutionContext(),
    );

  it("beside the own one leaves neither", async () => {
    const [own, planted] = [await signIn(), await signIn()];
    const name = "taskloom-session";
    const answer = await ask("http://localhost/v1/users/me", `${name}=${planted.token}; ${name}=${own.token}`);
    expect([answer.status, await answer.text()]).toEqual([
      401,
      expect.stringContaining("several cookies of a session"),
    ]);
    const large = await ask("http://localhost/v1/users/me", `${name}=${own.token}; a=${"x".repeat(20_000)}`);
    expect([large.status, await large.text()]).toEqual([401, expect.stringContaining("too large")]);
  });

  it("counts over https only under the protected name, and nowhere over http but on the own machine", async () => {
    const { token } = await signIn();
    const statusOf = async (url: string, name: string) => (await ask(`${url}/v1/users/me`, `${name}=${token}`)).status;
    expect(await statusOf("https://taskloom.example", "__Host-taskloom-session")).toBe(200);
    expect(await statusOf("https://taskloom.example", "taskloom-session")).toBe(401);
    expect(await statusOf("http://127.0.0.1:8787", "taskloom-session")).toBe(200);
    for (const name of ["taskloom-session", "__Host-taskloom-session"]) {
      expect(await statusOf("http://192.168.1.5:8787", name)).toBe(401);
    }
  });
});

describe("signing in", () => {
  async function start(url: string, own: Partial<Env> = {}) {
    const app = createApp();
    app.post("/auth/as-a-test", async (context) => {
      await startSession(context, { user_id, scopes: null, sign_in: { issuer: "https://issuer.example" } });
      return context.redirect("/", 303);
    });
    const execution = createExecutionContext();
    const headers = { "user-agent": "B".repeat(500), "cf-connecting-ip": "192.0.2.9" };
    const answer = await app.request(url, { method: "POST", headers }, { ...(env as Env), ...own }, execution);
    await waitOnExecutionContext(execution);
    return answer;
  }

  it("gives the browser a cookie for its time, and is recorded", async () => {
    const answer = await start("https://taskloom.example/auth/as-a-test", { SESSION_HOURS: "2" });
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([
      303,
      expect.stringMatching(
        /^__Host-taskloom-session=sess_[\w.]+; Max-Age=7200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      ),
    ]);
    const token = tokenIn(answer) ?? "";
    const [session_id] = token.split(".");
    const { data = [] } = (await owner.send("GET", "/v1/sessions")).body;
    const [session] = data;
    expect(data).toEqual([
      expect.objectContaining({ session_id, user_agent: "B".repeat(200), address: "192.0.2.9", current: false }),
    ]);
    expect(Date.parse(String(session?.expires_at)) - Date.parse(String(session?.created_at))).toBe(2 * HOUR);
    expect(await entries()).toEqual([
      {
        action: "session.create",
        actor_id: user_id,
        key_id: session_id,
        target: session_id,
        outcome: "done",
        details: "{}",
      },
    ]);
    const stored = await env.DB.prepare("SELECT * FROM api_keys WHERE key_id = ?").bind(session_id).first();
    expect(JSON.stringify(stored)).not.toContain(token.split(".")[1]);
    expect(JSON.stringify(stored)).not.toContain(token.split(".")[2]);
  });

  it("is refused over http on a local network, in words for the person", async () => {
    const answer = await start("http://192.168.1.5:8787/auth/as-a-test");
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("Signing in needs https.");
    expect((await owner.send("GET", "/v1/sessions")).body.data).toEqual([]);
  });
});

describe("the list of sessions", () => {
  it("shows where the user is signed in, newest first, to a session and to a key that may write", async () => {
    const first = await signIn({ now: Date.now() - 1_000, user_agent: "phone" });
    const second = await signIn({ user_agent: "laptop" });
    const { body } = await second.send("GET", "/v1/sessions");
    expect(body.data?.map(({ session_id, current, user_agent }) => [session_id, current, user_agent])).toEqual([
      [second.session_id, true, "laptop"],
      [first.session_id, false, "phone"],
    ]);
    expect((await owner.send("GET", "/v1/sessions")).body.data?.map(({ current }) => current)).toEqual([false, false]);
    const reader = await owner.send("POST", "/v1/api-keys", { scopes: ["run"] });
    expect((await client.as(String(reader.body.key)).send("GET", "/v1/sessions")).status).toBe(403);
    const other = await client.addUser(`${user_id}_other`);
    expect((await other.send("GET", "/v1/sessions")).body.data).toEqual([]);
    for (const made of ["keep", "revoke"]) {
      expect((await other.send("DELETE", `/v1/sessions/${first.session_id}?made=${made}`)).status).toBe(404);
    }
  });

  it("ends one, which a list of keys neither shows nor deletes", async () => {
    const { send, session_id } = await signIn();
    expect((await owner.send("GET", "/v1/api-keys")).body.data).toHaveLength(1);
    expect((await owner.send("DELETE", `/v1/api-keys/${session_id}`)).status).toBe(404);
    expect((await send("GET", "/v1/users/me")).status).toBe(200);
    expect((await owner.send("DELETE", `/v1/sessions/${session_id}`)).status).toBe(204);
    expect((await send("GET", "/v1/users/me")).status).toBe(401);
    expect((await owner.send("DELETE", `/v1/sessions/${session_id}`)).status).toBe(404);
    const key = await owner.send("POST", "/v1/api-keys", {});
    expect((await owner.send("DELETE", `/v1/sessions/${key.body.key_id}?made=revoke`)).status).toBe(404);
    expect((await client.as(String(key.body.key)).send("GET", "/v1/users/me")).status).toBe(200);
    expect((await entries()).map(({ action, target, outcome }) => [action, target, outcome])).toEqual([
      ["session.delete", session_id, "done"],
      ["session.delete", session_id, "refused"],
      ["session.delete", key.body.key_id, "refused"],
    ]);
  });

  it("ends all of them, or all others, and takes the cookie of the one that asks", async () => {
    const [first, second, third] = [await signIn(), await signIn(), await signIn()];
    const others = await second.send("DELETE", "/v1/sessions?except=current");
    expect([others.status, others.headers.get("set-cookie")]).toEqual([204, null]);
    for (const { send } of [first, third]) expect((await send("GET", "/v1/users/me")).status).toBe(401);
    expect((await second.send("GET", "/v1/users/me")).status).toBe(200);
    const all = await second.send("DELETE", "/v1/sessions");
    expect([all.status, all.headers.get("set-cookie")]).toEqual([
      204,
      expect.stringContaining("taskloom-session=; Max-Age=0"),
    ]);
    expect((await second.send("GET", "/v1/users/me")).status).toBe(401);
    expect((await owner.send("GET", "/v1/users/me")).status).toBe(200);
    expect((await entries()).map(({ details }) => JSON.parse(String(details)).sessions)).toEqual([2, 1]);
  });
});

describe("signing out", () => {
  it("ends the session and deletes the cookie", async () => {
    const { send, session_id } = await signIn({ now: Date.now() - HOUR });
    const { status, body, headers } = await send("POST", "/auth/sign-out");
    expect([status, body, headers.get("set-cookie")]).toEqual([
      200,
      { redirect_to: null },
      "taskloom-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict",
    ]);
    expect((await send("GET", "/v1/users/me")).status).toBe(401);
    expect(await entries()).toMatchObject([
      { action: "session.delete", actor_id: user_id, key_id: session_id, target: session_id, outcome: "done" },
    ]);
  });

  it("deletes the cookie of a session that has ended, or of none", async () => {
    const { send, session_id } = await signIn();
    await owner.send("DELETE", `/v1/sessions/${session_id}`);
    const cookies: Record<string, string>[] = [{}, { cookie: "a=b" }, { cookie: "taskloom-session=planted" }];
    for (const headers of cookies) {
      const { status, headers: answered } = await send("POST", "/auth/sign-out", undefined, headers);
      expect([status, answered.get("set-cookie")]).toEqual([200, expect.stringContaining("Max-Age=0")]);
    }
  });
});

describe("what a session makes", () => {
  it("is a key that neither expires with it nor is limited, and is found and revoked after the session has ended", async () => {
    const { send, session_id } = await signIn({ lasts_ms: 60_000 });
    const made = await send("POST", "/v1/api-keys", { name: "laptop" });
    expect(made.body).toMatchObject({ made_by: session_id, scopes: null, expires_at: null });
    const long = await send("POST", "/v1/api-keys", { expires_in_seconds: 86_400 });
    expect(long.status).toBe(201);
    await send("POST", "/auth/sign-out");
    const key = client.as(String(made.body.key));
    expect((await key.send("GET", "/v1/users/me")).status).toBe(200);
    const { data = [] } = (await owner.send("GET", `/v1/api-keys/${session_id}/made`)).body;
    expect(data.map(({ id }) => id).sort()).toEqual([made.body.key_id, long.body.key_id].sort());
    const jobs = createClient({ JOBS: { send: async () => {} } as unknown as Queue<unknown> });
    const owned = await owner.send("POST", "/v1/api-keys", {});
    const revoked = await jobs.as(String(owned.body.key)).send("DELETE", `/v1/sessions/${session_id}?made=revoke`);
    expect(revoked.status).toBe(204);
    expect((await createClient().as(String(made.body.key)).send("GET", "/v1/users/me")).status).toBe(401);
  });

  it("has the scope `admin` only if the session has it and it is asked for", async () => {
    const person = await signIn();
    expect((await person.send("POST", "/v1/api-keys", { scopes: ["admin"] })).status).toBe(403);
    const admin = await signIn({ scopes: ["read", "run", "write", "admin"] });
    expect((await admin.send("POST", "/v1/api-keys", {})).body.scopes).toBeNull();
    expect((await admin.send("POST", "/v1/api-keys", { scopes: ["read", "admin"] })).body.scopes).toEqual([
      "read",
      "admin",
    ]);
  });

  it("is nothing once the session has ended, also of a request that was let in before", async () => {
    const { send, session_id } = await signIn();
    expect((await send("GET", "/v1/users/me")).status).toBe(200);
    // In another isolate: this one remembers the session.
    await env.DB.prepare("UPDATE api_keys SET key_id = 'deleted:' || key_id, hash = 'deleted' WHERE key_id = ?")
      .bind(session_id)
      .run();
    expect((await send("POST", "/v1/api-keys", {})).status).toBe(401);
  });
});

describe("a ticket of a session", () => {
  it("opens what it is for, and nothing once the session has ended", async () => {
    const { send, session_id } = await signIn();
    const project_id = `tickets-${count}`;
    await send("POST", "/v1/projects", { project_id, name: "Shop" });
    const path = `/v1/projects/${project_id}/sandbox/files`;
    await send("PUT", `${path}/content?path=notes.txt`, "the text", { "content-type": "application/octet-stream" });
    const ask = async () => {
      const made = await send("POST", `${path}/ticket`, { path: "notes.txt" });
      const { pathname, search } = new URL(String(made.body.url));
      return `${pathname}${search}`;
    };
    const [first, second] = [await ask(), await ask()];
    expect((await client.as(null).send("GET", first)).text).toBe("the text");
    await owner.send("DELETE", `/v1/sessions/${session_id}`);
    expect((await client.as(null).send("GET", second)).status).toBe(401);
    await owner.send("DELETE", `/v1/projects/${project_id}`);
  });
});
