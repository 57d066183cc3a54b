// Accounts: an admin lists and changes users, and ends their keys and sessions.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { findEndedKeys } from "../../src/store/api-keys.ts";
import {
  addAdmin,
  addKey,
  addKeyOf,
  addUser,
  admin,
  elsewhere,
  jobs,
  patch,
  remove,
  setAccounts,
  statusOf,
} from "./people-client.ts";

setAccounts();

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
      caps: null,
      retention_days: null,
      quotas: null,
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

  it("is never called what stands for whoever asks", async () => {
    for (const user_id of ["me", "ME"]) {
      const made = await admin.send("POST", "/v1/users", { user_id });
      expect(made).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    }
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
    // A role that is given with something else is not hidden by it.
    await patch(user_id, { disabled: false, role: "admin" });
    const { results } = await env.DB.prepare("SELECT * FROM audit_entries WHERE user_id IN (?, 'user_nobody')")
      .bind(user_id)
      .all<Record<string, string>>();
    expect(results.map(({ action, outcome }) => `${action} ${outcome}`).sort()).toEqual(
      ["user.update done", "user.update done", "user.disable done", "user.enable done"]
        .concat("user.update refused", "user.enable done", "user.update done")
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
    // Keys of whoever never had the role stay as they are.
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
    // The admin key is not the disabled user's, so it continues, and acts for nobody.
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

  it("signs a user out everywhere, and keys continue", async () => {
    const { user_id, client } = await addUser();
    const sessions = [await addKey(user_id, "session"), await addKey(user_id, "session")].map(({ key_id }) => key_id);
    expect((await client.send("GET", "/v1/api-keys")).body.data).toHaveLength(1);
    expect((await admin.send("DELETE", `/v1/users/${user_id}/sessions`)).status).toBe(204);
    expect(await findEndedKeys(env.DB, user_id, sessions, Date.now())).toEqual(sessions);
    expect(await statusOf(client)).toBe(200);
    expect((await admin.send("DELETE", "/v1/users/user_nobody/sessions")).status).toBe(404);
  });
});
