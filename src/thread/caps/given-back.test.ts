// Leases that are given back: with a run's end or later, by a thread that is removed, and over lives that end.
import { describe, expect, it } from "vitest";
import { FakeBudgets } from "../../../test/fakes/budgets.ts";
import { Gate } from "../../../test/fakes/gate.ts";
import { leasedThread, looks, ofUser, run, runOf, says } from "../../../test/fakes/leased-thread.ts";
import { settle } from "../../../test/fakes/stream.ts";
import type { FakeThread } from "../../../test/fakes/thread.ts";
import { type ClosedLease, nothing } from "../../protocol/money/lease.ts";
import { findRun } from "../life.ts";
import { ensureRunning } from "../run/run.ts";
import { removeThread } from "../threads.ts";
import { closeAllLeases, closeLeases } from "./closing.ts";

describe("what the sweep asks for", () => {
  async function ended(): Promise<{ thread: FakeThread; budgets: FakeBudgets; lost: ClosedLease[] }> {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const lost: ClosedLease[] = [];
    const thread = leasedThread(budgets, [looks("c1"), says]);
    await thread.run("hi", run);
    return { thread, budgets, lost };
  }

  it("is what an ended run has spent, also of a lease that it was granted and never stored", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const thread = leasedThread(budgets, [looks("c1"), says], {
      syncThread: async () => {
        throw new Error("D1 takes no batch");
      },
    });
    await thread.run("hi", run);
    thread.crash();
    const spent = { cost: 0, tokens: 6_000, ms: expect.any(Number) };
    expect(closeLeases(thread.life, ["lease_1_inv_a", "lease_2_inv_a", "lease_1_inv_unknown", "no lease"])).toEqual([
      { lease_id: "lease_1_inv_a", spent },
      { lease_id: "lease_2_inv_a", spent: nothing },
      { lease_id: "lease_1_inv_unknown", spent: nothing },
    ]);
    expect(closeAllLeases(thread.life)).toEqual({ leases: [{ lease_id: "lease_1_inv_a", spent }], unread_runs: [] });
  });

  it("is nothing while a run is live, which may still ask for the lease", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const thread = leasedThread(budgets, [() => new Promise(() => {})]);
    await thread.accept("hi", run);
    await settle();
    expect(closeLeases(thread.life, ["lease_1_inv_a", "lease_2_inv_a"])).toEqual([]);
  });

  it("is everything that was reserved where a version without leases ended the run", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const thread = leasedThread(budgets, [() => new Promise(() => {})]);
    await thread.accept("hi", run);
    await settle();
    const { sql } = thread.life.database;
    sql.exec("UPDATE runs SET status = 'failed', released = 1");
    thread.crash();
    const [closed] = closeLeases(thread.life, ["lease_1_inv_a"]);
    expect(closed?.spent.tokens).toBeGreaterThan(16_000);
  });

  it("is forgotten once D1 has it", async () => {
    const { thread, budgets } = await ended();
    expect(findRun(thread.life, "inv_a")?.spending.closed).toEqual([]);
    thread.crash();
    expect(findRun(thread.life, "inv_a")?.spending.closed).toEqual([]);
    expect(budgets.open).toEqual([]);
  });
});

describe("a thread that is removed", () => {
  it("hands what its runs have spent to the deletion, also when the life ends before D1 has answered", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const thread = leasedThread(budgets, [looks("c1"), new Gate().say("", "")], {
      syncThread: async () => {
        throw new Error("D1 takes no batch");
      },
    });
    await thread.accept("hi", run);
    await settle();
    const given: ClosedLease[][] = [];
    thread.life.ports.deleteThread = async (_key, leases) => void given.push(leases);
    await removeThread(thread.life, "req_1");
    const stored = thread.life.database.sql
      .exec<{ value: string }>("SELECT value FROM meta WHERE key = 'removed'")
      .toArray();
    expect(JSON.parse(stored[0]?.value ?? "null").leases).toMatchObject([{ lease_id: "lease_1_inv_a" }]);
  });
});

describe("a life that ends", () => {
  it("while its lease was granted gets the same lease in the next life", async () => {
    const budgets = new FakeBudgets(ofUser({ max_total_tokens: 10_000_000 }));
    const thread = leasedThread(budgets, [says, says]);
    let grants = 0;
    thread.grantLease = async (request) => {
      const answer = await budgets.grant(request);
      grants += 1;
      if (grants === 1) {
        thread.crash();
        ensureRunning(thread.life);
      }
      return answer;
    };
    await thread.accept("hi", run);
    for (let turn = 0; turn < 50 && runOf(thread).status !== "completed"; turn++) await settle();
    await settle();
    expect(runOf(thread).status).toBe("completed");
    expect([...budgets.rows.keys()]).toEqual(["lease_1_inv_a"]);
    expect(budgets.open).toEqual([]);
  });
});
