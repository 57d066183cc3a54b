// The queue's consumer and the sweeper: each job is handled alone, and nothing throws.
import { createExecutionContext, createMessageBatch, env, getQueueResult } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/config.ts";
import { consumeJobs } from "../../src/jobs.ts";
import { QUIET_MS, SILENT_MS } from "../../src/store/signs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { sweepRuns } from "../../src/sweeps.ts";
import { FakeThreads, makeRun } from "./http-fake-threads.ts";

function makeJob(invocation_id: string) {
  return { type: "run_agent_background", user_id: "user_q", thread_id: "t", invocation_id };
}

async function consume(queue: string, bodies: unknown[], threads: FakeThreads, settings: Partial<Env> = {}) {
  const messages = bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts: 3, body }));
  const batch = createMessageBatch(queue, messages);
  await consumeJobs(batch, { ...threads.within(env), ...settings });
  return await getQueueResult(batch, createExecutionContext());
}

describe("consumeJobs", () => {
  it("starts each run and acknowledges it", async () => {
    const threads = new FakeThreads(env.DB);
    const result = await consume("taskloom-jobs", [makeJob("inv-1"), makeJob("inv-2")], threads);
    expect(result.explicitAcks).toEqual(["m0", "m1"]);
    expect(threads.asked).toEqual([
      { method: "start", input: "inv-1" },
      { method: "start", input: "inv-2" },
    ]);
  });

  it("fails the run of a dead letter", async () => {
    const threads = new FakeThreads(env.DB);
    const result = await consume("taskloom-dead", [makeJob("inv-1")], threads);
    expect(result.explicitAcks).toEqual(["m0"]);
    expect(threads.asked).toEqual([{ method: "failDeadLetteredRun", input: "inv-1" }]);
  });

  it("knows dead letters by the name that the deployment gives their queue", async () => {
    const settings = { DEAD_QUEUE: "agents-staging-dead" };
    const threads = new FakeThreads(env.DB);
    await consume("agents-staging-dead", [makeJob("inv-1")], threads, settings);
    await consume("agents-staging-jobs", [makeJob("inv-2")], threads, settings);
    await consume("taskloom-dead", [makeJob("inv-3")], threads, { DEAD_QUEUE: "" });
    expect(threads.asked.map(({ method }) => method)).toEqual(["failDeadLetteredRun", "start", "failDeadLetteredRun"]);
  });

  it("acknowledges a message that is no job, and a job whose run is gone", async () => {
    const threads = new FakeThreads(env.DB);
    threads.next = { failure: { code: "not_found", detail: "gone" } };
    const result = await consume(
      "taskloom-jobs",
      [makeJob("inv-1"), { type: "other" }, null, "x", makeJob("a/b")],
      threads,
    );
    expect(result.explicitAcks).toHaveLength(5);
    expect(threads.asked).toHaveLength(1);
  });

  it("retries only the job that failed, and does not throw", async () => {
    for (const next of [{ error: new Error("down") }, { failure: { code: "internal", detail: "x" } as const }]) {
      const threads = new FakeThreads(env.DB);
      threads.next = next;
      const result = await consume("taskloom-jobs", [makeJob("inv-1"), makeJob("inv-2")], threads);
      expect(result.retryMessages).toMatchObject([{ msgId: "m0" }]);
      expect(result.explicitAcks).toEqual(["m1"]);
    }
  });
});

describe("the retry of a job", () => {
  it("waits longer with each attempt, up to ten minutes, and half of it at random", async () => {
    const delays: (number | undefined)[] = [];
    for (const attempts of [1, 2, 5, 50]) {
      const threads = new FakeThreads(env.DB);
      threads.next = { error: new Error("down") };
      const retry = (options?: QueueRetryOptions) => void delays.push(options?.delaySeconds);
      const message = { id: "m", timestamp: new Date(), attempts, body: makeJob("inv-1"), ack: () => undefined, retry };
      const batch = { queue: "taskloom-jobs", messages: [message] } as unknown as MessageBatch<unknown>;
      await consumeJobs(batch, threads.within(env));
    }
    const most = [10, 20, 160, 600];
    expect(delays.map((delay = 0, place) => delay >= (most[place] ?? 0) / 2 && delay <= (most[place] ?? 0))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});

describe("sweepRuns", () => {
  it("resumes each thread with a silent live run once, even if one call fails", async () => {
    const threads = new FakeThreads(env.DB);
    for (const [thread_id, count] of [
      ["t1", 2],
      ["t2", 1],
      ["t3", 1],
    ] as const) {
      const key = { user_id: "user_q", thread_id };
      const runs = Array.from({ length: count }, (_, index) => ({
        ...makeRun(key, { invocation_id: `i${index}` }),
        version: 1,
      }));
      await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
    }
    threads.next = { error: new Error("down") };
    await sweepRuns(threads.within(env), Date.now() + QUIET_MS + SILENT_MS + 1_000);
    const called = threads.asked.map(({ input }) => (input as { thread_id: string }).thread_id);
    expect(called.sort()).toEqual(["t1", "t2", "t3"]);
  });

  it("leaves runs alone whose next sign of life is not overdue for a minute", async () => {
    const threads = new FakeThreads(env.DB);
    const key = { user_id: "user_q", thread_id: "fresh" };
    await syncThread(env.DB, {
      key,
      project: null,
      thread: null,
      messages: [],
      runs: [{ ...makeRun(key), version: 1 }],
    });
    await sweepRuns(threads.within(env), Date.now() + QUIET_MS + SILENT_MS - 1_000);
    expect(threads.asked.filter(({ input }) => (input as { thread_id: string }).thread_id === "fresh")).toEqual([]);
  });

  it("does not throw if D1 fails", async () => {
    const broken = {
      ...env,
      DB: {
        prepare: () => {
          throw new Error("D1 is down");
        },
      },
    } as unknown as typeof env;
    await expect(sweepRuns(broken, Date.now())).resolves.toBeUndefined();
  });
});
