// Clocks that are set while a run works: time may step back or forward by minutes, over midnight too. What is leased
// and settled stays exact, and no wait becomes longer.
import { describe, expect, it } from "vitest";
import { FakeBudgets } from "../../../test/fakes/budgets.ts";
import { cappedThread, counted, looks, runOf, says } from "../../../test/fakes/counted-thread.ts";
import type { Reply } from "../../../test/fakes/replies.ts";
import { FakeClock, passTime } from "../../../test/fakes/stream.ts";
import type { FakeThread, FakeThreadOptions } from "../../../test/fakes/thread.ts";
import type { Caps } from "../../protocol/money/caps.ts";
import type { BudgetScope } from "../../protocol/money/lease.ts";

const MINUTE = 60_000;
const run = { invocation_id: "inv_a" };

/** Its time can be set. Timers continue by what passes, as those of a runtime do. */
class SetClock extends FakeClock {
  offset = 0;

  override now(): number {
    return super.now() + this.offset;
  }
}

const ofUser = (caps: Caps, period = "2026-11-28"): BudgetScope => ({ scope: "user", id: "user_1", period, caps });

function leased(budgets: FakeBudgets, replies: Reply[], options: FakeThreadOptions): FakeThread {
  const thread = cappedThread(replies, {
    ...options,
    syncThread: async ({ leases }) => budgets.close(leases),
  });
  thread.budgetScopes = () => budgets.scopes;
  thread.grantLease = budgets.grant;
  return thread;
}

describe.each([10, -10])("a clock that is set by %i minutes", (minutes) => {
  it("while a run waits for D1: the run ends after the same minute", async () => {
    const clock = new SetClock();
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 1_000_000 }));
    budgets.isAway = true;
    const thread = leased(budgets, [says("done")], { clock });
    await thread.accept("hi", run);
    await passTime(clock, 5_000);
    clock.offset = minutes * MINUTE;
    await passTime(clock, 40_000);
    expect(runOf(thread).status).toBe("running");
    await passTime(clock, 30_000);
    expect(runOf(thread)).toMatchObject({ status: "failed", error: { code: "budget_unavailable" } });
  });

  it("during a call: its lease is settled with what was counted, and no time is negative", async () => {
    const clock = new SetClock();
    const caps = { max_total_tokens: 1_000_000, max_minutes: 60 };
    const budgets = new FakeBudgets(ofUser(caps));
    const set: Reply = async (...given) => {
      clock.offset = minutes * MINUTE;
      return looks("c1", counted())(...given);
    };
    const thread = leased(budgets, [set, looks("c2"), says("done")], { clock });
    await thread.run("hi", run);
    expect(runOf(thread).status).toBe("completed");
    expect(budgets.open).toEqual([]);
    const used = budgets.used("user", "2026-11-28");
    expect(used.tokens).toBe(3 * 1_500);
    expect(used.ms).toBe(Math.max(0, minutes * MINUTE));
  });
});

it("a clock that steps back over midnight and on again: each call counts for the day that it was reserved on", async () => {
  const caps = { max_total_tokens: 1_000_000 };
  const [before, after] = [ofUser(caps), ofUser(caps, "2026-11-29")];
  const budgets = new FakeBudgets(after);
  const on =
    (scope: BudgetScope, then: Reply): Reply =>
    (...given) => {
      budgets.scopes = [scope];
      return then(...given);
    };
  const replies = [on(before, looks("c1")), on(after, looks("c2")), on(before, looks("c3")), says("done")];
  const thread = leased(budgets, replies, {});
  await thread.run("hi", run);
  expect(runOf(thread).status).toBe("completed");
  expect(budgets.open).toEqual([]);
  expect(budgets.used("user", "2026-11-29").tokens).toBe(2 * 1_500);
  expect(budgets.used("user", "2026-11-28").tokens).toBe(2 * 1_500);
});
