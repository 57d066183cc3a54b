// Rows of followers exactly as the version before mirrors stored them. This version continues them.
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { say } from "../../../test/fakes/replies.ts";
import { SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { ensureFollowing } from "./followers.ts";

const place =
  '{"kind":"slack","team_id":"T1","channel":"C1","thread_ts":"1700000000.000100","recipient_user_id":"U1","recipient_team_id":"T1","newest_ts":"1700000000.000100","origin":"https://taskloom.test"}';
/** A stream that began with "Hello", and an append in flight when the life ended. */
const shown =
  '{"pages":[{"ts":"1700000000.000200","state":"streaming","sent":5,"mark":"1jq59w8.1bzbmxp.5","tasks":{}}],"streams":true,"plain":false,"hasStatus":true,"control":null,"controlRefused":false,"question":null,"hasClosed":false,"doing":{"kind":"append","page":0},"doubt":null,"failures":0,"blockedUntil":0,"asideUntil":0,"pacedUntil":0,"pace":1200}';
const nothingShown =
  '{"pages":[],"streams":true,"plain":false,"hasStatus":false,"control":null,"controlRefused":false,"question":null,"hasClosed":false,"doing":null,"doubt":null,"failures":0,"blockedUntil":0,"asideUntil":0,"pacedUntil":0,"pace":1200}';
const asked = '{"ts":"1700000000.000150","invocation_id":"inv_before"}';

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}

function meta(thread: FakeThread, key: string): string | undefined {
  const rows = thread.life.database.sql.exec<{ value: string }>("SELECT value FROM meta WHERE key = ?", key).toArray();
  return rows[0]?.value;
}

/** A thread whose run ended without a follower, with storage as the former version left it. */
async function formerThread(state: string, channel: SlackChannel) {
  const thread = new FakeThread({
    replies: [say("Hello world"), say("And on")],
    callSlack: async (method, fields) => channel.do(method, fields),
  });
  await thread.run("hi", { invocation_id: "inv_1" });
  const { sql } = thread.life.database;
  sql.exec("INSERT INTO meta (key, value) VALUES ('follow', ?)", place);
  sql.exec("INSERT INTO meta (key, value) VALUES ('asked_in_slack', 'null')");
  sql.exec("INSERT INTO followers (invocation_id, state) VALUES ('inv_1', ?)", state);
  thread.crash();
  return thread;
}

describe("a follower that the former version stored", () => {
  it("continues the message that it had begun", async () => {
    const channel = new SlackChannel();
    channel.do("chat.startStream", { chunks: [{ type: "markdown_text", text: "Hello" }] });
    const state = `{"place":${place},"asked":null,"shown":${shown},"retry_at":null,"failures":0}`;
    const thread = await formerThread(state, channel);
    ensureFollowing(thread.life);
    await until(() => thread.life.followers.size === 0);
    expect(channel.messages).toHaveLength(1);
    expect(channel.said).toBe("Hello world");
    expect(thread.failures).toEqual([]);
  });

  it("begins if nothing was shown yet, and later runs are shown in the same place", async () => {
    const channel = new SlackChannel();
    const state = `{"place":${place},"asked":null,"shown":${nothingShown},"retry_at":1,"failures":2,"is_said":false}`;
    const thread = await formerThread(state, channel);
    await thread.run("and then?", { invocation_id: "inv_2" });
    await until(() => thread.life.followers.size === 0);
    expect(channel.messages.map(({ text }) => text)).toEqual(["Hello world", "And on"]);
  });

  it("begins where no mirror knew its place yet", async () => {
    const channel = new SlackChannel();
    const thread = await formerThread(
      `{"place":${place},"asked":null,"shown":null,"retry_at":null,"failures":0}`,
      channel,
    );
    ensureFollowing(thread.life);
    await until(() => thread.life.followers.size === 0);
    expect(channel.said).toBe("Hello world");
  });

  it("removes the buttons of the question that the former version left open", async () => {
    const channel = new SlackChannel();
    const calls: [string, unknown][] = [];
    const thread = new FakeThread({
      replies: [say("One"), say("Two")],
      callSlack: async (method, fields) => {
        calls.push([method, fields.ts]);
        return channel.do(method, fields);
      },
    });
    await thread.run("hi", { invocation_id: "inv_before" });
    const { sql } = thread.life.database;
    sql.exec("INSERT INTO meta (key, value) VALUES ('follow', ?)", place);
    sql.exec("INSERT INTO meta (key, value) VALUES ('asked_in_slack', ?)", asked);
    thread.crash();
    await thread.run("and then?");
    await until(() => thread.life.followers.size === 0);
    expect(calls).toContainEqual(["chat.update", "1700000000.000150"]);
    expect(meta(thread, "asked_in_slack")).toBe("null");
  });
});

describe("the stored rows of followers", () => {
  it("are those of the former version, so that a rollback can read them", async () => {
    const thread = new FakeThread({ replies: [say("Hello")], callSlack: () => new Promise(() => {}) });
    await thread.accept("hi", { invocation_id: "inv_1", follow: JSON.parse(place) as RunInput["follow"] });
    expect(meta(thread, "follow")).toBe(place);
    const read = () =>
      thread.life.database.sql.exec<{ state: string }>("SELECT state FROM followers").toArray()[0]?.state;
    expect(read()).toBe(`{"place":${place},"asked":null,"shown":${nothingShown},"retry_at":null,"failures":0}`);
    await until(() => read()?.includes('"doing":{') === true);
    expect(read()).toBe(
      `{"place":${place},"asked":null,"shown":${nothingShown.replace('"doing":null', '"doing":{"kind":"status","page":0}')},"retry_at":null,"failures":0}`,
    );
  });
});
