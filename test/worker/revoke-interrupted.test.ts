// A revocation that dies on its way, or whose sandbox provider is away.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { type Env, readConfig } from "../../src/config.ts";
import { endRevokedAccess } from "../../src/projects/revocation.ts";
import { sweepRevoked } from "../../src/projects/routes/revoke-made.ts";
import { sandboxName } from "../../src/projects/sandbox.ts";
import { findProvider } from "../../src/sandboxes/index.ts";
import { REVOKED_AT } from "../../src/store/keys/maker.ts";
import { createClient } from "./http-client.ts";
import {
  admin,
  away,
  consume,
  deliver,
  jobs,
  listOf,
  makeHook,
  makeLink,
  openSsh,
  opensSsh,
  revoke,
  sandboxPath,
  setScene,
  settings,
} from "./revoke-client.ts";

const scene = setScene("interrupted");

describe("a revocation that is interrupted", () => {
  it("before it was decided is carried out by the job", async () => {
    const hook = await makeHook(scene.attacker);
    const token = await openSsh(scene, scene.attacker);
    let batches = 0;
    // The first one writes the audit's entry, the second one reads what there is.
    const dying = new Proxy(env.DB, {
      get: (target, name) => {
        if (name === "batch" && ++batches > 2) return () => Promise.reject(new Error("killed"));
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    vi.spyOn(console, "error").mockImplementation(() => {});
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, DB: dying }).as(String(body.key));
    expect((await cut.send("DELETE", `/v1/api-keys/${scene.key_id}?made=revoke`)).status).toBe(500);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    expect(jobs).toEqual([{ type: "revoke_made", user_id: scene.user_id, key_id: scene.key_id, attempt: 1 }]);
    await consume(jobs[0]);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(503);
    expect(await opensSsh(token)).toBe(false);
    expect(jobs).toHaveLength(1);
  });

  it("of the admin key, which lives on, leaves what it makes afterwards", async () => {
    const first = await makeHook(admin);
    expect((await admin.send("DELETE", "/v1/api-keys/admin_key?made=revoke")).status).toBe(204);
    expect((await deliver(first.trigger_id, first.secret)).status).toBe(503);
    const second = await makeHook(admin);
    await consume(jobs[0]);
    expect((await deliver(second.trigger_id, second.secret)).status).toBe(202);
  });

  it("is refused, with nothing changed, if no job can be sent", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const hook = await makeHook(scene.attacker);
    const full = { send: () => Promise.reject(new Error("the queue is away")) } as unknown as Queue<unknown>;
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, JOBS: full }).as(String(body.key));
    expect((await cut.send("DELETE", `/v1/api-keys/${scene.key_id}?made=revoke`)).status).toBe(500);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
  });

  it("while Daytona is away is shown as pending, and retried until it has ended there", async () => {
    const signed = { ...settings, PREVIEW_DOMAIN: undefined };
    const local = createClient(signed as Partial<Env>);
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const own = local.as(String(body.key));
    const made = await own.send("POST", "/v1/api-keys", {});
    const thief = local.as(String(made.body.key));
    const id = String(made.body.key_id);
    await makeLink(scene, thief);
    const kept = await makeLink(scene, own, 3001);
    const token = await openSsh(scene, thief);
    const cut = createClient({ ...signed, ...away } as Partial<Env>).as(String(body.key));
    expect((await revoke(scene, id, cut)).status).toBe(204);
    expect((await admin.as(String(made.body.key)).send("GET", "/v1/threads")).status).toBe(401);
    expect(await opensSsh(token)).toBe(true);
    expect(await listOf(scene, id)).toMatchObject([
      { type: "ssh_access", id: scene.project, pending: true },
      { type: "preview", id: "3000", pending: true },
    ]);
    expect((await own.send("GET", sandboxPath(scene, "previews"))).body.data).toMatchObject([
      { port: 3001, url: kept },
    ]);
    const asked = { PREVIEW_DOMAIN: "" };
    await consume(jobs[0], { ...asked, ...away });
    expect(jobs).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(await opensSsh(token)).toBe(true);
    await consume(jobs[1], asked);
    expect(await opensSsh(token)).toBe(false);
    expect(await listOf(scene, id)).toEqual([]);
    // A queue may deliver the same job twice.
    await consume(jobs[1], asked);
    expect(jobs).toHaveLength(2);
    expect((await own.send("GET", sandboxPath(scene, "previews"))).body.data).toMatchObject([
      { port: 3001, url: kept },
    ]);
  });

  it("ends everything else while one thing can't be ended", { timeout: 90_000 }, async () => {
    const name = await sandboxName(scene.user_id, "aaa");
    const faults = `${new URL(env.DAYTONA_API_URL ?? "").origin}/faults`;
    const headers = { authorization: `Bearer ${env.DAYTONA_API_KEY}` };
    const projects = ["aaa", ...Array.from({ length: 11 }, (_, index) => `b${index}`)];
    const at = new Date().toISOString();
    const open = "INSERT INTO ssh_accesses VALUES (?, ?, ?, ?, ?)";
    await env.DB.batch(
      projects.map((id) => env.DB.prepare(open).bind(scene.user_id, id, at, REVOKED_AT, scene.key_id)),
    );
    await fetch(faults, {
      method: "POST",
      headers,
      body: JSON.stringify({ request: `GET *${name}*`, answer: "internal_error" }),
    });
    const end = new AbortController();
    const config = readConfig(env as Env);
    const scope = { config, provider: findProvider(config), database: env.DB, user_id: scene.user_id };
    const ended = endRevokedAccess(scope, end.signal);
    try {
      const left = async () => expect(await listOf(scene)).toMatchObject([{ id: "aaa", pending: true }]);
      await vi.waitFor(left, { timeout: 60_000 });
    } finally {
      end.abort(new Error("enough"));
      await expect(ended).rejects.toThrow();
      await fetch(faults, { method: "DELETE", headers });
    }
  });

  it("leaves what another key opened in the meantime", async () => {
    const thiefs = await openSsh(scene, scene.attacker);
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, ...away }).as(String(body.key));
    expect((await revoke(scene, scene.key_id, cut)).status).toBe(204);
    expect(await opensSsh(thiefs)).toBe(true);
    const own = await openSsh(scene, scene.owner);
    expect(await opensSsh(thiefs)).toBe(false);
    await consume(jobs[0]);
    expect(await opensSsh(own)).toBe(true);
  });

  it("gives up when everything has expired at the provider", async () => {
    await openSsh(scene, scene.attacker);
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, ...away }).as(String(body.key));
    await revoke(scene, scene.key_id, cut);
    const yesterday = new Date(Date.now() - 26 * 3_600_000).toISOString();
    await env.DB.prepare("UPDATE ssh_accesses SET created_at = ? WHERE user_id = ?")
      .bind(yesterday, scene.user_id)
      .run();
    await consume(jobs[0], away);
    expect(jobs).toHaveLength(1);
    expect(await listOf(scene)).toEqual([]);
  });

  it("and whose job was lost is carried out by the sweep", async () => {
    const token = await openSsh(scene, scene.attacker);
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    const cut = createClient({ ...settings, ...away }).as(String(body.key));
    await revoke(scene, scene.key_id, cut);
    await sweepRevoked(env as Env, Date.parse("2026-11-27T10:14:00Z"));
    expect(await opensSsh(token)).toBe(true);
    await sweepRevoked(env as Env, Date.parse("2026-11-27T10:15:00Z"));
    expect(await opensSsh(token)).toBe(false);
  });
});
