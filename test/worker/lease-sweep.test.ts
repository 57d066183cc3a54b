// The clock's look at leases: what runs left open is closed with what their objects say.
import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sweepBudgets, sweepLeases } from "../../src/budgets/routes/sweep.ts";
import type { Env } from "../../src/config.ts";
import { fail, type Result, succeed } from "../../src/protocol/error.ts";
import type { Amount, BudgetScope, ClosedLease } from "../../src/protocol/money/lease.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { deleteAccountBudgets } from "../../src/store/budgets/account.ts";
import { closeLeases } from "../../src/store/budgets/close.ts";
import { grantLease } from "../../src/store/budgets/grant.ts";
import { deleteThread } from "../../src/store/retention/removal.ts";
import { syncThread } from "../../src/store/sync.ts";
import { killObject, objectOf, withFaultyObject } from "./faulty-object.ts";
import { makeRun } from "./http-fake-threads.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const now = Date.parse("2026-11-28T10:00:30.000Z");
const tokens = (count: number): Amount => ({ cost: 0, tokens: count, ms: 0 });

const warn = vi.spyOn(console, "warn");
beforeEach(async () => {
  warn.mockReset().mockImplementation(() => {});
  await env.DB.batch(["leases", "budgets"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});
afterEach(() => expect(warn).not.toHaveBeenCalled());

type Answer = (key: ThreadKey, lease_ids: string[]) => Promise<Result<ClosedLease[]>>;

/** Objects of which each is asked by this function. */
function objects(answer: Answer): { asked: string[]; settings: Env } {
  const asked: string[] = [];
  const THREADS = {
    idFromName: (name: string) => name,
    get: () => ({
      closeLeases: (key: ThreadKey, ids: string[]) => {
        asked.push(`${key.user_id}/${key.thread_id}: ${ids.toSorted().join(" ")}`);
        return answer(key, ids);
      },
    }),
  };
  return { asked, settings: { ...env, THREADS } as unknown as Env };
}

const spentOf =
  (count: number): Answer =>
  async (_key, ids) =>
    succeed(ids.map((lease_id) => ({ lease_id, spent: tokens(count) })));

async function grant(
  user_id: string,
  part: { thread_id?: string; lease_id?: string; invocation_id?: string; at?: number } = {},
) {
  const { thread_id = "thread", lease_id = "l1", invocation_id = "inv", at = now - 4 * MINUTE } = part;
  const caps = { max_total_tokens: 1_000_000 };
  const scopes: BudgetScope[] = [
    { scope: "user", id: user_id, period: "2026-11-28", caps },
    { scope: "deployment", id: "", period: "2026-11", caps },
  ];
  const amounts = { least: tokens(1), need: tokens(100), wanted: tokens(100) };
  await grantLease(env.DB, { ...{ user_id, thread_id, lease_id, invocation_id, scopes, now: at }, ...amounts });
}

const budgetOf = async (user_id: string) =>
  env.DB.prepare("SELECT tokens, open_tokens FROM budgets WHERE scope = 'user' AND id = ?").bind(user_id).first();
const keyOf = (user_id: string): ThreadKey => ({ user_id, thread_id: "thread" });
const alive = { project: null, thread: null, messages: [] };

describe("a lease that stays open", () => {
  it("is closed with what its object says was spent, after three minutes", async () => {
    await grant("user_s1");
    await grant("user_s1", { lease_id: "l2" });
    await grant("user_s1", { lease_id: "young", at: now - 2 * MINUTE });
    const { asked, settings } = objects(spentOf(30));
    await sweepLeases(settings, now);
    expect(asked).toEqual(["user_s1/thread: l1 l2"]);
    expect(await budgetOf("user_s1")).toEqual({ tokens: 160, open_tokens: 100 });
    await sweepLeases(settings, now);
    expect(asked).toHaveLength(1);
  });

  it("is not asked for while D1 has its run as live, and stays if the object says that it is", async () => {
    const run = { ...makeRun(keyOf("user_s2"), { invocation_id: "inv", status: "running" }), version: 1 };
    await syncThread(env.DB, { key: keyOf("user_s2"), ...alive, runs: [run] });
    await grant("user_s2");
    await grant("user_s2", { thread_id: "unknown to D1" });
    const { asked, settings } = objects(async () => succeed([]));
    await sweepLeases(settings, now);
    expect(asked).toEqual(["user_s2/unknown to D1: l1"]);
    expect(await budgetOf("user_s2")).toEqual({ tokens: 200, open_tokens: 200 });
    await syncThread(env.DB, { key: keyOf("user_s2"), ...alive, runs: [{ ...run, status: "failed", version: 2 }] });
    await sweepLeases(settings, now);
    expect(asked.toSorted().slice(0, 2)).toEqual(["user_s2/thread: l1", "user_s2/unknown to D1: l1"]);
  });

  it("is never taken from a live run by clocks that differ by ten minutes, and closed after them at the latest", async () => {
    const live: Answer = async (key) =>
      succeed(key.user_id === "user_s8" ? [{ lease_id: "l1", spent: tokens(30) }] : []);
    // The object's clock is behind: the lease looks old at once, and the object says that its run is live.
    await grant("user_s7", { at: now - 10 * MINUTE });
    // It is ahead: the lease is not looked at before the time that it names, and then closed.
    await grant("user_s8", { at: now + 10 * MINUTE });
    const { asked, settings } = objects(live);
    await sweepLeases(settings, now);
    expect(asked).toEqual(["user_s7/thread: l1"]);
    expect(await budgetOf("user_s7")).toEqual({ tokens: 100, open_tokens: 100 });
    await sweepLeases(settings, now + 14 * MINUTE);
    expect(await budgetOf("user_s8")).toEqual({ tokens: 30, open_tokens: 0 });
  });

  it("closes only what was asked for", async () => {
    await grant("user_s3");
    await grant("user_s3", { lease_id: "young", at: now });
    await sweepLeases(objects(async () => succeed([{ lease_id: "young", spent: tokens(0) }])).settings, now);
    expect(await budgetOf("user_s3")).toEqual({ tokens: 200, open_tokens: 200 });
  });

  it("is left for later where its object fails, without holding up others", async () => {
    await grant("user_s4");
    await grant("user_s6");
    const answer: Answer = async (key, ids) => {
      if (key.user_id === "user_s4") throw new Error("the object is away");
      return spentOf(1)(key, ids);
    };
    await sweepLeases(objects(answer).settings, now);
    expect(await budgetOf("user_s4")).toEqual({ tokens: 100, open_tokens: 100 });
    expect(await budgetOf("user_s6")).toEqual({ tokens: 1, open_tokens: 0 });
    expect(warn.mock.calls.map(([line]) => JSON.parse(String(line)))).toMatchObject([
      { event: "leases_not_closed", user_id: "user_s4", error: "Error: the object is away" },
    ]);
    warn.mockClear();
  });

  it("of a thread that is gone is closed in full after a day", async () => {
    await grant("user_s7");
    await deleteThread(env.DB, keyOf("user_s7"), now);
    const { settings } = objects(async () => fail("not_found", "The thread does not exist."));
    await sweepLeases(settings, now + DAY - 5 * MINUTE);
    expect(await budgetOf("user_s7")).toEqual({ tokens: 100, open_tokens: 100 });
    await sweepLeases(settings, now + DAY);
    expect(await budgetOf("user_s7")).toEqual({ tokens: 100, open_tokens: 0 });
  });

  it("has its turn beside a user who leaves hundreds open", async () => {
    const many = Array.from({ length: 250 }, (_, thread) => grant("user_many", { thread_id: `t${thread}` }));
    await Promise.all([...many, grant("user_s8", { at: now - 200_000 })]);
    const { asked, settings } = objects(async () => succeed([]));
    await sweepLeases(settings, now);
    expect(asked).toHaveLength(200);
    expect(asked).toContain("user_s8/thread: l1");
    const first = new Set(asked);
    await sweepLeases(settings, now);
    expect(asked.slice(200).some((name) => !first.has(name))).toBe(true);
  });

  it("returns with the removal of its thread, which the sweep has tried again where no alarm does", async () => {
    const key = keyOf("user_s11");
    const made = { project_id: null, title: null, agent_id: null, metadata: {}, request_id: "made" };
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    await withFaultyObject(key, async ({ object, faults }) => {
      await object.create({ ...key, ...made });
      faults.d1 = "rejects";
      await object.remove(key, "removed");
    });
    expect(JSON.parse(String(logged.mock.calls[0]?.[0]))).toMatchObject({ event: "removal_failed" });
    await runInDurableObject(objectOf(key), async (_object, { storage }) => {
      const leases = [{ lease_id: "l1", spent: tokens(30) }];
      storage.sql.exec(
        "UPDATE meta SET value = json_set(value, '$.leases', json(?)) WHERE key = 'removed'",
        JSON.stringify(leases),
      );
      await storage.deleteAlarm();
    });
    await killObject(key);
    await grant("user_s11");
    await sweepLeases(env, now);
    expect(await budgetOf("user_s11")).toEqual({ tokens: 30, open_tokens: 0 });
    const thread = env.DB.prepare("SELECT deleted_at FROM threads WHERE user_id = 'user_s11'");
    expect(await thread.first("deleted_at")).not.toBeNull();
  });

  it("stays where the real object has no such thread", async () => {
    await grant("user_s9");
    await sweepLeases(env, now);
    expect(await budgetOf("user_s9")).toEqual({ tokens: 100, open_tokens: 100 });
  });
});

describe("leases and budgets of long ago", () => {
  it("are deleted by the clock, a month at a time, but for what is open and for all time", async () => {
    const count = (table: string) => env.DB.prepare(`SELECT count(*) AS rows FROM ${table}`).first("rows");
    await grant("user_o1", { at: now - 700 * DAY });
    await grant("user_o1", { at: now - 700 * DAY, lease_id: "open" });
    await closeLeases(env.DB, keyOf("user_o1"), [{ lease_id: "l1", spent: tokens(1) }], now - 700 * DAY);
    await env.DB.batch(
      ["2024-01-01", "2024-01", "2025-09-30", "2025-09", "2025-10-01", "2025-10", "all"].map((period) =>
        env.DB.prepare("INSERT INTO budgets VALUES ('user', 'user_o2', ?, 1, 1, 1, 0, 0, 0)").bind(period),
      ),
    );
    await sweepBudgets(env, now);
    const periods = await env.DB.prepare("SELECT period FROM budgets WHERE id = 'user_o2' ORDER BY period").all();
    expect(periods.results.map(({ period }) => period)).toEqual(["2025-10", "2025-10-01", "all"]);
    expect(await count("leases")).toBe(2);
    expect(await budgetOf("user_o1")).toEqual({ tokens: 101, open_tokens: 100 });
  });

  it("are deleted in bounded steps", async () => {
    await env.DB.prepare(
      `INSERT INTO budgets SELECT 'user', 'user_' || value, '2020-01-01', 1, 1, 1, 0, 0, 0
       FROM json_each((SELECT '[' || group_concat(x) || ']' FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5600) SELECT x FROM n)))`,
    ).run();
    const left = () => env.DB.prepare("SELECT count(*) AS rows FROM budgets").first("rows");
    await sweepBudgets(env, now);
    expect(await left()).toBe(600);
    await sweepBudgets(env, now);
    expect(await left()).toBe(0);
  });

  it("of a project that is gone are deleted once a day, when none of its leases is open", async () => {
    await env.DB.batch([
      env.DB.prepare(
        "INSERT INTO projects (user_id, project_id, name, created_at, updated_at) VALUES ('user_o3', 'here', '', '', '')",
      ),
      ...[
        ["user_o3/here", 0],
        ["user_o3/gone", 0],
        ["user_o3/open", 5],
      ].map(([id, open]) =>
        env.DB.prepare("INSERT INTO budgets VALUES ('project', ?, 'all', 9, 9, 9, 0, ?, 0)").bind(id, open),
      ),
    ]);
    const ids = async () =>
      (await env.DB.prepare("SELECT id FROM budgets ORDER BY id").all()).results.map(({ id }) => id);
    await sweepBudgets(env, now);
    expect(await ids()).toHaveLength(3);
    await sweepBudgets(env, Date.parse("2026-11-28T04:43:10.000Z"));
    expect(await ids()).toEqual(["user_o3/here", "user_o3/open"]);
  });
});

describe("a deleted account", () => {
  it("takes its leases and budgets along, and leaves to the deployment what was spent", async () => {
    await grant("user_d1");
    await grant("user_d1", { lease_id: "l2" });
    await grant("user_d10");
    await closeLeases(env.DB, keyOf("user_d1"), [{ lease_id: "l1", spent: tokens(7) }], now);
    await env.DB.batch(
      ["user_d1/p", "user_d1/q", "user_d10/p"].map((id) =>
        env.DB.prepare("INSERT INTO budgets VALUES ('project', ?, 'all', 1, 1, 1, 0, 0, 0)").bind(id),
      ),
    );
    while ((await deleteAccountBudgets(env.DB, "user_d1")) === "more");
    const left = await env.DB.prepare("SELECT id, tokens, open_tokens FROM budgets ORDER BY id").all();
    expect(left.results).toEqual([
      { id: "", tokens: 207, open_tokens: 100 },
      { id: "user_d10", tokens: 100, open_tokens: 100 },
      { id: "user_d10/p", tokens: 1, open_tokens: 0 },
    ]);
    expect(await env.DB.prepare("SELECT count(*) AS rows FROM leases").first("rows")).toBe(2);
  });
});
