// Who may use the API, and that users can't see each other's things.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ADMIN_KEY, createClient, dropKeysOfFirstUser } from "./http-client.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await dropKeysOfFirstUser();
});

describe("a key", () => {
  it("is required on every path but the open ones", async () => {
    const nobody = createClient().as(null);
    for (const path of ["/v1/threads", "/v1/agents", "/v1/nothing", "/v1", "/ag-ui/agent_default"]) {
      expect(await nobody.send("GET", path)).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    }
    for (const path of ["/healthz", "/openapi.json", "/docs"]) {
      expect((await nobody.send("GET", path)).status).toBe(200);
    }
  });

  it("that is wrong, cut or of another scheme is refused", async () => {
    const client = createClient();
    const ada = await client.addUser("user_wrong_keys");
    const made = await ada.send("POST", "/v1/api-keys", { name: "laptop" });
    const key = String(made.body.key);
    expect(key).toMatch(/^tl_[0-9a-z]{26}_[0-9a-z]{40}$/);
    const wrong = ["", "x", `${ADMIN_KEY}x`, ADMIN_KEY.slice(1), key.slice(0, -1), `${key.slice(0, -1)}!`];
    const swapped = key.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    for (const guess of [...wrong, swapped, key.toUpperCase(), "a".repeat(5000)]) {
      expect((await client.as(guess).send("GET", "/v1/threads")).status).toBe(401);
    }
    const basic = await client.as(null).send("GET", "/v1/threads", undefined, { authorization: `Basic ${ADMIN_KEY}` });
    expect(basic.status).toBe(401);
    expect((await client.as(key).send("GET", "/v1/threads")).status).toBe(200);
  });

  it("is shown once and stored as a hash", async () => {
    const ada = await createClient().addUser("user_hash");
    const made = await ada.send("POST", "/v1/api-keys", { name: "ci" });
    expect(made).toMatchObject({ status: 201, body: { name: "ci" } });
    const list = await ada.send("GET", "/v1/api-keys");
    expect(list.body.data?.map(({ name }) => name)).toEqual(["ci", "first key"]);
    expect(list.text).not.toContain(String(made.body.key));
    const rows = await env.DB.prepare("SELECT * FROM api_keys").all();
    expect(JSON.stringify(rows.results)).not.toContain(String(made.body.key).slice(-40));
  });

  it("is refused from the moment it is deleted", async () => {
    const ada = await createClient().addUser("user_delete_key");
    const made = await ada.send("POST", "/v1/api-keys", {});
    const other = ada.as(String(made.body.key));
    expect((await other.send("GET", "/v1/threads")).status).toBe(200);
    expect((await ada.send("DELETE", `/v1/api-keys/${made.body.key_id}`)).status).toBe(204);
    expect((await other.send("GET", "/v1/threads")).status).toBe(401);
    expect((await ada.send("DELETE", `/v1/api-keys/${made.body.key_id}`)).status).toBe(404);
  });

  it("makes users only if it is the admin key", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_ada");
    expect(await ada.send("POST", "/v1/users", {})).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(await admin.send("POST", "/v1/users", { user_id: "user_ada" })).toMatchObject({ status: 409 });
    expect(await admin.send("POST", "/v1/users", { user_id: "user_first" })).toMatchObject({ status: 409 });
    const made = await admin.send("POST", "/v1/users", { name: "Bob" });
    expect(made).toMatchObject({ status: 201, body: { name: "Bob", user_id: expect.stringMatching(/^user_/) } });
  });

  it("makes no user whose id differs from another's only in case", async () => {
    const admin = createClient();
    await admin.addUser("u-alice");
    for (const user_id of ["U-ALICE", "u-Alice", "u-alice", "User_First"]) {
      const made = await admin.send("POST", "/v1/users", { user_id });
      expect(made).toMatchObject({ status: 409, body: { code: "already_exists" } });
    }
    const made = await admin.send("POST", "/v1/users", { user_id: "u-alicia" });
    expect(made).toMatchObject({ status: 201 });
    const keys = await env.DB.prepare("SELECT user_id FROM api_keys WHERE lower(user_id) LIKE 'u-ali%'").all();
    expect(keys.results.map(({ user_id }) => user_id)).toEqual(["u-alice", "u-alicia"]);
  });

  it("identifies its user at /v1/users/me", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_who");
    const made = await admin.send("POST", "/v1/users", { user_id: "user_named", name: "Grace" });
    const grace = admin.as(String(made.body.api_key));
    const first = admin.as(String((await admin.send("POST", "/v1/api-keys", {})).body.key));
    const path = "/v1/users/me";
    const key_id = expect.stringMatching(/^key_/);
    const known = { is_admin: false, key_id, scopes: ["read", "run", "write"], expires_at: null, retention_days: null };
    expect((await ada.send("GET", path)).body).toEqual({ user_id: "user_who", name: null, ...known });
    expect((await grace.send("GET", path)).body).toEqual({ user_id: "user_named", name: "Grace", ...known });
    expect((await first.send("GET", path)).body).toEqual({ user_id: "user_first", name: null, ...known });
    expect((await admin.as("tl_guess").send("GET", path)).status).toBe(401);
    expect(await ada.send("GET", `${path}?of=user_named`)).toMatchObject({ status: 400 });
  });

  it("of the admin identifies its user while D1 fails", async () => {
    const broken = () => {
      throw new Error("D1 is away");
    };
    const admin = createClient({ DB: { prepare: broken, batch: broken } as unknown as D1Database });
    const answer = await admin.send("GET", "/v1/users/me");
    expect(answer).toMatchObject({ status: 200, body: { user_id: "user_first", name: null, is_admin: true } });
  });

  it("is refused as not configured if the settings have no admin key", async () => {
    const client = createClient({ ADMIN_API_KEY: " " });
    const answer = await client.send("GET", "/v1/threads");
    expect(answer).toMatchObject({ status: 503, body: { code: "not_configured" } });
    expect(answer.body.detail).toContain("ADMIN_API_KEY");
    expect((await client.send("GET", "/healthz")).status).toBe(200);
  });

  it("never appears in a log, and neither do query, body and the message of an error", async () => {
    const lines: string[] = [];
    for (const level of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(parts.join(" ")));
    }
    const client = createClient();
    await client.as("tl_secret-guess").send("GET", "/v1/threads?cursor=secret-cursor");
    await client.send("POST", "/v1/threads/t/runs", { message: "secret-text", secret_field: 1 });
    await client.send("POST", "/v1/projects", '{"name": "secret-json');
    client.threads.next = { error: new Error("outer secret-outer", { cause: new Error("inner") }) };
    const failed = await client.send("POST", "/v1/threads/t/runs", { message: "secret-text" });
    expect(failed).toMatchObject({ status: 500, body: { code: "internal" } });
    expect(failed.text).not.toContain("inner");
    expect(lines).toHaveLength(4);
    expect(lines.join("\n")).not.toMatch(/secret|admin-key/);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ event: "request_failed", method: expect.any(String) });
  });
});

describe("two users with the same ids", () => {
  it("each see and change only their own things", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_a");
    const bob = await admin.addUser("user_b");
    for (const [user, name] of [
      [ada, "Ada"],
      [bob, "Bob"],
    ] as const) {
      expect((await user.send("POST", "/v1/projects", { project_id: "proj-001", name })).status).toBe(201);
      expect((await user.send("POST", "/v1/agents", { agent_id: "agent-001", name })).status).toBe(201);
      const made = await user.send("POST", "/v1/threads", {
        thread_id: "thread-001",
        project_id: "proj-001",
        title: name,
      });
      expect(made.status).toBe(201);
      const body = { message: name, invocation_id: "inv-001", message_id: "msg-001" };
      expect((await user.send("POST", "/v1/threads/thread-001/runs", body)).status).toBe(202);
    }
    for (const [user, name, user_id] of [
      [ada, "Ada", "user_a"],
      [bob, "Bob", "user_b"],
    ] as const) {
      for (const path of ["/v1/projects", "/v1/threads"]) {
        expect((await user.send("GET", path)).body.data).toMatchObject([{ user_id }]);
      }
      expect((await user.send("GET", "/v1/agents/agent-001")).body.name).toBe(name);
      expect((await user.send("GET", "/v1/threads/thread-001/runs")).body.data).toMatchObject([{ user_id }]);
    }
    expect((await ada.send("DELETE", "/v1/projects/proj-001")).status).toBe(204);
    expect((await ada.send("GET", "/v1/threads/thread-001")).status).toBe(404);
    expect((await bob.send("GET", "/v1/threads/thread-001")).body.title).toBe("Bob");
  });

  it("find nothing of each other, by any route", async () => {
    const admin = createClient();
    const ada = await admin.addUser("user_c");
    const eve = await admin.addUser("user_d");
    await ada.send("POST", "/v1/projects", { project_id: "p", name: "P" });
    await ada.send("POST", "/v1/agents", { agent_id: "a", name: "A" });
    await ada.send("POST", "/v1/threads/t/runs", { message: "hi", invocation_id: "i" });
    const key_id = (await ada.send("GET", "/v1/api-keys")).body.data?.[0]?.key_id;
    const attempts: [string, string, unknown?][] = [
      ["GET", "/v1/projects/p"],
      ["PATCH", "/v1/projects/p", { name: "mine" }],
      ["DELETE", "/v1/projects/p"],
      ["POST", "/v1/threads", { project_id: "p" }],
      ["POST", "/v1/threads", { agent_id: "a" }],
      ["GET", "/v1/threads/t"],
      ["PATCH", "/v1/threads/t", { title: "mine" }],
      ["DELETE", "/v1/threads/t"],
      ["GET", "/v1/threads/t/messages"],
      ["GET", "/v1/threads/t/tasks"],
      ["GET", "/v1/threads/t/tasks?include=ledger"],
      ["PATCH", "/v1/threads/t/tasks", { operations: [{ op: "clear" }] }],
      ["GET", "/v1/threads/t/inbox"],
      ["PATCH", "/v1/threads/t/inbox/m", { message: "hi" }],
      ["DELETE", "/v1/threads/t/inbox/m"],
      ["GET", "/v1/threads/t/diagnostics"],
      ["GET", "/v1/threads/t/runs"],
      ["GET", "/v1/threads/t/runs/i"],
      ["POST", "/v1/threads/t/runs/i/cancel"],
      ["POST", "/v1/threads/t/runs/i/resume", { resume: [{ interrupt_id: "x", status: "resolved" }] }],
      ["POST", "/v1/threads/t/runs", { message: "hi", agent_id: "a" }],
      ["GET", "/v1/agents/a"],
      ["PATCH", "/v1/agents/a", { name: "mine" }],
      ["DELETE", "/v1/agents/a"],
      ["GET", "/v1/agents/a/versions"],
      ["GET", "/v1/agents/a/versions/1"],
      ["GET", "/v1/agents/a/compare?from=1&to=1"],
      ["PUT", "/v1/agents/a/pin", { version: 1 }],
      ["DELETE", "/v1/agents/a/pin"],
      ["POST", "/v1/agents/a/rollback", { version: 1 }],
      ["POST", "/ag-ui/a", { threadId: "t", runId: "i", messages: [{ id: "m", role: "user", content: "hi" }] }],
      ["DELETE", `/v1/api-keys/${key_id}`],
    ];
    for (const [method, path, body] of attempts) {
      const answer = await eve.send(method, path, body);
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, "not_found"]);
    }
    expect((await ada.send("GET", "/v1/projects/p")).body.name).toBe("P");
  });
});
