// Buttons and forms in Slack: with real thread objects where one answer has to win, and with stand-ins where a run asks
// more than the demo model does.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { threadOfPlace } from "../../src/slack/run.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { createClient } from "./http-client.ts";
import { connect } from "./slack-client.ts";
import { ASKED, answersOf, askedRun, buttonOf, click, messageOf, ROOT, submit, useAskedRuns } from "./slack-stage.ts";

useAskedRuns();

describe("a click on an answer", () => {
  it("resumes the run, and removes the buttons", async () => {
    const stage = await askedRun();
    const { blocks } = messageOf(stage);
    expect((await click(stage, buttonOf(blocks, "choice"))).status).toBe(200);
    expect(await answersOf(stage)).toHaveLength(1);
    const [shown] = stage.slack.callsTo("chat.update");
    expect(shown).toMatchObject({ channel: "C1", ts: ASKED });
    expect(shown?.blocks).toContain("<@U1>");
    expect(shown?.blocks).not.toContain("button");
    expect(stage.slack.callsTo("chat.postEphemeral")).toEqual([]);
  });

  it("is one answer if several people click at once, and the others learn who was first", async () => {
    const stage = await askedRun();
    const { blocks } = messageOf(stage);
    const people = Array.from({ length: 10 }, (_, place) => ({ id: `U${place % 5}`, team_id: stage.team_id }));
    const answers = await Promise.all(
      people.map((user, place) => click(stage, buttonOf(blocks, "choice", place % 2), { user })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await stage.slack.settled();
    const [answer, ...others] = await answersOf(stage);
    expect(others).toEqual([]);
    const first = (answer?.metadata.slack as { user_id: string } | undefined)?.user_id;
    const notes = stage.slack.callsTo("chat.postEphemeral");
    expect(notes.length).toBeGreaterThanOrEqual(8);
    for (const { text, user } of notes) expect(text, user).toContain(`by <@${first}>`);
    // No message shows another answer than the accepted one.
    for (const { blocks: shown } of stage.slack.callsTo("chat.update")) expect(shown).toContain(`<@${first}>`);
  });

  it("is too late if a reply in the thread has answered", async () => {
    const stage = await askedRun();
    const reply = { type: "message", channel_type: "channel", channel: "C1", user: "U2", text: "a blue one" };
    await stage.slack.event({ ...reply, ts: "1764000020.000000", thread_ts: ROOT }, { team_id: stage.team_id });
    await click(stage, buttonOf(messageOf(stage).blocks, "choice"));
    expect(stage.slack.callsTo("chat.postEphemeral")[0]?.text).toMatch(/not open any more/);
    expect(await answersOf(stage)).toHaveLength(1);
  });

  it("in a deleted thread notifies the person, and removes the buttons", async () => {
    const stage = await askedRun();
    expect((await stage.slack.ask("DELETE", `/v1/threads/${stage.key.thread_id}`)).status).toBe(204);
    expect((await click(stage, buttonOf(messageOf(stage).blocks, "choice"))).status).toBe(200);
    expect(stage.slack.callsTo("chat.postEphemeral")[0]?.text).toMatch(/not open any more/);
    const [shown] = stage.slack.callsTo("chat.update");
    expect(shown).toMatchObject({ channel: "C1", ts: ASKED });
    expect(shown?.blocks).toContain(JSON.stringify(stage.run.interrupts[0]?.message));
    expect(shown?.blocks).not.toContain("button");
  });

  it("from another place, another workspace or another user has no effect", async () => {
    const stage = await askedRun();
    const button = buttonOf(messageOf(stage).blocks, "choice");
    const container = { type: "message", message_ts: ASKED, thread_ts: "1764000000.000999", channel_id: "C1" };
    await click(stage, button, { container });
    await click(stage, button, { channel: { id: "C2" } });
    const owner = createClient();
    const stranger = await owner.addUser("user_stranger");
    const made = await stranger.send("POST", "/v1/api-keys", { name: "k" });
    await connect(stage.slack, "TSTRANGER", {}, String(made.body.key));
    await click(stage, button, { team: { id: "TSTRANGER" } });
    await click(stage, button, { team: { id: "TUNKNOWN" } });
    for (const team_id of ["TSTRANGER", "TUNKNOWN"]) {
      expect((await submit({ ...stage, team_id }, "red")).body).toMatchObject({ response_action: "errors" });
    }
    expect(await answersOf(stage)).toEqual([]);
    expect(stage.slack.callsTo("chat.update")).toEqual([]);
  });

  it("on a button of an unknown run, kind or question answers nothing", async () => {
    const stage = await askedRun();
    const { thread_id: t } = stage.key;
    const values = [
      { action_id: "taskloom:choice:0", value: JSON.stringify({ t, r: "inv_none", i: "int_1", n: 0 }) },
      { action_id: "taskloom:choice:0", value: JSON.stringify({ t, r: stage.run.invocation_id, i: "int_none", n: 0 }) },
      {
        action_id: "taskloom:choice:19",
        value: JSON.stringify({ t, r: stage.run.invocation_id, i: stage.run.interrupts[0]?.id, n: 900 }),
      },
      {
        action_id: "taskloom:approve",
        value: JSON.stringify({ t, r: stage.run.invocation_id, i: stage.run.interrupts[0]?.id }),
      },
      { action_id: "taskloom:link", value: "x" },
      { action_id: "taskloom:choice:0", value: "x" },
    ];
    for (const button of values) expect((await click(stage, button)).status).toBe(200);
    expect(stage.slack.callsTo("chat.postEphemeral")).toHaveLength(4);
    expect(await answersOf(stage)).toEqual([]);
  });
});

describe("the form for an answer in a person's own words", () => {
  it("is opened before anything else, accepted once, and shows what is wrong", async () => {
    const stage = await askedRun();
    await click(stage, buttonOf(messageOf(stage).blocks, "answer"));
    const [opened] = stage.slack.calls;
    expect(opened).toMatchObject({ method: "views.open", fields: { trigger_id: "12.34" } });
    expect(JSON.parse(opened?.fields.view ?? "")).toMatchObject({ type: "modal", callback_id: "taskloom:answer" });
    for (const wrong of ["", "  \n", null, "x".repeat(3001)]) {
      expect((await submit(stage, wrong)).body).toMatchObject({
        response_action: "errors",
        errors: { answer: expect.any(String) },
      });
    }
    const sent = await submit(stage, "a site for <!channel>");
    expect([sent.status, sent.text]).toEqual([200, ""]);
    expect(await answersOf(stage)).toHaveLength(1);
    expect(stage.slack.callsTo("chat.update")[0]?.blocks).toContain("&lt;!channel&gt;");
    expect((await submit(stage, "another")).body).toMatchObject({
      errors: { answer: "This was answered already." },
    });
    expect(await answersOf(stage)).toHaveLength(1);
  });

  it("notifies the person if Slack does not open it, after the click was answered", async () => {
    const stage = await askedRun();
    let fail = () => {};
    const gate = new Promise<void>((resolve) => {
      fail = resolve;
    });
    stage.slack.answers.set("views.open", () => gate.then(() => ({ ok: false, error: "expired_trigger_id" })));
    expect((await click(stage, buttonOf(messageOf(stage).blocks, "answer"))).status).toBe(200);
    fail();
    await stage.slack.settled();
    expect(stage.slack.callsTo("chat.postEphemeral")[0]?.text).toMatch(/could not be opened/);
  });
});

describe("the Stop button", () => {
  it("ends its run, and notifies the person if that had ended before", async () => {
    const stage = await askedRun();
    const mention = { type: "app_mention", channel: "C1", user: "U1", ts: "1764000030.000000" };
    await stage.slack.event({ ...mention, text: "<@UBOT> build me an online shop" }, { team_id: stage.team_id });
    const thread_id = await threadOfPlace(stage.team_id, "C1", mention.ts);
    const key = { ...stage.key, thread_id };
    const runs = await threadStub(env, key).readRuns(key, { limit: 1, cursor: null });
    const r = (runs.ok && runs.value.data[0]?.invocation_id) || "";
    const button = { action_id: "taskloom:stop", value: JSON.stringify({ t: thread_id, r }) };
    const container = { type: "message", message_ts: "1764000031.000000", thread_ts: mention.ts, channel_id: "C1" };
    await click(stage, button, { container });
    await stage.slack.settled();
    const ended = await threadStub(env, key).getRun(key, r);
    expect(ended.ok && ended.value.status).toBe("cancelled");
    await click(stage, button, { container });
    expect(stage.slack.callsTo("chat.postEphemeral")[0]?.text).toMatch(/has ended already/);
  });
});
