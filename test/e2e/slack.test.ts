// Slack over TCP: the fake Slack, which checks each call, and the complete server. The details of routes and follower
// are tested nearer to them; here they meet, and the object's life ends while it is shown.
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Slack, startSlack } from "../../dev/slack/server.ts";
import type { Message } from "../../dev/slack/store.ts";
import { type MortalTaskloom, startMortalTaskloom } from "./mortal-server.ts";

let slack: Slack;
let taskloom: MortalTaskloom;
let workspace: ReturnType<Slack["addWorkspace"]>;

beforeAll(async () => {
  slack = await startSlack();
  workspace = slack.addWorkspace("Acme", { installed: true });
  const { id, signingSecret, clientId, clientSecret } = slack.app;
  taskloom = await startMortalTaskloom({
    SLACK_APP_ID: id,
    SLACK_SIGNING_SECRET: signingSecret,
    SLACK_CLIENT_ID: clientId,
    SLACK_CLIENT_SECRET: clientSecret,
    SLACK_API_URL: slack.apiUrl,
    SLACK_AUTHORIZE_URL: slack.authorizeUrl,
    ENCRYPTION_KEY: "encryption-key-of-the-tests",
  });
  slack.connect(`${taskloom.url}/integrations/slack`);
  await taskloom.json("POST", "/v1/slack/workspaces", { bot_token: workspace.token() });
});

afterAll(async () => {
  await taskloom?.close();
  await slack?.close();
});

/** The bot's messages below one of a person. */
function answers(ts: string): Message[] {
  return slack.thread(workspace.channel, ts).filter(({ user }) => user === workspace.bot.userId);
}

function wordsOf(messages: Message[]): string {
  return messages
    .map(({ text, blocks, stream }) => (stream ? text : String(blocks?.find(({ type }) => type === "markdown")?.text)))
    .join("");
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await wait(20);
}

/** The thread and its newest run that a Slack message began. */
async function runOf(ts: string): Promise<{ thread_id: string; invocation_id: string; status: string }> {
  const { data } = await taskloom.json<{ data: { thread_id: string }[] }>("GET", "/v1/threads?limit=200");
  for (const { thread_id } of data) {
    const runs = await taskloom.json<{
      data: { invocation_id: string; status: string; metadata: { slack?: { ts?: string } } }[];
    }>("GET", `/v1/threads/${thread_id}/runs`);
    const found = runs.data.find(({ metadata }) => metadata.slack?.ts === ts);
    if (found) return { thread_id, invocation_id: found.invocation_id, status: found.status };
  }
  // D1 follows.
  await wait(50);
  return await runOf(ts);
}

describe("a mention in Slack", () => {
  it("is answered in its thread, once, however often it is delivered", async () => {
    const { message, deliveries } = slack.mention({
      channel: workspace.channel,
      user: workspace.user,
      text: "[[say 5]]",
    });
    const results = await Promise.all(deliveries);
    expect(results.every(({ isAccepted }) => isAccepted)).toBe(true);
    await until(() => answers(message.ts).some(({ stream }) => stream?.state === "stopped"));
    expect(wordsOf(answers(message.ts)).trim().split(/\s+/)).toHaveLength(5);
    expect(answers(message.ts)).toHaveLength(1);
    expect(JSON.stringify(answers(message.ts)[0]?.blocks)).toContain(`${taskloom.url}/#thread=`);
  });

  it("continues in the same message with every word once when lives end within the reply", async () => {
    const text = "[[pace 40]] [[say 100]]";
    const { message, deliveries } = slack.mention({ channel: workspace.channel, user: workspace.user, text });
    await Promise.all(deliveries);
    const { thread_id, invocation_id } = await runOf(message.ts);
    const read = () => taskloom.json<{ status: string }>("GET", `/v1/threads/${thread_id}/runs/${invocation_id}`);
    for (let life = 0; life < 2; life++) {
      const before = slack.calls.length;
      await until(() => slack.calls.slice(before).some(({ method }) => /Stream$|update$/.test(method)));
      await taskloom.endLife(thread_id);
      // A request starts the next life.
      await read();
    }
    await until(async () => (await read()).status === "completed");
    await until(() => answers(message.ts).every(({ stream }) => stream === undefined || stream.state === "stopped"));
    const { data } = await taskloom.json<{ data: { content: { content: string } }[] }>(
      "GET",
      `/v1/threads/${thread_id}/messages?type=assistant`,
    );
    const said = data.map(({ content }) => content.content.trim()).join("\n\n");
    await until(() => wordsOf(answers(message.ts)) === said || answers(message.ts).length > 2);
    expect(answers(message.ts)).toHaveLength(1);
    expect(wordsOf(answers(message.ts))).toBe(said);
  });
});

describe("another Slack app", () => {
  it("can't be connected with its token, nor with one that does not say whose it is", async () => {
    const victim = slack.addWorkspace("Beta", { installed: true });
    const bring = (bot_token: string) => taskloom.json("POST", "/v1/slack/workspaces", { bot_token });
    await expect(bring(victim.installGuest("A0OTHER"))).rejects.toThrow("400");
    await expect(bring(victim.installGuest("A0POOR", ["chat:write"]))).rejects.toThrow("users:read");
    expect(await bring(victim.token())).toMatchObject({ team_id: victim.id, bot_user_id: victim.bot.userId });
  });
});
