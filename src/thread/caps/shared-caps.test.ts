// Caps over many threads: leases that runs take before they spend.
import { describe, expect, it } from "vitest";
import { FakeBudgets } from "../../../test/fakes/budgets.ts";
import { Gate } from "../../../test/fakes/gate.ts";
import { leasedThread, looks, ofUser, run, runOf, says, usage } from "../../../test/fakes/leased-thread.ts";
import type { Reply } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import { nothing } from "../../protocol/money/lease.ts";
import { cancelRun } from "../run/control.ts";

describe("a run under a user's cap", () => {
  it("takes one lease for several calls, and gives back the rest with its end", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const thread = leasedThread(budgets, [looks("c1"), looks("c2"), looks("c3"), says]);
    await thread.run("hi", run);
    expect(runOf(thread).status).toBe("completed");
    expect(budgets.requests.map(({ lease_id }) => lease_id)).toEqual(["lease_1_inv_a"]);
    expect(budgets.open).toEqual([]);
    expect(budgets.used("user", "2026-11-28").tokens).toBe(4 * 3_000);
  });

  it("asks D1 for nothing without a cap over many threads", async () => {
    const budgets = new FakeBudgets();
    const thread = leasedThread(budgets, [looks("c1"), says]);
    await thread.run("hi", run);
    expect(budgets.requests).toEqual([]);
    expect(thread.batches.some(({ leases }) => leases !== undefined)).toBe(false);
  });

  it("takes another lease when the one in hand does not cover a call, and asks for what is missing", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const replies = Array.from({ length: 12 }, (_, place) => looks(`c${place}`));
    const thread = leasedThread(budgets, [...replies.map((each) => wideUsage(each)), says]);
    await thread.run("hi", run);
    expect(runOf(thread).status).toBe("completed");
    expect(budgets.requests.length).toBeGreaterThan(1);
    expect(budgets.requests.length).toBeLessThan(12);
    expect(budgets.open).toEqual([]);
    expect(budgets.used("user", "2026-11-28").tokens).toBe(12 * 12_300 + 3_000);
  });

  it("ends with the scope and period when D1 has no room, and the cap is not passed", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 60_000 }));
    const replies = Array.from({ length: 40 }, (_, place) => looks(`c${place}`));
    const thread = leasedThread(budgets, replies);
    await thread.run("hi", run);
    const cap = { scope: "user", name: "max_total_tokens", limit: 60_000, period: "2026-11-28" };
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget", cap } });
    expect(budgets.open).toEqual([]);
    expect(budgets.used("user", "2026-11-28").tokens).toBeLessThanOrEqual(60_000);
    const events = thread.batches.flatMap(({ budget_events }) => budget_events ?? []);
    expect(events.filter(({ event }) => event === "budget.reached")).toMatchObject([{ invocation_id: "inv_a", cap }]);
  });

  it.each([{}, { max_minutes: 600 }])("keeps what it holds of a cap that is near, beside one like %j", async (far) => {
    const small = { ...usage, input_tokens: 400, output_tokens: 100 };
    const replies = Array.from({ length: 60 }, (_, place) => looks(`c${place}`, small));
    const thread = leasedThread(new FakeBudgets(ofUser({ max_total_tokens: 25_000, ...far })), replies);
    await thread.run("hi", run);
    expect(runOf(thread).steps).toBe(34);
  });

  it("says nothing of the amounts of the deployment's cap", async () => {
    const budgets = new FakeBudgets({
      scope: "deployment",
      id: "",
      period: "2026-11",
      caps: { max_total_tokens: 100 },
    });
    const thread = leasedThread(budgets, [says]);
    await thread.run("hi", run);
    expect(runOf(thread).error?.cap).toEqual({ scope: "deployment", name: "max_total_tokens", period: "2026-11" });
    expect(JSON.stringify(runOf(thread).error)).not.toContain("100");
  });

  it("takes a new lease on a new day, and gives the old one back", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const midnight: Reply = async (...given) => {
      budgets.scopes = [ofUser({ max_total_tokens: 10_000_000 }, "2026-11-29")];
      return looks("c1")(...given);
    };
    const thread = leasedThread(budgets, [midnight, says]);
    await thread.run("hi", run);
    expect(budgets.requests.map(({ scopes }) => scopes[0]?.period)).toEqual(["2026-11-28", "2026-11-29"]);
    expect(budgets.open).toEqual([]);
    expect(budgets.used("user", "2026-11-28").tokens).toBe(3_000);
    expect(budgets.used("user", "2026-11-29").tokens).toBe(3_000);
  });

  it("does not ask a person, since only an admin can raise it", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 100 }));
    const thread = leasedThread(budgets, [says], { agent: { on_cap: "ask" } });
    await thread.run("hi", run);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget" }, interrupts: [] });
  });

  it("leases its time too, and ends during a tool call when no more is granted", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_minutes: 3 }));
    const hang = twoTaskTools().map((tool) => ({
      ...tool,
      time_limit_ms: 3_600_000,
      execute: (_input: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped")))),
    }));
    const thread = leasedThread(budgets, [looks("c1")], { clock, tools: hang as never });
    await thread.accept("hi", run);
    await passTime(clock, 170_000);
    expect(runOf(thread).status).toBe("running");
    await passTime(clock, 15_000);
    expect(runOf(thread)).toMatchObject({
      status: "failed",
      error: { code: "budget", cap: { scope: "user", name: "max_minutes" } },
    });
    expect(budgets.open).toEqual([]);
    expect(budgets.used("user", "2026-11-28").ms).toBe(runOf(thread).worked_ms);
  });
});

function wideUsage(each: Reply): Reply {
  return async (request, onDelta, signal) => {
    const outcome = await each(request, onDelta, signal);
    if (outcome.kind !== "reply") return outcome;
    const output_tokens = Math.min(12_000, request.options?.max_output_tokens ?? 12_000);
    return { ...outcome, reply: { ...outcome.reply, usage: { ...usage, input_tokens: 300, output_tokens } } };
  };
}

describe("threads of one user side by side", () => {
  it("never pass the cap together, and leave no lease open", async () => {
    for (const limit of [30_000, 120_000, 400_000]) {
      const budgets = new FakeBudgets(ofUser({ max_total_tokens: limit, max_cost_usd: limit / 100_000 }));
      const threads = Array.from({ length: 5 }, () =>
        leasedThread(
          budgets,
          Array.from({ length: 60 }, (_, place) => wideUsage(looks(`c${place}`))),
        ),
      );
      // Ids of runs are unique over threads, and so are those of their leases.
      await Promise.all(
        threads.map((thread, place) => {
          thread.prices = { "test-model": { input: 1, output: 2 } };
          return thread.run("hi", { invocation_id: `inv_${place}` });
        }),
      );
      expect(budgets.open).toEqual([]);
      expect(budgets.excess).toEqual(nothing);
      for (const [place, thread] of threads.entries()) {
        expect(runOf(thread, `inv_${place}`)).toMatchObject({ status: "failed", error: { code: "budget" } });
      }
    }
  });
});

describe("a run that finds the room of a cap held by another", () => {
  it("waits until it is given back", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 40_000 }));
    const gate = new Gate();
    const first = leasedThread(budgets, [gate.say("", "done")], { clock });
    const second = leasedThread(budgets, [says], { clock });
    await first.accept("hi", run);
    await passTime(clock, 100);
    const [row] = budgets.rows.values();
    if (row !== undefined) row.counted = { cost: 0, tokens: 40_000, ms: 0 };
    await second.accept("hi", { invocation_id: "inv_b" });
    await passTime(clock, 5_000);
    expect(runOf(second, "inv_b").status).toBe("running");
    gate.open();
    await passTime(clock, 20_000);
    expect(runOf(second, "inv_b").status).toBe("completed");
    expect(budgets.open).toEqual([]);
  });

  it("ends with the cap when it stays held for a minute", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 40_000 }));
    const thread = leasedThread(budgets, [says], { clock });
    const amount = { cost: 0, tokens: 40_000, ms: 0 };
    const lease = { lease_id: "lease_1_other", amount, periods: [] };
    budgets.rows.set("lease_1_other", { lease, scopes: budgets.scopes, closed: false, counted: amount });
    await thread.accept("hi", run);
    await passTime(clock, 50_000);
    expect(runOf(thread).status).toBe("running");
    await passTime(clock, 15_000);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget", cap: { scope: "user" } } });
    expect(runOf(thread).error?.message).toContain("Other runs have reserved the rest");
    expect(runOf(thread).error?.reason).toBe("held");
  });
});

describe("while D1 is away", () => {
  it("a run waits for a minute and then ends with budget_unavailable", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 1_000_000 }));
    budgets.isAway = true;
    const thread = leasedThread(budgets, [says], { clock });
    await thread.accept("hi", run);
    await passTime(clock, 50_000);
    expect(runOf(thread).status).toBe("running");
    await passTime(clock, 15_000);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget_unavailable" } });
    expect(thread.requests).toEqual([]);
    expect(budgets.requests.length).toBeGreaterThan(5);
  });

  it("a run continues once D1 is back, with the lease of the first request", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 1_000_000 }));
    budgets.isAway = true;
    const thread = leasedThread(budgets, [says], { clock });
    await thread.accept("hi", run);
    await passTime(clock, 10_000);
    budgets.isAway = false;
    await passTime(clock, 20_000);
    expect(runOf(thread).status).toBe("completed");
    expect([...budgets.rows.keys()]).toEqual(["lease_1_inv_a"]);
  });

  it("a run spends the lease in hand first", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const away: Reply = (...given) => {
      budgets.isAway = true;
      return looks("c1")(...given);
    };
    const thread = leasedThread(budgets, [away, looks("c2"), says], { clock });
    await thread.accept("hi", run);
    await passTime(clock, 4_000);
    expect(runOf(thread).status).toBe("completed");
    expect(budgets.open).toEqual(["lease_1_inv_a"]);
    budgets.isAway = false;
    await passTime(clock, 5_000);
    await thread.life.outbox.sync();
    expect(budgets.open).toEqual([]);
    expect(budgets.used("user", "2026-11-28").tokens).toBe(9_000);
  });

  it("a cancel ends the wait at once", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 1_000_000 }));
    budgets.isAway = true;
    const thread = leasedThread(budgets, [says], { clock });
    await thread.accept("hi", run);
    await passTime(clock, 3_000);
    const cancelled = cancelRun(thread.life, "inv_a");
    await passTime(clock, 1_500);
    expect((await cancelled).ok).toBe(true);
    expect(runOf(thread).status).toBe("cancelled");
  });
});
