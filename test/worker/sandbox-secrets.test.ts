// Secrets of a project's sandbox over HTTP, down to the bytes in D1 and to what Daytona's vault is asked.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { configOf } from "../../src/config.ts";
import { sandboxSecretsPart } from "../../src/projects/routes/account.ts";
import { sweepSandboxSecrets } from "../../src/projects/routes/sweep-secrets.ts";
import { dropProjectSecrets, giveSecrets, type SecretScope } from "../../src/projects/sandbox-secrets.ts";
import { reportSeals } from "../../src/secrets/reseal.ts";
import { createClient } from "./http-client.ts";

const CANARY = "canary-31d7-value";
const API = "https://daytona.example/api";
const settings = { ENCRYPTION_KEY: "new key,old key", DAYTONA_API_URL: API, DAYTONA_API_KEY: "dtn_key-of-tests" };
const client = createClient(settings);

interface Kept {
  id: string;
  name: string;
  value: string;
  hosts: string[];
}

/** Daytona's secrets; `missing` is a server without them. Other requests are those of sandboxes, which are not there. */
const vault = {
  secrets: [] as Kept[],
  missing: false,
  asked: [] as string[],
  fails: null as RegExp | null,
  /** Called before a request changes anything. */
  before: async (_line: string, _body: Kept): Promise<void> => {},
};

function answer(status: number, body: unknown): Response {
  return Response.json(body, { status });
}

async function serve(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const path = pathname.slice("/api".length);
  const line = `${request.method} ${path}`;
  if (!path.startsWith("/secret")) return answer(404, { statusCode: 404, message: "Sandbox not found" });
  if (vault.missing) return answer(404, { statusCode: 404, message: `Cannot ${request.method} ${pathname}` });
  vault.asked.push(line);
  if (vault.fails?.test(line)) return answer(422, { message: "Daytona refuses this" });
  if (line === "GET /secret/paginated") {
    const items = vault.secrets.filter(({ name }) => name.includes(searchParams.get("name") ?? ""));
    return answer(200, { items, total: items.length, nextCursor: null });
  }
  const id = path.split("/")[2];
  if (request.method === "DELETE") {
    vault.secrets = vault.secrets.filter((kept) => kept.id !== id);
    return new Response(null, { status: 204 });
  }
  const body = (await request.json()) as Kept;
  await vault.before(line, body);
  const known = vault.secrets.find((kept) => kept.id === id || kept.name === body.name);
  if (request.method === "PATCH" && known) return answer(200, Object.assign(known, body));
  if (known) return answer(409, { message: "exists" });
  vault.secrets.push({ ...body, id: `id-${vault.secrets.length}-${body.name}` });
  return answer(201, body);
}

beforeEach(() => {
  Object.assign(vault, { secrets: [], missing: false, asked: [], fails: null, before: async () => {} });
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => serve(new Request(input as string, init)));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const table of ["secrets", "sandbox_secrets", "projects"]) await env.DB.prepare(`DELETE FROM ${table}`).run();
});

let count = 0;

async function makeProject(from = client, project_id = `secrets-${++count}`) {
  const { body } = await from.send("POST", "/v1/projects", { project_id, name: "Shop" });
  const path = `/v1/projects/${project_id}/secrets`;
  const put = (name: string, given: object = {}, by = from) =>
    by.send("PUT", `${path}/${name}`, { value: CANARY, ...given });
  return { project_id, path, put, scope: scopeOf(String(body.created_at), project_id) };
}

function scopeOf(project_created_at: string, project_id: string): SecretScope {
  const config = configOf({ ...env, ...settings });
  return { config, database: env.DB, user_id: "user_first", project_id, project_created_at };
}

const rowsOf = async () => (await env.DB.prepare("SELECT * FROM sandbox_secrets ORDER BY name").all()).results;
const signal = () => AbortSignal.timeout(20_000);
const at47 = () => Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 47 * 60_000;

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
    const { put } = await makeProject(createClient({ ...settings, QUOTAS: "sandbox_secrets=1" }));
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

  it("of a project that a former Worker deleted, or that died in between, is removed by the clock", async () => {
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

async function names(scope: SecretScope): Promise<string[]> {
  const { toHex, hashText } = await import("../../src/lib/hash.ts");
  const hash = toHex(await hashText(JSON.stringify([scope.user_id, scope.project_id, scope.project_created_at])));
  return [`taskloom_${hash.slice(0, 32)}_KEY`];
}
