// Leases in the real local database: whatever comes at once, no cap is passed.
import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Amount, BudgetScope, LeaseRequest } from "../../src/protocol/money/lease.ts";
import { deleteAccountBudgets } from "../../src/store/budgets/account.ts";
import { closeLeases } from "../../src/store/budgets/close.ts";
import { grantLease } from "../../src/store/budgets/grant.ts";
import { readReserved } from "../../src/store/budgets/read.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { syncThread } from "../../src/store/sync.ts";

const now = Date.parse("2026-11-28T10:00:00.000Z");
const CAP = 20_000;
const tokens = (count: number): Amount => ({ cost: count, tokens: count, ms: 1 });
const caps = { max_total_tokens: CAP };

beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));

function scopesOf(user_id: string, project_id: string, period: string): BudgetScope[] {
  return [
    { scope: "project", id: `${user_id}-${project_id}`, period: "all", caps: { max_total_tokens: 7_000 } },
    { scope: "user", id: user_id, period, caps },
    { scope: "deployment", id: "", period, caps: { max_total_tokens: 2 * CAP } },
  ];
}

const request = (part: Partial<LeaseRequest> & Pick<LeaseRequest, "user_id" | "scopes">): LeaseRequest => ({
  ...{ thread_id: "thread", invocation_id: "inv", lease_id: "lease", now },
  ...{ least: tokens(10), need: tokens(100), wanted: tokens(400), ...part },
});

async function sumOf(scope: string, id: string, period: string): Promise<Amount & { open_tokens: number }> {
  const row = await env.DB.prepare("SELECT * FROM budgets WHERE scope = ? AND id = ? AND period = ?")
    .bind(scope, id, period)
    .first<Amount & { open_tokens: number }>();
  if (row === null) throw new Error("there is no budget");
  return row;
}

describe("hundreds of grants and closes at once", () => {
  it("never pass a cap of any scope, use all of it, and count what was given back exactly", async () => {
    const users = ["user_l1", "user_l2", "user_l3"];
    const period = "2031-01-01";
    let granted = 0;
    let refused = 0;
    let spentInAll = 0;
    let isOver = false;
    const watch = async () => {
      while (!isOver) {
        const { tokens: all } = await sumOf("deployment", "", period);
        expect(all).toBeLessThanOrEqual(2 * CAP);
      }
    };
    /** Takes leases until it is refused for good, and closes them, some with less and each twice. */
    const work = async (user_id: string, thread: number): Promise<void> => {
      const key = { user_id, thread_id: `thread-${thread}` };
      const scopes = scopesOf(user_id, `p${thread % 4}`, period);
      for (let place = 0; place < 14; place++) {
        const lease_id = `l${place}`;
        const asked = request({ ...key, scopes, lease_id });
        const [first, again] = await Promise.all([grantLease(env.DB, asked), grantLease(env.DB, asked)]);
        if (first.kind === "refused") {
          refused += 1;
          continue;
        }
        if (first.kind !== "granted") throw new Error(first.kind);
        expect(again).toMatchObject({ kind: "granted", lease: first.lease });
        granted += 1;
        const spent =
          (place + thread) % 3 === 0 ? first.lease.amount.tokens : Math.floor(first.lease.amount.tokens / 3);
        spentInAll += spent;
        const closed = [{ lease_id, spent: tokens(spent) }];
        await Promise.all([closeLeases(env.DB, key, closed, now), closeLeases(env.DB, key, closed, now)]);
      }
    };
    await grantLease(env.DB, request({ user_id: "user_l0", scopes: scopesOf("user_l0", "p", period) }));
    await closeLeases(
      env.DB,
      { user_id: "user_l0", thread_id: "thread" },
      [{ lease_id: "lease", spent: tokens(0) }],
      now,
    );
    const watching = watch();
    await Promise.all(users.flatMap((user_id) => Array.from({ length: 12 }, (_, thread) => work(user_id, thread))));
    isOver = true;
    await watching;
    expect(granted).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
    const all = await sumOf("deployment", "", period);
    expect(all).toMatchObject({ tokens: spentInAll, open_tokens: 0 });
    // What the last ones gave back may be left.
    expect(all.tokens).toBeGreaterThan(1.9 * CAP);
    for (const user_id of users) expect((await sumOf("user", user_id, period)).tokens).toBeLessThanOrEqual(CAP);
    expect(await readReserved(env.DB, users)).toEqual(new Map());
  });

  it("make one lease of the same id, however many ask for it", async () => {
    const user_id = "user_same";
    const scopes = scopesOf(user_id, "p", "2031-01-02").slice(1);
    const asked = request({ user_id, scopes });
    const answers = await Promise.all(Array.from({ length: 50 }, () => grantLease(env.DB, asked)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await sumOf("user", user_id, "2031-01-02")).toMatchObject({ tokens: 400, open_tokens: 400 });
    expect(await readReserved(env.DB)).toEqual(new Map([[user_id, { cost: 400, tokens: 400, ms: 1 }]]));
  });
});

const empty = { project: null, thread: null, messages: [], runs: [] };

describe("the batch of a thread", () => {
  it("closes leases once, in one statement more", async () => {
    const key = { user_id: "user_close", thread_id: "thread" };
    const scopes = scopesOf(key.user_id, "p", "2031-01-03").slice(1);
    await grantLease(env.DB, request({ ...key, scopes }));
    const batches: number[] = [];
    const counting = new Proxy(env.DB, {
      get: (target, name) => {
        if (name !== "batch") return Reflect.get(target, name).bind(target);
        return (statements: D1PreparedStatement[]) => {
          batches.push(statements.length);
          return target.batch(statements);
        };
      },
    });
    const thread = {
      ...{ ...key, project_id: "p", title: null, agent_id: "a", metadata: {}, version: 1 },
      ...{ created_at: "", updated_at: "" },
    };
    await syncThread(counting, { key, ...empty, thread, leases: [{ lease_id: "lease", spent: tokens(150) }] });
    await syncThread(counting, { key, ...empty, leases: [{ lease_id: "lease", spent: tokens(300) }] });
    await syncThread(counting, { key, ...empty, thread: { ...thread, version: 2 }, leases: [] });
    await syncThread(counting, { key, ...empty, leases: [] });
    expect(batches).toEqual([3, 1, 1]);
    expect(await sumOf("user", key.user_id, "2031-01-03")).toMatchObject({ tokens: 150, open_tokens: 0 });
    expect(await grantLease(env.DB, request({ ...key, scopes }))).toEqual({ kind: "closed" });
  });

  it("charges more than the lease where more was counted", async () => {
    const key = { user_id: "user_more", thread_id: "thread" };
    const scopes = scopesOf(key.user_id, "p", "2031-01-03").slice(1);
    await grantLease(env.DB, request({ ...key, scopes }));
    await syncThread(env.DB, { key, ...empty, leases: [{ lease_id: "lease", spent: tokens(450) }] });
    expect(await sumOf("user", key.user_id, "2031-01-03")).toMatchObject({ tokens: 450, open_tokens: 0 });
  });
});

describe("a thread that is deleted", () => {
  it("gives back its leases with the deletion, and gets none afterwards", async () => {
    const key = { user_id: "user_deleted", thread_id: "thread" };
    const scopes = scopesOf(key.user_id, "p", "2031-01-04").slice(1);
    await grantLease(env.DB, request({ ...key, scopes }));
    await deleteThread(env.DB, key, now, [{ lease_id: "lease", spent: tokens(70) }]);
    await deleteThread(env.DB, key, now, [{ lease_id: "lease", spent: tokens(90) }]);
    expect(await grantLease(env.DB, request({ ...key, scopes, lease_id: "late" }))).toEqual({ kind: "closed" });
    expect(await sumOf("user", key.user_id, "2031-01-04")).toMatchObject({ tokens: 70, open_tokens: 0 });
  });
});

describe("a user who is deleted", () => {
  it("gets no lease for a thread that the deletion did not find, and no budget anew", async () => {
    const key = { user_id: "user_gone", thread_id: "thread" };
    const scopes = scopesOf(key.user_id, "p", "2031-01-05").slice(0, 2);
    const put = "INSERT INTO users (user_id, name, created_at) VALUES (?, 'Gone', '2031-01-01T00:00:00.000Z')";
    await env.DB.prepare(put).bind(key.user_id).run();
    expect(await grantLease(env.DB, request({ ...key, scopes }))).toMatchObject({ kind: "granted" });
    await env.DB.prepare("UPDATE users SET deleted_at = ?2 WHERE user_id = ?1").bind(key.user_id, "2031-01-05").run();
    // A kill may come after any of its transactions, and a budget is the sum of its leases at each.
    const gone =
      "SELECT (SELECT count(*) FROM leases WHERE user_id = ?1) AS leases, (SELECT count(*) FROM budgets WHERE id LIKE ?1 || '%') AS budgets";
    expect(await deleteAccountBudgets(env.DB, key.user_id)).toBe("more");
    expect(await env.DB.prepare(gone).bind(key.user_id).first()).toEqual({ leases: 0, budgets: 0 });
    expect(await deleteAccountBudgets(env.DB, key.user_id)).toBe("done");
    expect(await grantLease(env.DB, request({ ...key, scopes, lease_id: "late" }))).toEqual({ kind: "closed" });
    expect(await env.DB.prepare(gone).bind(key.user_id).first()).toEqual({ leases: 0, budgets: 0 });
  });
});
