// What a session makes, and whether it outlives the session.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { createClient } from "./http-client.ts";
import { setSessionScene } from "./session-client.ts";

const scene = setSessionScene("session-made");

describe("what a session makes", () => {
  it("is a key that neither expires with it nor is limited, and is found and revoked after the session has ended", async () => {
    const { send, session_id } = await scene.signIn({ lasts_ms: 60_000 });
    const made = await send("POST", "/v1/api-keys", { name: "laptop" });
    expect(made.body).toMatchObject({ made_by: session_id, scopes: null, expires_at: null });
    const long = await send("POST", "/v1/api-keys", { expires_in_seconds: 86_400 });
    expect(long.status).toBe(201);
    await send("POST", "/auth/sign-out");
    const key = scene.client.as(String(made.body.key));
    expect((await key.send("GET", "/v1/users/me")).status).toBe(200);
    const { data = [] } = (await scene.owner.send("GET", `/v1/api-keys/${session_id}/made`)).body;
    expect(data.map(({ id }) => id).sort()).toEqual([made.body.key_id, long.body.key_id].sort());
    const jobs = createClient({ JOBS: { send: async () => {} } as unknown as Queue<unknown> });
    const owned = await scene.owner.send("POST", "/v1/api-keys", {});
    const revoked = await jobs.as(String(owned.body.key)).send("DELETE", `/v1/sessions/${session_id}?made=revoke`);
    expect(revoked.status).toBe(204);
    expect((await createClient().as(String(made.body.key)).send("GET", "/v1/users/me")).status).toBe(401);
  });

  it("has the scope `admin` only if the session has it and it is asked for", async () => {
    const person = await scene.signIn();
    expect((await person.send("POST", "/v1/api-keys", { scopes: ["admin"] })).status).toBe(403);
    const admin = await scene.signIn({ scopes: ["read", "run", "write", "admin"] });
    expect((await admin.send("POST", "/v1/api-keys", {})).body.scopes).toBeNull();
    expect((await admin.send("POST", "/v1/api-keys", { scopes: ["read", "admin"] })).body.scopes).toEqual([
      "read",
      "admin",
    ]);
  });

  it("is nothing once the session has ended, also of a request that was admitted before", async () => {
    const { send, session_id } = await scene.signIn();
    expect((await send("GET", "/v1/users/me")).status).toBe(200);
    // In another isolate: this one remembers the session.
    await env.DB.prepare("UPDATE api_keys SET key_id = 'deleted:' || key_id, hash = 'deleted' WHERE key_id = ?")
      .bind(session_id)
      .run();
    expect((await send("POST", "/v1/api-keys", {})).status).toBe(401);
  });
});
