// A conversation in Slack outlives our thread, which may be deleted as one in which nothing happened for long: the next
// mention begins the place's next thread.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FIRST_USER_ID } from "../../src/protocol/ids.ts";
import { threadOfPlace } from "../../src/slack/run.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { rowsOfType } from "../fakes/message-rows.ts";
import { connect, createSlackClient } from "./slack-client.ts";

beforeEach(() => {
  // Runs of these tests can't be shown anywhere, which is logged.
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

const mention = { type: "app_mention", channel: "C1", user: "U1", text: "<@UBOT> hello", ts: "1764000000.000100" };
const { type: _, ...words } = mention;
const message = { ...words, type: "message", channel_type: "channel" };

const runsOf = async (thread_id: string) => {
  const key = { user_id: FIRST_USER_ID, thread_id };
  const runs = await threadStub(env, key).readRuns(key, { limit: 9, cursor: null });
  return runs.ok ? runs.value.data : [];
};

/** What people have said in the thread, once its runs have ended. */
async function textsOf(thread_id: string): Promise<unknown[]> {
  const key = { user_id: FIRST_USER_ID, thread_id };
  for (const { invocation_id } of await runsOf(thread_id)) {
    await threadStub(env, key).waitForEnd(key, invocation_id, 20_000);
  }
  const read = await threadStub(env, key).readMessages(key, { types: ["user"], after: null, limit: 9, cursor: null });
  return read.ok ? rowsOfType(read.value.data, "user").map(({ content }) => content.content) : [];
}

describe("a conversation whose thread was deleted", () => {
  it("continues in the next thread after a mention, with replies, the Stop button and repeats of events", async () => {
    const team_id = "TNEXT1";
    const slack = createSlackClient();
    await connect(slack, team_id);
    const numbered = (number: number) => threadOfPlace(team_id, "C1", mention.ts, number);
    await slack.event(mention, { team_id });
    await textsOf(await numbered(1));
    const remove = async (number: number) => {
      expect((await slack.ask("DELETE", `/v1/threads/${await numbered(number)}`)).status).toBe(204);
    };
    await remove(1);
    // Another isolate, which remembers nothing. People talk on among themselves.
    const other = createSlackClient();
    const reply = { ...message, thread_ts: mention.ts };
    await other.event({ ...reply, text: "nice weather", ts: "1764000801.000000" }, { team_id });
    const next = { ...mention, thread_ts: mention.ts, text: "<@UBOT> again", ts: "1764000802.000000" };
    for (let time = 0; time < 2; time++) expect((await other.event(next, { team_id })).status).toBe(200);
    // D1 has the thread by then; another isolate finds it there.
    await textsOf(await numbered(2));
    const third = createSlackClient();
    await third.event({ ...reply, text: "and blue", ts: "1764000803.000000" }, { team_id });
    const by = "\n\n[Slack: written by user U1]";
    expect(await textsOf(await numbered(2))).toEqual([`again${by}`, `and blue${by}`]);
    await remove(2);
    await createSlackClient().event({ ...next, text: "<@UBOT> [[silent]]", ts: "1764000804.000000" }, { team_id });
    const stop = { type: "agent_session_stopped", channel: "C1", user: "U1", thread_ts: mention.ts };
    await slack.event({ ...stop, event_ts: (Date.now() / 1000 + 1).toFixed(6) }, { team_id });
    expect(await runsOf(await numbered(3))).toMatchObject([{ status: "cancelled" }]);
    expect([slack, other, third].flatMap((each) => each.callsTo("chat.postEphemeral"))).toEqual([]);
  });
});
