// AG-UI streams when a life of the thread's object ends: the response continues with the next life, and a client that
// knows nothing of lives ends with the stored conversation.
import { env, evictDurableObject, runInDurableObject, SELF } from "cloudflare:test";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { ThreadEvent } from "../../src/protocol/event.ts";
import { derivedId, newId } from "../../src/protocol/ids.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { readRun } from "../../src/store/runs.ts";
import { toAgUiMessages } from "../../src/thread/stream/events.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { readAsClient } from "../e2e/stream-reader.ts";
import { parseFrames } from "../fakes/conversation.ts";
import { openReading, type Reading } from "./ag-ui-reading.ts";
import { killObject, objectOf } from "./faulty-object.ts";
import { realClient } from "./real-client.ts";
import { messagesOf } from "./thread-client.ts";

const RUN = "inv-1";

const USER = newId("user");
let apiKey = "";

// The admin key acts for the first user only while that has no key, and other files of the worker may give it one.
beforeAll(async () => {
  const made = await realClient().send("POST", "/v1/users", { user_id: USER });
  apiKey = String(made.body.api_key);
});

function newKey(): ThreadKey {
  return { user_id: USER, thread_id: newId("thread") };
}

async function post(
  key: ThreadKey,
  message: string,
  runId = RUN,
  sent = { threadId: key.thread_id, id: `msg-of-${runId}` },
): Promise<Reading> {
  const messages = [{ id: sent.id, role: "user", content: message }];
  const response = await SELF.fetch("http://taskloom/ag-ui", {
    method: "POST",
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ threadId: sent.threadId, runId, messages }),
  });
  expect(response.status).toBe(200);
  return openReading(response);
}

async function diagnose(key: ThreadKey) {
  const answer = await threadStub(env, key).diagnose(key);
  if (!answer.ok) throw new Error(answer.error.detail);
  return answer.value as {
    readers: number;
    inbox: { calls_begun: number }[];
  };
}

/** Each life of the object ends at the moment when it would release a run's end. */
async function refuseRelease(key: ThreadKey): Promise<void> {
  await runInDurableObject(objectOf(key), (_instance, { storage }) => {
    storage.sql.exec(
      `CREATE TRIGGER refuse BEFORE INSERT ON meta
       WHEN NEW.key = 'synced' AND json_extract(NEW.value, '$.released') >= (SELECT max(end_seq) FROM runs)
       BEGIN SELECT RAISE(ABORT, 'refused'); END`,
    );
  });
}

async function allowRelease(key: ThreadKey): Promise<void> {
  await runInDurableObject(objectOf(key), (_instance, { storage }) => {
    storage.sql.exec("DROP TRIGGER IF EXISTS refuse");
  });
}

/** The client has the stored messages, and saw one start and one end. */
async function checkWhole(key: ThreadKey, events: ThreadEvent[]): Promise<void> {
  const seen = await readAsClient(events);
  expect(seen.messages).toEqual((await messagesOf(key)).flatMap(toAgUiMessages));
  expect(events.filter(({ type }) => type === "RUN_STARTED").length).toBe(1);
  expect(events.filter(({ type }) => type === "RUN_FINISHED" || type === "RUN_ERROR").length).toBe(1);
}

function typesOf(events: ThreadEvent[]): string[] {
  return events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
}

describe("POST /ag-ui, when a life of the thread's object ends", () => {
  it("inside a text, closes it, and sends the text of the next life under a new id", async () => {
    const key = newKey();
    const reading = await post(key, "[[say 20]] [[stall after 6]] [[times 1]]");
    await reading.until((text) => text.split("word ").length > 3);
    await killObject(key);
    const events = await reading.toEnd();
    expect(typesOf(events)).toEqual([
      "RUN_STARTED",
      "STATE_SNAPSHOT",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      "TEXT_MESSAGE_END",
      "MESSAGES_SNAPSHOT",
      "STATE_SNAPSHOT",
      "TEXT_MESSAGE_START",
      "TEXT_MESSAGE_CONTENT",
      // What the run has used so far.
      "CUSTOM",
      "TEXT_MESSAGE_END",
      "RUN_FINISHED",
    ]);
    expect(reading.text.split("retry: ").length).toBe(2);
    await checkWhole(key, events);
    expect(await readRun(env.DB, key, RUN)).toMatchObject({ status: "completed", attempt: 2 });
  });

  it("continues with the ids that the client sent, whatever their form", async () => {
    const sent = { threadId: `app:chat/${newId("thread")}`, id: "user.1" };
    const key = { user_id: USER, thread_id: await derivedId("thread", "ag-ui", sent.threadId) };
    const reading = await post(key, "[[say 21]] [[stall after 6]] [[times 1]]", "run:1", sent);
    await reading.until((text) => text.split("word ").length > 3);
    await killObject(key);
    const events = await reading.toEnd();
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", threadId: sent.threadId, runId: "run:1" });
    const snapshots = events.flatMap((event) => (event.type === "MESSAGES_SNAPSHOT" ? event.messages : []));
    expect(snapshots.map(({ id }) => id)).toEqual(["user.1"]);
    expect(reading.text.split(key.thread_id).length).toBe(2);
    expect(events[0]).toMatchObject({ metadata: { thread_id: key.thread_id } });
  });

  it("during a task and a command, continues both, and the command runs once", async () => {
    const key = newKey();
    const plan = '{"sections":[{"title":"A","tasks":["one"]}]}';
    const command = '{"command":"echo begun | tee -a log; sleep 3; cat log"}';
    const reading = await post(key, `[[tool create_tasks ${plan}]] [[then]] [[tool execute_command ${command}]]`);
    await reading.until((text) => text.includes("STEP_STARTED") && text.split("TOOL_CALL_END").length > 2);
    // A command that has not begun can't be continued.
    await reading.until((text) => text.includes('"tool_output"'));
    await killObject(key);
    const events = await reading.toEnd();
    const snapshot = events.findIndex(({ type }) => type === "MESSAGES_SNAPSHOT");
    expect(events[snapshot - 1]?.type).toBe("STEP_FINISHED");
    expect(events.slice(snapshot + 1, snapshot + 3).map(({ type }) => type)).toEqual([
      "STATE_SNAPSHOT",
      "STEP_STARTED",
    ]);
    const results = events.flatMap((event) => (event.type === "TOOL_CALL_RESULT" ? [event.content] : []));
    // The command prints it once itself, and once from its log.
    expect(results.at(-1)?.match(/begun/g), results.at(-1)).toHaveLength(2);
    await checkWhole(key, events);
  });

  it("inside the arguments of a call, closes it, and sends the call that replaces it", async () => {
    const key = newKey();
    const plan = JSON.stringify({ sections: [{ title: "A", tasks: ["one ".repeat(30), "two ".repeat(30)] }] });
    const reading = await post(key, `[[tool create_tasks ${plan}]] [[stall after 6]] [[times 1]]`);
    await reading.until((text) => text.includes("TOOL_CALL_ARGS"));
    await killObject(key);
    const events = await reading.toEnd();
    const snapshot = events.findIndex(({ type }) => type === "MESSAGES_SNAPSHOT");
    expect(events[snapshot - 1]?.type).toBe("TOOL_CALL_END");
    await checkWhole(key, events);
  });

  it("while the run waits behind another, sends its start once, when it starts", async () => {
    const key = newKey();
    const first = await post(key, "[[say 9]] [[stall after 4]] [[times 1]]", "inv-0");
    await first.until((text) => text.includes("word "));
    const second = await post(key, "[[say 3]]");
    await killObject(key);
    const events = await second.toEnd();
    expect(events[0]).toMatchObject({ type: "RUN_STARTED", runId: RUN, input: { messages: [{ role: "user" }] } });
    expect(events.filter(({ type }) => type === "RUN_STARTED").length).toBe(1);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", runId: RUN });
    await first.toEnd();
    expect(await readRun(env.DB, key, "inv-0")).toMatchObject({ status: "completed", attempt: 2 });
  });

  it("while the run waits, sends its end if the next life cancels it", async () => {
    const key = newKey();
    await (await post(key, "[[say 9]] [[stall after 4]] [[times 1]]", "inv-0")).until((text) => text.includes("word "));
    const second = await post(key, "[[say 3]]");
    await killObject(key);
    await threadStub(env, key).cancel(key, RUN);
    const events = await second.toEnd();
    expect(events.map(({ type }) => type)).toEqual(["RUN_STARTED", "STATE_SNAPSHOT", "RUN_FINISHED"]);
  });

  it("between storing and releasing the run's end, sends the end once", async () => {
    const key = newKey();
    const reading = await post(key, "[[pace 5]] [[say 12]]");
    await reading.until((text) => text.includes("word "));
    await refuseRelease(key);
    await reading.until((text) => text.includes("MESSAGES_SNAPSHOT"));
    expect(reading.text).not.toContain("RUN_FINISHED");
    await vi.waitFor(() => allowRelease(key), 20_000);
    const events = await reading.toEnd();
    await checkWhole(key, events);
    expect(await readRun(env.DB, key, RUN)).toMatchObject({ status: "completed", attempt: 1 });
  });

  it("again and again, continues with each next life", async () => {
    const key = newKey();
    const reading = await post(key, "[[say 12]] [[stall after 4]] [[times 4]]");
    for (let life = 1; life <= 4; life++) {
      await reading.until((text) => text.split("TEXT_MESSAGE_START").length > life && text.endsWith('word "}\n\n'));
      await killObject(key);
    }
    const events = await reading.toEnd();
    expect(events.filter(({ type }) => type === "MESSAGES_SNAPSHOT").length).toBe(4);
    await checkWhole(key, events);
    expect(await readRun(env.DB, key, RUN)).toMatchObject({ status: "completed", attempt: 5 });
  });

  it("by an eviction that waits for requests, loses nothing", async () => {
    const key = newKey();
    const reading = await post(key, "[[pace 100]] [[say 20]]");
    await reading.until((text) => text.includes("word "));
    await Promise.all([evictDurableObject(objectOf(key)), reading.toEnd()]);
    await checkWhole(key, reading.events);
  });

  it("and the thread is gone, aborts the response", async () => {
    const key = newKey();
    const reading = await post(key, "[[say 9]] [[stall after 4]] [[times 1]]");
    await reading.until((text) => text.includes("word "));
    await killObject(key);
    await runInDurableObject(objectOf(key), (_instance, state) => state.storage.deleteAll());
    await killObject(key);
    await expect(reading.toEnd()).rejects.toThrow();
  });
});

describe("POST /ag-ui, while one life lasts", () => {
  it("passes the object's frames on unchanged", async () => {
    const key = newKey();
    const reading = await post(key, "[[think 5]] [[text 商店 🛒]]");
    await reading.toEnd();
    const address = `https://thread/events?${new URLSearchParams({ ...key, invocation_id: RUN })}`;
    const replayed = await (await threadStub(env, key).fetch(new Request(address))).text();
    expect(parseFrames(reading.text).at(-1)).toEqual(parseFrames(replayed).at(-1));
    expect(parseFrames(reading.text).every(({ seq }) => seq !== null)).toBe(true);
    await checkWhole(key, reading.events);
  });

  it("continues with a resync for a client that fell behind", async () => {
    const key = newKey();
    const reading = await post(key, "[[fill 6000000]]");
    await reading.until((text) => text.includes("TEXT_MESSAGE_CONTENT"));
    await threadStub(env, key).waitForEnd(key, RUN, 20_000);
    const events = await reading.toEnd();
    expect(events.some(({ type }) => type === "MESSAGES_SNAPSHOT")).toBe(true);
    await checkWhole(key, events);
  });

  it("leaves no reader behind when its client disconnects, and the run continues", async () => {
    const key = newKey();
    const reading = await post(key, "[[pace 20]] [[say 80]]");
    await reading.until((text) => text.includes("word "));
    expect((await diagnose(key)).readers).toBe(1);
    await reading.leave();
    await vi.waitFor(async () => expect((await diagnose(key)).readers).toBe(0), 20_000);
    expect(await threadStub(env, key).waitForEnd(key, RUN, 20_000)).toMatchObject({ value: { status: "completed" } });
  });

  it("leaves no reader behind when its client disconnects after a reconnect", async () => {
    const key = newKey();
    const reading = await post(key, `of ${key.thread_id} [[say 40]] [[stall after 8]] [[times 1]]`);
    await reading.until((text) => text.includes("word "));
    await killObject(key);
    await reading.until((text) => text.includes("MESSAGES_SNAPSHOT"));
    await reading.leave();
    await vi.waitFor(async () => expect((await diagnose(key)).readers).toBe(0), 20_000);
  });
});
