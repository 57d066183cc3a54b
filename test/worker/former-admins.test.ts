// Admins who lose the role, or the key with it, while another isolate still knows the key or a request is under way.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { scopes } from "../../src/protocol/keys/scope.ts";
import { makeSession, ofPage } from "../fakes/session.ts";
import { type Client, createClient } from "./http-client.ts";
import { addKey, addUser, admin, elsewhere, patch, remove, setAccounts, settings, statusOf } from "./people-client.ts";
import { racing } from "./racing-database.ts";

setAccounts();

/** A user with the role, and a key that has its scope. */
async function addRole() {
  const { user_id, key } = await addUser({ role: "admin" });
  const made = await addKey(user_id, "key", ["write", "admin"]);
  return { user_id, plain: key, ...made };
}

const demote = (user_id: string) => patch(user_id, { role: null });
const roleOf = async (user_id: string) => (await admin.send("GET", `/v1/users/${user_id}`)).body.role;

describe("a former admin", () => {
  it("changes nothing more where another isolate still knows its key as an admin's", async () => {
    const [former, target] = [await addRole(), await addUser()];
    const late = elsewhere.as(former.key);
    expect((await late.send("GET", "/v1/users")).status).toBe(200);
    await demote(former.user_id);
    const tried = [
      await patch(former.user_id, { role: "admin" }, late),
      await patch(target.user_id, { role: "admin" }, late),
      await patch(target.user_id, { email: "former@example.com" }, late),
      await patch(target.user_id, { disabled: true }, late),
      await remove(target.user_id, late),
      await late.send("DELETE", `/v1/users/${target.user_id}/sessions`),
      await late.send("POST", "/v1/users", { role: "admin" }),
      await late.send("POST", "/v1/api-keys", { scopes: ["admin"] }),
    ];
    for (const { status } of tried) expect(status).toBeOneOf([401, 403]);
    expect(await roleOf(former.user_id)).toBeNull();
    expect(await statusOf(target.client)).toBe(200);
  });

  it.each([
    ["give itself the role back", /update "?users/i, (id: string) => ["PATCH", `/v1/users/${id}`, { role: "admin" }]],
    ["delete somebody", /update users set deleted_at/i, (_: string, other: string) => ["DELETE", `/v1/users/${other}`]],
    ["make another admin", /insert into users/i, () => ["POST", "/v1/users", { role: "admin" }]],
    ["make an admin's key", /insert into "api_keys"/i, () => ["POST", "/v1/api-keys", { scopes: ["admin"] }]],
  ] as const)("can't %s by a request that was under way", async (_, written, ask) => {
    const [former, target] = [await addRole(), await addUser()];
    const DB = racing(written, () => demote(former.user_id));
    const late = createClient({ ...settings, DB }).as(former.key);
    const [method, path, body] = ask(former.user_id, target.user_id) as [string, string, object?];
    expect((await late.send(method, path, body)).status).toBeOneOf([401, 403]);
    expect(await roleOf(former.user_id)).toBeNull();
    expect(await statusOf(target.client)).toBe(200);
    const query = "SELECT count(*) AS count FROM api_keys WHERE user_id = ? AND scopes LIKE '%admin%'";
    expect(await env.DB.prepare(query).bind(former.user_id).first()).toEqual({ count: 0 });
  });

  it.each([
    ["disable", (id: string, from: Client) => patch(id, { disabled: true }, from)],
    ["demote", (id: string, from: Client) => patch(id, { role: null }, from)],
    ["delete", remove],
  ])("is one of two who %s each other at once, never both", async (_, end) => {
    const [one, other] = [await addRole(), await addRole()];
    const both = await Promise.all([end(one.user_id, admin.as(other.key)), end(other.user_id, elsewhere.as(one.key))]);
    const done = both.filter(({ status }) => status < 300);
    expect(done).toHaveLength(1);
  });

  it("gets no admin's session by a sign-in that began before", async () => {
    const { user_id } = await addRole();
    const DB = racing(/insert into "api_keys"/i, () => demote(user_id));
    const { token } = await makeSession(DB, { user_id, scopes: [...scopes] });
    const me = await elsewhere.as(null).send("GET", "/v1/users/me", undefined, ofPage(token));
    expect(me.body.scopes).toEqual(["read", "run", "write"]);
  });
});
