// What a key made, through the API: recorded, listed, and revoked with it. The attacker has a key that its owner
// deletes.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { createClient } from "./http-client.ts";
import {
  deliver,
  jobs,
  listOf,
  makeHook,
  makeKey,
  makeLink,
  openSsh,
  opensSsh,
  revoke,
  sandboxPath,
  setScene,
  settings,
  visit,
} from "./revoke-client.ts";

const scene = setScene("made");

describe("what a deleted key made", () => {
  it("continues as before if nothing else is asked for", async () => {
    const hook = await makeHook(scene.attacker);
    const url = await makeLink(scene, scene.attacker);
    expect((await scene.owner.send("DELETE", `/v1/api-keys/${scene.key_id}`)).status).toBe(204);
    expect((await scene.attacker.send("GET", "/v1/threads")).status).toBe(401);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    expect(await visit(url)).toBe("asleep");
    expect(jobs).toEqual([]);
  });

  it("is revoked with it: a trigger fires no more, and says why", async () => {
    const hook = await makeHook(scene.attacker);
    const schedule = { type: "schedule", prompt: "Report.", cron: "0 8 * * *" };
    const due = String((await scene.attacker.send("POST", "/v1/triggers", schedule)).body.trigger_id);
    const kept = await makeHook(scene.owner);
    expect((await revoke(scene)).status).toBe(204);
    const refused = await deliver(hook.trigger_id, hook.secret);
    expect([refused.status, refused.body.code]).toEqual([503, "not_configured"]);
    expect((await deliver(kept.trigger_id, kept.secret)).status).toBe(202);
    for (const id of [hook.trigger_id, due]) {
      expect((await scene.owner.send("GET", `/v1/triggers/${id}`)).body).toMatchObject({
        enabled: false,
        next_times: [],
        disabled_at: expect.any(String),
        disabled_reason: `What its API key made was revoked: ${scene.key_id}.`,
        made_by: scene.key_id,
      });
    }
    expect((await scene.owner.send("GET", `/v1/triggers/${kept.trigger_id}`)).body).toMatchObject({
      enabled: true,
      disabled_reason: null,
    });
  });

  it("is enabled again only with a new secret, and then belongs to the key that did it", async () => {
    const { trigger_id, secret } = await makeHook(scene.attacker);
    await revoke(scene);
    const path = `/v1/triggers/${trigger_id}`;
    const refused = await scene.owner.send("PATCH", path, { enabled: true });
    expect([refused.status, refused.body.code]).toEqual([422, "invalid_operation"]);
    expect(refused.body.detail).toContain("no secret");
    // Other changes don't hide why it is disabled.
    expect((await scene.owner.send("PATCH", path, { prompt: "Other" })).body.disabled_reason).toContain(scene.key_id);
    const rotated = await scene.owner.send("POST", `${path}/rotate`, {});
    expect(rotated.status).toBe(200);
    expect((await deliver(trigger_id, String(rotated.body.secret))).status).toBe(403);
    const { key_id: own } = (await scene.owner.send("GET", "/v1/api-keys")).body.data?.[0] ?? {};
    expect((await scene.owner.send("PATCH", path, { enabled: true })).body).toMatchObject({
      enabled: true,
      disabled_at: null,
      disabled_reason: null,
      made_by: own,
    });
    expect((await deliver(trigger_id, String(rotated.body.secret))).status).toBe(202);
    expect((await deliver(trigger_id, secret)).status).toBe(401);
    // A revocation that is repeated does not touch it.
    expect((await revoke(scene)).status).toBe(204);
    expect((await scene.owner.send("GET", path)).body.enabled).toBe(true);
  });

  it("is revoked with it: a link opens nothing, SSH neither, and a webhook sends nothing", async () => {
    const url = await makeLink(scene, scene.attacker);
    const kept = await makeLink(scene, scene.owner, 3001);
    expect(await visit(url)).toBe("asleep");
    const token = await openSsh(scene, scene.attacker);
    expect(await opensSsh(token)).toBe(true);
    const hook = { url: "https://receiver.example/x", events: ["run.completed"] };
    const { webhook_id } = (await scene.attacker.send("POST", "/v1/webhooks", hook)).body;
    await env.DB.prepare(
      "INSERT INTO deliveries VALUES (?, ?, 'del_1', 'run.completed', 'pending', 0, '2026-01-01', '2026-01-01', NULL, '{}', '[]')",
    )
      .bind(scene.user_id, webhook_id)
      .run();
    expect((await revoke(scene)).status).toBe(204);
    expect(await visit(url)).toBe("unknown_link");
    expect(await visit(kept)).not.toBe("unknown_link");
    expect(await opensSsh(token)).toBe(false);
    expect((await scene.owner.send("GET", sandboxPath(scene, "ssh"))).status).toBe(404);
    const links = (await scene.owner.send("GET", sandboxPath(scene, "previews"))).body.data;
    expect(links).toMatchObject([{ port: 3001 }]);
    const path = `/v1/webhooks/${webhook_id}`;
    expect((await scene.owner.send("GET", path)).body).toMatchObject({
      enabled: false,
      disabled_reason: `What its API key made was revoked: ${scene.key_id}.`,
    });
    expect((await scene.owner.send("GET", `${path}/deliveries`)).body.data).toMatchObject([
      { event: "run.completed", status: "failed" },
      { event: "webhook.ping", status: "failed" },
    ]);
    expect((await scene.owner.send("PATCH", path, { enabled: true })).body).toMatchObject({ disabled_reason: null });
    expect(await listOf(scene)).toEqual([]);
  });

  it("is revoked with it through keys that it made, also those that were deleted to hide it", async () => {
    const second = await makeKey(scene.attacker);
    const third = await makeKey(second.client);
    const hook = await makeHook(third.client);
    await second.client.send("DELETE", `/v1/api-keys/${second.key_id}`);
    await third.client.send("DELETE", `/v1/api-keys/${third.key_id}`);
    const fourth = await makeKey(scene.attacker);
    expect(await listOf(scene)).toMatchObject([
      { type: "api_key", id: fourth.key_id, made_by: scene.key_id },
      { type: "trigger", id: hook.trigger_id, name: "Triage {{$.issue.title}}.", enabled: true, made_by: third.key_id },
    ]);
    expect((await fourth.client.send("GET", "/v1/threads")).status).toBe(200);
    expect((await revoke(scene)).status).toBe(204);
    expect((await fourth.client.send("GET", "/v1/threads")).status).toBe(401);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
  });

  it("may include the key of the request itself", async () => {
    const hook = await makeHook(scene.attacker);
    expect((await revoke(scene, scene.key_id, scene.attacker)).status).toBe(204);
    expect((await scene.attacker.send("GET", "/v1/threads")).status).toBe(401);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
  });

  it("is revoked also after the key was deleted, and a second time nothing happens", async () => {
    const hook = await makeHook(scene.attacker);
    await scene.owner.send("DELETE", `/v1/api-keys/${scene.key_id}`);
    expect(await listOf(scene)).toMatchObject([{ type: "trigger", id: hook.trigger_id, made_by: scene.key_id }]);
    expect((await revoke(scene)).status).toBe(204);
    expect((await revoke(scene)).status).toBe(204);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
    expect((await scene.owner.send("DELETE", `/v1/api-keys/${scene.key_id}`)).status).toBe(404);
  });

  it("includes a trigger to which the key gave a secret, and a webhook to which it gave an address", async () => {
    const hook = await makeHook(scene.owner);
    const stolen = (await scene.attacker.send("POST", `/v1/triggers/${hook.trigger_id}/rotate`, {})).body;
    expect(stolen.made_by).toBe(scene.key_id);
    const sent = { url: "https://receiver.example/x", events: ["run.completed"] };
    const { webhook_id, made_by } = (await scene.owner.send("POST", "/v1/webhooks", sent)).body;
    const path = `/v1/webhooks/${webhook_id}`;
    expect((await scene.attacker.send("PATCH", path, { url: sent.url, events: sent.events })).body.made_by).toBe(
      made_by,
    );
    expect((await scene.attacker.send("PATCH", path, { url: "https://thief.example/x" })).body.made_by).toBe(
      scene.key_id,
    );
    await revoke(scene);
    expect((await deliver(hook.trigger_id, String(stolen.secret))).status).toBe(503);
    expect((await scene.owner.send("GET", path)).body.enabled).toBe(false);
  });

  it("includes a trigger with another secret by now, while the one that the key knows is still valid", async () => {
    const [one, two] = [await makeHook(scene.attacker), await makeHook(scene.attacker)];
    const rotate = (id: string, body: object) => scene.owner.send("POST", `/v1/triggers/${id}/rotate`, body);
    const { body } = await rotate(one.trigger_id, { overlap_seconds: 0 });
    await rotate(two.trigger_id, {});
    await scene.owner.send("PATCH", `/v1/triggers/${two.trigger_id}`, { prompt: "Other" });
    expect((await deliver(two.trigger_id, two.secret)).status).toBe(202);
    expect(await listOf(scene)).toMatchObject([{ type: "trigger", id: two.trigger_id }]);
    await revoke(scene);
    expect((await deliver(two.trigger_id, two.secret)).status).toBe(503);
    expect((await scene.owner.send("GET", `/v1/triggers/${two.trigger_id}`)).body.disabled_reason).toContain(
      scene.key_id,
    );
    expect((await deliver(one.trigger_id, String(body.secret))).status).toBe(202);
    // With a new secret it is the owner's alone.
    await rotate(two.trigger_id, {});
    await scene.owner.send("PATCH", `/v1/triggers/${two.trigger_id}`, { enabled: true });
    await revoke(scene);
    expect((await scene.owner.send("GET", `/v1/triggers/${two.trigger_id}`)).body.enabled).toBe(true);
  });

  it("includes no trigger whose secret that the key knew was ended earlier than it was to be", async () => {
    const hook = await makeHook(scene.attacker);
    const rotate = (overlap_seconds: number) =>
      scene.owner.send("POST", `/v1/triggers/${hook.trigger_id}/rotate`, { overlap_seconds });
    await rotate(86_400);
    const { body } = await rotate(1);
    const fresh = String(body.secret);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(401);
    expect(await listOf(scene)).toEqual([]);
    await revoke(scene);
    expect((await deliver(hook.trigger_id, fresh)).status).toBe(202);
  });

  it("includes Slack workspaces and tickets", async () => {
    await env.DB.batch([
      env.DB.prepare("INSERT INTO slack_workspaces VALUES (?, ?, 'Acme', 'B', NULL, NULL, 'a', 'a', ?)").bind(
        scene.user_id,
        "TREVOKED",
        scene.key_id,
      ),
      env.DB.prepare("INSERT INTO secrets VALUES (?, 'slack', ?, 's', 'k', 'a', 'a', 'x')").bind(
        scene.user_id,
        "TREVOKED",
      ),
    ]);
    await scene.attacker.send("POST", sandboxPath(scene, "terminal"), {});
    expect(await listOf(scene)).toMatchObject([{ type: "slack_workspace", id: "TREVOKED", name: "Acme" }]);
    await revoke(scene);
    for (const table of ["slack_workspaces", "secrets", "tickets"]) {
      const left = await env.DB.prepare(`SELECT * FROM ${table} WHERE user_id = ?`).bind(scene.user_id).all();
      expect([table, left.results]).toEqual([table, []]);
    }
  });
});

describe("a key that is deleted while its requests are under way", () => {
  it("makes nothing more, although another isolate still lets it in", async () => {
    const elsewhere = createClient(settings).as("none");
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const inside = elsewhere.as(String(body.key));
    const hook = await makeHook(inside);
    const kept = await makeHook(scene.owner);
    const sent = { url: "https://receiver.example/x", events: ["run.completed"] };
    const { webhook_id } = (await inside.send("POST", "/v1/webhooks", sent)).body;
    await scene.owner.send("POST", sandboxPath(scene, "start"));
    await revoke(scene, String(body.key_id));
    // The other isolate remembers the key for some seconds.
    expect((await inside.send("GET", "/v1/threads")).status).toBe(200);
    const verify = { scheme: "standard" };
    for (const [method, path, sentBody] of [
      ["POST", "/v1/api-keys", {}],
      ["POST", "/v1/triggers", { type: "webhook", prompt: "p", verify }],
      ["POST", "/v1/webhooks", { ...sent, url: "https://receiver.example/y" }],
      ["POST", sandboxPath(scene, "previews"), { port: 3000 }],
      ["POST", sandboxPath(scene, "ssh"), {}],
    ] as const) {
      expect([path, (await inside.send(method, path, sentBody)).status]).toEqual([path, 401]);
    }
    for (const path of [`/v1/triggers/${hook.trigger_id}`, `/v1/triggers/${kept.trigger_id}`]) {
      expect((await inside.send("POST", `${path}/rotate`, {})).status).toBe(409);
    }
    await scene.owner.send("POST", `/v1/triggers/${hook.trigger_id}/rotate`, {});
    expect((await inside.send("PATCH", `/v1/triggers/${hook.trigger_id}`, { enabled: true })).status).toBe(409);
    expect((await inside.send("PATCH", `/v1/webhooks/${webhook_id}`, { enabled: true })).status).toBe(404);
    expect((await deliver(kept.trigger_id, kept.secret)).status).toBe(202);
    expect((await scene.owner.send("GET", `/v1/triggers/${hook.trigger_id}`)).body.enabled).toBe(false);
    expect((await scene.owner.send("GET", sandboxPath(scene, "ssh"))).status).toBe(404);
    expect((await scene.owner.send("GET", sandboxPath(scene, "previews"))).body.data).toEqual([]);
  });
});
