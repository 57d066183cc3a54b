// Sessions in the app: what a browser's cookie may do, and how it ends. `session-pages.test.ts` has where it counts.
import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { startSession } from "../../src/http/sessions/start.ts";
import { sweepSessions } from "../../src/sweeps.ts";
import { ofPage, tokenIn } from "../fakes/session.ts";
import { ADMIN_KEY } from "./http-client.ts";
import { setSessionScene } from "./session-client.ts";

const HOUR = 3_600_000;

const scene = setSessionScene("sessions");

const entries = async () =>
  (
    await env.DB.prepare(
      "SELECT action, actor_id, key_id, target, outcome, details FROM audit_entries WHERE user_id = ? ORDER BY entry_id",
    )
      .bind(scene.user_id)
      .all<Record<string, string>>()
  ).results;

describe("a session's cookie", () => {
  it("stands for a key of its user, with what its user may do", async () => {
    const { send, session_id } = await scene.signIn();
    const { status, body } = await send("GET", "/v1/users/me");
    expect([status, body.user_id, body.key_id, body.scopes]).toEqual([
      200,
      scene.user_id,
      session_id,
      ["read", "run", "write"],
    ]);
    expect((await send("POST", "/v1/projects", { name: "Shop" })).status).toBe(201);
    expect((await send("GET", "/v1/server")).status).toBe(403);
    const admin = await scene.signIn({ scopes: ["read", "run", "write", "admin"] });
    expect((await admin.send("GET", "/v1/server")).status).toBe(200);
  });

  it("counts for nothing beside an `Authorization` header, right or wrong", async () => {
    const { headers } = await scene.signIn();
    const other = await scene.client.addUser(`${scene.user_id}_other`);
    expect((await other.send("GET", "/v1/users/me", undefined, headers)).body.user_id).toBe(`${scene.user_id}_other`);
    for (const key of ["wrong", "tl_wrong", ""]) {
      expect((await scene.client.as(key).send("GET", "/v1/users/me", undefined, headers)).status).toBe(401);
    }
    const basic = { ...headers, authorization: "Basic YTpi" };
    expect((await scene.client.as(null).send("GET", "/v1/users/me", undefined, basic)).status).toBe(401);
  });

  it("is no key, and a key is no cookie", async () => {
    const { token, session_id } = await scene.signIn();
    for (const key of [token, session_id, token.split(".")[1] ?? "", token.replaceAll(".", "_")]) {
      expect((await scene.client.as(key).send("GET", "/v1/users/me")).status).toBe(401);
    }
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    for (const cookie of [String(body.key), ADMIN_KEY, String(body.key_id), session_id, "", "x".repeat(10_000)]) {
      expect((await scene.client.as(null).send("GET", "/v1/users/me", undefined, ofPage(cookie))).status).toBe(401);
    }
    // Also where the row's hash is that of the whole key.
    await env.DB.prepare("UPDATE api_keys SET kind = 'session' WHERE key_id = ?").bind(body.key_id).run();
    expect((await scene.client.as(String(body.key)).send("GET", "/v1/users/me")).status).toBe(401);
  });

  it("that is wrong counts as a wrong key", async () => {
    const { token, send } = await scene.signIn();
    const address = { "cf-connecting-ip": `192.0.2.${scene.count}` };
    const statuses: number[] = [];
    for (let guess = 0; guess < 60; guess++) {
      const secret = guess.toString(16).padStart(64, "0");
      const wrong = `${token.split(".")[0]}.${secret}.${secret}`;
      statuses.push(
        (await scene.client.as(null).send("GET", "/v1/users/me", undefined, { ...ofPage(wrong), ...address })).status,
      );
    }
    expect([statuses[0], statuses.at(-1)]).toEqual([401, 429]);
    // Neighbours with a session that is known here pass.
    expect((await send("GET", "/v1/users/me", undefined, { "cf-connecting-ip": "192.0.2.200" })).status).toBe(200);
    expect((await send("GET", "/v1/users/me", undefined, address)).status).toBe(200);
  });

  it("keeps what it opens out of caches", async () => {
    const { send } = await scene.signIn();
    for (const [path, status] of [
      ["/v1/users/me", 200],
      ["/v1/threads/none", 404],
    ] as const) {
      const answer = await send("GET", path);
      expect([answer.status, answer.headers.get("cache-control")]).toEqual([status, "private, no-store"]);
    }
    expect((await scene.owner.send("GET", "/v1/users/me")).headers.get("cache-control")).toBeNull();
  });

  it("is replaced by the answer after an hour, also by one that refuses, and the next one holds", async () => {
    const { send } = await scene.signIn({ now: Date.now() - HOUR, lasts_ms: 3 * HOUR });
    const answer = await send("GET", "/v1/threads/none");
    const next = tokenIn(answer) ?? "";
    expect([answer.status, answer.headers.get("set-cookie")]).toEqual([
      404,
      expect.stringMatching(/^taskloom-session=sess_[^;]+; Max-Age=7[12]\d\d; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect((await scene.client.as(null).send("GET", "/v1/users/me", undefined, ofPage(next))).status).toBe(200);
  });
});

describe("signing in", () => {
  async function start(url: string, own: Partial<Env> = {}) {
    const app = createApp();
    app.post("/auth/as-a-test", async (context) => {
      await startSession(context, {
        user_id: scene.user_id,
        scopes: null,
        sign_in: { issuer: "https://issuer.example" },
      });
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
    const { data = [] } = (await scene.owner.send("GET", "/v1/sessions")).body;
    const [session] = data;
    expect(data).toEqual([
      expect.objectContaining({ session_id, user_agent: "B".repeat(200), address: "192.0.2.9", current: false }),
    ]);
    expect(Date.parse(String(session?.expires_at)) - Date.parse(String(session?.created_at))).toBe(2 * HOUR);
    expect(await entries()).toEqual([
      {
        action: "session.create",
        actor_id: scene.user_id,
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
    expect((await scene.owner.send("GET", "/v1/sessions")).body.data).toEqual([]);
  });
});

describe("the list of sessions", () => {
  it("shows where the user is signed in, newest first, to a session and to a key that may write", async () => {
    const first = await scene.signIn({ now: Date.now() - 1_000, user_agent: "phone" });
    const second = await scene.signIn({ user_agent: "laptop" });
    const { body } = await second.send("GET", "/v1/sessions");
    expect(body.data?.map(({ session_id, current, user_agent }) => [session_id, current, user_agent])).toEqual([
      [second.session_id, true, "laptop"],
      [first.session_id, false, "phone"],
    ]);
    expect((await scene.owner.send("GET", "/v1/sessions")).body.data?.map(({ current }) => current)).toEqual([
      false,
      false,
    ]);
    const reader = await scene.owner.send("POST", "/v1/api-keys", { scopes: ["run"] });
    expect((await scene.client.as(String(reader.body.key)).send("GET", "/v1/sessions")).status).toBe(403);
    const other = await scene.client.addUser(`${scene.user_id}_other`);
    expect((await other.send("GET", "/v1/sessions")).body.data).toEqual([]);
    for (const made of ["keep", "revoke"]) {
      expect((await other.send("DELETE", `/v1/sessions/${first.session_id}?made=${made}`)).status).toBe(404);
    }
  });

  it("ends one, which a list of keys neither shows nor deletes", async () => {
    const { send, session_id } = await scene.signIn();
    expect((await scene.owner.send("GET", "/v1/api-keys")).body.data).toHaveLength(1);
    expect((await scene.owner.send("DELETE", `/v1/api-keys/${session_id}`)).status).toBe(404);
    expect((await send("GET", "/v1/users/me")).status).toBe(200);
    expect((await scene.owner.send("DELETE", `/v1/sessions/${session_id}`)).status).toBe(204);
    expect((await send("GET", "/v1/users/me")).status).toBe(401);
    expect((await scene.owner.send("DELETE", `/v1/sessions/${session_id}`)).status).toBe(404);
    const key = await scene.owner.send("POST", "/v1/api-keys", {});
    expect((await scene.owner.send("DELETE", `/v1/sessions/${key.body.key_id}?made=revoke`)).status).toBe(404);
    expect((await scene.client.as(String(key.body.key)).send("GET", "/v1/users/me")).status).toBe(200);
    const ofSessions = (await entries()).filter(({ action }) => action?.startsWith("session."));
    expect(ofSessions.map(({ action, target, outcome }) => [action, target, outcome])).toEqual([
      // As a key.
      ["session.delete", session_id, "refused"],
      ["session.delete", session_id, "done"],
      ["session.delete", session_id, "refused"],
      ["session.delete", key.body.key_id, "refused"],
    ]);
  });

  it("ends all of them, or all others, and takes the cookie of the one that asks", async () => {
    const [first, second, third] = [await scene.signIn(), await scene.signIn(), await scene.signIn()];
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
    expect((await scene.owner.send("GET", "/v1/users/me")).status).toBe(200);
    expect((await entries()).map(({ details }) => JSON.parse(String(details)).sessions)).toEqual([2, 1]);
  });
});

describe("signing out", () => {
  it("ends the session and deletes the cookie", async () => {
    const { send, session_id } = await scene.signIn({ now: Date.now() - HOUR });
    const { status, body, headers } = await send("POST", "/auth/sign-out");
    expect([status, body, headers.get("set-cookie")]).toEqual([
      200,
      { redirect_to: null },
      "taskloom-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict",
    ]);
    expect((await send("GET", "/v1/users/me")).status).toBe(401);
    expect(await entries()).toMatchObject([
      { action: "session.delete", actor_id: scene.user_id, key_id: session_id, target: session_id, outcome: "done" },
    ]);
  });

  it("deletes the cookie of a session that has ended, or of none", async () => {
    const { send, session_id } = await scene.signIn();
    await scene.owner.send("DELETE", `/v1/sessions/${session_id}`);
    const cookies: Record<string, string>[] = [{}, { cookie: "a=b" }, { cookie: "taskloom-session=planted" }];
    for (const headers of cookies) {
      const { status, headers: answered } = await send("POST", "/auth/sign-out", undefined, headers);
      expect([status, answered.get("set-cookie")]).toEqual([200, expect.stringContaining("Max-Age=0")]);
    }
  });
});

describe("the clock", () => {
  it("ends expired sessions of people who did not come back, once an hour", async () => {
    await scene.signIn({ now: Date.now() - 2 * HOUR, lasts_ms: HOUR });
    const left = () =>
      env.DB.prepare("SELECT count(*) AS n FROM api_keys WHERE user_id = ? AND details IS NOT NULL")
        .bind(scene.user_id)
        .first("n");
    const hour = Math.floor(Date.now() / HOUR) * HOUR;
    for (const minute of [0, 16, 18, 59]) await sweepSessions(env as Env, hour + minute * 60_000);
    expect(await left()).toBe(1);
    await sweepSessions(env as Env, hour + 17 * 60_000);
    expect(await left()).toBe(0);
  });
});

// It makes a sandbox.
describe("a ticket of a session", () => {
  it("opens what it is for, and nothing once the session has ended", async () => {
    const { send, session_id } = await scene.signIn();
    const project_id = `tickets-${scene.count}`;
    await send("POST", "/v1/projects", { project_id, name: "Shop" });
    const path = `/v1/projects/${project_id}/sandbox/files`;
    await send("PUT", `${path}/content?path=notes.txt`, "the text", { "content-type": "application/octet-stream" });
    const ask = async () => {
      const made = await send("POST", `${path}/ticket`, { path: "notes.txt" });
      const { pathname, search } = new URL(String(made.body.url));
      return `${pathname}${search}`;
    };
    const [first, second] = [await ask(), await ask()];
    expect((await scene.client.as(null).send("GET", first)).text).toBe("the text");
    await scene.owner.send("DELETE", `/v1/sessions/${session_id}`);
    expect((await scene.client.as(null).send("GET", second)).status).toBe(401);
    await scene.owner.send("DELETE", `/v1/projects/${project_id}`);
  });
});
