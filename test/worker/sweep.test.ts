// The sweep with real objects: whatever D1 has of a run, afterwards it has what the thread's object knows.
import { env } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { readRun } from "../../src/store/runs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { sweepRuns } from "../../src/sweeps.ts";
import { killObject, withFaultyObject } from "./faulty-object.ts";
import { makeRun } from "./http-fake-threads.ts";
import { framesOf, messagesOf, readUntil, threadClient } from "./thread-client.ts";

const run = { invocation_id: "inv_a" };
const inAnHour = () => Date.now() + 3_600_000;

describe("a run that is live in D1", () => {
  it("is ended in D1 if its thread's object does not know it", async () => {
    const { key } = threadClient();
    const lost = { ...makeRun(key, run), version: 7 };
    await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs: [lost] });
    await sweepRuns(env, inAnHour());
    const ended = await readRun(env.DB, key, "inv_a");
    expect(ended).toMatchObject({ status: "failed", error: { code: "internal" }, finished_at: expect.any(String) });
    await sweepRuns(env, inAnHour() + 3_600_000);
    expect(await readRun(env.DB, key, "inv_a")).toEqual(ended);
  });

  it("is ended in D1 if an existing thread does not know it, and other runs are left alone", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 2]]", run));
    const lost = { ...makeRun(client.key, { invocation_id: "inv_lost" }), version: 1 };
    await syncThread(env.DB, { key: client.key, project: null, thread: null, messages: [], runs: [lost] });
    await sweepRuns(env, inAnHour());
    expect(await readRun(env.DB, client.key, "inv_lost")).toMatchObject({ status: "failed" });
    expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({ status: "completed" });
  });

  it("goes with its thread, if D1 was away when that was removed", async () => {
    const { key } = threadClient();
    vi.spyOn(console, "error").mockImplementation(() => {});
    await withFaultyObject(key, async ({ object, faults }) => {
      const made = { project_id: null, title: null, agent_id: null, metadata: {}, request_id: "made" };
      await object.create({ ...key, ...made });
      faults.d1 = "rejects";
      await object.remove(key, "removed");
    });
    await killObject(key);
    const live = { ...makeRun(key, run), version: 1 };
    await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs: [live] });
    await sweepRuns(env, inAnHour());
    expect(await readRun(env.DB, key, "inv_a")).toBeNull();
  });

  it("gets the state of its object if D1 was restored to an earlier one", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 2]]", run));
    await env.DB.prepare(
      "UPDATE runs SET status = 'running', version = 1, run = json_set(run, '$.status', 'running') WHERE user_id = ? AND thread_id = ?",
    )
      .bind(client.key.user_id, client.key.thread_id)
      .run();
    await sweepRuns(env, inAnHour());
    expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({
      status: "completed",
      result: { text: expect.any(String) },
    });
  });

  it("continues undisturbed while it works, however often it is swept", async () => {
    const client = threadClient();
    const response = await client.post("[[pace 40]] [[say 30]]", run);
    const swept = Promise.all([1, 2, 3].map((hours) => sweepRuns(env, Date.now() + hours * 3_600_000)));
    const events = framesOf(await readUntil(response)).map(({ event }) => event);
    await swept;
    expect(events.at(-1)).toMatchObject({ type: "RUN_FINISHED", result: { text: "word ".repeat(30) } });
    expect((await messagesOf(client.key)).map(({ type }) => type)).toEqual(["user", "assistant"]);
    expect(await readRun(env.DB, client.key, "inv_a")).toMatchObject({ status: "completed", attempt: 1 });
  });
});
