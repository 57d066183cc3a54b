// Credentials of git hosts over HTTP, down to the bytes in D1.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createGitAccess } from "../../src/projects/git.ts";
import { findGitLogin } from "../../src/projects/git-credentials.ts";
import { createClient, dropKeysOfFirstUser } from "./http-client.ts";

const PATH = "/v1/git-credentials";
const CANARY = "canary-9f1c-password";
const client = createClient({ ENCRYPTION_KEY: "new key,old key" });

// A request that a file before this one left under way may have made one.
beforeEach(dropKeysOfFirstUser);
afterEach(async () => {
  vi.restoreAllMocks();
  await env.DB.prepare("DELETE FROM secrets").run();
});

const store = (body: Record<string, unknown>, from = client) =>
  from.send("POST", PATH, { host: "github.com", username: "ada", password: CANARY, ...body });

describe("git credentials", () => {
  it("are stored, listed and deleted by host, and no answer contains the password", async () => {
    const made = await store({ host: "https://GitHub.com/taskloom/shop" });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      host: "github.com",
      username: "ada",
      created_at: expect.any(String),
      updated_at: made.body.created_at,
    });
    await store({ host: "git.example.com:8443" });
    const list = await client.send("GET", `${PATH}?limit=1`);
    expect(list.body).toMatchObject({ data: [{ host: "git.example.com:8443" }], next_cursor: expect.any(String) });
    const rest = await client.send("GET", `${PATH}?limit=1&cursor=${list.body.next_cursor}`);
    expect(rest.body).toEqual({ data: [made.body], next_cursor: null });
    for (const host of ["git.example.com:8443", "GITHUB.com"]) {
      expect((await client.send("DELETE", `${PATH}/${encodeURIComponent(host)}`)).status).toBe(204);
    }
    const gone = await client.send("DELETE", `${PATH}/github.com`);
    expect([gone.status, gone.body.code]).toEqual([404, "not_found"]);
  });

  it("are one per host: a second one replaces the first and keeps its creation time", async () => {
    const first = await store({});
    const second = await store({ username: "bob", password: "other" });
    expect(second.body).toMatchObject({ username: "bob", created_at: first.body.created_at });
    expect((await client.send("GET", PATH)).body.data).toHaveLength(1);
    const found = await findGitLogin({ database: env.DB, encryption_keys: ["new key"] }, "user_first", "github.com");
    expect(found).toEqual({ ok: true, value: { username: "bob", password: "other" } });
  });

  it("belong to one user", async () => {
    const other = await client.addUser("user_git_other");
    await store({});
    expect((await other.send("GET", PATH)).body.data).toEqual([]);
    expect((await other.send("DELETE", `${PATH}/github.com`)).status).toBe(404);
    // A row that is copied to another user can't be decrypted there.
    await env.DB.prepare("UPDATE secrets SET user_id = 'user_git_other'").run();
    expect((await other.send("GET", PATH)).body.data).toMatchObject([{ host: "github.com", username: null }]);
  });

  it("never put the password into D1, answers or logs, even if it is invalid", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const answers = [
      await store({}),
      await client.send("GET", PATH),
      await store({ password: `${CANARY}\n` }),
      await store({ password: CANARY, extra: 1 }),
      await store({ [CANARY]: 1, host: "a b" }),
      await store({ host: `https://ada:${CANARY}@github.com` }),
      await client.send("POST", PATH, `{"password":"${CANARY}"`),
      await store({}, createClient()),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 400, 400, 400, 400, 400, 503]);
    // An answer quotes the name of an unknown field, so that one answer may contain it.
    const texts = answers.filter((_, place) => place !== 4).map(({ text }) => text);
    const rows = await env.DB.prepare("SELECT * FROM secrets").all();
    const bytes = rows.results.map((row) => JSON.stringify(row) + atob(String(row.sealed)));
    expect(bytes).toHaveLength(1);
    for (const text of [...texts, ...bytes, ...written]) {
      expect(text).not.toContain(CANARY);
      expect(text).not.toContain(btoa(CANARY).slice(0, 12));
    }
  });

  it("survive a change of the encryption key, and say what to do if the key is lost", async () => {
    await store({}, createClient({ ENCRYPTION_KEY: "old key" }));
    expect((await client.send("GET", PATH)).body.data).toMatchObject([{ username: "ada" }]);
    const lost = createClient({ ENCRYPTION_KEY: "new key" });
    expect((await lost.send("GET", PATH)).body.data).toMatchObject([{ host: "github.com", username: null }]);
    const found = await findGitLogin({ database: env.DB, encryption_keys: ["new key"] }, "user_first", "github.com");
    expect(found).toMatchObject({ ok: false, error: { detail: expect.stringMatching(/github\.com.*Store it again/) } });
    expect((await store({ username: "eve" }, lost)).status).toBe(201);
    expect((await lost.send("GET", PATH)).body.data).toMatchObject([{ username: "eve" }]);
  });

  it("answer 503 without ENCRYPTION_KEY", async () => {
    const bare = createClient({ ENCRYPTION_KEY: " , " });
    for (const answer of [
      await store({}, bare),
      await bare.send("GET", PATH),
      await bare.send("DELETE", `${PATH}/github.com`),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([503, "not_configured"]);
      expect(answer.body.detail).toContain("ENCRYPTION_KEY");
    }
  });

  it.each([
    ["no host", { host: "" }, /^host: /],
    ["an SSH address", { host: "git@github.com:a/b.git" }, /^host: .*SSH/],
    ["a line feed in the user name", { username: "a\nb" }, /^username: .*control/],
    ["a NUL in the password", { password: "a\u0000b" }, /^password: .*control/],
    ["a colon in the user name", { username: "a:b" }, /^username: .*colon/],
    ["an empty password", { password: "" }, /^password: /],
    ["a password that is too long", { password: "x".repeat(8193) }, /^password: /],
    ["a number as the password", { password: 5 }, /^password: /],
  ])("are refused with %s", async (_, body, detail) => {
    const answer = await store(body);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_field"]);
    expect(answer.body.detail).toMatch(detail);
  });
});

describe("the URL of a project's repository", () => {
  const privately = createClient({ ALLOW_PRIVATE_URLS: "1" });
  const git = { url: "http://169.254.169.254/latest.git" };

  it("must be public, in a new and in a changed project", async () => {
    const made = await client.send("POST", "/v1/projects", { name: "p", git });
    expect([made.status, made.body.code]).toEqual([400, "invalid_field"]);
    expect(made.body.detail).toMatch(/^git\.url: .*link-local/);
    const project = await client.send("POST", "/v1/projects", { name: "p", git: { url: "https://github.com/a/b" } });
    expect(project.status).toBe(201);
    const path = `/v1/projects/${project.body.project_id}`;
    expect((await client.send("PATCH", path, { git: { url: "https://localhost./a" } })).status).toBe(400);
    expect((await client.send("PATCH", path, { git: null, name: "q" })).status).toBe(200);
  });

  it.each([
    [{ url: "https://github.com" }, /^git\.url: names a host and no repository/],
    [{ url: "https://github.com/a/b", branch: "--upload-pack=x" }, /^git\.branch: can't be/],
    [{ url: "https://ada:canary@github.com/a/b" }, /^git\.url: must be .* without user or password/],
  ])("is refused if it can't be cloned: %j", async (source, detail) => {
    const made = await client.send("POST", "/v1/projects", { name: "p", git: source });
    expect([made.status, made.body.code]).toEqual([400, "invalid_field"]);
    expect(made.body.detail).toMatch(detail);
  });

  it("may be private if the operator allows it", async () => {
    expect((await privately.send("POST", "/v1/projects", { name: "p", git })).status).toBe(201);
  });
});

describe("the git login of a sandbox", () => {
  const scope = { database: env.DB, encryption_keys: ["new key"], private_urls_allowed: false, user_id: "user_first" };
  const access = createGitAccess(scope);
  const privately = createGitAccess({ ...scope, private_urls_allowed: true });
  const failureOf = (promise: Promise<unknown>) => promise.then(String, (error: Error) => error.message);

  it("is the credential of exactly that host, over https", async () => {
    await store({});
    expect(await access.findLogin("https://GitHub.com:443/a/b.git")).toEqual({ username: "ada", password: CANARY });
    for (const url of ["https://github.com.evil.example/a", "https://github.com:8443/a", "https://api.github.com/a"]) {
      expect(await access.findLogin(url)).toBeNull();
    }
    expect(await failureOf(access.findLogin("http://github.com/a"))).toMatch(/over https only/);
    expect(await privately.findLogin("http://github.com/a")).toMatchObject({ username: "ada" });
    expect(await failureOf(access.findLogin("https://github.com@evil.example/a"))).toMatch(/without a password/);
    expect(await createGitAccess({ ...scope, user_id: "user_x" }).findLogin("https://github.com/a")).toBeNull();
  });

  it("is refused for a private address, even if it was allowed when the project was created", async () => {
    await store({ host: "10.0.0.1" });
    expect(await failureOf(access.findLogin("https://10.0.0.1/a"))).toMatch(
      /10\.0\.0\.1 is not reached: it is an address/,
    );
    expect(await privately.findLogin("https://10.0.0.1/a")).toMatchObject({ username: "ada" });
  });

  it("is a clear error if the encryption key is lost or D1 is unavailable", async () => {
    await store({}, createClient({ ENCRYPTION_KEY: "lost key" }));
    expect(await failureOf(access.findLogin("https://github.com/a"))).toMatch(
      /can't be opened: the key .*Store it again/,
    );
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const away = createGitAccess({ ...scope, database: {} as D1Database });
    expect(await failureOf(away.findLogin("https://github.com/a"))).toMatch(/can't be read just now/);
  });
});
