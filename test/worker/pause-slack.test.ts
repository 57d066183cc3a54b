// Slack while the account of a workspace is disabled: nobody's words start anything there, and people read why.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DISABLED } from "../../src/slack/routes/disabled.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { askQuestions } from "../../src/slack/show/questions.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { decide, enable } from "./account-client.ts";
import { createClient } from "./http-client.ts";
import { connect, createSlackClient, type SlackClient } from "./slack-client.ts";

/** A run takes its time on a busy machine. */
const patient = { timeout: 60_000 };
const ROOT = "1764000000.000100";
const ASKED = "1764000010.000200";

let slack: SlackClient;
let team_id: string;
let user_id: string;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const id = crypto.randomUUID().slice(0, 8);
  user_id = `user_slack_${id}`;
  team_id = `TPS${id}`;
  slack = createSlackClient();
  const made = await createClient().send("POST", "/v1/users", { user_id });
  await connect(slack, team_id, {}, String(made.body.api_key));
});
afterEach(() => void vi.restoreAllMocks());

const mention = (text: string, ts = ROOT, user = "U1") =>
  slack.event({ type: "app_mention", channel: "C1", user, text: `<@UBOT> ${text}`, ts }, { team_id });

async function runsOf(ts = ROOT) {
  const key = { user_id, thread_id: await threadOfPlace(team_id, "C1", ts) };
  const runs = await threadStub(env, key).readRuns(key, { limit: 10, cursor: null });
  return runs.ok ? runs.value.data : [];
}

describe("a workspace whose account is disabled", patient, () => {
  it("starts nothing for a mention, and each person reads why once an hour in a channel", async () => {
    await decide(user_id, "disabled_at");
    for (const ts of [ROOT, "1764000001.000100", "1764000002.000100"]) {
      expect((await mention("hello", ts)).status).toBe(200);
    }
    await mention("hello", "1764000003.000100", "U2");
    await slack.settled();
    expect(await runsOf()).toEqual([]);
    expect(slack.calls.map(({ method, fields }) => [method, fields.user, fields.text])).toEqual([
      ["chat.postEphemeral", "U1", DISABLED],
      ["chat.postEphemeral", "U2", DISABLED],
    ]);
    await env.DB.prepare("UPDATE tickets SET expires_at = '2026-01-01' WHERE user_id = ?").bind(user_id).run();
    await mention("hello", "1764000004.000100");
    await slack.settled();
    expect(slack.calls).toHaveLength(3);
    await enable(user_id);
    await mention("[[say 2]]", ROOT);
    expect(await runsOf()).toHaveLength(1);
  });

  it("takes no command, no press and no form, and continues once the account is enabled", async () => {
    await mention("build me a website");
    const [run] = await runsOf();
    const key = { user_id, thread_id: await threadOfPlace(team_id, "C1", ROOT) };
    const ended = await threadStub(env, key).waitForEnd(key, run?.invocation_id ?? "", 20_000);
    if (!ended.ok || ended.value.status !== "interrupted") throw new Error(JSON.stringify(ended));
    const { invocation_id, interrupts } = ended.value;
    const { blocks } = askQuestions({ thread_id: key.thread_id, invocation_id, interrupts, web_url: null }, undefined);
    const all = (blocks as { accessory?: object; elements?: object[] }[]).flatMap((block) => [
      block.accessory,
      ...(block.elements ?? []),
    ]) as { action_id?: string; value?: string }[];
    const choice = all.find((each) => each?.action_id?.startsWith("taskloom:choice"));
    expect(choice).toBeDefined();
    const press = () =>
      slack.press({
        type: "block_actions",
        team: { id: team_id },
        user: { id: "U1", team_id },
        trigger_id: "12.34",
        channel: { id: "C1" },
        container: { type: "message", message_ts: ASKED, thread_ts: ROOT, channel_id: "C1" },
        message: { ts: ASKED, thread_ts: ROOT, blocks },
        actions: [{ type: "button", ...choice }],
      });
    const target = {
      t: key.thread_id,
      r: invocation_id,
      i: interrupts[0]?.id,
      channel: "C1",
      ts: ASKED,
      thread_ts: ROOT,
    };
    const form = {
      type: "view_submission",
      team: { id: team_id },
      user: { id: "U1" },
      view: {
        callback_id: "taskloom:answer",
        private_metadata: JSON.stringify(target),
        state: { values: { answer: { text: { type: "plain_text_input", value: "blue" } } } },
      },
    };
    const command = {
      team_id,
      channel_id: "C1",
      user_id: "U1",
      trigger_id: "1.1",
      command: "/taskloom",
      text: "hello",
    };
    await slack.settled();
    slack.calls.length = 0;
    await decide(user_id, "disabled_at");
    expect((await slack.command(command)).body.text).toBe(DISABLED);
    expect((await press()).status).toBe(200);
    expect((await press()).status).toBe(200);
    expect(JSON.stringify((await slack.press(form)).body)).toContain(DISABLED);
    await slack.settled();
    expect(slack.calls.map(({ method, fields }) => [method, fields.text])).toEqual([["chat.postEphemeral", DISABLED]]);
    expect(await runsOf()).toHaveLength(1);
    await enable(user_id);
    await press();
    expect(await runsOf()).toHaveLength(2);
  });

  it("is disconnected when the app is removed from it", async () => {
    await decide(user_id, "disabled_at");
    slack.answers.set("auth.test", () => ({ ok: false, error: "account_inactive" }));
    await slack.event({ type: "app_uninstalled" }, { team_id });
    const left = await env.DB.prepare("SELECT * FROM slack_workspaces WHERE team_id = ?").bind(team_id).all();
    expect(left.results).toEqual([]);
  });
});
