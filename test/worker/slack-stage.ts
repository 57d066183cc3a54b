// A run that asks in Slack, and what people press there.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { isTerminal, type Run } from "../../src/protocol/run.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { askQuestions, type GivenAnswer } from "../../src/slack/show/questions.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { connect, createSlackClient, type SlackClient } from "./slack-client.ts";

/** Threads whose runs may still work when a test ends. */
const keys: ThreadKey[] = [];

async function endRuns(key: ThreadKey): Promise<void> {
  const runs = await threadStub(env, key).readRuns(key, { limit: 50, cursor: null });
  const left = runs.ok ? runs.value.data.filter(({ status }) => !isTerminal(status)) : [];
  await Promise.all(left.map(({ invocation_id }) => threadStub(env, key).cancel(key, invocation_id)));
}

/** Ends after each test what its runs still do, and keeps their warnings out of the log. */
export function useAskedRuns(): void {
  beforeEach(() => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
  });
  afterEach(async () => {
    await Promise.all(keys.splice(0).map(endRuns));
    vi.restoreAllMocks();
  });
}

export const ROOT = "1764000000.000100";
export const ASKED = "1764000010.000200";
let team = 0;

/** A workspace that no other test has. */
export function nextTeam(): string {
  team += 1;
  return `TBT${team}`;
}

export interface Stage {
  slack: SlackClient;
  team_id: string;
  key: { user_id: string; thread_id: string };
  run: Run;
}

/** Starts a real run, and waits until it asks a question. */
export async function askedRun(): Promise<Stage> {
  const team_id = nextTeam();
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

export function messageOf({ key, run }: Stage, answers?: ReadonlyMap<string, GivenAnswer>) {
  const { invocation_id, interrupts } = run;
  return askQuestions({ thread_id: key.thread_id, invocation_id, interrupts, web_url: null }, answers);
}

type Button = { action_id: string; value: string };

export function buttonOf(blocks: Record<string, unknown>[], kind: string, at = 0): Button {
  const buttons = blocks.flatMap(({ accessory, elements }) => [
    accessory,
    ...((elements as unknown[]) ?? []),
  ]) as Button[];
  const found = buttons.filter((button) => button?.action_id?.startsWith(`taskloom:${kind}`));
  if (found[at] === undefined) throw new Error(`no button ${kind} in ${JSON.stringify(blocks)}`);
  return found[at];
}

export function click(
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

export function submit(stage: Stage, value: string | null, change: Record<string, string> = {}) {
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

export async function answersOf({ key, run }: Stage): Promise<Run[]> {
  const runs = await threadStub(env, key).readRuns(key, { limit: 50, cursor: null });
  return runs.ok
    ? runs.value.data.filter(({ resumes, invocation_id }) => resumes !== null || invocation_id !== run.invocation_id)
    : [];
}
