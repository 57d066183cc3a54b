// Caps over many threads that change, or can't be read, while a thread is at work.
import { describe, expect, it } from "vitest";
import { FakeBudgets } from "../../../test/fakes/budgets.ts";
import { call, reply, say } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime, settle } from "../../../test/fakes/stream.ts";
import { FakeThread } from "../../../test/fakes/thread.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { ThreadBatch } from "../../store/batch.ts";
import { peopleTools } from "../../tools/people.ts";
import { findRun } from "../life.ts";
import { cancelRun } from "../run/control.ts";
import { removeThread } from "../threads.ts";

const isAway = async () => {
  throw new Error("D1 is away");
};

async function askedThread(): Promise<FakeThread> {
  const replies = [call({ id: "c1", name: "ask", input: { question: "which?", choices: ["red", "blue"] } }), say("ok")];
  const thread = new FakeThread({ replies, tools: peopleTools });
  thread.sharedCaps = { user: null, project: { max_cost_usd: 1 } };
  await thread.run("hi", { invocation_id: "inv_a" });
  return thread;
}

const sharedOf = (thread: FakeThread, id: string) => findRun(thread.life, id)?.spending.shared;
const answer = {
  ...{ invocation_id: "inv_b", messages: [] },
  resume: [{ interrupt_id: "int_c1", status: "resolved" as const, payload: "blue" }],
};

describe("a run that answers another", () => {
  it("has the caps over many threads as they are by then", async () => {
    const thread = await askedThread();
    thread.sharedCaps = { user: { day: { max_total_tokens: 5 } }, project: null };
    await thread.run("", answer);
    expect(sharedOf(thread, "inv_b")).toEqual(thread.sharedCaps);
  });

  it("has them also where its agent was deleted, so that answers do not continue without a cap", async () => {
    const thread = await askedThread();
    thread.sharedCaps = { user: { day: { max_total_tokens: 5 } }, project: null };
    const { ports } = thread.life;
    const read = ports.readAgent;
    let isFirst = true;
    ports.readAgent = async (...given) => {
      const isGone = isFirst;
      isFirst = false;
      return isGone ? null : await read(...given);
    };
    await thread.run("", answer);
    expect(sharedOf(thread, "inv_b")).toEqual(thread.sharedCaps);
  });

  it("keeps those of the run that asked while D1 is away", async () => {
    const thread = await askedThread();
    thread.life.ports.readAgent = isAway;
    await thread.run("", answer);
    expect(sharedOf(thread, "inv_b")).toEqual({ user: null, project: { max_cost_usd: 1 }, is_old: true });
  });
});

describe("a run that comes while D1 is away", () => {
  const caps = { user: { day: { max_total_tokens: 10 } }, project: null };

  it("has its caps from the first call on that finds D1 again", async () => {
    const clock = new FakeClock();
    const look = call({ id: "c1", name: "look", input: { where: "a" } });
    const thread = new FakeThread({ replies: [look, say("ok")], tools: twoTaskTools(), clock });
    const { ports } = thread.life;
    const read = ports.readAgent;
    thread.sharedCaps = caps;
    ports.readAgent = isAway;
    const budgets = new FakeBudgets({ scope: "user", id: "user_1", period: "2026-11-28", caps: caps.user.day });
    thread.budgetScopes = ({ user }) => (user === null ? [] : budgets.scopes);
    thread.grantLease = budgets.grant;
    const first = thread.replies[0];
    if (first !== undefined) {
      thread.replies[0] = (...given) => {
        ports.readAgent = read;
        return first(...given);
      };
    }
    await thread.accept("hi", { invocation_id: "inv_a" });
    await passTime(clock, 15_000);
    expect(thread.requests).toHaveLength(1);
    expect(findRun(thread.life, "inv_a")?.run).toMatchObject({
      ...{ status: "failed", error: { code: "budget", cap: { scope: "user", limit: 10 } } },
    });
    expect(sharedOf(thread, "inv_a")).toEqual(caps);
  });

  it.each([
    ["with its first lease", 1_000_000, "completed"],
    ["at the cap, which then refuses more", 20_000, "failed"],
  ])("pays for what it has used before, %s", async (_, max_total_tokens, status) => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets({ scope: "user", id: "user_1", period: "2026-11-28", caps: { max_total_tokens } });
    const usage = { input_tokens: 18_000, cached_input_tokens: 0, output_tokens: 1_000, cost_usd: null };
    const syncThread = async ({ leases }: Pick<ThreadBatch, "leases">) => budgets.close(leases);
    const thread = new FakeThread({ tools: twoTaskTools(), clock, syncThread });
    const { ports } = thread.life;
    const read = ports.readAgent;
    thread.replies.push(
      async (...given) => {
        ports.readAgent = read;
        const outcome = await call({ id: "c1", name: "look", input: { where: "a" } })(...given);
        return outcome.kind === "reply" ? { ...outcome, reply: { ...outcome.reply, usage } } : outcome;
      },
      async () => reply({ text: "done", usage }),
    );
    thread.sharedCaps = { user: { day: { max_total_tokens } }, project: null };
    ports.readAgent = isAway;
    thread.budgetScopes = ({ user }) => (user === null ? [] : budgets.scopes);
    thread.grantLease = budgets.grant;
    await thread.accept("hi", { invocation_id: "inv_a" });
    await passTime(clock, 15_000);
    const run = findRun(thread.life, "inv_a")?.run;
    expect(run?.status).toBe(status);
    const used = (run?.usage.input_tokens ?? 0) + (run?.usage.output_tokens ?? 0);
    expect(budgets.used("user", "2026-11-28").tokens).toBe(used);
    expect(budgets.open).toEqual([]);
    expect(budgets.requests[0]?.pays_before).toBe(true);
  });

  it("continues without, for as long as nobody can say that it has some", async () => {
    const thread = new FakeThread({ replies: [say("ok")] });
    thread.life.ports.readAgent = isAway;
    await thread.run("hi", { invocation_id: "inv_a" });
    expect(findRun(thread.life, "inv_a")?.run.status).toBe("completed");
  });
});

describe("a lease that is granted to a run that no longer waits for it", () => {
  /** D1 grants, and its answer comes never. */
  async function waitingThread(): Promise<{ thread: FakeThread; budgets: FakeBudgets }> {
    const budgets = new FakeBudgets({ scope: "user", id: "user_1", period: "2026-11-28", caps: { max_cost_usd: 1 } });
    const thread = new FakeThread({ syncThread: async ({ leases }) => budgets.close(leases) });
    thread.prices = { "test-model": { input: 1, output: 2 } };
    thread.budgetScopes = () => budgets.scopes;
    thread.grantLease = async (request) => {
      await budgets.grant(request);
      return await new Promise<never>(() => {});
    };
    await thread.accept("hi", { invocation_id: "inv_a" });
    await settle();
    expect(budgets.open).toEqual(["lease_1_inv_a"]);
    return { thread, budgets };
  }

  it("is given back by a cancel", async () => {
    const { thread, budgets } = await waitingThread();
    await cancelRun(thread.life, "inv_a");
    await settle();
    expect(findRun(thread.life, "inv_a")?.run.status).toBe("cancelled");
    expect(budgets.open).toEqual([]);
  });

  it("is given back by a cancel in the life after a crash", async () => {
    const { thread, budgets } = await waitingThread();
    thread.crash();
    await cancelRun(thread.life, "inv_a");
    await settle();
    expect(findRun(thread.life, "inv_a")?.run.status).toBe("cancelled");
    expect(budgets.open).toEqual([]);
  });

  it("is given back by the deletion of its thread", async () => {
    const { thread } = await waitingThread();
    thread.life.ports.syncThread = isAway;
    await removeThread(thread.life, "req_1");
    const [row] = thread.life.database.sql
      .exec<{ value: string }>("SELECT value FROM meta WHERE key = 'removed'")
      .toArray();
    expect(JSON.parse(row?.value ?? "null").leases).toMatchObject([{ lease_id: "lease_1_inv_a", spent: { cost: 0 } }]);
  });
});
