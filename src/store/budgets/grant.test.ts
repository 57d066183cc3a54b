import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { add, isTooSmall, Model, nameOf } from "../../../test/fakes/lease-rules.ts";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import { runCount } from "../../../test/setup/run-count.ts";
import type { Amount, BudgetScope, LeaseAnswer, LeaseRequest } from "../../protocol/money/lease.ts";
import { deleteThread } from "../retention/removal.ts";
import { closeLeases } from "./close.ts";
import { grantLease } from "./grant.ts";

const now = Date.parse("2026-11-28T10:00:00.000Z");
const key = { user_id: "user_1", thread_id: "thread_1" };
const tokens = (count: number): Amount => ({ cost: 0, tokens: count, ms: 1 });
const day = (max_total_tokens: number, id = "user_1"): BudgetScope => ({
  ...{ scope: "user", id, period: "2026-11-28" },
  caps: { max_total_tokens },
});

function ask(lease_id: string, scopes: BudgetScope[], part: Partial<LeaseRequest> = {}): LeaseRequest {
  const amounts = { least: tokens(10), need: tokens(100), wanted: tokens(400) };
  return { ...key, invocation_id: "inv_1", lease_id, scopes, ...amounts, now, ...part };
}

let d1: SqliteD1;
const grant = (request: LeaseRequest): Promise<LeaseAnswer> => grantLease(d1.binding, request);
const grantedTokens = async (request: LeaseRequest): Promise<number | null> => {
  const answer = await grant(request);
  return answer.kind === "granted" ? answer.lease.amount.tokens : null;
};
const budgets = () =>
  d1.read<Amount & { open_tokens: number; id: string }>("SELECT * FROM budgets ORDER BY scope, id, period");

beforeEach(() => {
  d1 = openD1();
});
afterEach(() => void vi.restoreAllMocks());

describe("a lease", () => {
  it("is worth what is wanted, near the cap one need, then what is left, then nothing", async () => {
    const scopes = [day(1_255)];
    const worth = [];
    for (let place = 0; place < 10; place++) worth.push(await grantedTokens(ask(`l${place}`, scopes)));
    // 1,255 and 855 have room for eight needs of 100, 455 has not.
    expect(worth).toEqual([400, 400, 100, 100, 100, 100, 55, null, null, null]);
    expect(budgets()).toMatchObject([{ tokens: 1_255, open_tokens: 1_255 }]);
  });

  it("names the cap that refuses it, in the cap's own unit", async () => {
    const caps = { max_cost_usd: 0.5, max_minutes: 2 };
    const scopes: BudgetScope[] = [{ scope: "project", id: "proj_1", period: "all", caps }];
    const need = { cost: 300_000_000, tokens: 7, ms: 60_000 };
    const answer = await grant(ask("l1", scopes, { least: need, need, wanted: need }));
    expect(answer).toEqual({
      kind: "granted",
      lease: { lease_id: "l1", amount: need, periods: [{ scope: "project", period: "all" }] },
      near: [],
    });
    expect(await grant(ask("l2", scopes, { least: need, need, wanted: need }))).toEqual({
      kind: "refused",
      cap: { scope: "project", name: "max_cost_usd", period: "all", limit: 0.5, used: 0.3 },
      is_held: true,
    });
    const free = { ...need, cost: 0 };
    expect(await grant(ask("l3", scopes, { least: free, need: free, wanted: free }))).toMatchObject({
      kind: "granted",
      near: [{ name: "max_minutes", limit: 2, used: 2 }],
    });
    const slow = { ...free, ms: 1 };
    expect(await grant(ask("l4", scopes, { least: slow, need: slow, wanted: slow }))).toMatchObject({
      kind: "refused",
      cap: { name: "max_minutes", limit: 2, used: 2 },
    });
    const nothing = { ...free, ms: 0 };
    expect(await grant(ask("l5", scopes, { least: nothing, need: nothing, wanted: nothing }))).toMatchObject({
      kind: "granted",
    });
  });

  it("is granted in all scopes or in none", async () => {
    expect(await grantedTokens(ask("l1", [day(10_000), { ...day(30), id: "", scope: "deployment" }]))).toBe(30);
    vi.spyOn(console, "warn").mockImplementation(() => {});
    expect(await grantedTokens(ask("l2", [day(10_000), { ...day(30), id: "", scope: "deployment" }]))).toBeNull();
    expect(budgets()).toMatchObject([
      { scope: "deployment", id: "", tokens: 30 },
      { scope: "user", id: "user_1", tokens: 30 },
    ]);
  });

  it("is logged when the deployment's cap refuses it, with the amounts", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    await grant(ask("l1", [{ ...day(5), id: "", scope: "deployment" }]));
    expect(JSON.parse(String(warn.mock.calls[0]?.[0]))).toMatchObject({
      event: "budget_reached",
      ...{ name: "max_total_tokens", period: "2026-11-28", limit: 5, used: 0, user_id: "user_1" },
    });
    await grant(ask("l1", [day(5)]));
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it("is the same when it is asked for again, and closed when it was closed", async () => {
    const scopes = [day(1_000)];
    const first = await grant(ask("l1", scopes));
    await grant(ask("l2", scopes));
    expect(await grant(ask("l1", scopes, { wanted: tokens(900) }))).toMatchObject({ ...first, near: [] });
    await closeLeases(d1.binding, key, [{ lease_id: "l1", spent: tokens(33) }], now);
    expect(await grant(ask("l1", scopes))).toEqual({ kind: "closed" });
    expect(budgets()).toMatchObject([{ tokens: 433 - 300, open_tokens: 100 }]);
  });

  it("says which caps have four fifths granted", async () => {
    const scopes = [day(1_000), { ...day(500), period: "2026-11" }];
    const request = { need: tokens(40), wanted: tokens(399) };
    expect(await grant(ask("l1", scopes, request))).toMatchObject({ near: [] });
    expect(await grant(ask("l2", scopes, { need: tokens(1), least: tokens(1), wanted: tokens(1) }))).toMatchObject({
      near: [{ scope: "user", name: "max_total_tokens", period: "2026-11", limit: 500, used: 400 }],
    });
  });

  it("is granted to no thread that was deleted", async () => {
    await deleteThread(d1.binding, key, now);
    expect(await grant(ask("l1", [day(1_000)]))).toEqual({ kind: "closed" });
    expect(budgets()).toMatchObject([{ tokens: 0 }]);
  });

  it("of one user takes nothing from another, and not from a project of the same name", async () => {
    const project = (user_id: string): BudgetScope[] => [
      { scope: "project", id: "p", period: "all", caps: { max_total_tokens: 100 } },
      day(1_000, user_id),
    ];
    expect(await grantedTokens(ask("l1", project("user_1")))).toBe(100);
    expect(await grantedTokens(ask("l1", project("user_2"), { user_id: "user_2" }))).toBe(100);
    expect(budgets().map(({ id }) => id)).toEqual(["user_1/p", "user_2/p", "user_1", "user_2"]);
  });
});

function addRun(user_id: string, thread_id: string, created_at: string, run: unknown): void {
  d1.read(
    "INSERT INTO runs VALUES (?, ?, ?, 'completed', 1, ?, ?, ?)",
    ...[user_id, thread_id, `inv_${created_at}`, created_at, created_at],
    typeof run === "string" ? run : JSON.stringify(run),
  );
}

describe("the first lease of a period", () => {
  const usage = { input_tokens: 100, cached_input_tokens: 60, output_tokens: 20, cost_usd: 0.25 };

  it("counts what the user's runs have used since the period began", async () => {
    addRun("user_1", "a", "2026-10-31T23:59:59.999Z", { usage });
    addRun("user_1", "a", "2026-11-01T00:00:00.000Z", { usage, worked_ms: 5_000 });
    addRun("user_1", "b", "2026-11-27T23:59:59.999Z", { usage: { ...usage, cost_usd: null } });
    addRun("user_1", "b", "2026-11-28T00:00:00.000Z", { usage, worked_ms: 700 });
    addRun("user_1", "c", "2026-11-28T09:00:00.000Z", "{damaged");
    addRun("user_2", "a", "2026-11-28T09:00:00.000Z", { usage });
    const caps = { max_total_tokens: 1_000 };
    const scopes: BudgetScope[] = [day(1_000), { scope: "user", id: "user_1", period: "2026-11", caps }];
    await grant(ask("l1", [...scopes, { scope: "deployment", id: "", period: "2026-11-28", caps }]));
    expect(budgets()).toMatchObject([
      { scope: "deployment", cost: 0, tokens: 100 },
      { period: "2026-11", cost: 500_000_000, tokens: 460, ms: 5_701, open_tokens: 100 },
      { period: "2026-11-28", cost: 250_000_000, tokens: 220, ms: 701, open_tokens: 100 },
    ]);
  });

  it("counts what the runs of a project's threads have used", async () => {
    const insert = "INSERT INTO threads VALUES (?, ?, ?, 'a', 1, '', '', ?, NULL, '{}')";
    d1.read(insert, "user_1", "a", "proj_1", null);
    d1.read(insert, "user_1", "b", "proj_2", null);
    d1.read(insert, "user_2", "a", "proj_1", null);
    for (const [user, thread] of ["user_1/a", "user_1/b", "user_2/a"].map((name) => name.split("/"))) {
      addRun(user ?? "", thread ?? "", "2025-01-01T00:00:00.000Z", { usage });
    }
    const caps = { max_total_tokens: 130 };
    expect(await grantedTokens(ask("l1", [{ scope: "project", id: "proj_1", period: "all", caps }]))).toBe(10);
    expect(budgets()).toMatchObject([{ id: "user_1/proj_1", cost: 250_000_000, tokens: 130, open_tokens: 10 }]);
  });

  it("does not count what its own run has used, where the lease pays for that", async () => {
    addRun("user_1", "thread_1", "2026-11-28T00:00:00.000Z", { usage });
    addRun("user_1", "thread_1", "2026-11-28T01:00:00.000Z", { usage });
    const own = { invocation_id: "inv_2026-11-28T01:00:00.000Z", pays_before: true as const };
    await grant(ask("l1", [day(1_000)], own));
    expect(budgets()).toMatchObject([{ tokens: 120 + 400, open_tokens: 400 }]);
  });

  it("is refused if they have used more than the cap", async () => {
    addRun("user_1", "a", "2026-11-28T00:00:00.000Z", { usage });
    expect(await grant(ask("l1", [day(100)]))).toMatchObject({
      ...{ kind: "refused", cap: { limit: 100, used: 120 }, is_held: false },
    });
  });

  it("is refused for as long as open leases of others hold the room, and says so", async () => {
    addRun("user_1", "a", "2026-11-28T00:00:00.000Z", { usage });
    const [scopes, one, more] = [[day(220)], tokens(90), tokens(101)];
    const amounts = { least: one, need: one, wanted: one };
    expect(await grantedTokens(ask("l1", scopes, amounts))).toBe(90);
    expect(await grant(ask("l2", scopes, amounts))).toMatchObject({ kind: "refused", is_held: true });
    const refused = await grant(ask("l3", scopes, { least: more, need: more, wanted: more }));
    expect(refused).toMatchObject({ kind: "refused", is_held: false });
    const own = await grant({ ...ask("l2", scopes, amounts), own_leases: ["l1"] });
    expect(own).toMatchObject({ kind: "refused", is_held: false });
  });
});

/** A quarter of a dollar and of a minute, so that the model needs no rounding. */
const cap = fc.record({
  max_cost_usd: fc.option(fc.integer({ min: 0, max: 8 }).map((quarters) => quarters / 4)),
  max_total_tokens: fc.option(fc.integer({ min: 0, max: 2_000 })),
  max_minutes: fc.option(fc.integer({ min: 0, max: 8 }).map((quarters) => quarters / 4)),
});
const amountUpTo = (cost: number, tokens: number, ms: number): fc.Arbitrary<Amount> =>
  fc.record({
    cost: fc.integer({ min: 0, max: cost }),
    tokens: fc.integer({ min: 0, max: tokens }),
    ms: fc.integer({ min: 0, max: ms }),
  });

const step = fc.oneof(
  fc.record({
    kind: fc.constant("grant" as const),
    lease: fc.nat(12),
    user: fc.nat(1),
    without: fc.subarray([0, 1, 2]),
    least: amountUpTo(50_000_000, 20, 1_000),
    more: amountUpTo(200_000_000, 100, 9_000),
    most: amountUpTo(500_000_000, 500, 30_000),
  }),
  fc.record({
    kind: fc.constant("close" as const),
    lease: fc.nat(12),
    user: fc.nat(1),
    spent: amountUpTo(400_000_000, 300, 20_000),
  }),
);

describe("grants and closes", () => {
  it("do what the rules say, and the budgets are always the sum of the leases", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const world = fc.tuple(fc.array(cap, { minLength: 3, maxLength: 3 }), fc.array(step, { maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(world, async ([caps, steps]) => {
        d1 = openD1();
        const model = new Model();
        for (const each of steps) {
          const user_id = `user_${each.user}`;
          const lease_id = `l${each.lease}`;
          const name = `${user_id} ${lease_id}`;
          if (each.kind === "close") {
            await closeLeases(d1.binding, { ...key, user_id }, [{ lease_id, spent: each.spent }], now);
            model.close(name, each.spent);
            continue;
          }
          const all: BudgetScope[] = [
            { scope: "user", id: user_id, period: "2026-11-28", caps: caps[0] ?? {} },
            { scope: "project", id: "p", period: "all", caps: caps[1] ?? {} },
            { scope: "deployment", id: "", period: "2026-11", caps: caps[2] ?? {} },
          ];
          const scopes = all.filter((_, place) => !each.without.includes(place));
          if (scopes.length === 0) continue;
          const need = add(each.least, each.more);
          const request = ask(lease_id, scopes, {
            ...{ user_id, least: each.least, need, wanted: add(need, each.most) },
          });
          const answer = await grant(request);
          const expected = model.grant(name, {
            ...request,
            scopes: scopes.map((scope) => (scope.scope === "project" ? { ...scope, id: `${user_id}/p` } : scope)),
          });
          expect(answer.kind === "granted" ? answer.lease.amount : answer.kind).toEqual(expected);
          if (answer.kind === "refused") expect(isTooSmall(answer.cap, each.least)).toBe(true);
        }
        const sums = d1.read(
          `SELECT scope, id, period, sum(cost) cost, sum(tokens) tokens, sum(ms) ms,
             sum(iif(closed_at IS NULL, cost, 0)) open_cost, sum(iif(closed_at IS NULL, tokens, 0)) open_tokens,
             sum(iif(closed_at IS NULL, ms, 0)) open_ms FROM leases GROUP BY scope, id, period`,
        );
        expect(budgets()).toEqual(expect.arrayContaining(sums));
        for (const row of d1.read<Amount & BudgetScope>("SELECT * FROM budgets")) {
          expect(model.used.get(nameOf(row)) ?? { cost: 0, tokens: 0, ms: 0 }).toEqual({
            ...{ cost: row.cost, tokens: row.tokens, ms: row.ms },
          });
        }
      }),
      { numRuns: runCount(60) },
    );
  });
});
