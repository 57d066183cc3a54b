// Secrets of a project's sandbox over HTTP, down to the bytes in D1 and to what Daytona's vault is asked.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { configOf } from "../../src/config.ts";
import { giveSecrets } from "../../src/projects/sandbox-secrets.ts";
import { reportSeals } from "../../src/secrets/reseal.ts";
import { createClient } from "./http-client.ts";
import { CANARY, client, makeProject, settings, signal, useVault, vault } from "./secrets-vault.ts";

useVault();

describe("secrets of a sandbox", () => {
  it("are stored, listed by name and deleted, and no answer has the value", async () => {
    const { path, put } = await makeProject();
    const made = await put("STRIPE_KEY", { hosts: ["API.stripe.com", "*.stripe.com", "api.stripe.com"] });
    expect(made.status).toBe(200);
    expect(made.body).toEqual({
      ...{ name: "STRIPE_KEY", hosts: ["*.stripe.com", "api.stripe.com"], delivered: "secret" },
      ...{ created_at: expect.any(String), updated_at: made.body.created_at },
    });
    expect((await put("A_TOKEN")).body).toMatchObject({ hosts: [], delivered: "env" });
    const list = await client.send("GET", path);
    expect(list.body).toMatchObject({ data: [{ name: "A_TOKEN" }, { name: "STRIPE_KEY" }], next_cursor: null });
    expect((await client.send("DELETE", `${path}/STRIPE_KEY`)).status).toBe(204);
    expect((await client.send("DELETE", `${path}/STRIPE_KEY`)).status).toBe(404);
    expect((await client.send("GET", path)).body.data).toHaveLength(1);
    for (const { text } of [made, list]) expect(text).not.toContain(CANARY);
  });

  it("say how they are delivered: by Daytona where it keeps secrets, and this one has hosts", async () => {
    const { put, path } = await makeProject();
    vault.missing = true;
    expect((await put("ONE", { hosts: ["a.example"] })).body.delivered).toBe("env");
    vault.missing = false;
    vault.fails = /GET/;
    const failed = await put("TWO", { hosts: ["a.example"] });
    expect([failed.status, failed.body.code]).toEqual([502, "sandbox_failed"]);
    expect((await client.send("GET", path)).body.data).toMatchObject([{ name: "ONE" }]);
    vault.fails = null;
    expect((await put("ONE", { hosts: ["a.example"] })).body.delivered).toBe("secret");
  });

  it("are in the vault under a name of this user, project and variable alone", async () => {
    const other = await client.addUser("user_secrets_other");
    const project_id = "secrets-same";
    const mine = await makeProject(client, project_id);
    const theirs = await makeProject(other, project_id);
    await mine.put("KEY", { hosts: ["a.example"] });
    await theirs.put("KEY", { hosts: ["a.example"], value: "their value" });
    const names = vault.secrets.map(({ name }) => name);
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^taskloom_[0-9a-f]{32}_KEY$/);
    expect((await client.send("DELETE", `${mine.path}/KEY`)).status).toBe(204);
    expect(vault.secrets).toMatchObject([{ value: "their value" }]);
    expect((await other.send("GET", theirs.path)).body.data).toHaveLength(1);
  });

  it("never put the value into D1, answers or logs, even if it is invalid", async () => {
    const { put, path } = await makeProject();
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const answers = [
      await put("KEY"),
      await put("KEPT", { hosts: ["a.example"] }),
      await put("KEY", { value: `${CANARY}\0` }),
      await put("PATH"),
      await put("KEY", { hosts: ["no host"] }),
      await put("KEY", { extra: 1 }),
      await put("KEY", {}, createClient({ ...settings, ENCRYPTION_KEY: "" })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 400, 400, 400, 503]);
    const tables = ["secrets", "sandbox_secrets", "audit_entries"];
    const rows = await Promise.all(tables.map((table) => env.DB.prepare(`SELECT * FROM ${table}`).all()));
    const stored = JSON.stringify(rows.map(({ results }) => results));
    for (const text of [...answers.map((each) => each.text), stored, ...written, (await client.send("GET", path)).text])
      expect(text).not.toContain(CANARY);
    const audited = await env.DB.prepare(
      "SELECT action, target, details FROM audit_entries WHERE action = 'sandbox_secret.set' AND target = 'KEPT'",
    ).first();
    expect(audited).toMatchObject({ target: "KEPT", details: expect.stringContaining("project_id") });
  });

  it.each([
    "PATH",
    "path",
    "LD_PRELOAD",
    "HOME",
    "TASKLOOM_COMMAND",
    "DAYTONA_API_KEY",
    "BASH_ENV",
    "IFS",
    "UID",
    "_",
    "1ST",
    "A-B",
    "GIT_SSH_COMMAND",
    "x".repeat(129),
  ])("are refused with the name %s, in words", async (name) => {
    const { put } = await makeProject();
    const refused = await put(name);
    expect([refused.status, refused.body.code]).toEqual([400, "invalid_field"]);
    expect(refused.body.detail).toMatch(/^name: .*(?:reserved|not a name of a variable)/);
  });

  it.each([
    ["no text", ""],
    ["64 KiB and a byte", "x".repeat(65_537)],
    ["64 Ki characters of two bytes", "é".repeat(40_000)],
  ])("are refused with a value of %s", async (_, value) => {
    const { put } = await makeProject();
    expect((await put("KEY", { value })).body).toMatchObject({
      code: "invalid_field",
      detail: expect.stringMatching(/^value: /),
    });
  });

  it("are at most 100 a project and 512 KiB together, and replacing one is always possible", async () => {
    const { put, project_id } = await makeProject();
    await put("FIRST");
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 99)
       INSERT INTO sandbox_secrets SELECT user_id, project_id, project_created_at, 'N' || i, hosts, delivered, 'sec_' || i,
         10, created_at, updated_at, 0, NULL, NULL FROM sandbox_secrets, n WHERE project_id = ?1`,
    )
      .bind(project_id)
      .run();
    const full = await put("ONE_MORE");
    expect([full.status, full.body.code]).toEqual([409, "quota_exceeded"]);
    expect(full.body.detail).toContain("100 secrets");
    expect((await put("FIRST")).status).toBe(200);
    await env.DB.prepare("UPDATE sandbox_secrets SET bytes = 6000").run();
    const large = await put("FIRST", { value: "x".repeat(60_000) });
    expect(large.body).toMatchObject({ code: "invalid_field", detail: expect.stringContaining("524288 bytes") });
  });

  it("count for a quota of their user", async () => {
    const { put } = await makeProject(createClient({ ...settings, QUOTAS: "things=10" }));
    expect((await put("ONE")).status).toBe(200);
    const full = await put("TWO");
    expect([full.status, full.body.code]).toEqual([409, "quota_exceeded"]);
    expect((await put("ONE")).status).toBe(200);
  });

  it("survive a change of the encryption key, count in its report, and one that no key opens is left out", async () => {
    const { put, scope, project_id } = await makeProject(createClient({ ...settings, ENCRYPTION_KEY: "old key" }));
    await put("KEY");
    expect(await giveSecrets(scope).read(signal())).toMatchObject([{ name: "KEY", value: CANARY, kept_as: null }]);
    const lost = { database: env.DB, encryption_keys: ["another key"] };
    expect(await reportSeals(lost)).toMatchObject({
      unreadable: 1,
      first_unreadable: [{ kind: "sandbox", name: `${project_id}/KEY` }],
    });
    const config = configOf({ ...env, ...settings, ENCRYPTION_KEY: "another key" });
    expect(await giveSecrets({ ...scope, config }).read(signal())).toEqual([]);
  });
});
