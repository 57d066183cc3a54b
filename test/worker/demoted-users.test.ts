// Where accounts and sessions meet: a user is disabled or loses its role while somebody is signed in, or signing in.
import { createExecutionContext, env, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createApp } from "../../src/app.ts";
import type { Env } from "../../src/config.ts";
import { startSession } from "../../src/http/sessions/start.ts";
import type { Scope } from "../../src/protocol/keys/scope.ts";
import { createApiKey } from "../../src/store/api-keys.ts";
import { isMakerGone } from "../../src/store/keys/maker.ts";
import { makeSession, ofPage, tokenIn } from "../fakes/session.ts";
import { addUser, admin, elsewhere, patch, setAccounts } from "./people-client.ts";

const everything: Scope[] = ["read", "run", "write", "admin"];

setAccounts();

/** As a sign-in does that read the user's role a moment ago. */
async function signInAsAdmin(user_id: string, DB: D1Database): Promise<string> {
  const app = createApp();
  app.post("/auth/as-a-test", async (context) => {
    await startSession(context, { user_id, scopes: everything, sign_in: { issuer: "https://issuer.example" } });
    return context.redirect("/", 303);
  });
  const execution = createExecutionContext();
  const sent = { method: "POST" };
  const answer = await app.request("http://localhost/auth/as-a-test", sent, { ...(env as Env), DB }, execution);
  await waitOnExecutionContext(execution);
  return tokenIn(answer) ?? "";
}

/** D1, where `happen` happens before the first batch: the entry of the audit. */
function beforeFirstBatch(happen: () => Promise<unknown>): D1Database {
  let hasHappened = false;
  return new Proxy(env.DB, {
    get(target, name) {
      if (name === "batch") {
        return async (statements: D1PreparedStatement[]) => {
          const isFirst = !hasHappened;
          hasHappened = true;
          if (isFirst) await happen();
          return await target.batch(statements);
        };
      }
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const scopesOf = async (token: string) =>
  (await admin.as(null).send("GET", "/v1/users/me", undefined, ofPage(token))).body.scopes;

describe("who loses the role of an admin", () => {
  it("has no session with it, also one that begins in the same moment", async () => {
    const { user_id } = await addUser({ role: "admin" });
    expect(await scopesOf(await signInAsAdmin(user_id, env.DB))).toEqual(everything);
    const token = await signInAsAdmin(
      user_id,
      beforeFirstBatch(() => patch(user_id, { role: null })),
    );
    expect(await scopesOf(token)).toEqual(["read", "run", "write"]);
  });

  it("administers nothing more and makes no admin, also where another isolate still knows the session", async () => {
    const target = await addUser();
    const act = async (send: (method: string, path: string, body?: object) => Promise<{ status: number }>) => [
      (await send("POST", "/v1/api-keys", { scopes: ["admin"] })).status,
      (await send("POST", "/v1/users", { role: "admin" })).status,
      (await send("PATCH", `/v1/users/${target.user_id}`, { name: "x" })).status,
      (await send("DELETE", `/v1/users/${target.user_id}/sessions`)).status,
    ];
    const { user_id } = await addUser({ role: "admin" });
    const headers = ofPage((await makeSession(env.DB, { user_id, scopes: everything })).token);
    const send = (method: string, path: string, body?: object) => elsewhere.as(null).send(method, path, body, headers);
    expect(await act(send)).toEqual([201, 201, 200, 204]);
    // Each act reads the session anew, so each has a user of its own.
    for (const [place, [method, path, body]] of (
      [
        ["POST", "/v1/api-keys", { scopes: ["admin"] }],
        ["POST", "/v1/users", { role: "admin" }],
        ["PATCH", `/v1/users/${target.user_id}`, { disabled: true }],
        ["DELETE", `/v1/users/${target.user_id}`, undefined],
      ] as const
    ).entries()) {
      const former = await addUser({ role: "admin" });
      const own = ofPage((await makeSession(env.DB, { user_id: former.user_id, scopes: everything })).token);
      expect((await elsewhere.as(null).send("GET", "/v1/users", undefined, own)).status).toBe(200);
      await patch(former.user_id, { role: null });
      const answer = await elsewhere.as(null).send(method, path, body, own);
      expect([place, answer.status, answer.body.code]).toEqual([place, 403, "forbidden"]);
    }
  });

  it("gives the scope to no key whose request was under way", async () => {
    const { user_id } = await addUser({ role: "admin" });
    const { session_id } = await makeSession(env.DB, { user_id, scopes: everything });
    const at = new Date().toISOString();
    const key = {
      name: null,
      kind: "key",
      hash: "hash",
      created_at: at,
      made_by: session_id,
      expires_at: null,
    } as const;
    await createApiKey(env.DB, user_id, { ...key, key_id: `key_of_${user_id}`, scopes: ["admin"] });
    await patch(user_id, { role: null });
    const late = createApiKey(env.DB, user_id, { ...key, key_id: `key_late_${user_id}`, scopes: ["admin"] });
    expect(isMakerGone(await late.catch((error: unknown) => error))).toBe(true);
    await createApiKey(env.DB, user_id, { ...key, key_id: `key_plain_${user_id}`, scopes: ["read"] });
  });
});

it("a disabled person signs out: the session does not come back when the user is enabled", async () => {
  const { user_id } = await addUser();
  const { token, session_id } = await makeSession(env.DB, { user_id });
  const send = (method: string, path: string) => admin.as(null).send(method, path, undefined, ofPage(token));
  await patch(user_id, { disabled: true });
  expect((await send("GET", "/v1/users/me")).status).toBe(403);
  const out = await send("POST", "/auth/sign-out");
  expect([out.status, out.headers.get("set-cookie")]).toEqual([200, expect.stringContaining("Max-Age=0")]);
  await patch(user_id, { disabled: false });
  expect((await send("GET", "/v1/users/me")).status).toBe(401);
  const entry = env.DB.prepare(
    "SELECT actor_id, outcome FROM audit_entries WHERE action = 'session.delete' AND target = ?",
  );
  expect(await entry.bind(session_id).first()).toEqual({ actor_id: user_id, outcome: "done" });
});

it("a session that is ended as a key is in the audit as a session", async () => {
  const { user_id, client } = await addUser();
  const own = await makeSession(env.DB, { user_id });
  expect((await client.send("DELETE", `/v1/api-keys/${own.session_id}?made=revoke`)).status).toBe(204);
  const { body: read } = await client.send("GET", "/v1/audit?action=session.delete");
  expect(read.data).toMatchObject([{ target: own.session_id, outcome: "done", details: { made: "revoke" } }]);
  for (const made of ["keep", "revoke"]) {
    const { session_id } = await makeSession(env.DB, { user_id });
    expect((await admin.send("DELETE", `/v1/users/${user_id}/api-keys/${session_id}?made=${made}`)).status).toBe(204);
    const { body } = await admin.send("GET", `/v1/audit?user_id=${user_id}&action=session.delete`);
    expect(body.data?.[0]).toMatchObject({ target: session_id, outcome: "done", details: { made } });
  }
});
