// A workspace is connected with a token of this server's own Slack app, and its events are of this app. Anyone may make
// another app and bring its token: with it they would get what people write to the app of this server.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { createClient } from "./http-client.ts";
import { APP_ID, botOf, connect, createSlackClient, identityOf, type SlackClient, TOKEN } from "./slack-client.ts";

let logged: string[] = [];

beforeEach(() => {
  logged = [];
  vi.spyOn(console, "warn").mockImplementation((line) => void logged.push(String(line)));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await env.DB.batch(["slack_workspaces", "secrets", "tickets"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

const WORKSPACES = "/v1/slack/workspaces";
const mention = { type: "app_mention", channel: "C1", user: "U1", text: "<@UBOT> hello", ts: "1764000000.000100" };

/** As it was stored while SLACK_APP_ID named the app of this bot. */
async function storeForeign(team_id: string, bot_user_id: string, user_id = FIRST_USER_ID): Promise<void> {
  const at = "2026-11-01T08:00:00.000Z";
  await env.DB.prepare(
    "INSERT INTO slack_workspaces (user_id, team_id, bot_user_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
  )
    .bind(user_id, team_id, bot_user_id, at)
    .run();
}

/** What an event says of the installation that it is for. */
function authorizedFor(team_id: string, user_id: string, is_bot = true) {
  return { team_id, authorizations: [{ enterprise_id: null, team_id, user_id, is_bot, is_enterprise_install: false }] };
}

async function hasRun(team_id: string): Promise<boolean> {
  const key = { user_id: FIRST_USER_ID, thread_id: await threadOfPlace(team_id, mention.channel, mention.ts) };
  const runs = await threadStub(env, key).readRuns(key, { limit: 1, cursor: null });
  return runs.ok && runs.value.data.length > 0;
}

async function bring(slack: SlackClient, team_id: string, bot: unknown, key?: string) {
  slack.answers.set("auth.test", () => identityOf(team_id));
  slack.answers.set("bots.info", () => bot);
  return await slack.ask("POST", WORKSPACES, { bot_token: TOKEN }, key);
}

describe("a bot's token", () => {
  it("of another app connects nothing", async () => {
    const slack = createSlackClient();
    const made = await bring(slack, "TFA1", botOf("A2"));
    expect([made.status, made.body.code]).toEqual([400, "invalid_field"]);
    expect(made.body.detail).toContain("another Slack app");
    expect((await slack.ask("GET", WORKSPACES)).body.data).toEqual([]);
    expect((await env.DB.prepare("SELECT * FROM secrets").all()).results).toEqual([]);
  });

  it("of this app connects its workspace, and its bot is asked for by the token itself", async () => {
    const slack = createSlackClient();
    expect((await bring(slack, "TFA2", botOf(APP_ID))).status).toBe(201);
    expect(slack.calls).toMatchObject([
      { method: "auth.test" },
      { method: "bots.info", fields: { bot: "B1" }, authorization: `Bearer ${TOKEN}` },
    ]);
  });

  it.each([
    ["names no app", botOf(undefined), 400, "invalid_field", "another Slack app"],
    ["is for another bot", botOf(APP_ID, "UOTHER"), 400, "invalid_field", "another Slack app"],
    [
      "is missing a scope",
      { ok: false, error: "missing_scope", needed: "users:read" },
      400,
      "invalid_field",
      "users:read",
    ],
    ["is a refusal", { ok: false, error: "bot_not_found" }, 400, "invalid_field", "bot_not_found"],
    ["is a rate limit", new Response("", { status: 429 }), 429, "rate_limited", "later"],
    ["is none", new Response("", { status: 503 }), 500, "internal", ""],
  ])("connects nothing if the answer about its app %s", async (_name, answer, status, code, words) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const slack = createSlackClient();
    const made = await bring(slack, "TFA3", answer);
    expect([made.status, made.body.code]).toEqual([status, code]);
    expect(made.body.detail).toContain(words);
    expect((await slack.ask("GET", WORKSPACES)).body.data).toEqual([]);
  });

  it("connects nothing while the server doesn't know its own app", async () => {
    const slack = createSlackClient({ SLACK_APP_ID: "" });
    const made = await bring(slack, "TFA4", botOf(APP_ID));
    expect([made.status, made.body.code]).toEqual([503, "not_configured"]);
    expect(made.body.detail).toMatch(/SLACK_APP_ID.*\/v1\/slack\/install/);
  });

  it("of this app takes a workspace back from the account that connected another app's bot", async () => {
    const stranger = await createClient().addUser("user_squatter");
    const key = String((await stranger.send("POST", "/v1/api-keys", {})).body.key);
    await storeForeign("TFA6", "UFOREIGN", "user_squatter");
    const slack = createSlackClient();
    expect((await slack.ask("GET", WORKSPACES, undefined, key)).body.data).toHaveLength(1);
    expect((await bring(slack, "TFA6", botOf(APP_ID))).status).toBe(201);
    expect((await slack.ask("GET", WORKSPACES, undefined, key)).body.data).toEqual([]);
    expect((await slack.ask("GET", WORKSPACES)).body.data).toMatchObject([{ team_id: "TFA6", bot_user_id: "UBOT" }]);
    expect((await bring(slack, "TFA6", botOf(APP_ID), key)).status).toBe(409);
    // Whoever loses it reads that in the audit, and not to whom.
    const [refused, lost] = (await stranger.send("GET", "/v1/audit")).body.data ?? [];
    expect(refused).toMatchObject({ action: "slack_workspace.connect", target: null, outcome: "refused" });
    const details = { reason: "other_bot_replaced" };
    const by = { actor_id: null, key_id: null, source: { type: "server" } };
    expect(lost).toMatchObject({
      action: "slack_workspace.disconnect",
      target: "TFA6",
      outcome: "done",
      ...by,
      details,
    });
  });
});

describe("an event", () => {
  it("of another app starts nothing", async () => {
    const slack = createSlackClient();
    await connect(slack, "TFE1");
    const sent = await slack.event(mention, { team_id: "TFE1", api_app_id: "A2" });
    expect([sent.status, sent.body.code]).toEqual([403, "forbidden"]);
    expect(await hasRun("TFE1")).toBe(false);
    expect(logged.join("\n")).toContain('"reason":"other_app"');
    expect((await slack.event(mention, { team_id: "TFE1", api_app_id: APP_ID })).status).toBe(200);
    expect(await hasRun("TFE1")).toBe(true);
  });

  it("starts nothing for an account that connected another app's bot while the settings named that app", async () => {
    await storeForeign("TFE2", "UFOREIGN");
    const slack = createSlackClient({ SLACK_APP_ID: "" });
    const text = "<@UFOREIGN> hello";
    expect((await slack.event({ ...mention, text }, authorizedFor("TFE2", "UBOT"))).status).toBe(200);
    expect(await hasRun("TFE2")).toBe(false);
    expect(logged.join("\n")).toContain('"reason":"other_bot"');
  });

  it("continues for workspaces that are connected with the app's own bot", async () => {
    const slack = createSlackClient({ SLACK_APP_ID: "" });
    await connect(createSlackClient(), "TFE3");
    expect((await slack.event(mention, authorizedFor("TFE3", "UBOT"))).status).toBe(200);
    expect(await hasRun("TFE3")).toBe(true);
  });

  it("that Slack authorizes for a person says nothing about the bot", async () => {
    const slack = createSlackClient();
    await connect(slack, "TFE4");
    expect((await slack.event(mention, authorizedFor("TFE4", "U1", false))).status).toBe(200);
    expect(await hasRun("TFE4")).toBe(true);
  });
});

describe("a click or a command", () => {
  it("of another app is refused", async () => {
    const slack = createSlackClient();
    await connect(slack, "TFC1");
    const press = await slack.press({ type: "block_actions", api_app_id: "A2", team: { id: "TFC1" }, actions: [] });
    expect([press.status, press.body.code]).toEqual([403, "forbidden"]);
    const place = { team_id: "TFC1", channel_id: "C1", user_id: "U1", trigger_id: "1.2", command: "/taskloom" };
    const command = await slack.command({ ...place, text: "a shop", api_app_id: "A2" });
    expect([command.status, command.body.code]).toEqual([403, "forbidden"]);
    expect(slack.calls).toEqual([]);
    expect((await slack.command({ ...place, text: "help", api_app_id: APP_ID })).status).toBe(200);
  });
});
