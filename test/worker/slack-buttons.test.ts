// Buttons and forms in Slack: with real thread objects where one answer has to win, and with stand-ins where a run asks
// more than the demo model does.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { type Interrupt, isTerminal, type Run } from "../../src/protocol/run.ts";
import type { RunInput, ThreadKey } from "../../src/protocol/thread.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { askQuestions, type GivenAnswer } from "../../src/slack/show/questions.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { createClient } from "./http-client.ts";
import { FakeThreads } from "./http-fake-threads.ts";
import { connect, createSlackClient, type SlackClient } from "./slack-client.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(async () => {
  await Promise.all(keys.splice(0).map(endRuns));
  vi.restoreAllMocks();
});

/** Threads whose runs may still work when a test ends. */
const keys: ThreadKey[] = [];

async function endRuns(key: ThreadKey): Promise<void> {
  const runs = await threadStub(env, key).readRuns(key, { limit: 50, cursor: null });
  const left = runs.ok ? runs.value.data.filter(({ status }) => !isTerminal(status)) : [];
  await Promise.all(left.map(({ invocation_id }) => threadStub(env, key).cancel(key, invocation_id)));
}

const ROOT = "1764000000.000100";
const ASKED = "1764000010.000200";
let team = 0;

interface Stage {
  slack: SlackClient;
  team_id: string;
  key: { user_id: string; thread_id: string };
  run: Run;
}

/** Starts a real run, and waits until it asks a question. */
async function askedRun(): Promise<Stage> {
  team += 1;
  const team_id = `TBT${team}`;
  const slack = createSlackClient();
  await connect(slack, team_id);
  const mention = { type: "app_mention", channel: "C1", user: "U1", text: "<@UBOT> build me a website", ts: ROOT };
  await slack.event(mention, { team_id });
  const key = { user_id: FIRST_USER_ID, thread_id: await threadOfPlace(team_id, "C1", ROOT) };
  keys.push(key);
  const runs = await threadStub(env, key).readRuns(key, { limit: 1, cursor: null });
  const id = (runs.ok && runs.value.data[0]?.invocation_id) || "";
  const ended = await threadStub(env, key).waitForEnd(key, id, 20_000);
  if (!ended.ok || ended.value.status !== "interrupted") throw new Error(JSON.stringify(ended));
  return { slack, team_id, key, run: ended.value };
}

function messageOf({ key, run }: Stage, answers?: ReadonlyMap<string, GivenAnswer>) {
  const { invocation_id, interrupts } = run;
  return askQuestions({ thread_id: key.thread_id, invocation_id, interrupts, web_url: null }, answers);
}

type Button = { action_id: string; value: string };

function buttonOf(blocks: Record<string, unknown>[], kind: string, at = 0): Button {
  const buttons = blocks.flatMap(({ accessory, elements }) => [
    accessory,
    ...((elements as unknown[]) ?? []),
  ]) as Button[];
  const found = buttons.filter((button) => button?.action_id?.startsWith(`taskloom:${kind}`));
  if (found[at] === undefined) throw new Error(`no button ${kind} in ${JSON.stringify(blocks)}`);
  return found[at];
}

function click(
  stage: Stage,
  button: Button,
  change: Record<string, unknown> = {},
  blocks: unknown[] = messageOf(stage).blocks,
) {
  return stage.slack.press({
    type: "block_actions",
    team: { id: stage.team_id },
    user: { id: "U1", team_id: stage.team_id },
    trigger_id: "12.34",
    channel: { id: "C1" },
    container: { type: "message", message_ts: ASKED, thread_ts: ROOT, channel_id: "C1" },
    message: { ts: ASKED, thread_ts: ROOT, blocks },
    actions: [{ type: "button", ...button }],
    ...change,
  });
}

function submit(stage: Stage, value: string | null, change: Record<string, string> = {}) {
  const [interrupt] = stage.run.interrupts;
  const target = {
    t: stage.key.thread_id,
    r: stage.run.invocation_id,
    i: interrupt?.id,
    channel: "C1",
    ts: ASKED,
    thread_ts: ROOT,
  };
  return stage.slack.press({
    type: "view_submission",
    team: { id: stage.team_id },
    user: { id: "U1" },
    view: {
      callback_id: "taskloom:answer",
      private_metadata: JSON.stringify({ ...target, ...change }),
      state: { values: { answer: { text: { type: "plain_text_input", value } } } },
    },
  });
}

async function answersOf({ key, run }: Stage): Promise<Run[]> {
  const runs = await threadStub(env, key).readRuns(key, { limit: 50, cursor: null });
  return runs.ok
    ? runs.value.data.filter(({ resumes, invocation_id }) => resumes !== null || invocation_id !== run.invocation_id)
    : [];
}

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

describe("several questions of one run", () => {
  const question = (id: string): Interrupt => ({
    id,
    reason: "question",
    message: `What about ${id}?`,
    tool_call_id: id,
    response_schema: { type: "string", enum: ["red", "blue"] },
    expires_at: null,
  });
  const approval: Interrupt = { ...question("c"), reason: "approval", response_schema: {} };

  async function stageOfThree(): Promise<Stage & { threads: FakeThreads; resumed: () => RunInput[] }> {
    team += 1;
    const team_id = `TBT${team}`;
    const threads = new FakeThreads(env.DB);
    const slack = createSlackClient({}, (own) => threads.within(own));
    await connect(slack, team_id);
    await slack.event({ type: "app_mention", channel: "C1", user: "U1", text: "<@UBOT> hi", ts: ROOT }, { team_id });
    const { input } = threads.asked.find(({ method }) => method === "accept") ?? {};
    const { invocation_id, user_id, thread_id } = input as RunInput;
    const key = { user_id, thread_id };
    const interrupts = [question("a"), question("b"), approval];
    await threads.end(key, invocation_id, { status: "interrupted", interrupts });
    const run = { invocation_id, interrupts } as Run;
    const resumed = () =>
      threads.asked
        .filter(({ method }) => method === "accept")
        .slice(1)
        .map((each) => each.input as RunInput);
    return { slack, team_id, key, run, threads, resumed };
  }

  const shownBlocks = ({ slack }: Stage) => JSON.parse(slack.callsTo("chat.update").at(-1)?.blocks ?? "[]");

  it("keep their answers in the message until the last one, and can be changed until then", async () => {
    const stage = await stageOfThree();
    await click(stage, buttonOf(messageOf(stage).blocks, "choice", 1));
    await click(stage, buttonOf(shownBlocks(stage), "decline"), { user: { id: "U2" } }, shownBlocks(stage));
    await click(stage, buttonOf(shownBlocks(stage), "change", 1), {}, shownBlocks(stage));
    await click(stage, buttonOf(shownBlocks(stage), "approve"), { user: { id: "U3" } }, shownBlocks(stage));
    expect(stage.resumed()).toEqual([]);
    const blocks = shownBlocks(stage);
    stage.slack.answers.set("conversations.replies", () => ({
      ok: true,
      messages: [{ ts: ROOT }, { ts: ASKED, blocks }],
    }));
    expect((await submit(stage, "green")).body).toMatchObject({});
    expect(stage.resumed()).toEqual([]);
    const asked = { ...stage, run: { ...stage.run, interrupts: [question("b")] } };
    const now = shownBlocks(stage);
    stage.slack.answers.set("conversations.replies", () => ({ ok: true, messages: [{ ts: ASKED, blocks: now }] }));
    expect((await submit(asked, "x".repeat(2900))).text).toBe("");
    expect(stage.resumed()).toMatchObject([
      {
        resume: [
          { interrupt_id: "a", status: "resolved", payload: "green" },
          { interrupt_id: "b", status: "resolved", payload: "x".repeat(2900) },
          { interrupt_id: "c", status: "resolved", payload: { approved: true } },
        ],
        follow: { kind: "slack", team_id: stage.team_id, channel: "C1", thread_ts: ROOT, recipient_user_id: "U1" },
      },
    ]);
    expect(JSON.stringify(shownBlocks(stage))).not.toContain("button");
  });

  it("refuse a long answer while others are open, and any while Slack can't return the message", async () => {
    const stage = await stageOfThree();
    stage.slack.answers.set("conversations.replies", () => ({
      ok: true,
      messages: [{ ts: ASKED, blocks: messageOf(stage).blocks }],
    }));
    expect((await submit(stage, "x".repeat(2900))).body).toMatchObject({
      errors: { answer: expect.stringMatching(/too long/) },
    });
    stage.slack.answers.set("conversations.replies", () => ({ ok: false, error: "missing_scope" }));
    expect((await submit(stage, "red")).body).toMatchObject({ response_action: "errors" });
    expect(stage.resumed()).toEqual([]);
    expect(stage.slack.callsTo("chat.update")).toEqual([]);
  });

  it("notify the person what is wrong with a form that Slack has closed meanwhile", async () => {
    const stage = await stageOfThree();
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    stage.slack.answers.set("conversations.replies", () => gate.then(() => ({ ok: false, error: "missing_scope" })));
    expect(await submit(stage, "red")).toMatchObject({ status: 200, text: "" });
    open();
    await stage.slack.settled();
    expect(stage.slack.callsTo("chat.postEphemeral")).toMatchObject([
      { user: "U1", thread_ts: ROOT, text: expect.stringMatching(/Send it again/) },
    ]);
  });
});
