// The route of Slack's events, with real thread objects: which requests are accepted, and which events become one run.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { threadOfPlace } from "../../src/slack/run.ts";
import { createClient } from "./http-client.ts";
import { createSlackClient, TOKEN } from "./slack-client.ts";
import { mention, message, messagesOf, runsOf, start } from "./slack-mentions.ts";

beforeEach(() => {
  // Runs of these tests can't be shown anywhere, which is logged.
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("the routes for Slack", () => {
  const slack = () => createSlackClient();
  const body = JSON.stringify({ type: "url_verification", challenge: "3eZbrw" });

  it("answer Slack's challenge", async () => {
    const answer = await slack().sendSigned("events", body);
    expect([answer.status, answer.text]).toEqual([200, "3eZbrw"]);
  });

  it.each([
    ["a wrong secret", { secret: "other" }],
    ["an old signature", { age: 301 }],
    ["a signature of the future", { age: -302 }],
    ["no signature", { headers: { "x-slack-signature": "" } }],
    ["two signatures", { headers: { "x-slack-signature": "v0=a, v0=b" } }],
    ["no time", { headers: { "x-slack-request-timestamp": "" } }],
  ])("refuse a request with %s", async (_name, sign) => {
    const client = slack();
    for (const route of ["events", "interactivity", "commands"]) {
      const answer = await client.sendSigned(route, body, sign);
      expect([answer.status, answer.body.code]).toEqual([401, "unauthorized"]);
    }
    const unsigned = await client.send("POST", "/integrations/slack/events", body);
    expect(unsigned.status).toBe(401);
  });

  it("refuse bodies that are too large, malformed or not of Slack's form", async () => {
    const client = slack();
    const large = "x".repeat(1024 * 1024 + 1);
    expect((await client.sendSigned("events", large)).status).toBe(413);
    expect((await client.sendSigned("interactivity", large)).status).toBe(413);
    for (const wrong of ["{", "", "payload=%7B"]) expect((await client.sendSigned("events", wrong)).status).toBe(400);
    for (const wrong of ["[]", "7", "null", '{"type":"event_callback"}']) {
      expect(await client.sendSigned("events", wrong)).toMatchObject({ status: 400, body: { code: "invalid_field" } });
    }
    expect((await client.sendSigned("interactivity", "payload=%7B")).status).toBe(400);
    expect((await client.sendSigned("interactivity", "payload=7")).status).toBe(400);
    expect((await client.sendSigned("commands", "text=hi")).status).toBe(400);
  });

  it("name the missing setting if Slack is not set up", async () => {
    const answer = await createSlackClient({ SLACK_SIGNING_SECRET: "" }).sendSigned("events", body);
    expect(answer).toMatchObject({ status: 503, body: { code: "not_configured" } });
    expect(answer.body.detail).toContain("SLACK_SIGNING_SECRET");
  });
});

describe("a mention", () => {
  it("is one run, sent twenty times at once, as two events, and again as a retry", async () => {
    const { slack, team_id } = await start();
    const sent = Array.from({ length: 20 }, (_, place) =>
      slack.event(place % 2 === 0 ? mention : message, { team_id, event_id: `Ev${place % 4}` }),
    );
    expect(new Set((await Promise.all(sent)).map(({ status }) => status))).toEqual(new Set([200]));
    const retry = { team_id, event: mention, type: "event_callback" };
    const headers = { "x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout" };
    expect((await slack.sendSigned("events", JSON.stringify(retry), { headers })).status).toBe(200);
    const runs = await runsOf(team_id);
    expect(runs).toHaveLength(1);
    expect(runs?.[0]?.metadata).toEqual({ slack: { team_id, channel: "C1", user_id: "U1", ts: mention.ts } });
    expect(await messagesOf(team_id)).toEqual(["hello"]);
  });

  it("is one run even if its two events differ", async () => {
    const { slack, team_id } = await start();
    const reply = { ts: "1764000003.000000", thread_ts: mention.ts };
    await slack.event({ ...mention, ...reply, parent_user_id: "U9" }, { team_id });
    expect((await slack.event({ ...message, ...reply }, { team_id })).status).toBe(200);
    await slack.settled();
    expect(await runsOf(team_id)).toHaveLength(1);
    expect(slack.calls).toEqual([]);
  });

  it("becomes a run if only its retry arrives", async () => {
    const { slack, team_id } = await start();
    const headers = { "x-slack-retry-num": "2" };
    const body = JSON.stringify({ type: "event_callback", team_id, event: mention });
    expect((await slack.sendSigned("events", body, { headers })).status).toBe(200);
    expect(await runsOf(team_id)).toHaveLength(1);
  });

  it("binds its thread: replies of people continue it, and messages elsewhere are ignored", async () => {
    const { slack, team_id } = await start();
    const say = (change: object) =>
      slack.event({ ...message, text: "thank you", parent_user_id: "U1", ...change }, { team_id });
    await slack.event(mention, { team_id });
    await say({ ts: "1764000000.500000", thread_ts: mention.ts, user: "U2" });
    // Another client does not remember the thread, and D1 may not have it yet.
    const other = createSlackClient();
    await other.event({ ...message, text: "hello again", ts: "1764000001.000000", thread_ts: mention.ts }, { team_id });
    await say({ ts: "1764000900.000000" });
    await say({ ts: "1764000901.000000", thread_ts: "1763000000.000000" });
    await say({ ts: "1764000902.000000", thread_ts: mention.ts, bot_id: "B9" });
    await say({ ts: "1764000903.000000", thread_ts: mention.ts, user: "UBOT" });
    await say({ ts: "1764000904.000000", thread_ts: mention.ts, subtype: "message_changed", hidden: true });
    await say({ ts: "1764000905.000000", thread_ts: mention.ts, text: "<@UBOT>" });
    expect(await messagesOf(team_id)).toEqual([
      "hello",
      "thank you\n\n[Slack: written by user U2]",
      "hello again\n\n[Slack: written by user U1]",
    ]);
    for (const ts of ["1764000900.000000", "1763000000.000000"]) expect(await runsOf(team_id, "C1", ts)).toBeNull();
  });

  it("gets the workspace's agent and project, and notifies the person if they were deleted", async () => {
    const owner = createClient();
    const { body: agent } = await owner.send("POST", "/v1/agents", { name: "Loom" });
    const { body: project } = await owner.send("POST", "/v1/projects", { name: "Shop" });
    const choice = { agent_id: agent.agent_id, project_id: project.project_id };
    const { slack, team_id } = await start({}, choice);
    await slack.event(mention, { team_id });
    expect((await runsOf(team_id))?.[0]).toMatchObject(choice);
    await owner.send("DELETE", `/v1/agents/${agent.agent_id}`);
    const later = { ...mention, ts: "1764000700.000000" };
    expect((await slack.event(later, { team_id })).status).toBe(200);
    await slack.settled();
    // In the channel: Slack shows an ephemeral message in a thread to nobody while the thread has no reply.
    const [notice] = slack.callsTo("chat.postEphemeral");
    expect(notice).toMatchObject({ channel: "C1", user: "U1" });
    expect(notice).not.toHaveProperty("thread_ts");
  });

  it("in a deleted thread notifies the person", async () => {
    const { slack, team_id } = await start();
    await slack.event(mention, { team_id });
    await messagesOf(team_id);
    const thread_id = await threadOfPlace(team_id, "C1", mention.ts);
    expect((await slack.ask("DELETE", `/v1/threads/${thread_id}`)).status).toBe(204);
    const reply = { ...message, text: "still there?", ts: "1764000800.000000", thread_ts: mention.ts };
    expect((await slack.event(reply, { team_id })).status).toBe(200);
    await slack.settled();
    expect(slack.callsTo("chat.postEphemeral")).toMatchObject([
      { thread_ts: mention.ts, text: expect.stringMatching(/was deleted/) },
    ]);
  });
});

describe("a direct message", () => {
  it("starts a thread with a title, and continues it without a mention", async () => {
    const { slack, team_id } = await start();
    const direct = { ...message, channel: "D1", channel_type: "im", text: "hello\nthere" };
    await slack.event(direct, { team_id });
    await slack.event({ ...direct, ts: "1764000002.000000", thread_ts: direct.ts, text: "again" }, { team_id });
    await slack.settled();
    expect(await messagesOf(team_id, "D1")).toEqual(["hello\nthere", "again"]);
    expect(slack.callsTo("assistant.threads.setTitle")).toEqual([
      { channel_id: "D1", thread_ts: direct.ts, title: "hello" },
    ]);
  });

  it("gets suggested prompts when the assistant pane is opened", async () => {
    const { slack, team_id } = await start();
    const assistant_thread = { user_id: "U1", context: {}, channel_id: "D1", thread_ts: "5.000001" };
    await slack.event({ type: "assistant_thread_started", assistant_thread }, { team_id });
    await slack.settled();
    const [asked] = slack.calls;
    expect(asked).toMatchObject({ method: "assistant.threads.setSuggestedPrompts", authorization: `Bearer ${TOKEN}` });
    expect(JSON.parse(asked?.fields.prompts ?? "")).toHaveLength(3);
  });
});

describe("Slack's own Stop button", () => {
  it("ends the runs that were requested before it was pressed", async () => {
    const { slack, team_id } = await start();
    await slack.event({ ...mention, text: "<@UBOT> build me an online shop" }, { team_id });
    const stop = { type: "agent_session_stopped", channel: "C1", user: "U1", thread_ts: mention.ts };
    await slack.event({ ...stop, event_ts: "1764000000.000000" }, { team_id });
    expect((await runsOf(team_id))?.[0]?.status).not.toBe("cancelled");
    const now = (Date.now() / 1000 + 1).toFixed(6);
    expect((await slack.event({ ...stop, event_ts: now }, { team_id })).status).toBe(200);
    expect((await runsOf(team_id))?.[0]?.status).toBe("cancelled");
  });

  it("ends messages that wait for the run too, and none that came later", async () => {
    const { slack, team_id } = await start();
    await slack.event({ ...mention, text: "<@UBOT> [[silent]]" }, { team_id });
    const say = (text: string, ts: string) =>
      slack.event({ ...message, text, ts, thread_ts: mention.ts, parent_user_id: "U1" }, { team_id });
    await say("and blue", "1764000001.000000");
    await say("thank you", "1764000003.000000");
    const stop = { type: "agent_session_stopped", channel: "C1", user: "U1", thread_ts: mention.ts };
    // The event arrives late, after a message that was written after it.
    expect((await slack.event({ ...stop, event_ts: "1764000002.000000" }, { team_id })).status).toBe(200);
    await messagesOf(team_id);
    const ended = ((await runsOf(team_id)) ?? []).map(({ metadata, status }) => [
      (metadata.slack as { ts: string }).ts,
      status,
    ]);
    expect(Object.fromEntries(ended)).toEqual({
      [mention.ts]: "cancelled",
      "1764000001.000000": "cancelled",
      "1764000003.000000": "completed",
    });
  });
});

describe("a message that comes to a full quota of runs", () => {
  it("starts nothing and asks nothing of a thread, and its author gets one notice", async () => {
    const { slack, team_id } = await start({ QUOTAS: "runs_per_minute=1" });
    const send = (ts: string, part = {}) => slack.event({ ...mention, ts, ...part }, { team_id });
    expect((await send("1764000001.000100")).status).toBe(200);
    for (const ts of ["1764000002.000100", "1764000003.000100"]) expect((await send(ts)).status).toBe(200);
    await slack.settled();
    const said = slack.callsTo("chat.postEphemeral");
    expect(said).toMatchObject([{ channel: "C1", user: "U1" }]);
    expect(said[0]?.text).toContain("Your quota of 1 runs started in a minute");
    expect(await runsOf(team_id, "C1", "1764000001.000100")).toHaveLength(1);
    for (const ts of ["1764000002.000100", "1764000003.000100"]) expect(await runsOf(team_id, "C1", ts)).toBeNull();
    await send("1764000004.000100", { user: "U2" });
    await slack.settled();
    expect(slack.callsTo("chat.postEphemeral").map(({ user }) => user)).toEqual(["U1", "U2"]);
  });

  it("counts nothing that is not for the app", async () => {
    const { slack, team_id } = await start({ QUOTAS: "runs_per_minute=1" });
    for (let count = 0; count < 5; count++) {
      await slack.event({ ...message, text: "to people", ts: `176400001${count}.000100` }, { team_id });
    }
    await slack.event({ ...mention, ts: "1764000020.000100" }, { team_id });
    await slack.settled();
    expect(slack.callsTo("chat.postEphemeral")).toEqual([]);
    expect(await runsOf(team_id, "C1", "1764000020.000100")).toHaveLength(1);
  });
});
