// Slack workspaces: installed in a browser or connected by a token, separated by user, without leaking a secret.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { slackScopes } from "../../src/slack/oauth.ts";
import { createClient } from "./http-client.ts";
import { APP_ID, botOf, CLIENT_SECRET, connect, createSlackClient, identityOf, TOKEN } from "./slack-client.ts";
import { access, back, begin, cookieOf, pathOf, stateOf } from "./slack-install.ts";

afterEach(async () => {
  vi.restoreAllMocks();
  await env.DB.batch(["slack_workspaces", "secrets", "tickets"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

const WORKSPACES = "/v1/slack/workspaces";
const quiet = () => vi.spyOn(console, "warn").mockImplementation(() => {});

describe("installing the app", () => {
  it("redirects from a one-use address to Slack and back, and connects the workspace", async () => {
    quiet();
    const slack = createSlackClient();
    slack.answers.set("oauth.v2.access", () => access);
    const { made, left } = await begin(slack, {}, { agent_id: "agent_default" });
    expect(left.status).toBe(302);
    const location = new URL(left.headers.get("location") ?? "");
    expect(location.origin + location.pathname).toBe("https://slack.test/oauth/v2/authorize");
    expect(Object.fromEntries(location.searchParams)).toEqual({
      client_id: "111.222",
      scope: slackScopes.join(","),
      redirect_uri: "https://taskloom.test/integrations/slack/callback",
      state: expect.stringMatching(/^[\da-f]{64}$/),
    });
    const setCookie = left.headers.get("set-cookie") ?? "";
    expect(setCookie).toMatch(
      /^__Host-taskloom_slack=[\da-f]{64}; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
    const again = await slack.send("GET", pathOf(made.body.url));
    expect([again.status, again.headers.get("content-type")]).toEqual([401, "text/html; charset=utf-8"]);
    expect(again.text).toContain("was used");
    const arrived = await back(
      slack,
      { code: "c0de", state: location.searchParams.get("state") ?? "" },
      cookieOf(left.headers),
    );
    expect(arrived.status).toBe(200);
    expect(arrived.text).toContain("Acme &lt;b&gt;");
    expect(arrived.headers.get("set-cookie")).toMatch(/^__Host-taskloom_slack=; .*Max-Age=0/);
    expect(arrived.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(slack.callsTo("oauth.v2.access")).toEqual([
      {
        client_id: "111.222",
        client_secret: CLIENT_SECRET,
        code: "c0de",
        redirect_uri: "https://taskloom.test/integrations/slack/callback",
      },
    ]);
    const audit = await slack.ask("GET", "/v1/audit?action=slack_workspace.connect");
    expect(audit.body.data).toMatchObject([
      { target: "TIN1", outcome: "done", user_id: "user_first", actor_id: "user_first", key_id: "admin_key" },
    ]);
    expect(audit.text).not.toMatch(/xoxb|c0de/);
    expect((await slack.ask("GET", WORKSPACES)).body.data).toEqual([
      {
        team_id: "TIN1",
        team_name: "Acme <b>",
        bot_user_id: "UBOT",
        agent_id: "agent_default",
        project_id: null,
        created_at: expect.any(String),
        updated_at: expect.any(String),
        made_by: "admin_key",
      },
    ]);
    expect(
      (await back(slack, { code: "c0de", state: stateOf(left.headers.get("location")) }, cookieOf(left.headers)))
        .status,
    ).toBe(401);
  });

  it("starts with a ticket or a key, and is refused without either", async () => {
    quiet();
    const slack = createSlackClient();
    expect((await slack.ask("GET", "/integrations/slack/install")).status).toBe(302);
    expect((await slack.ask("GET", "/integrations/slack/install", undefined, "wrong")).status).toBe(401);
    const bare = await slack.send("GET", "/integrations/slack/install");
    expect([bare.status, bare.body.detail]).toEqual([401, expect.stringContaining("POST /v1/slack/install")]);
    const made = await slack.ask("POST", "/v1/slack/install", {});
    expect((await slack.send("HEAD", pathOf(made.body.url))).status).toBe(401);
    expect((await slack.send("GET", pathOf(made.body.url))).status).toBe(302);
  });

  it("ends only in the browser that started it, once, and in time", async () => {
    quiet();
    const slack = createSlackClient();
    slack.answers.set("oauth.v2.access", () => access);
    const { left } = await begin(slack);
    const state = stateOf(left.headers.get("location"));
    const other = await begin(slack);
    for (const cookie of [undefined, "", cookieOf(other.left.headers), "__Host-taskloom_slack="]) {
      const { left: own } = await begin(slack);
      expect((await back(slack, { code: "c", state: stateOf(own.headers.get("location")) }, cookie)).status).toBe(401);
    }
    await env.DB.prepare("UPDATE tickets SET expires_at = '2020-01-01T00:00:00.000Z'").run();
    expect((await back(slack, { code: "c", state }, cookieOf(left.headers))).status).toBe(401);
    expect((await back(slack, { code: "c", state: "x".repeat(64) }, cookieOf(left.headers))).status).toBe(401);
    // A ticket is valid for one purpose only.
    const made = await slack.ask("POST", "/v1/slack/install", {});
    const ticket = new URL(String(made.body.url)).searchParams.get("ticket") ?? "";
    expect((await back(slack, { code: "c", state: ticket }, cookieOf(left.headers))).status).toBe(401);
    expect(slack.calls).toEqual([]);
  });

  it("goes nowhere once the key that asked for it is deleted", async () => {
    quiet();
    const slack = createSlackClient();
    slack.answers.set("oauth.v2.access", () => access);
    const makeKey = async (by?: string) =>
      (await slack.ask("POST", "/v1/api-keys", {}, by)).body as { key: string; key_id: string };
    const one = await makeKey();
    const two = await makeKey(one.key);
    const asked = await slack.ask("POST", "/v1/slack/install", {}, one.key);
    const begun = await slack.ask("POST", "/v1/slack/install", {}, two.key);
    const left = await slack.send("GET", pathOf(begun.body.url));
    expect(left.status).toBe(302);
    for (const { key_id } of [two, one]) await slack.ask("DELETE", `/v1/api-keys/${key_id}`, undefined, one.key);
    expect((await slack.send("GET", pathOf(asked.body.url))).status).toBe(401);
    const state = stateOf(left.headers.get("location"));
    expect((await back(slack, { code: "c0de", state }, cookieOf(left.headers))).status).toBe(401);
    expect(slack.calls).toEqual([]);
  });

  it.each([
    ["the person refuses", { error: "access_denied" }, access, 403, "did not allow"],
    ["the code is refused", { code: "c" }, { ok: false, error: "invalid_code" }, 403, "invalid_code"],
    ["Slack can't be reached", { code: "c" }, null, 500, "could not be reached"],
    [
      "it is for an organization",
      { code: "c" },
      { ...access, is_enterprise_install: true, team: null },
      422,
      "organization",
    ],
    ["its tokens expire", { code: "c" }, { ...access, refresh_token: "xoxe-canary" }, 422, "rotation"],
  ])("ends on a page with the reason if %s", async (_name, query, answer, status, words) => {
    quiet();
    const slack = createSlackClient();
    slack.answers.set("oauth.v2.access", () => answer ?? new Response("", { status: 502 }));
    const { left } = await begin(slack);
    const state = stateOf(left.headers.get("location"));
    const arrived = await back(slack, { ...query, state } as Record<string, string>, cookieOf(left.headers));
    expect([arrived.status, arrived.headers.get("content-type")]).toEqual([status, "text/html; charset=utf-8"]);
    expect(arrived.text).toContain(words);
    expect(arrived.text).not.toContain("canary");
    expect((await slack.ask("GET", WORKSPACES)).body.data).toEqual([]);
  });

  it("names the settings that are missing", async () => {
    quiet();
    const missing = async (settings: Record<string, string>) => {
      const answer = await createSlackClient(settings).ask("POST", "/v1/slack/install", {});
      expect([answer.status, answer.body.code]).toEqual([503, "not_configured"]);
      return String(answer.body.detail);
    };
    expect(await missing({ SLACK_CLIENT_ID: "" })).toMatch(/SLACK_CLIENT_ID, SLACK_CLIENT_SECRET/);
    expect(await missing({ ENCRYPTION_KEY: "" })).toMatch(/set ENCRYPTION_KEY/);
    expect(await missing({ SLACK_SIGNING_SECRET: "" })).toMatch(/SLACK_SIGNING_SECRET/);
  });
});

describe("a workspace connected by its token", () => {
  it("is checked with Slack, encrypted, changed, and revoked when it is disconnected", async () => {
    quiet();
    const slack = createSlackClient();
    await connect(slack, "TTK1");
    const stored = await env.DB.prepare("SELECT * FROM secrets").all();
    expect(JSON.stringify(stored.results.map((row) => [row, atob(String(row.sealed))]))).not.toContain("canary");
    const project = await slack.ask("POST", "/v1/projects", { name: "Shop" });
    const { project_id } = project.body;
    const changed = await slack.ask("PATCH", `${WORKSPACES}/TTK1`, { project_id, agent_id: null });
    expect(changed.body).toMatchObject({ team_id: "TTK1", project_id, agent_id: null });
    // It keeps its choices when it is connected again.
    await connect(slack, "TTK1", { agent_id: "agent_default" });
    expect((await slack.ask("GET", WORKSPACES)).body.data).toMatchObject([{ project_id, agent_id: "agent_default" }]);
    for (const wrong of [{ project_id: "proj_none" }, { agent_id: "agent_none" }]) {
      expect((await slack.ask("PATCH", `${WORKSPACES}/TTK1`, wrong)).status).toBe(404);
    }
    expect((await slack.ask("PATCH", `${WORKSPACES}/TNONE`, {})).status).toBe(404);
    expect((await slack.ask("DELETE", `${WORKSPACES}/TTK1`)).status).toBe(204);
    expect(slack.calls.at(-1)).toMatchObject({ method: "auth.revoke", authorization: `Bearer ${TOKEN}` });
    expect((await slack.ask("DELETE", `${WORKSPACES}/TTK1`)).status).toBe(404);
    expect((await env.DB.prepare("SELECT * FROM secrets").all()).results).toEqual([]);
  });

  it("can be disconnected while Slack can't be reached, and after the encryption key is lost", async () => {
    const slack = createSlackClient();
    await connect(slack, "TTK2");
    slack.answers.set("auth.revoke", () => new Response("", { status: 500 }));
    expect((await slack.ask("DELETE", `${WORKSPACES}/TTK2`)).status).toBe(204);
    await connect(slack, "TTK3");
    const lost = createSlackClient({ ENCRYPTION_KEY: "another key" });
    expect((await lost.ask("DELETE", `${WORKSPACES}/TTK3`)).status).toBe(204);
  });

  it("belongs to one user", async () => {
    quiet();
    const slack = createSlackClient();
    await connect(slack, "TTK4");
    const stranger = await createClient().addUser("user_slack_stranger");
    const key = String((await stranger.send("POST", "/v1/api-keys", { name: "k" })).body.key);
    const again = await slack.ask("POST", WORKSPACES, { bot_token: TOKEN }, key);
    expect([again.status, again.body.code]).toEqual([409, "already_exists"]);
    expect((await slack.ask("GET", WORKSPACES, undefined, key)).body.data).toEqual([]);
    expect((await slack.ask("PATCH", `${WORKSPACES}/TTK4`, {}, key)).status).toBe(404);
    expect((await slack.ask("DELETE", `${WORKSPACES}/TTK4`, undefined, key)).status).toBe(404);
    expect(slack.callsTo("auth.revoke")).toEqual([]);
    expect((await slack.ask("GET", WORKSPACES)).body.data).toHaveLength(1);
  });

  it.each([
    ["Slack does not know it", { ok: false, error: "invalid_auth" }, 400, "invalid_field"],
    ["it is a person's", { ...identityOf("TX"), bot_id: undefined }, 400, "invalid_field"],
    ["it is an organization's", { ...identityOf("TX"), is_enterprise_install: true }, 400, "invalid_field"],
    ["Slack limits the rate", new Response("", { status: 429 }), 429, "rate_limited"],
    ["Slack can't be reached", new Response("", { status: 503 }), 500, "internal"],
  ])("is refused if %s", async (_name, answer, status, code) => {
    quiet();
    const slack = createSlackClient();
    slack.answers.set("auth.test", () => answer);
    const made = await slack.ask("POST", WORKSPACES, { bot_token: TOKEN });
    expect([made.status, made.body.code]).toEqual([status, code]);
    expect((await slack.ask("GET", WORKSPACES)).body.data).toEqual([]);
  });

  it("is refused if the token is malformed, or the body has other fields", async () => {
    quiet();
    const slack = createSlackClient();
    for (const body of [{}, { bot_token: "" }, { bot_token: "a b" }, { bot_token: "a\nb" }, { bot_token: 7 }]) {
      expect((await slack.ask("POST", WORKSPACES, body)).body.code).toBe("invalid_field");
    }
    expect((await slack.ask("POST", WORKSPACES, { bot_token: TOKEN, extra: 1 })).body.code).toBe("unknown_field");
    expect((await slack.ask("POST", WORKSPACES, { bot_token: TOKEN, agent_id: "agent_none" })).status).toBe(404);
    expect((await slack.send("GET", WORKSPACES)).status).toBe(401);
    expect(slack.calls).toEqual([]);
  });

  it("keeps token and secrets out of answers and logs", async () => {
    const written: string[] = [];
    for (const name of ["log", "info", "warn", "error", "debug"] as const) {
      vi.spyOn(console, name).mockImplementation((...line) => void written.push(line.join(" ")));
    }
    const slack = createSlackClient();
    const answers = [];
    for (const answer of [
      { ok: false, error: "invalid_auth" },
      new Response("", { status: 500 }),
      identityOf("TTK5"),
    ]) {
      slack.answers.set("auth.test", () => answer);
      slack.answers.set("bots.info", () => botOf(APP_ID));
      answers.push(await slack.ask("POST", WORKSPACES, { bot_token: TOKEN }));
    }
    answers.push(await slack.ask("GET", WORKSPACES), await slack.ask("PATCH", `${WORKSPACES}/TTK5`, {}));
    answers.push(await slack.ask("POST", WORKSPACES, { bot_token: `${TOKEN} ` }));
    slack.answers.set("oauth.v2.access", () => ({ ...access, team: null }));
    const { left } = await begin(slack);
    answers.push(
      left,
      await back(slack, { code: "c", state: stateOf(left.headers.get("location")) }, cookieOf(left.headers)),
    );
    const output = JSON.stringify([answers.map(({ text, headers }) => [text, [...headers]]), written]);
    expect(output).not.toContain("canary");
    expect(answers.map(({ status }) => status)).toEqual([400, 500, 201, 200, 200, 400, 302, 422]);
  });
});
