// What Daytona's vault has of the secrets of projects, whatever fails or comes late.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { configOf } from "../../src/config.ts";
import { sandboxSecretsPart } from "../../src/projects/routes/account.ts";
import { sweepSandboxSecrets } from "../../src/projects/routes/sweep-secrets.ts";
import { dropProjectSecrets, giveSecrets } from "../../src/projects/sandbox-secrets.ts";
import { createClient } from "./http-client.ts";
import {
  at47,
  CANARY,
  client,
  makeProject,
  names,
  rowsOf,
  settings,
  signal,
  useVault,
  vault,
} from "./secrets-vault.ts";

useVault();

describe("what the vault has", () => {
  it("is replaced with the value, and removed with the hosts or the secret", async () => {
    const { put, path } = await makeProject();
    await put("KEY", { hosts: ["a.example"] });
    await put("KEY", { hosts: ["b.example"], value: "another value" });
    expect(vault.secrets).toMatchObject([{ value: "another value", hosts: ["b.example"] }]);
    await put("KEY");
    expect(vault.secrets).toEqual([]);
    await put("KEY", { hosts: ["a.example"] });
    await client.send("DELETE", `${path}/KEY`);
    expect(vault.secrets).toEqual([]);
  });

  it("is the newest value, also if an older one comes to it last", async () => {
    const { put } = await makeProject();
    await put("KEY", { hosts: ["a.example"], value: "first value" });
    // Daytona takes the first of two changes after the second one.
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    vault.before = async (line, body) => {
      if (line.startsWith("PATCH") && body.value === "older value") await held;
    };
    const older = put("KEY", { hosts: ["a.example"], value: "older value" });
    await expect.poll(() => vault.asked.some((line) => line.startsWith("PATCH"))).toBe(true);
    await put("KEY", { hosts: ["a.example"], value: "newer value" });
    release();
    expect((await older).status).toBe(200);
    expect(vault.secrets).toMatchObject([{ value: "newer value" }]);
  });

  it("comes with the next use of the sandbox, if the server died before it was put there", async () => {
    const { put, scope } = await makeProject();
    vault.fails = /POST/;
    const failed = await put("KEY", { hosts: ["a.example"] });
    expect(failed.status).toBe(502);
    expect(vault.secrets).toEqual([]);
    vault.fails = null;
    const secrets = giveSecrets(scope);
    expect(await secrets.read(signal())).toMatchObject([{ name: "KEY", kept_as: /^taskloom_/, value: CANARY }]);
    expect(vault.secrets).toMatchObject([{ value: CANARY }]);
    vault.asked = [];
    await giveSecrets(scope).read(signal());
    expect(vault.asked).toEqual([]);
    // Somebody deleted it in Daytona: a new sandbox has it put there again.
    vault.secrets = [];
    await secrets.read(signal(), { is_new: true });
    expect(vault.secrets).toMatchObject([{ value: CANARY }]);
  });

  it("goes with the project, and also if the project was deleted while it was put there", async () => {
    const { put, project_id, scope } = await makeProject();
    await put("KEY", { hosts: ["a.example"] });
    await put("PLAIN");
    expect((await client.send("DELETE", `/v1/projects/${project_id}`)).status).toBe(204);
    expect(vault.secrets).toEqual([]);
    expect((await env.DB.prepare("SELECT * FROM secrets").all()).results).toEqual([]);
    // A request that had stored its row comes to the vault after that, and dies.
    const [row] = await rowsOf();
    expect(row).toMatchObject({ name: "KEY", deleted_at: expect.any(String) });
    const hash = (await names(scope))[0] ?? "";
    vault.secrets.push({ id: "late", name: hash, value: CANARY, hosts: [] });
    await sweepSandboxSecrets({ ...env, ...settings }, at47());
    expect([vault.secrets, await rowsOf()]).toEqual([[], []]);
  });

  it("follows later, if the provider is away while the project is deleted: no value stays here", async () => {
    const { put, project_id, scope } = await makeProject();
    await put("KEY", { hosts: ["a.example"] });
    const jobs: object[] = [];
    const JOBS = { send: async (job: object) => void jobs.push(job) } as unknown as Queue<unknown>;
    vault.fails = /DELETE/;
    const away = createClient({ ...settings, JOBS });
    expect((await away.send("DELETE", `/v1/projects/${project_id}`)).status).toBe(204);
    expect(jobs).toMatchObject([{ type: "delete_sandbox", project_id }]);
    expect((await env.DB.prepare("SELECT * FROM secrets").all()).results).toEqual([]);
    expect(vault.secrets).toHaveLength(1);
    vault.fails = null;
    await dropProjectSecrets(scope, signal());
    expect(vault.secrets).toEqual([]);
  });

  it("of a project whose Worker died while it was deleted is removed by the clock", async () => {
    const { put } = await makeProject();
    await put("KEY", { hosts: ["a.example"] });
    await put("PLAIN");
    await env.DB.prepare("DELETE FROM projects").run();
    await sweepSandboxSecrets({ ...env, ...settings }, at47());
    expect(vault.secrets).toHaveLength(1);
    await sweepSandboxSecrets({ ...env, ...settings }, at47() + 48 * 3_600_000);
    expect(vault.secrets).toEqual([]);
    await sweepSandboxSecrets({ ...env, ...settings }, at47() + 72 * 3_600_000);
    expect([await rowsOf(), (await env.DB.prepare("SELECT * FROM secrets").all()).results]).toEqual([[], []]);
  });

  it("is tried again by the clock, if Daytona fails", async () => {
    const { put, path } = await makeProject();
    await put("KEY", { hosts: ["a.example"] });
    vault.fails = /DELETE/;
    expect((await client.send("DELETE", `${path}/KEY`)).status).toBe(204);
    expect((await client.send("GET", path)).body.data).toEqual([]);
    await sweepSandboxSecrets({ ...env, ...settings }, at47());
    expect(await rowsOf()).toHaveLength(1);
    vault.fails = null;
    await sweepSandboxSecrets({ ...env, ...settings }, at47());
    expect([vault.secrets, await rowsOf()]).toEqual([[], []]);
  });

  it("of a project does not go with a later project of the same id", async () => {
    const former = await makeProject();
    await former.put("KEY", { hosts: ["a.example"] });
    vault.fails = /DELETE/;
    await dropProjectSecrets(former.scope, signal()).catch(() => {});
    await env.DB.prepare("DELETE FROM projects").run();
    vault.fails = null;
    const later = await makeProject(client, former.project_id);
    await later.put("KEY", { hosts: ["a.example"], value: "a later value" });
    await dropProjectSecrets(former.scope, signal());
    expect(vault.secrets).toMatchObject([{ value: "a later value" }]);
    expect(await giveSecrets(later.scope).read(signal())).toMatchObject([{ value: "a later value" }]);
  });

  it("goes with the account", async () => {
    const { put } = await makeProject();
    await put("KEY", { hosts: ["a.example"] });
    await put("PLAIN");
    const scope = {
      ...{ env: { ...env, ...settings }, config: configOf({ ...env, ...settings }), user_id: "user_first" },
      ...{ now: Date.now(), isOlderThan: () => false, signal: signal() },
    };
    expect(await sandboxSecretsPart.remove(scope)).toBe("more");
    expect(await sandboxSecretsPart.remove(scope)).toBe("done");
    expect([vault.secrets, await rowsOf()]).toEqual([[], []]);
  });
});
