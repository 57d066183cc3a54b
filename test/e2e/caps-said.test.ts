// What a person reads of caps in Slack and in the terminal: what happened and what to do, in their language.
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Slack, startSlack } from "../../dev/slack/server.ts";
import type { Message } from "../../dev/slack/store.ts";
import { runProgram } from "../setup/started-server.ts";
import { startTaskloom, type Taskloom } from "./harness.ts";

let slack: Slack;
let taskloom: Taskloom;

beforeAll(async () => {
  slack = await startSlack();
  const { id, signingSecret, clientId, clientSecret } = slack.app;
  taskloom = await startTaskloom(
    {
      SLACK_APP_ID: id,
      SLACK_SIGNING_SECRET: signingSecret,
      SLACK_CLIENT_ID: clientId,
      SLACK_CLIENT_SECRET: clientSecret,
      SLACK_API_URL: slack.apiUrl,
      SLACK_AUTHORIZE_URL: slack.authorizeUrl,
      ENCRYPTION_KEY: "encryption-key-of-the-tests",
      USER_DAY_CAPS: "tokens=1000000",
    },
    "test/e2e/away-budgets-worker.ts",
  );
  slack.connect(`${taskloom.url}/integrations/slack`);
});
afterEach(() => setAway(false));
afterAll(async () => {
  await taskloom?.close();
  await slack?.close();
});

async function setAway(is: boolean): Promise<void> {
  await fetch(`${taskloom.url}/hooks/budgets-away?is=${is}`, { method: "POST" });
}

/** A workspace whose runs have this agent. */
async function connect(name: string, agent: Record<string, unknown>) {
  const workspace = slack.addWorkspace(name, { installed: true });
  await taskloom.json("POST", "/v1/agents", { agent_id: name, name, ...agent });
  await taskloom.json("POST", "/v1/slack/workspaces", { bot_token: workspace.token(), agent_id: name });
  return workspace;
}

async function mention(workspace: ReturnType<Slack["addWorkspace"]>, text: string): Promise<() => Message[]> {
  const { message, deliveries } = slack.mention({ channel: workspace.channel, user: workspace.user, text });
  await Promise.all(deliveries);
  return () => slack.thread(workspace.channel, message.ts).filter(({ user }) => user === workspace.bot.userId);
}

/** The message that has this text in one of its blocks. */
async function messageWith(answers: () => Message[], text: string): Promise<Message> {
  for (;;) {
    const found = answers().find(({ blocks }) => JSON.stringify(blocks).includes(text));
    if (found) return found;
    await wait(20);
  }
}

function buttonsOf({ blocks }: Message): { action_id: string; text: { text: string } }[] {
  return (blocks ?? []).flatMap(({ elements }) => (Array.isArray(elements) ? elements : [])) as ReturnType<
    typeof buttonsOf
  >;
}

describe("a run at its cap in Slack", () => {
  it("asks a Chinese conversation in Chinese, and its end is in Chinese, too", async () => {
    const workspace = await connect("asking", { max_total_tokens: 10, on_cap: "ask" });
    const answers = await mention(workspace, "帮我调研一下绿茶");
    const asked = await messageWith(answers, "并继续吗？");
    expect(asked.text).toMatch(
      /^该智能体每次运行的上限（10 token）所剩的额度不够下一次调用模型。要提高上限到 [\d,]+ token 并继续吗？$/,
    );
    const [goOn, end, open] = buttonsOf(asked);
    expect([goOn, end, open].map((button) => button?.text.text)).toEqual(["提高上限并继续", "结束", "在网页中打开"]);
    const press = { channel: workspace.channel, user: workspace.user, ts: asked.ts, action_id: end?.action_id ?? "" };
    await slack.click(press);
    await messageWith(answers, "✓ 已结束");
    const ended = await messageWith(answers, ":warning:");
    expect(JSON.stringify(ended.blocks)).toContain(
      "已停止：达到了该智能体每次运行的上限（10 token）。该上限按每次运行",
    );
  });

  it("asks an English one in English, and says at the end what to do", async () => {
    const workspace = await connect("ending", { max_total_tokens: 10 });
    const answers = await mention(workspace, "Research green tea");
    const ended = await messageWith(answers, ":warning:");
    expect(JSON.stringify(ended.blocks)).toContain(
      "Stopped at a limit on spending: The cap of 10 tokens for a run of this agent is too low for the next model call alone. Raise it in the agent, then send another message to go on.",
    );
  });
});

describe("while what is left can't be looked up", () => {
  it("Slack says so and what to do, in the person's language", async () => {
    const workspace = await connect("away", {});
    await setAway(true);
    const [chinese, english] = await Promise.all([
      mention(workspace, "绿茶多少钱？"),
      mention(workspace, "What is tea?"),
    ]);
    const said = await Promise.all([chinese, english].map((answers) => messageWith(answers, ":warning:")));
    expect(JSON.stringify(said[0]?.blocks)).toContain(
      "已停止：暂时无法查询剩余额度，因此没有继续花费。请过几分钟再发一次消息。",
    );
    expect(JSON.stringify(said[1]?.blocks)).toContain(
      "Stopped, since what is left to spend can't be looked up: The database that keeps the caps on spending can't be reached, or is full. Send the message again in a few minutes.",
    );
  });

  it("the terminal says so and what to do, and the same thread continues afterwards", async () => {
    await setAway(true);
    const args = ["--url", taskloom.url, "--thread", "terminal"];
    const failed = await runProgram("dev/ask.ts", ["hello", ...args], { TASKLOOM_API_KEY: taskloom.key });
    expect(failed.code).toBe(1);
    expect(failed.stdout).toContain(
      "Failed: The database that keeps the caps on spending can't be reached, or is full. Send the message again in a few minutes.",
    );
    expect(failed.stdout).toContain("No tokens used.");
    await setAway(false);
    const again = await runProgram("dev/ask.ts", ["hello", ...args], { TASKLOOM_API_KEY: taskloom.key });
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain("Done.");
  });
});

describe("a cap in the terminal", () => {
  it("says whose it is and what to do", async () => {
    const args = ["--url", taskloom.url, "--thread", "capped", "--max-tokens", "10"];
    const run = await runProgram("dev/ask.ts", ["hello", ...args], { TASKLOOM_API_KEY: taskloom.key });
    expect(run.code).toBe(1);
    expect(run.stdout).toContain("Failed: The cap of 10 tokens for this run is too low for the next model call alone.");
    expect(run.stdout).toContain("Send the message again with a higher cap.");
  });
});
