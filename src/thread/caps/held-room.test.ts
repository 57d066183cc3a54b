// Runs that find the room of a cap held by others, who will not use most of it, or no room at all.
import { describe, expect, it } from "vitest";
import { FakeBudgets } from "../../../test/fakes/budgets.ts";
import { Gate } from "../../../test/fakes/gate.ts";
import { call, type Reply, reply } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import { twoTaskTools } from "../../../test/fakes/two-task-model.ts";
import type { Caps } from "../../protocol/money/caps.ts";
import { nothing } from "../../protocol/money/lease.ts";
import { isTerminal, type Run } from "../../protocol/run.ts";
import { findRun } from "../life.ts";

const CALLS = 10;
const CALL_MS = 8_000;
const usage = { input_tokens: 3_000, cached_input_tokens: 0, output_tokens: 400, cost_usd: null };

/** Each call of its run takes some seconds. */
function slowReplies(clock: FakeClock): Reply[] {
  return Array.from({ length: CALLS }, (_, place): Reply => {
    const next = place === CALLS - 1 ? null : call({ id: `c${place}`, name: "look", input: { where: `${place}` } });
    return async (...given) => {
      await new Promise<void>((resolve) => void clock.setTimer(resolve, CALL_MS));
      const outcome = await next?.(...given);
      return outcome?.kind === "reply"
        ? { ...outcome, reply: { ...outcome.reply, usage } }
        : reply({ text: "done", usage });
    };
  });
}

describe("twenty runs at once under a cap of nearly twice what they use", () => {
  it("mostly complete: who can't continue gives back what it holds, and waits", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets({
      ...{ scope: "user", id: "user_1", period: "2026-11-28" },
      caps: { max_total_tokens: 1_200_000 },
    });
    const threads = Array.from({ length: 20 }, () => {
      const syncThread = async ({ leases }: { leases?: Parameters<typeof budgets.close>[0] }) => budgets.close(leases);
      const thread = new FakeThread({ clock, tools: twoTaskTools(), replies: slowReplies(clock), syncThread });
      thread.budgetScopes = () => budgets.scopes;
      thread.grantLease = budgets.grant;
      return thread;
    });
    const runOf = (place: number): Run | undefined => findRun(threads[place]?.life ?? fail(), `inv_${place}`)?.run;
    for (const [place, thread] of threads.entries()) {
      await thread.accept("hi", { invocation_id: `inv_${place}` });
      await passTime(clock, 500);
    }
    const isOver = () => threads.every((_, place) => isTerminal(runOf(place)?.status ?? "queued"));
    for (let second = 0; second < 600 && !isOver(); second++) await passTime(clock, 1_000);
    const completed = threads.filter((_, place) => runOf(place)?.status === "completed").length;
    expect(completed).toBeGreaterThanOrEqual(18);
    expect(budgets.excess).toEqual(nothing);
    expect(budgets.open).toEqual([]);
    const sum = threads.reduce((tokens, _, place) => {
      const used = runOf(place)?.usage;
      return tokens + (used?.input_tokens ?? 0) + (used?.output_tokens ?? 0);
    }, 0);
    expect(budgets.used("user", "2026-11-28").tokens).toBe(sum);
  });
});

describe("the error of a run without room", () => {
  const scope = (caps: Caps) => ({ scope: "user" as const, id: "user_1", period: "2026-11-28", caps });

  function threadUnder(budgets: FakeBudgets, options: FakeThreadOptions): FakeThread {
    const syncThread = async ({ leases }: { leases?: Parameters<typeof budgets.close>[0] }) => budgets.close(leases);
    const thread = new FakeThread({ ...options, syncThread });
    thread.budgetScopes = () => budgets.scopes;
    thread.grantLease = budgets.grant;
    return thread;
  }

  it("says that other runs have reserved the rest", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(scope({ max_total_tokens: 20_000 }));
    const [gate, tools] = [new Gate(), twoTaskTools()];
    const [first, second] = [
      threadUnder(budgets, { clock, tools, replies: [gate.say("", "done")] }),
      threadUnder(budgets, { clock, tools, replies: [gate.say("", "done")] }),
    ];
    await first.accept("hi", { invocation_id: "inv_a" });
    await gate.reached;
    await second.accept("hi", { invocation_id: "inv_b" });
    await passTime(clock, 90_000);
    const error = findRun(second.life, "inv_b")?.run.error;
    expect(error).toMatchObject({ code: "budget", reason: "held", cap: { scope: "user", limit: 20_000 } });
    expect(error?.message).toContain("Other runs have reserved the rest");
    gate.open();
  });

  it("does not say so where it was the run itself that used them up, in a tool that works for long", async () => {
    const clock = new FakeClock();
    const budgets = new FakeBudgets(scope({ max_minutes: 3 }));
    const hangs = twoTaskTools().map((tool) => ({
      ...tool,
      time_limit_ms: 3_600_000,
      execute: (_input: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped")))),
    }));
    const looks = call({ id: "c1", name: "look", input: { where: "a" } });
    const thread = threadUnder(budgets, { clock, tools: hangs as never, replies: [looks] });
    await thread.accept("hi", { invocation_id: "inv_a" });
    await passTime(clock, 200_000);
    const error = findRun(thread.life, "inv_a")?.run.error;
    expect(error).toMatchObject({ code: "budget", cap: { scope: "user", name: "max_minutes", limit: 3 } });
    expect(error).not.toHaveProperty("reason");
    expect(error?.message).toContain("It begins anew with the next day");
  });
});

it("a cap of a day that no call fits under is not said to help tomorrow", async () => {
  const caps = { max_total_tokens: 800 };
  const budgets = new FakeBudgets({ scope: "user", id: "user_1", period: "2026-11-28", caps });
  const thread = new FakeThread({ tools: twoTaskTools(), replies: [] });
  thread.budgetScopes = () => budgets.scopes;
  thread.grantLease = budgets.grant;
  await thread.run("hi", { invocation_id: "inv_a" });
  const error = findRun(thread.life, "inv_a")?.run.error;
  expect(error).toMatchObject({ code: "budget", reason: "too_low" });
  expect(error?.message).toMatch(/ is too low for the next model call alone\. An admin can raise it\.$/);
});

function fail(): never {
  throw new Error("there is no such thread");
}
