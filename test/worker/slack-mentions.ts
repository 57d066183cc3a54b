// Mentions of the app in a workspace of its own, and the runs that they become.
import { env } from "cloudflare:test";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { rowsOfType } from "../fakes/message-rows.ts";
import { connect, createSlackClient, type SlackClient } from "./slack-client.ts";

let team = 0;
/** Each test has its own workspace, connected to the first user. */
export async function start(settings = {}, choice = {}): Promise<{ slack: SlackClient; team_id: string }> {
  team += 1;
  const slack = createSlackClient(settings);
  await connect(slack, `TEV${team}`, choice);
  return { slack, team_id: `TEV${team}` };
}

export const mention = {
  type: "app_mention",
  channel: "C1",
  user: "U1",
  text: "<@UBOT> hello",
  ts: "1764000000.000100",
};
const { type: _, ...words } = mention;
export const message = { ...words, type: "message", channel_type: "channel" };

export async function runsOf(team_id: string, channel = "C1", thread_ts = mention.ts, user_id = FIRST_USER_ID) {
  const key = { user_id, thread_id: await threadOfPlace(team_id, channel, thread_ts) };
  const runs = await threadStub(env, key).readRuns(key, { limit: 200, cursor: null });
  return runs.ok ? runs.value.data : null;
}

export async function messagesOf(team_id: string, channel = "C1", thread_ts = mention.ts) {
  const key = { user_id: FIRST_USER_ID, thread_id: await threadOfPlace(team_id, channel, thread_ts) };
  for (const { invocation_id } of (await runsOf(team_id, channel, thread_ts)) ?? []) {
    await threadStub(env, key).waitForEnd(key, invocation_id, 20_000);
  }
  const read = await threadStub(env, key).readMessages(key, { types: ["user"], after: null, limit: 200, cursor: null });
  return read.ok ? rowsOfType(read.value.data, "user").map(({ content }) => content.content) : [];
}
