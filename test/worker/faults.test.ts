// D1 and the queue fail at each moment of a run and of a thread. Every run still ends, and D1 has everything once it
// works again.
import {
  createExecutionContext,
  createMessageBatch,
  env,
  getQueueResult,
  runDurableObjectAlarm,
} from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { consumeJobs } from "../../src/jobs.ts";
import { readRun } from "../../src/store/runs.ts";
import { readThread } from "../../src/store/threads.ts";
import { type Fault, type FaultyObject, killObject, objectOf, withFaultyObject } from "./faulty-object.ts";
import { createClient } from "./http-client.ts";
import { messagesOf, readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

const faults: Fault[] = ["rejects", "hangs", "lost"];
const run = { invocation_id: "inv_a" };

async function expectInD1({ key }: ThreadClient): Promise<void> {
  expect(await readRun(env.DB, key, "inv_a")).toMatchObject({ status: "completed" });
  expect((await messagesOf(key)).map(({ type }) => type)).toEqual(["user", "assistant"]);
  expect(await readThread(env.DB, key)).toMatchObject({ thread_id: key.thread_id });
}

/** A life whose D1 hangs waits for it. The next life does not. */
async function bringUp(client: ThreadClient): Promise<void> {
  await killObject(client.key);
  expect(await client.stub.sync(client.key)).toEqual({ ok: true, value: true });
}

/** D1 fails from a moment of the run on, and the run still ends. */
async function runUnder(fault: Fault, moment: string): Promise<void> {
  const client = threadClient();
  await withFaultyObject(client.key, async ({ object, faults }) => {
    if (moment === "start") faults.d1 = fault;
    const input = client.input("[[pace 5]] [[say 10]]", run);
    expect(await object.accept(input)).toMatchObject({ ok: true, value: { created: true } });
    const query = new URLSearchParams({ ...client.key, ...run });
    const stream = await object.fetch(new Request(`https://thread/events?${query}`));
    const text = await readUntil(stream, (text) => {
      if (moment === "middle" || text.split("word ").length > 9) faults.d1 = fault;
      return false;
    });
    expect(text).toContain('"outcome":{"type":"success"}');
    expect(await object.getRun(client.key, "inv_a")).toMatchObject({ value: { status: "completed" } });
  });
  await bringUp(client);
  await expectInD1(client);
}

describe.each(faults)("a D1 that %s", (fault) => {
  it("when a run starts, during it and at its end stops no run, and has all its rows afterwards", async () => {
    await Promise.all(["start", "middle", "end"].map((moment) => runUnder(fault, moment)));
  });

  it("when a thread is created has the thread later", async () => {
    const client = threadClient();
    const creation = { ...client.key, project_id: null, title: "t", agent_id: null, metadata: {}, request_id: "r" };
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = fault;
      expect(await object.create(creation)).toMatchObject({ ok: true, value: { title: "t" } });
    });
    await bringUp(client);
    expect(await readThread(env.DB, client.key)).toMatchObject({ title: "t" });
  });

  it("when a background run is posted does not keep the run's job from the queue", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults, jobs }) => {
      faults.d1 = fault;
      await object.accept(client.input("[[say 2]]", { ...run, background: true }));
      await vi.waitUntil(() => jobs.length === 1, { timeout: 20_000 });
    });
  });

  it("when a thread is deleted keeps nothing of it: the next alarm finishes the removal", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 2]]", run));
    await killObject(client.key);
    const removed = withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = fault;
      const answered = object.remove(client.key, "r");
      // If D1 hangs, the request is answered late. The thread is gone at once.
      if (fault !== "hangs") expect(await answered).toEqual({ ok: true, value: null });
      await expect.poll(() => object.accept(client.input("again"))).toMatchObject({ error: { code: "not_found" } });
    });
    await removed;
    await killObject(client.key);
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(true);
    expect(await client.stub.accept(client.input("again"))).toMatchObject({ error: { code: "not_found" } });
    expect([await messagesOf(client.key), await readRun(env.DB, client.key, "inv_a")]).toEqual([[], null]);
    expect(await readThread(env.DB, client.key)).toBe(null);
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(false);
  });
});

describe("a D1 that rejects", () => {
  it("when threads are listed gives an internal error without its cause", async () => {
    const broken = () => {
      throw new Error("D1_ERROR: secret of the database");
    };
    const client = createClient({ DB: { prepare: broken, batch: broken } as unknown as D1Database });
    const answer = await client.send("GET", "/v1/threads");
    expect([answer.status, answer.body.code]).toEqual([500, "internal"]);
    expect(answer.text).not.toContain("secret");
  });
});

async function consume(queue: string, client: ThreadClient, ids: string[]) {
  const messages = ids.map((invocation_id, index) => ({
    id: `m${index}`,
    timestamp: new Date(),
    attempts: 1,
    body: { type: "run_agent_background", ...client.key, invocation_id },
  }));
  const batch = createMessageBatch(queue, messages);
  await consumeJobs(batch, env);
  return (await getQueueResult(batch, createExecutionContext())).explicitAcks.length;
}

describe.each(faults)("a queue that %s", (fault) => {
  it("when a background run is posted delays no answer, and a later job starts the run", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults, jobs }: FaultyObject) => {
      faults.queue = fault;
      const accepted = await object.accept(client.input("[[say 2]]", { ...run, background: true }));
      expect(accepted).toMatchObject({ ok: true, value: { run: { status: "queued", background: true } } });
      expect(await object.getRun(client.key, "inv_a")).toMatchObject({ value: { status: "queued" } });
      expect(jobs.length).toBeLessThanOrEqual(fault === "lost" ? 1 : 0);
    });
    // The next life has sent no job yet. Its alarm does.
    await killObject(client.key);
    expect(await runDurableObjectAlarm(objectOf(client.key))).toBe(true);
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 20_000);
    expect(ended).toMatchObject({ value: { status: "completed", attempt: 1 } });
    expect((await messagesOf(client.key)).map(({ type }) => type)).toEqual(["user", "assistant"]);
  });
});

describe("jobs that come twice, late and in another order", () => {
  it("start each run once, in the order of the inbox", async () => {
    const client = threadClient();
    const ids = ["inv_a", "inv_b", "inv_c"];
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.queue = "rejects";
      for (const invocation_id of ids) {
        await object.accept(client.input("[[say 2]]", { invocation_id, background: true }));
      }
    });
    await killObject(client.key);
    expect(await consume("taskloom-jobs", client, ["inv_c", "inv_b", "inv_c"])).toBe(3);
    expect(await consume("taskloom-jobs", client, ["inv_b", "inv_a", "inv_unknown"])).toBe(3);
    for (const id of ids) expect(await client.stub.waitForEnd(client.key, id, 20_000)).toMatchObject({ ok: true });
    // Late, since all of them have ended.
    expect(await consume("taskloom-jobs", client, ids)).toBe(3);
    expect(await consume("taskloom-dead", client, ids)).toBe(3);
    const rows = await messagesOf(client.key);
    expect(rows.map(({ invocation_id }) => invocation_id)).toEqual(ids.flatMap((id) => [id, id]));
    for (const id of ids) {
      expect(await readRun(env.DB, client.key, id)).toMatchObject({ status: "completed", attempt: 1 });
    }
  });

  it("end runs as failed if they come as dead letters, each in its turn", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.queue = "rejects";
      await object.accept(client.input("[[say 2]]", { ...run, background: true }));
    });
    await killObject(client.key);
    expect(await consume("taskloom-dead", client, ["inv_a", "inv_a"])).toBe(2);
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 20_000);
    expect(ended).toMatchObject({ value: { status: "failed", error: { code: "dead_letter" } } });
    const events = await readUntil(await client.events(run));
    expect(events.match(/"RUN_ERROR"/g)).toHaveLength(1);
  });
});
