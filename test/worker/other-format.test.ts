// An object whose data another version has stored: it refuses every call, and keeps what it has.
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { ThreadObject } from "../../src/thread/object.ts";
import type { ThreadStub } from "../../src/thread/stub.ts";
import { killObject, objectOf } from "./faulty-object.ts";
import { messagesOf, readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

/** A thread with a run, changed by a statement as if another version had stored it. */
async function storedOtherwise(statement: string): Promise<ThreadClient> {
  const client = threadClient();
  await readUntil(await client.post("hello", { invocation_id: "inv_a" }));
  expect(await client.stub.sync(client.key)).toEqual({ ok: true, value: true });
  await runInDurableObject(objectOf(client.key), async (_object, { storage }) => {
    storage.sql.exec(statement);
    await storage.setAlarm(Date.now() + 60_000);
  });
  await killObject(client.key);
  return client;
}

/** All that the object has. */
function storedIn({ key }: ThreadClient): Promise<unknown> {
  return runInDurableObject(objectOf(key), async (_object, { storage }) => {
    const tables = ["meta", "journal", "messages", "runs"];
    return [await storage.getAlarm(), ...tables.map((table) => storage.sql.exec(`SELECT * FROM ${table}`).toArray())];
  });
}

function callsOf({
  key,
  input,
}: ThreadClient): Omit<{ [Name in keyof ThreadStub]: (stub: ThreadStub) => unknown }, "fetch"> {
  const page = { cursor: null, limit: 10 };
  const creation = { ...key, request_id: "r", project_id: null, title: null, agent_id: null, metadata: {} };
  return {
    create: (stub) => stub.create(creation),
    update: (stub) => stub.update(key, { title: "x" }),
    remove: (stub) => stub.remove(key, "req_1"),
    accept: (stub) => stub.accept(input("more")),
    sync: (stub) => stub.sync(key),
    readThread: (stub) => stub.readThread(key),
    readPlan: (stub) => stub.readPlan(key),
    readLedger: (stub) => stub.readLedger(key, "ledger"),
    editPlan: (stub) => stub.editPlan(key, { request_id: "r", version: null, operations: [] }),
    callChecks: (stub) => stub.callChecks(key, { kind: "cancel" }),
    readMessages: (stub) => stub.readMessages(key, { ...page, types: [], after: null }),
    readInbox: (stub) => stub.readInbox(key),
    changeWaiting: (stub) => stub.changeWaiting(key, "msg_a", { steers: true }),
    removeWaiting: (stub) => stub.removeWaiting(key, "msg_a"),
    readRuns: (stub) => stub.readRuns(key, page),
    getRun: (stub) => stub.getRun(key, "inv_a"),
    waitForEnd: (stub) => stub.waitForEnd(key, "inv_a", 10),
    waitForStream: (stub) => stub.waitForStream(key, "s"),
    cancel: (stub) => stub.cancel(key, "inv_a"),
    start: (stub) => stub.start(key, "inv_a"),
    failDeadLetteredRun: (stub) => stub.failDeadLetteredRun(key, "inv_a"),
    resumeStaleRuns: (stub) => stub.resumeStaleRuns(key, ["inv_a"]),
    closeLeases: (stub) => stub.closeLeases(key, ["lease"]),
    expire: (stub) => stub.expire(key, new Date().toISOString(), Date.now()),
    diagnose: (stub) => stub.diagnose(key),
  };
}

const removed = JSON.stringify({ user_id: "u", thread_id: "t", request_id: "req_1", done: false });

describe("an object with data", () => {
  it.each([
    ["of no format", "UPDATE meta SET value = json_remove(value, '$.format') WHERE key = 'thread'"],
    ["of a later format", "UPDATE meta SET value = json_set(value, '$.format', 3) WHERE key = 'thread'"],
    ["of a removal without a format", `INSERT INTO meta (key, value) VALUES ('removed', '${removed}')`],
    ["that names no thread", "DELETE FROM meta"],
  ])("%s refuses every call, keeps what it has, and sets no alarm", async (_name, statement) => {
    const client = await storedOtherwise(statement);
    const before = await storedIn(client);
    const messages = await messagesOf(client.key);
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(false);
    const refusal = { code: "not_configured", detail: expect.stringContaining("--state DIR") };
    const calls = Object.entries(callsOf(client));
    for (const [name, call] of calls)
      expect([name, await call(client.stub)]).toEqual([name, { ok: false, error: refusal }]);
    for (const stream of [await client.post("more"), await client.events()]) {
      expect([stream.status, await stream.json()]).toEqual([503, { error: refusal }]);
    }
    const others = ["constructor", "fetch", "alarm"];
    const methods = Object.getOwnPropertyNames(ThreadObject.prototype).filter((name) => !others.includes(name));
    expect(calls.map(([name]) => name).sort()).toEqual(methods.sort());
    expect(await storedIn(client)).toEqual([null, ...(before as unknown[]).slice(1)]);
    expect(await messagesOf(client.key)).toEqual(messages);
  });
});
