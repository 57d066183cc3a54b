// A thread whose runs take leases of budgets, and what its model says and costs.
import type { Caps } from "../../src/protocol/money/caps.ts";
import type { BudgetScope } from "../../src/protocol/money/lease.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { ThreadBatch } from "../../src/store/batch.ts";
import { findRun } from "../../src/thread/life.ts";
import type { FakeBudgets } from "./budgets.ts";
import { call, type Reply, reply } from "./replies.ts";
import { FakeThread, type FakeThreadOptions } from "./thread.ts";
import { twoTaskTools } from "./two-task-model.ts";

export const run = { invocation_id: "inv_a" };
export const usage = { input_tokens: 2_000, cached_input_tokens: 0, output_tokens: 1_000, cost_usd: null };

export function ofUser(caps: Caps, period = "2026-11-28"): BudgetScope {
  return { scope: "user", id: "user_1", period, caps };
}

export const says: Reply = async (_request, onDelta) => {
  onDelta({ type: "text", text: "done" });
  return reply({ text: "done", usage });
};

export function looks(id: string, counted = usage): Reply {
  return async (request, onDelta, signal) => {
    const outcome = await call({ id, name: "look", input: { where: id } })(request, onDelta, signal);
    return outcome.kind === "reply" ? { ...outcome, reply: { ...outcome.reply, usage: counted } } : outcome;
  };
}

export function leasedThread(budgets: FakeBudgets, replies: Reply[], options: FakeThreadOptions = {}): FakeThread {
  const thread = new FakeThread({
    replies,
    tools: twoTaskTools(),
    ...options,
    syncThread: async (batch: ThreadBatch) => {
      await options.syncThread?.(batch);
      if (budgets.isAway) throw new Error("D1 is away");
      budgets.close(batch.leases);
    },
  });
  thread.budgetScopes = () => budgets.scopes;
  thread.grantLease = budgets.grant;
  return thread;
}

export function runOf(thread: FakeThread, id = "inv_a"): Run {
  const found = findRun(thread.life, id);
  if (found === null) throw new Error("there is no such run");
  return found.run;
}
