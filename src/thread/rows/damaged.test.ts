// One row that can't be read affects nothing else: the thread wakes, is read, and goes on.
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, say } from "../../../test/fakes/replies.ts";
import { place, SlackChannel } from "../../../test/fakes/slack-channel.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskModel, twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import { defineTool } from "../../agent/tool.ts";
import type { CallSlack } from "../../slack/api.ts";
import { UnreadableRow } from "../../store/shapes/stored.ts";
import { ensureFollowing } from "../follow/followers.ts";
import { findRun } from "../life.ts";
import { resumeStaleRuns } from "../run/control.ts";
import { readLedger } from "../run/ledger.ts";
import { ensureRunning } from "../run/run.ts";
import { messagesSnapshot } from "../stream/snapshot.ts";
import { wakeLife } from "../wake.ts";
import { readMessagePage, readRunPage } from "./reads.ts";
import { readRemoval } from "./stored-thread.ts";

const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
beforeEach(() => void warn.mockClear());
afterAll(() => void warn.mockRestore());

const page = { cursor: null, limit: 200, types: [], after: null };
const unreadable = ["{", "null", "5", '{"secret":"words","format":2}'];

/** A new life over the damaged rows of a run that planned, worked and ended. */
async function damage(statement: string, ...bindings: string[]): Promise<FakeThread> {
  const replies = [twoTaskModel, twoTaskModel, twoTaskModel, twoTaskModel];
  const thread = new FakeThread({ replies, defaultReply: say("as you like"), tools: twoTaskTools() });
  await thread.run("build it", { invocation_id: "inv_a" });
  expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "completed", steps: 4 });
  thread.life.database.sql.exec(statement, ...bindings);
  thread.crash();
  return thread;
}

/** Reads the thread in every way, and sends it another message. */
async function expectWorking(thread: FakeThread): Promise<void> {
  expect(readMessagePage(thread.life, page).ok).toBe(true);
  expect(readRunPage(thread.life, page).ok).toBe(true);
  expect(messagesSnapshot(thread.life)).toMatchObject({ type: "MESSAGES_SNAPSHOT" });
  expect(readLedger(thread.life)).toBeTypeOf("object");
  await thread.run("go on", { invocation_id: "inv_b" });
  expect(findRun(thread.life, "inv_b")?.run).toMatchObject({ status: "completed", result: { text: "as you like" } });
  await thread.read({ invocation_id: "inv_b", after: 0 }).untilClosed();
  expect(await thread.life.outbox.sync()).toBe(true);
  expect([thread.aborts, thread.failures]).toEqual([[], []]);
  expect(warn.mock.calls.flat().join()).not.toContain("words");
}

describe.each(unreadable)("a row that holds %s", (text) => {
  it.each(["user", "assistant", "tool", "task_list"])("as the content of its %s is all that is lost", async (type) => {
    const thread = await damage("UPDATE messages SET content = ? WHERE type = ?", text, type);
    await expectWorking(thread);
  });

  it("as the metadata of all its messages leaves their contents", async () => {
    const thread = await damage("UPDATE messages SET metadata = ?", text);
    await expectWorking(thread);
    expect(thread.requests.at(-1)?.messages).toContainEqual({ role: "user", content: "build it" });
  });

  it("in place of the newest summary leaves the model the messages themselves", async () => {
    const thread = await damage(
      `INSERT INTO messages (seq, message_id, invocation_id, type, is_llm_message, content, metadata, version, created_at)
       SELECT max(seq) + 1, 'msg_sum', 'inv_a', 'summary', 1, ?, '{}', 1, max(created_at) FROM messages`,
      text,
    );
    await expectWorking(thread);
    expect(thread.requests.at(-1)?.messages).toContainEqual({ role: "user", content: "build it" });
  });

  it("as events of the journal is sent to no reader, and the rows beside it are", async () => {
    const thread = await damage("UPDATE journal SET events = ? WHERE seq = (SELECT min(seq) FROM journal)", text);
    const read = await thread.read({ invocation_id: "inv_a", after: 1 }).untilClosed();
    expect(read.events.at(-1)).toMatchObject({ type: "RUN_FINISHED" });
    await expectWorking(thread);
  });

  it.each(["run", "agent", "lives", "started_calls"])("as the %s of a run makes the run unknown", async (column) => {
    const thread = await damage(`UPDATE runs SET ${column} = ?`, text);
    expect(findRun(thread.life, "inv_a")).toBeNull();
    expect(await resumeStaleRuns(thread.life, ["inv_a"])).toEqual(["inv_a"]);
    const repeated = await thread.accept("build it", { invocation_id: "inv_a" });
    expect(repeated).toMatchObject({ error: { code: "idempotency_conflict" } });
    await expectWorking(thread);
  });

  it.each(["sandbox", "known_sandbox", "task_times", "plan_edits", "plan_numbers", "token_scale", "synced"])(
    "as the meta value %s counts as missing",
    async (key) => {
      const thread = await damage("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, text);
      await expectWorking(thread);
    },
  );

  it("as a removal still means that the thread is removed", async () => {
    const thread = await damage("SELECT 1");
    thread.life.database.sql.exec("INSERT INTO meta (key, value) VALUES ('removed', ?)", text);
    const { database, ports, platform } = thread.life;
    expect(wakeLife(database, ports, platform)).toBeNull();
    expect(readRemoval(database)).toMatchObject({ done: true });
  });

  it.each(["thread", "reserved_through"])("as the meta value %s keeps the object from waking", async (key) => {
    const thread = await damage("SELECT 1");
    const { database, ports, platform } = thread.life;
    database.sql.exec(
      "UPDATE meta SET value = ? WHERE key = ?",
      key === "thread" ? text : text.replace("5", "[]"),
      key,
    );
    expect(() => wakeLife(database, ports, platform)).toThrow(`the stored ${key} can't be read`);
  });
});

it("a run that can't be read shortens no list of runs, and ends none", async () => {
  const thread = await damage("SELECT 1");
  for (const invocation_id of ["inv_b", "inv_c", "inv_d"]) await thread.run("go on", { invocation_id });
  thread.life.database.sql.exec("UPDATE runs SET agent = '{' WHERE invocation_id IN ('inv_c', 'inv_d')");
  thread.crash();
  const first = readRunPage(thread.life, { cursor: null, limit: 1 });
  if (!first.ok) throw new Error("no page");
  const second = readRunPage(thread.life, { cursor: first.value.next_cursor, limit: 1 });
  const ids = [first, second].map((read) => read.ok && read.value.data.map(({ invocation_id }) => invocation_id));
  expect(ids).toEqual([["inv_b"], ["inv_a"]]);
});

describe("a live run that can't be read", () => {
  it.each(["input", "requested_end"])("because of its column %s is no run", async (column) => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "never")], defaultReply: say("as you like") });
    await thread.accept("first", { invocation_id: "inv_a" });
    await gate.reached;
    thread.life.database.sql.exec(`UPDATE runs SET ${column} = '{"status":"failed"}'`);
    thread.crash();
    expect([findRun(thread.life, "inv_a"), thread.life.live.size]).toEqual([null, 0]);
    await thread.run("second", { invocation_id: "inv_b" });
    expect([thread.aborts, thread.failures]).toEqual([[], []]);
  });

  it.each(["{", "[5]"])(
    "because it is %s lets the next run start, and the messages that steered it become a run",
    async (text) => {
      const gate = new Gate();
      const thread = new FakeThread({ replies: [gate.say("", "never")], defaultReply: say("as you like") });
      await thread.accept("first", { invocation_id: "inv_a" });
      await gate.reached;
      await thread.accept("second", { invocation_id: "inv_b" });
      await thread.accept("blue", { invocation_id: "inv_s", on_busy: "steer" });
      thread.life.database.sql.exec("UPDATE runs SET started_calls = ? WHERE invocation_id = 'inv_a'", text);
      thread.crash();
      ensureRunning(thread.life);
      await thread.read({ invocation_id: "inv_b" }).untilClosed();
      expect(findRun(thread.life, "inv_b")?.run).toMatchObject({ status: "completed" });
      expect(thread.requests.at(-1)?.messages.map(({ content }) => content)).toContain("blue");
      expect([thread.aborts, thread.failures]).toEqual([[], []]);
    },
  );

  it("drops a steering input that can't be read, and takes the next one", async () => {
    const gate = new Gate();
    const thread = new FakeThread({ replies: [gate.say("", "first")], defaultReply: say("as you like") });
    await thread.accept("first", { invocation_id: "inv_a" });
    await gate.reached;
    await thread.accept("lost", { invocation_id: "inv_s", on_busy: "steer" });
    await thread.accept("blue", { invocation_id: "inv_t", on_busy: "steer" });
    thread.life.database.sql.exec("UPDATE steered SET messages = '{' WHERE invocation_id = 'inv_s'");
    gate.open();
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    const said = thread.requests.at(-1)?.messages.map(({ content }) => content);
    expect(said).toContain("blue");
    expect(said).not.toContain("lost");
  });
});

describe("a result that can't be read during a run", () => {
  it.each([
    ["the first of two", "ORDER BY seq LIMIT 1", "c1", "c2"],
    ["the second of two", "ORDER BY seq DESC LIMIT 1", "c2", "c1"],
  ])("is never made again by the next life, be it %s", async (_name, which, lost, kept) => {
    const made: string[] = [];
    const order = defineTool({
      ...{ name: "order", description: "x", kind: "work", recovery: "repeat", read_only: false, time_limit_ms: 1_000 },
      schema: z.object({}),
      execute: async (_input, { tool_call_id }) => {
        made.push(tool_call_id);
        return { content: `ordered ${tool_call_id}`, is_error: false };
      },
    });
    const gate = new Gate();
    const calls = ["c1", "c2"].map((id) => ({ id, name: "order", input: {} }));
    const replies = [call(...calls), gate.say("", "never")];
    const thread = new FakeThread({ replies, defaultReply: say("done"), tools: [order] });
    await thread.accept("order two", { invocation_id: "inv_a" });
    await gate.reached;
    thread.life.database.sql.exec(
      `UPDATE messages SET content = '{' WHERE seq = (SELECT seq FROM messages WHERE type = 'tool' ${which})`,
    );
    thread.crash();
    ensureRunning(thread.life);
    await thread.read({ invocation_id: "inv_a" }).untilClosed();
    expect(made).toEqual(["c1", "c2"]);
    const results = thread.requests.at(-1)?.messages.filter(({ role }) => role === "tool");
    expect(results).toContainEqual({ role: "tool", tool_call_id: kept, content: `ordered ${kept}` });
    expect(results).toContainEqual({ role: "tool", tool_call_id: lost, content: expect.stringContaining("damaged") });
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({ status: "completed", steps: 2 });
  });
});

describe("a follower that can't be read", () => {
  it.each(['{"place":', "null", "5", "{}", '{"place":5,"shown":"words"}', '{"place":{},"shown":"words"}'])(
    "as its row holds %s is none, and the thread goes on",
    async (text) => {
      const thread = await damage("INSERT INTO followers (invocation_id, state) VALUES ('inv_a', ?)", text);
      expect(thread.life.followers.size).toBe(0);
      await expectWorking(thread);
    },
  );

  it("of a run that can't be read holds up no run behind it", async () => {
    const channel = new SlackChannel();
    const callSlack: CallSlack = async (method, fields) => channel.do(method, fields);
    const thread = new FakeThread({ defaultReply: say("as you like"), callSlack });
    const [broken, shown] = [new Gate(), new Gate()];
    thread.replies.push(broken.say("", "never"), shown.say("", "shown"));
    await thread.accept("first", { invocation_id: "inv_a", follow: place });
    await broken.reached;
    await thread.accept("second", { invocation_id: "inv_b" });
    thread.life.database.sql.exec("UPDATE runs SET lives = '{' WHERE invocation_id = 'inv_a'");
    thread.crash();
    ensureRunning(thread.life);
    ensureFollowing(thread.life);
    shown.open();
    while (thread.life.followers.size > 0) await setImmediate();
    expect(channel.said).toBe("shown");
    expect([thread.aborts, thread.failures]).toEqual([[], []]);
  });

  it.each(["follow", "asked"])("by what is known of %s is shown from the next place on", async (key) => {
    for (const text of [...unreadable, "{}", '"words"']) {
      const channel = new SlackChannel();
      const callSlack: CallSlack = async (method, fields) => channel.do(method, fields);
      const thread = new FakeThread({ defaultReply: say("as you like"), callSlack });
      thread.life.database.sql.exec("INSERT INTO meta (key, value) VALUES (?, ?)", key, text);
      thread.crash();
      expect([thread.life.place, thread.life.asked]).toEqual([null, null]);
      await thread.run("hi", { follow: place });
      while (thread.life.followers.size > 0) await setImmediate();
      expect(channel.said).toBe("as you like");
      expect([thread.aborts, thread.failures]).toEqual([[], []]);
    }
  });
});

describe("an agent that can't be read", () => {
  const approvals = { execute_command: ["*"] };

  it("starts no run, even if it is the default agent, since what needs approval is unknown", async () => {
    const thread = new FakeThread({ defaultReply: say("as you like"), agent: { approvals } });
    thread.life.ports.readAgent = async () => Promise.reject(new UnreadableRow("version 2 of it can't be read"));
    await expect(thread.accept("hi")).rejects.toThrow("can't be read");
    expect(thread.life.live.size).toBe(0);
  });

  it("starts no run while D1 fails and only the last run has the agent", async () => {
    const thread = new FakeThread({ defaultReply: say("as you like"), agent: { approvals } });
    await thread.run("hi", { invocation_id: "inv_a" });
    thread.life.database.sql.exec("UPDATE runs SET agent = json_set(agent, '$.config.approvals', 'words')");
    thread.crash();
    thread.life.ports.readAgent = async () => Promise.reject(new Error("D1 is down"));
    await expect(thread.accept("go on")).rejects.toThrow("can't be read");
  });
});
