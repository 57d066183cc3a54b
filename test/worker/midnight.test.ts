// Midnight in UTC, at the end of a month, with a run in flight: what counts for which day, who may continue, and what a
// refusal says about the time. The runtime's date is set; D1 and the objects are real.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { admitRun } from "../../src/http/quotas/runs.ts";
import { readRun } from "../../src/store/runs.ts";
import { syncThread } from "../../src/store/sync.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";
import { realUser } from "./real-client.ts";
import { readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

const before = Date.parse("2026-11-30T23:59:30.000Z");
const after = Date.parse("2026-12-01T00:00:05.000Z");

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.useFakeTimers({ toFake: ["Date"], now: before });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const nothingElse = { project: null, thread: null, messages: [] };
let users = 0;

/** A user with caps for a day and a month. */
async function userWith(day_tokens: number): Promise<ThreadClient> {
  users += 1;
  const user_id = `user_midnight_${users}`;
  await realUser(user_id);
  const caps = { day: { max_total_tokens: day_tokens }, month: { max_total_tokens: 10_000_000 } };
  await env.DB.prepare("UPDATE users SET caps = ?2 WHERE user_id = ?1").bind(user_id, JSON.stringify(caps)).run();
  return threadClient(user_id);
}

async function budgetsOf(user_id: string): Promise<Record<string, { tokens: number; open: number }>> {
  const { results } = await env.DB.prepare(
    "SELECT period, tokens, open_tokens AS open FROM budgets WHERE scope = 'user' AND id = ? ORDER BY period",
  )
    .bind(user_id)
    .all<{ period: string; tokens: number; open: number }>();
  return Object.fromEntries(results.map(({ period, ...sums }) => [period, sums]));
}

describe("a run in flight at midnight", () => {
  it("settles the call of yesterday against yesterday, and asks for today's lease with the next one", async () => {
    const client = await userWith(1_000_000);
    const plan = '[[tool create_tasks {"sections":[{"title":"A","tasks":["one"]}]}]]';
    const response = await client.post(`[[pace 16]] [[say 30]] ${plan}`, { invocation_id: "inv_a" });
    await readUntil(response, (text) => text.split("word ").length > 4);
    expect(Object.keys(await budgetsOf(client.key.user_id))).toEqual(["2026-11", "2026-11-30"]);
    vi.setSystemTime(after);
    const ended = await client.stub.waitForEnd(client.key, "inv_a", 20_000);
    expect(ended).toMatchObject({ value: { status: "completed" } });
    const { usage, steps } = (await readRun(env.DB, client.key, "inv_a")) ?? {};
    expect(steps).toBeGreaterThan(1);
    const budgets = await budgetsOf(client.key.user_id);
    const [first = 0, later = 0] = [budgets["2026-11-30"]?.tokens, budgets["2026-12-01"]?.tokens];
    expect(first).toBeGreaterThan(0);
    expect(later).toBeGreaterThan(0);
    expect(first + later).toBe((usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0));
    expect(budgets).toEqual({
      "2026-11": { tokens: first, open: 0 },
      "2026-11-30": { tokens: first, open: 0 },
      "2026-12": { tokens: later, open: 0 },
      "2026-12-01": { tokens: later, open: 0 },
    });
  });
});

describe("a user whose day is used up", () => {
  it("is refused until midnight, and continues after it in the same thread", async () => {
    const client = await userWith(30_000);
    const run = async (invocation_id: string) => {
      await client.stub.accept(client.input("hello", { invocation_id }));
      const ended = await client.stub.waitForEnd(client.key, invocation_id, 20_000);
      if (!ended.ok || ended.value === null) throw new Error("it has not ended");
      return ended.value;
    };
    const runs = [await run("inv_0")];
    expect(runs[0]?.status).toBe("completed");
    while (runs.at(-1)?.status === "completed") runs.push(await run(`inv_${runs.length}`));
    const cap = { scope: "user", name: "max_total_tokens", limit: 30_000, period: "2026-11-30" };
    expect(runs.at(-1)).toMatchObject({ status: "failed", error: { code: "budget", cap } });
    expect(runs.at(-1)?.error?.message).toContain("It begins anew with the next day, in UTC.");
    vi.setSystemTime(Date.parse("2026-11-30T23:59:59.999Z"));
    expect(await run("inv_late")).toMatchObject({ status: "failed", error: { code: "budget" } });
    vi.setSystemTime(Date.parse("2026-12-01T00:00:00.000Z"));
    expect(await run("inv_early")).toMatchObject({ status: "completed" });
  });
});

describe("a quota of a minute", () => {
  it("says at the last second of a month when the next one may succeed: then it does, and not a second before", async () => {
    vi.setSystemTime(Date.parse("2026-11-30T23:59:59.000Z"));
    const client = createClient({ QUOTAS: "runs_per_minute=1" });
    const user = await client.addUser("user_midnight_rate");
    const start = () => user.send("POST", "/v1/threads/thread-m/runs", { message: "hi" });
    expect((await start()).status).toBe(202);
    const refused = await start();
    expect(refused.status).toBe(429);
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(70);
    vi.setSystemTime(Date.now() + (seconds - 1) * 1_000);
    expect((await start()).status).toBe(429);
    vi.setSystemTime(Date.now() + 1_000);
    expect((await start()).status).toBe(202);
  });
});

describe("an isolate whose clock is set back by ten minutes", () => {
  it("asks D1 again how many runs there are, and keeps nobody out for what was", async () => {
    const settings = { ...env, QUOTAS: "runs_at_once=1" };
    const holder = { user_id: "user_midnight_back" };
    const key = { ...holder, thread_id: "t" };
    const tell = (version: number, status: "running" | "completed") =>
      syncThread(env.DB, { ...nothingElse, key, runs: [{ ...makeRun(key, { status }), version }] });
    await tell(1, "running");
    // The first of an isolate starts without a question.
    expect(await admitRun(settings, holder, after)).toBeNull();
    expect(await admitRun(settings, holder, after)).toMatchObject({ code: "quota_exceeded" });
    await tell(2, "completed");
    expect(await admitRun(settings, holder, after + 1_000)).toMatchObject({ code: "quota_exceeded" });
    expect(await admitRun(settings, holder, after - 600_000)).toBeNull();
  });
});
