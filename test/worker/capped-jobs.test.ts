// Background runs under caps and quotas, through the queue as it calls the Worker: a cap ends a run and no message, and
// a message that is given up leaves nothing leased.
import { createExecutionContext, createMessageBatch, env, getQueueResult, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { consumeJobs } from "../../src/jobs.ts";
import type { Run } from "../../src/protocol/run.ts";
import { readReserved } from "../../src/store/budgets/read.ts";
import { objectOf } from "./faulty-object.ts";
import { realUser } from "./real-client.ts";
import { readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
afterEach(() => void vi.restoreAllMocks());

let users = 0;

async function userWith(max_total_tokens: number): Promise<ThreadClient> {
  users += 1;
  const user_id = `user_jobs_${users}`;
  await realUser(user_id);
  const caps = JSON.stringify({ day: { max_total_tokens } });
  await env.DB.prepare("UPDATE users SET caps = ?2 WHERE user_id = ?1").bind(user_id, caps).run();
  return threadClient(user_id);
}

async function consume(queue: "taskloom-jobs" | "taskloom-dead", { key }: ThreadClient, ids: string[]) {
  const body = (invocation_id: string) => ({ type: "run_agent_background", ...key, invocation_id });
  const messages = ids.map((id) => ({ id, timestamp: new Date(), attempts: 1, body: body(id) }));
  const batch = createMessageBatch(queue, messages);
  await consumeJobs(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  return { acknowledged: explicitAcks, retried: retryMessages.map(({ msgId }) => msgId) };
}

async function endOf(client: ThreadClient, id: string): Promise<Run> {
  const ended = await client.stub.waitForEnd(client.key, id, 20_000);
  if (!ended.ok || ended.value === null) throw new Error(`${id} has not ended`);
  return ended.value;
}

const background = (client: ThreadClient, invocation_id: string, message = "hello") =>
  client.stub.accept(client.input(message, { invocation_id, background: true }));

async function expectNothingHeld({ key }: ThreadClient): Promise<void> {
  await expect.poll(() => readReserved(env.DB, [key.user_id])).toEqual(new Map());
  const { results } = await env.DB.prepare("SELECT open_tokens FROM budgets WHERE id = ?")
    .bind(key.user_id)
    .all<{ open_tokens: number }>();
  expect(results.every(({ open_tokens }) => open_tokens === 0)).toBe(true);
}

describe("a background run at a cap", () => {
  it("ends as `budget`: its message is acknowledged, and no letter is dead", async () => {
    const client = await userWith(100);
    await background(client, "inv_a");
    expect(await consume("taskloom-jobs", client, ["inv_a"])).toEqual({ acknowledged: ["inv_a"], retried: [] });
    const run = await endOf(client, "inv_a");
    const cap = { scope: "user", name: "max_total_tokens", limit: 100 };
    expect(run).toMatchObject({ status: "failed", background: true, steps: 0, error: { code: "budget", cap } });
    // The queue may deliver it again, and give it up: the run has ended, and stays as it is.
    expect(await consume("taskloom-jobs", client, ["inv_a"])).toMatchObject({ acknowledged: ["inv_a"] });
    expect(await consume("taskloom-dead", client, ["inv_a"])).toMatchObject({ acknowledged: ["inv_a"] });
    expect(await endOf(client, "inv_a")).toEqual(run);
    await expectNothingHeld(client);
  });

  it("ends while the runs behind it continue once there is room", async () => {
    const client = await userWith(100);
    for (const id of ["inv_a", "inv_b"]) await background(client, id);
    await consume("taskloom-jobs", client, ["inv_a"]);
    expect(await endOf(client, "inv_a")).toMatchObject({ error: { code: "budget" } });
    // Raised meanwhile: it holds for what is sent afterwards.
    await env.DB.prepare("UPDATE users SET caps = NULL WHERE user_id = ?").bind(client.key.user_id).run();
    await consume("taskloom-jobs", client, ["inv_b"]);
    expect((await endOf(client, "inv_b")).status).toBe("failed");
    // Which caps a user has is remembered for some seconds.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    await background(client, "inv_c");
    await consume("taskloom-jobs", client, ["inv_c"]);
    expect((await endOf(client, "inv_c")).status).toBe("completed");
    vi.useRealTimers();
    await expectNothingHeld(client);
  });
});

describe("a dead letter", () => {
  it("of a run that never started ends it, and it holds nothing", async () => {
    const client = await userWith(1_000_000);
    await background(client, "inv_a");
    expect(await consume("taskloom-dead", client, ["inv_a"])).toEqual({ acknowledged: ["inv_a"], retried: [] });
    expect(await endOf(client, "inv_a")).toMatchObject({ status: "failed", error: { code: "dead_letter" } });
    await expectNothingHeld(client);
  });

  it("that comes while its run works takes no lease from it, and the run gives it back with its end", async () => {
    const client = await userWith(1_000_000);
    await background(client, "inv_a", "[[pace 12]] [[say 40]]");
    await consume("taskloom-jobs", client, ["inv_a"]);
    await readUntil(await client.events({ invocation_id: "inv_a" }), (text) => text.split("word ").length > 4);
    expect((await readReserved(env.DB, [client.key.user_id])).size).toBe(1);
    expect(await consume("taskloom-dead", client, ["inv_a"])).toMatchObject({ acknowledged: ["inv_a"] });
    expect((await readReserved(env.DB, [client.key.user_id])).size).toBe(1);
    expect((await endOf(client, "inv_a")).status).toBe("completed");
    await expectNothingHeld(client);
  });

  it("after the life of its run has ended leaves the run to the next life, which gives the lease back", async () => {
    const client = await userWith(1_000_000);
    await background(client, "inv_a", `of ${client.key.user_id} [[say 40]] [[stall after 8]] [[times 1]]`);
    await consume("taskloom-jobs", client, ["inv_a"]);
    await readUntil(await client.events({ invocation_id: "inv_a" }), (text) => text.split("word ").length > 4);
    await runInDurableObject(objectOf(client.key), (_instance, state) => state.abort("killed")).catch(() => {});
    expect(await consume("taskloom-dead", client, ["inv_a"])).toMatchObject({ acknowledged: ["inv_a"] });
    expect(await endOf(client, "inv_a")).toMatchObject({ status: "completed", attempt: 2 });
    await expectNothingHeld(client);
  });
});
