// A run that asks several questions at once in Slack.
import { env } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Interrupt, Run } from "../../src/protocol/run.ts";
import type { RunInput } from "../../src/protocol/thread.ts";
import { FakeThreads } from "./http-fake-threads.ts";
import { connect, createSlackClient } from "./slack-client.ts";
import { ASKED, buttonOf, click, messageOf, nextTeam, ROOT, type Stage, submit, useAskedRuns } from "./slack-stage.ts";

useAskedRuns();

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
    const team_id = nextTeam();
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
