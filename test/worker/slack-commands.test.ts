// The route of Slack's slash command, with real thread objects.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { countedDatabase } from "./counted-database.ts";
import { createClient } from "./http-client.ts";
import { connect, createSlackClient, type SlackClient } from "./slack-client.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

let team = 0;

describe("the slash command", () => {
  async function ready(
    choice = {},
    settings: Parameters<typeof createSlackClient>[0] = {},
  ): Promise<{ slack: SlackClient; fields: Record<string, string> }> {
    team += 1;
    const team_id = `TCM${team}`;
    const slack = createSlackClient(settings);
    await connect(slack, team_id, choice);
    slack.answers.set("chat.postMessage", () => ({ ok: true, ts: "1764000500.000100", channel: "C1" }));
    const fields = {
      team_id,
      channel_id: "C1",
      user_id: "U1",
      trigger_id: `1.${team}`,
      command: "/taskloom",
      text: "hello",
    };
    return { slack, fields };
  }

  it("starts one thread below a message of ours, even if the command is sent again", async () => {
    const { slack, fields } = await ready();
    const answers = await Promise.all(Array.from({ length: 5 }, () => slack.command(fields)));
    for (const { body } of answers)
      expect(body).toMatchObject({ response_type: "ephemeral", text: expect.stringMatching(/on it/) });
    expect(slack.callsTo("chat.postMessage")).toEqual([{ channel: "C1", text: "<@U1> asked: hello" }]);
    const key = {
      user_id: FIRST_USER_ID,
      thread_id: await threadOfPlace(String(fields.team_id), "C1", "1764000500.000100"),
    };
    const runs = await threadStub(env, key).readRuns(key, { limit: 5, cursor: null });
    expect(runs.ok && runs.value.data).toHaveLength(1);
  });

  it("counts for the account's quota of runs; beyond it nothing is written here or in Slack, and the person reads why", async () => {
    const { db, written } = countedDatabase();
    const { slack, fields } = await ready({}, { DB: db, QUOTAS: "runs_per_minute=1" });
    expect((await slack.command(fields)).body.text).toMatch(/on it/);
    await slack.settled();
    written.length = 0;
    const calls = slack.calls.length;
    for (const trigger_id of ["q1", "q2"]) {
      const { text } = (await slack.command({ ...fields, trigger_id })).body;
      expect(text).toContain("Your quota of 1 runs started in a minute");
    }
    expect([written, slack.calls.slice(calls)]).toEqual([[], []]);
  });

  it("explains itself, and the reason for a failure", async () => {
    const { slack, fields } = await ready();
    for (const text of ["", "help"]) {
      expect((await slack.command({ ...fields, text })).body.text).toContain("`/taskloom <request>`");
    }
    expect(slack.calls).toEqual([]);
    slack.answers.set("chat.postMessage", () => ({ ok: false, error: "not_in_channel" }));
    expect((await slack.command({ ...fields, trigger_id: "2" })).body.text).toContain("/invite");
    slack.answers.set("chat.postMessage", () => new Response("", { status: 500 }));
    expect((await slack.command({ ...fields, trigger_id: "3" })).body.text).toMatch(/could not be reached/);
    expect((await slack.command({ ...fields, team_id: "TUNKNOWN" })).body.text).toMatch(/not connected/);
    expect((await slack.command({ ssl_check: "1" })).status).toBe(200);
  });

  it("notifies the person once of a refusal, even after Slack has stopped waiting", async () => {
    const { body: project } = await createClient().send("POST", "/v1/projects", { name: "Shop" });
    const { slack, fields } = await ready({ project_id: project.project_id });
    await createClient().send("DELETE", `/v1/projects/${project.project_id}`);
    const { text } = (await slack.command(fields)).body;
    expect(text).toMatch(/project of this workspace was deleted/);
    await slack.settled();
    expect(slack.callsTo("chat.postEphemeral")).toEqual([]);
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    slack.answers.set("chat.postMessage", () => gate.then(() => ({ ok: true, ts: "1764000600.000100" })));
    expect((await slack.command({ ...fields, trigger_id: "late" })).body.text).toMatch(/Slack is slow/);
    open();
    await slack.settled();
    // In the channel: Slack shows an ephemeral message in a thread to nobody while the thread has no reply.
    expect(slack.callsTo("chat.postEphemeral")).toEqual([{ channel: "C1", user: "U1", text }]);
  });
});
