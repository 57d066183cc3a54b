// Lives of a thread's object in workerd: eviction and sudden ends during a run, the alarm, removal, and requests to an
// object whose thread was never created.
import { env, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { readRun } from "../../src/store/runs.ts";
import { readThread } from "../../src/store/threads.ts";
import { callThread, type ThreadStub } from "../../src/thread/stub.ts";
import { framesOf, messagesOf, readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

const run = { invocation_id: "inv_a" };

function objectOf(key: ThreadKey): DurableObjectStub {
  return env.THREADS.get(env.THREADS.idFromName(`${key.user_id}/${key.thread_id}`)) as unknown as DurableObjectStub;
}

/** Ends the life as a crash does, without waiting for anything. */
async function killObject(key: ThreadKey): Promise<void> {
  await runInDurableObject(objectOf(key), (_instance, state) => state.abort("killed by the test")).catch(() => {});
}

async function tablesOf(key: ThreadKey): Promise<string[]> {
  return runInDurableObject(objectOf(key), (_instance, state) =>
    state.storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray()
      .map(({ name }) => name),
  );
}

/** A reply that comes to its end in the second life, however late the first one is ended. */
const stallOnce = ({ key }: ThreadClient, words: number) =>
  `of ${key.user_id} [[say ${words}]] [[stall after 8]] [[times 1]]`;

describe("a life that ends during a run", () => {
  for (const by of ["its alarm", "a request"] as const) {
    it(`is followed by one that ${by} wakes, which brings the run to its end`, async () => {
      const client = threadClient();
      const response = await client.post(stallOnce(client, 30), run);
      const before = await readUntil(response, (text) => text.split("word ").length > 4);
      const lastId = framesOf(before).at(-1)?.seq ?? 0;
      await killObject(client.key);
      if (by === "its alarm") expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(true);
      const after = await readUntil(await client.events({ ...run, after: lastId }));
      const events = framesOf(after).map(({ event }) => event);
      expect(events[0]).toMatchObject({ type: "RUN_STARTED", metadata: { resync: true } });
      expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "word ".repeat(30) } });
      expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({ status: "completed", attempt: 2, steps: 1 });
      expect((await messagesOf(client.key)).map(({ type }) => type)).toEqual(["user", "assistant"]);
    });
  }

  it("during a call is called again by its caller", async () => {
    const client = threadClient();
    const calls: string[] = [];
    const call = <T>(name: string, ask: (stub: ThreadStub) => Promise<T>): Promise<T> =>
      callThread(env, client.key, (stub) => {
        calls.push(name);
        return ask(stub);
      });
    await client.stub.accept(client.input(stallOnce(client, 20), run));
    await readUntil(await client.events(run), (text) => text.includes("word "));
    const waiting = call("wait", (stub) => stub.waitForEnd(client.key, "inv_a", 20_000));
    const posted = call("post", (stub) => stub.accept(client.input("[[say 1]]", { invocation_id: "inv_b" })));
    await killObject(client.key);
    expect(await waiting).toMatchObject({ value: { status: "completed", attempt: 2 } });
    expect(await posted).toMatchObject({ value: { run: { invocation_id: "inv_b" } } });
    expect(calls.filter((name) => name === "wait").length).toBe(2);
    expect(await client.stub.waitForEnd(client.key, "inv_b", 20_000)).toMatchObject({ value: { status: "completed" } });
  });

  it("by an eviction that waits lets the run end first", async () => {
    const client = threadClient();
    const response = await client.post("[[pace 40]] [[say 20]]", run);
    await readUntil(response, (text) => text.split("word ").length > 4);
    await evictDurableObject(objectOf(client.key));
    const events = framesOf(await readUntil(await client.events(run))).map(({ event }) => event);
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "word ".repeat(20) } });
    expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({ status: "completed", attempt: 1 });
  });

  it("never leads to a reused event number, and its thread continues with the next run", async () => {
    const client = threadClient();
    const first = framesOf(await readUntil(await client.post("[[say 5]]", run)));
    await killObject(client.key);
    const second = framesOf(await readUntil(await client.post("[[say 5]]")));
    expect(second[0]?.seq ?? 0).toBeGreaterThan(first.at(-1)?.seq ?? 0);
    const replay = framesOf(await readUntil(await client.events(run)));
    expect(replay.at(-1)).toEqual(first.at(-1));
  });
});

describe("lives that end again and again", () => {
  const kills = 7;

  it("each after a step count as no crash loop, since each has brought the run on", async () => {
    const client = threadClient();
    const step = (place: number) =>
      `[[say 12]] [[tool create_tasks {"sections":[{"title":"S","tasks":["T${place}"]}]}]]`;
    // More than the run gets to, also if it goes on for a while before each kill.
    const steps = Array.from({ length: 40 }, (_, place) => step(place)).join(" [[then]] ");
    await client.stub.accept(client.input(`[[pace 30]] ${steps} [[then]] [[say 900]]`, run));
    let stored = -1;
    for (let life = 1; life <= kills; life++) {
      // Words of the step behind one whose task has been stored since the kill before.
      const text = await readUntil(await client.events(run), (text) => {
        const at = text.indexOf(`"content":"T${stored + 1}"`);
        return at >= 0 && text.includes("word ", at);
      });
      await killObject(client.key);
      while (text.includes(`"content":"T${stored + 1}"`)) stored += 1;
    }
    await readUntil(await client.events(run), (text) => text.includes("word "));
    const cancelled = await client.stub.cancel(client.key, "inv_a");
    expect(cancelled).toMatchObject({ value: { status: "cancelled", attempt: kills + 1 } });
  });

  it("in one place end the run, and not before the fifth", async () => {
    const client = threadClient();
    await client.stub.accept(client.input("[[pace 40]] [[say 400]]", run));
    const statuses: unknown[] = [];
    for (let life = 1; life <= 5; life++) {
      await readUntil(await client.events(run), (text) => text.includes("word "));
      const found = await client.stub.getRun(client.key, "inv_a");
      statuses.push(found.ok && [found.value.status, found.value.attempt]);
      await killObject(client.key);
    }
    expect(statuses).toEqual([1, 2, 3, 4, 5].map((attempt) => ["running", attempt]));
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 20_000);
    expect(ended).toMatchObject({ value: { status: "failed", error: { code: "crash_loop" }, attempt: 6 } });
  });
});

describe("an object whose thread was never created", () => {
  it("answers not_found and stores nothing", async () => {
    const client = threadClient();
    const { stub, key } = client;
    for (const answer of [
      await stub.sync(key),
      await stub.getRun(key, "inv_a"),
      await stub.cancel(key, "inv_a"),
      await stub.waitForEnd(key, "inv_a", 10),
      await stub.start(key, "inv_a"),
      await stub.failDeadLetteredRun(key, "inv_a"),
      await stub.readInbox(key),
      await stub.diagnose(key),
      await stub.update(key, { title: "x" }),
      await stub.remove(key, "req_1"),
      await stub.resumeStaleRuns(key, ["inv_a"]),
    ]) {
      expect(answer).toMatchObject({ ok: false, error: { code: "not_found" } });
    }
    const response = await client.events();
    expect([response.status, await response.json()]).toMatchObject([404, { error: { code: "not_found" } }]);
    expect(await tablesOf(key)).toEqual([]);
    expect(await runDurableObjectAlarm(objectOf(key))).toBe(false);
  });

  it("stores nothing of a refused first input", async () => {
    const { stub, key, input } = threadClient();
    for (const refused of [
      input(" "),
      input("hi", { agent_id: "agent_unknown" }),
      input("", { resume: [{ interrupt_id: "int_1", status: "cancelled" }] }),
    ]) {
      expect(await stub.accept(refused)).toMatchObject({ ok: false });
    }
    expect(await tablesOf(key)).toEqual([]);
  });

  it("is not found by another user than its owner, whatever the stub", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 1]]", run));
    const foreign = { ...client.key, user_id: "user_other" };
    expect(await client.stub.getRun(foreign, "inv_a")).toMatchObject({ error: { code: "not_found" } });
    expect(await client.stub.remove(foreign, "req_1")).toMatchObject({ error: { code: "not_found" } });
  });
});

describe("the alarm", () => {
  it("with nothing to do changes nothing, and is not set again", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 2]]", run));
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(true);
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(false);
    expect(await client.stub.getRun(client.key, "inv_a")).toMatchObject({ value: { status: "completed", attempt: 1 } });
  });
});

describe("a thread that was removed", () => {
  it("is gone with its rows, even during a run, and its id is never used again", async () => {
    const client = threadClient();
    const ofRun = readUntil(await client.post("[[pace 40]] [[say 400]]", run));
    const ofThread = readUntil(await client.events());
    await readUntil(await client.events(run), (text) => text.includes("word "));
    expect(await client.stub.remove(client.key, "req_1")).toEqual({ ok: true, value: null });
    expect(framesOf(await ofRun).at(-1)?.event).toMatchObject({ outcome: { type: "cancelled" } });
    expect(framesOf(await ofThread).at(-1)?.event).toMatchObject({ outcome: { type: "cancelled" } });
    expect(await tablesOf(client.key)).toEqual(["meta"]);
    for (const crashes of [false, true]) {
      if (crashes) await killObject(client.key);
      expect(await client.stub.accept(client.input("again"))).toMatchObject({ error: { code: "not_found" } });
      const creation = {
        ...client.key,
        project_id: null,
        title: null,
        agent_id: null,
        metadata: {},
        request_id: "req_2",
      };
      expect(await client.stub.create(creation)).toMatchObject({ error: { code: "already_exists" } });
      expect(await client.stub.remove(client.key, "req_3")).toMatchObject({ error: { code: "not_found" } });
      // The same request, repeated since its answer was lost.
      expect(await client.stub.remove(client.key, "req_1")).toEqual({ ok: true, value: null });
    }
    expect(await messagesOf(client.key)).toEqual([]);
    expect([await readRun(env.DB, client.key, "inv_a"), await readThread(env.DB, client.key)]).toEqual([null, null]);
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(false);
  });
});
