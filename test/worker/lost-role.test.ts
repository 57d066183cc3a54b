// Whoever loses the role of an admin loses it at once, also with requests that other isolates still admit.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createSession } from "../../src/store/people/sessions.ts";
import { createClient } from "./http-client.ts";
import { addKey, addUser, admin, elsewhere, patch, remove, setAccounts, settings } from "./people-client.ts";

setAccounts();

async function addAdmin() {
  const { user_id } = await addUser({ role: "admin" });
  const { key, key_id } = await addKey(user_id, "key", ["write", "admin"]);
  return { user_id, key, key_id };
}

describe("an admin who lost the role, in an isolate that has not heard of it", () => {
  it("makes no key with the scope, no user and no admin, and changes nobody", async () => {
    const { user_id, key } = await addAdmin();
    const other = await addUser();
    const there = elsewhere.as(key);
    expect((await there.send("GET", "/v1/users")).status).toBe(200);
    await patch(user_id, { role: null });
    // The isolate still lets it in.
    expect((await there.send("GET", "/v1/users")).status).toBe(200);
    const refused = { status: 403, body: { code: "forbidden" } };
    expect(await there.send("POST", "/v1/api-keys", { scopes: ["write", "admin"] })).toMatchObject(refused);
    expect(await there.send("POST", "/v1/users", { user_id: "user_of_nobody", role: "admin" })).toMatchObject(refused);
    expect(await patch(user_id, { role: "admin" }, there)).toMatchObject(refused);
    expect(await patch(other.user_id, { role: "admin", email: "mine@example.com" }, there)).toMatchObject(refused);
    expect(await remove(other.user_id, there)).toMatchObject(refused);
    expect(await there.send("DELETE", `/v1/users/${other.user_id}/sessions`)).toMatchObject(refused);
    expect((await admin.send("GET", "/v1/users/user_of_nobody")).status).toBe(404);
    expect((await admin.send("GET", `/v1/users/${user_id}`)).body.role).toBeNull();
    // Its own things are the user's as before.
    expect((await there.send("POST", "/v1/api-keys", { scopes: ["write"] })).status).toBe(201);
  });
});

describe("an admin who loses the role in the moment of a write", () => {
  it.each([
    [
      "does not give it back to itself",
      (key: string, DB: D1Database, own: string) => patch(own, { role: "admin" }, client(DB, key)),
    ],
    ["deletes nobody", (key: string, DB: D1Database, _own: string, other: string) => remove(other, client(DB, key))],
    [
      "disables nobody",
      (key: string, DB: D1Database, _own: string, other: string) => patch(other, { disabled: true }, client(DB, key)),
    ],
  ])("%s", async (_name, act) => {
    const { user_id, key } = await addAdmin();
    const other = await addUser();
    const DB = racingBatch(() => patch(user_id, { role: null }));
    expect(await act(key, DB, user_id, other.user_id)).toMatchObject({ status: 403 });
    expect((await admin.send("GET", `/v1/users/${user_id}`)).body.role).toBeNull();
    expect((await admin.send("GET", `/v1/users/${other.user_id}`)).body.state).toBe("active");
  });

  /** Something happens right before the first batch that changes users. */
  function racingBatch(happen: () => Promise<unknown>): D1Database {
    let hasHappened = false;
    const changes = new WeakSet<D1PreparedStatement>();
    const bound = (statement: D1PreparedStatement) => {
      changes.add(statement);
      return statement;
    };
    return new Proxy(env.DB, {
      get(target, name) {
        if (name === "prepare") {
          return (query: string) => {
            const statement = target.prepare(query);
            if (!/^UPDATE users/.test(query)) return statement;
            return { bind: (...values: unknown[]) => bound(statement.bind(...values)) };
          };
        }
        if (name === "batch") {
          return async (statements: D1PreparedStatement[]) => {
            if (!hasHappened && statements.some((each) => changes.has(each))) {
              hasHappened = true;
              await happen();
            }
            return await target.batch(statements);
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  function client(DB: D1Database, key: string) {
    return createClient({ ...settings, DB }).as(key);
  }

  it("has a session without the scope if it was signing in", async () => {
    const { user_id } = await addUser({ role: "admin" });
    const row = { user_id, hash: "x", scopes: ["write", "admin"] as ("write" | "admin")[] };
    const details = {
      ...{ root_hash: "x", former_hash: null, salt: null, rotated_at: "", seen_at: null },
      ...{ user_agent: null, address: null, sign_in: {} },
    };
    const session = { ...row, details, expires_at: "2100-01-01T00:00:00.000Z" };
    await createSession(env.DB, { ...session, session_id: "sess_before" }, Date.now());
    await patch(user_id, { role: null });
    await createSession(env.DB, { ...session, session_id: "sess_after" }, Date.now());
    const read = "SELECT scopes FROM api_keys WHERE user_id = ? AND key_id LIKE 'sess_%'";
    const { results } = await env.DB.prepare(read).bind(user_id).all();
    expect(results).toEqual([{ scopes: null }, { scopes: null }]);
  });
});
