// The hops of a chain of webhooks: deliveries count them, routes read them, and the third is refused.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BUDGET_HOPS, type Chain } from "../../src/protocol/chain.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { RunInput } from "../../src/protocol/thread.ts";
import type { BudgetPayload, WebhookPayload } from "../../src/protocol/webhook.ts";
import { endLostRuns } from "../../src/store/runs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { setLimits } from "./fixed-limits.ts";
import { clearTriggers, deliverTo, makeHook, readLog, signGithub, signStandard } from "./hook-client.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";
import { endedBatch, forgetWebhooks, make as makeWebhook, nextThread, planBatch } from "./webhook-batches.ts";

const client = createClient({ ENCRYPTION_KEY: "key of the tests" });

// The limit is shared by all tests of a user.
beforeEach(() => setLimits({ pings_per_minute: 1_000_000 }));

afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await clearTriggers();
  await forgetWebhooks();
});

const THIRD = "third in a chain of runs that webhooks started";
const eventOf = (data: Record<string, unknown>) => JSON.stringify({ type: "run.completed", timestamp: "", data });

function deliver(
  { trigger_id, secret }: { trigger_id: string; secret: string },
  body: string,
  headers: Record<string, string> = {},
) {
  return deliverTo(client, trigger_id, body, { ...signStandard(secret, body), ...headers });
}

const acceptedInputs = () =>
  client.threads.asked.filter(({ method }) => method === "accept").map(({ input }) => input as RunInput);

/** Stores a run in D1 and returns it. */
async function storeRun(part: Partial<Run>, user_id = "user_first"): Promise<Run> {
  const thread_id = nextThread();
  const run = makeRun({ user_id, thread_id }, part);
  await syncThread(env.DB, {
    key: { user_id, thread_id },
    project: null,
    thread: null,
    messages: [],
    runs: [{ ...run, version: 1 }],
  });
  return run;
}

describe("deliveries that D1 makes", () => {
  const one: Chain = { hops: 1, caused_by: [{ trigger_id: "trig_1", thread_id: "thread-0", invocation_id: "inv-0" }] };

  async function readHops(): Promise<unknown[]> {
    const { results } = await env.DB.prepare("SELECT payload FROM deliveries ORDER BY delivery_id").all<{
      payload: string;
    }>();
    return results.map(({ payload }) => {
      const { type, data } = JSON.parse(payload) as WebhookPayload;
      return [type, data.taskloom_hops];
    });
  }

  it("count one hop more than a run that ended or was lost, and two more than a run that changed the plan", async () => {
    await makeWebhook();
    nextThread();
    const ended = endedBatch("completed");
    await syncThread(env.DB, { ...ended, runs: ended.runs.map((run) => ({ ...run, ...one })) });
    nextThread();
    const planned = planBatch([["a", "pending"]], 1);
    await syncThread(env.DB, { ...planned, plan_change: { seq: 1, invocation_id: "inv-001", hops: 1 } });
    const lost = await storeRun(one);
    await endLostRuns(env.DB, lost, [lost.invocation_id], Date.now());
    expect(await readHops()).toEqual([
      ["run.completed", 2],
      ["task.updated", 3],
      ["run.failed", 2],
    ]);
  });

  it("count the first hop if nothing led to the run", async () => {
    await makeWebhook();
    nextThread();
    await syncThread(env.DB, endedBatch("completed"));
    nextThread();
    await syncThread(env.DB, planBatch([["a", "pending"]], 1));
    const lost = await storeRun({});
    await endLostRuns(env.DB, lost, [lost.invocation_id], Date.now());
    expect(await readHops()).toEqual([
      ["run.completed", 1],
      ["task.updated", 2],
      ["run.failed", 1],
    ]);
  });
});

describe("a delivery to a trigger", () => {
  it("starts a run without a chain if no webhook led to it", async () => {
    const trigger = await makeHook(client);
    const counts: Record<string, string>[] = [{}, { "taskloom-hops": "0" }, { "taskloom-hops": "" }];
    for (const headers of counts) {
      expect((await deliver(trigger, "{}", headers)).status).toBe(202);
      expect(acceptedInputs().at(-1)).not.toHaveProperty("chain");
    }
  });

  it("starts a run whose chain has the run in its payload and what led to that, if both are its owner's", async () => {
    const trigger = await makeHook(client);
    const { trigger_id } = trigger;
    const first = { trigger_id: "trig_other", thread_id: "thread-0", invocation_id: "inv-0" };
    const { thread_id, invocation_id } = await storeRun({ hops: 1, caused_by: [first] });
    await deliver(trigger, eventOf({ thread_id, invocation_id, taskloom_hops: 2 }));
    const chain = { hops: 2, caused_by: [first, { trigger_id, thread_id, invocation_id }] };
    expect(acceptedInputs().at(-1)).toMatchObject({ chain });
    // The payload has lost the count, but has the run's id.
    await deliver(trigger, eventOf({ thread_id, invocation_id }));
    expect(acceptedInputs().at(-1)).toMatchObject({ chain });
    // A task's event counts two, even if only its run's id is left.
    const began = await storeRun({ hops: 0 });
    const task = { id: "task_1", status: "completed" };
    await deliver(trigger, JSON.stringify({ type: "task.updated", data: { ...began, task } }));
    expect(acceptedInputs().at(-1)?.chain).toMatchObject({ hops: 2 });
    const theirs = await storeRun({ hops: 2, caused_by: [first, first] }, "user_other");
    await deliver(trigger, eventOf({ ...theirs, taskloom_hops: 1 }));
    const unknown = { trigger_id, thread_id: null, invocation_id: null };
    expect(acceptedInputs().at(-1)?.chain).toEqual({ hops: 1, caused_by: [unknown] });
  });

  it("of a budget's event starts one run, whose own events start none", async () => {
    const trigger = await makeHook(client);
    const cap = { scope: "run", name: "max_cost_usd", limit: 1 } as const;
    const payloadOf = ({ thread_id, project_id, invocation_id, hops }: Run): BudgetPayload => ({
      ...{ type: "budget.reached", timestamp: "" },
      data: { thread_id, project_id, invocation_id, cap, used: 1.1, taskloom_hops: hops + BUDGET_HOPS },
    });
    const first = await storeRun({ hops: 0 });
    await deliver(trigger, JSON.stringify(payloadOf(first)));
    expect(acceptedInputs().at(-1)?.chain).toMatchObject({ hops: 2, caused_by: [{ thread_id: first.thread_id }] });
    // A relay has dropped the count.
    const { taskloom_hops: _, ...left } = payloadOf(first).data;
    await deliver(trigger, JSON.stringify(left));
    expect(acceptedInputs().at(-1)?.chain).toMatchObject({ hops: 2 });
    const second = await storeRun({ hops: 2 });
    for (const data of [payloadOf(second).data, { ...left, ...payloadOf(second).data, taskloom_hops: undefined }]) {
      expect((await deliver(trigger, JSON.stringify({ type: "budget.reached", data }))).status).toBe(422);
    }
  });

  it.each<[string, string, Record<string, string>]>([
    ["in the header", "{}", { "taskloom-hops": "3" }],
    ["in the payload", eventOf({ taskloom_hops: 3 }), {}],
    ["in the larger of both", eventOf({ taskloom_hops: 1 }), { "taskloom-hops": "7" }],
    ["in the larger of two headers", "{}", { "taskloom-hops": "1, 3" }],
    ["in a payload that a relay wrapped", `[{"event":${eventOf({ taskloom_hops: 3 })}}]`, { "taskloom-hops": "1" }],
  ])("is refused and logged with the reason if it is the third of its chain, %s", async (_where, body, headers) => {
    const trigger = await makeHook(client);
    const before = acceptedInputs().length;
    const answer = await deliver(trigger, body, headers);
    expect([answer.status, answer.body.code, answer.headers.get("taskloom-hops")]).toEqual([
      422,
      "invalid_operation",
      "3",
    ]);
    expect(answer.body.detail).toContain(THIRD);
    expect(acceptedInputs()).toHaveLength(before);
    expect(await readLog(client, trigger.trigger_id)).toMatchObject([
      { status: "refused", reason: expect.stringContaining(THIRD), invocation_id: null, source_id: expect.any(String) },
    ]);
  });

  it.each(["-1", "1e9", "1, x", "x".repeat(10_000)])("is refused if its count can't be read: %s", async (count) => {
    const trigger = await makeHook(client);
    const before = acceptedInputs().length;
    const answer = await deliver(trigger, "{}", { "taskloom-hops": count });
    expect([answer.status, answer.body.code]).toEqual([422, "invalid_operation"]);
    expect(acceptedInputs()).toHaveLength(before);
    const [logged] = await readLog(client, trigger.trigger_id);
    expect(logged).toMatchObject({ status: "refused", reason: expect.stringMatching(/Taskloom-Hops can't be read/) });
    expect(String(logged?.reason)).not.toContain(count);
  });

  it("reveals no counts if it is not signed", async () => {
    const { trigger_id } = await makeHook(client);
    const answer = await deliverTo(client, trigger_id, "{}", { "taskloom-hops": "3" });
    expect([answer.status, answer.headers.get("taskloom-hops")]).toEqual([401, null]);
    expect(answer.text).not.toMatch(/chain|hops/i);
  });

  it("makes one run however often it arrives and whatever it counts then", async () => {
    const trigger = await makeHook(client);
    const send = (count: string) =>
      deliver(trigger, "{}", { ...signStandard(trigger.secret, "{}", { id: "msg_same" }), "taskloom-hops": count });
    const answers = [await send("1"), await send("2"), await send("0")];
    expect(answers.map(({ status, body }) => [status, body.duplicate])).toEqual([
      [202, false],
      [202, true],
      [202, true],
    ]);
  });

  it("makes no run for GitHub's ping, whatever that counts", async () => {
    const github = await makeHook(client, { verify: { scheme: "github" } });
    const headers = { ...signGithub(github.secret, "{}", { event: "ping" }), "taskloom-hops": "3" };
    expect((await deliverTo(client, github.trigger_id, "{}", headers)).status).toBe(202);
  });

  it("is refused however often it arrives, and does not fill the log", async () => {
    const trigger = await makeHook(client);
    const statuses: number[] = [];
    for (let count = 0; count < 45; count++) {
      statuses.push((await deliver(trigger, "{}", { "taskloom-hops": "3" })).status);
    }
    expect(new Set(statuses)).toEqual(new Set([422]));
    // Thirty at once, and one more every two seconds: a busy machine needs some seconds for these deliveries.
    const { length } = await readLog(client, trigger.trigger_id);
    expect(length).toBeGreaterThanOrEqual(30);
    expect(length).toBeLessThan(45);
    expect((await deliver(trigger, "{}")).status).toBe(202);
  });
});

describe("a run that a person's program starts", () => {
  const body = { message: "go" };
  const start = (headers: Record<string, string>) => client.send("POST", "/v1/threads/thread-001/runs", body, headers);

  it("continues the count that the program passes on, and is refused from three on", async () => {
    const answers = [];
    for (const count of ["1", "2", "3", "1e9"]) answers.push(await start({ "taskloom-hops": count }));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 422, 422]);
    expect(answers[2]?.body).toMatchObject({ code: "invalid_operation", detail: expect.stringContaining(THIRD) });
    expect(
      acceptedInputs()
        .slice(-2)
        .map(({ chain }) => chain),
    ).toEqual([
      { hops: 1, caused_by: [] },
      { hops: 2, caused_by: [] },
    ]);
    await start({});
    expect(acceptedInputs().at(-1)).not.toHaveProperty("chain");
  });

  it("counts the header and the payload, as a delivery does, if it runs a trigger", async () => {
    const { trigger_id } = await makeHook(client);
    const run = (payload: unknown, headers: Record<string, string> = {}) =>
      client.send("POST", `/v1/triggers/${trigger_id}/run`, { payload }, headers);
    expect((await run({ data: { taskloom_hops: 2 } })).status).toBe(202);
    expect(acceptedInputs().at(-1)).toMatchObject({ chain: { hops: 2 } });
    for (const answer of [await run({ data: { taskloom_hops: 3 } }), await run({}, { "taskloom-hops": "3" })]) {
      expect([answer.status, answer.body.code]).toEqual([422, "invalid_operation"]);
    }
    const made = await client.send("POST", "/v1/triggers", { type: "schedule", prompt: "Report.", cron: "0 9 * * *" });
    const path = `/v1/triggers/${made.body.trigger_id}/run`;
    expect((await client.send("POST", path, {}, { "taskloom-hops": "1" })).status).toBe(202);
    expect(acceptedInputs().at(-1)).toMatchObject({ chain: { hops: 1 } });
  });
});
