// A cap that is taken away and set again: what was spent in between counts.
import { env } from "cloudflare:test";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { BudgetScope } from "../../src/protocol/money/lease.ts";
import { closeLeases } from "../../src/store/budgets/close.ts";
import { grantLease } from "../../src/store/budgets/grant.ts";
import { realClient, realUser } from "./real-client.ts";

const CAP = 10_000;
const tokens = (count: number) => ({ cost: 0, tokens: count, ms: 0 });

beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));

async function spend(user_id: string, invocation_id: string, count: number, status = "completed"): Promise<void> {
  const run = JSON.stringify({ usage: { input_tokens: count, output_tokens: 0, cost_usd: null }, worked_ms: 0 });
  const at = new Date().toISOString();
  await env.DB.batch([
    env.DB.prepare(
      `INSERT OR IGNORE INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, metadata)
       VALUES (?1, 't', 'shop', 'agent_default', 1, ?2, ?2, '{}')`,
    ).bind(user_id, at),
    env.DB.prepare(
      "INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run) VALUES (?1, 't', ?2, ?3, 1, ?4, ?4, ?5)",
    ).bind(...[user_id, invocation_id, status, at, run]),
  ]);
}

async function lease(user_id: string, invocation_id: string, scopes: BudgetScope[], count: number) {
  const amounts = { least: tokens(count), need: tokens(count), wanted: tokens(count) };
  const part = { user_id, thread_id: "t", invocation_id, lease_id: `lease_1_${invocation_id}`, now: Date.now() };
  return (await grantLease(env.DB, { ...part, scopes, ...amounts })).kind;
}

const used = async (scope: string, id: string) =>
  await env.DB.prepare("SELECT tokens, open_tokens FROM budgets WHERE scope = ? AND id = ?").bind(scope, id).first();

describe("what was spent while no cap held", () => {
  it("counts once the cap of a project is set again, and no budget becomes less", async () => {
    const user_id = "user_cap_again";
    const client = await realUser(user_id);
    await client.send("POST", "/v1/projects", { project_id: "shop", name: "Shop", max_total_tokens: CAP });
    const scopes: BudgetScope[] = [{ scope: "project", id: "shop", period: "all", caps: { max_total_tokens: CAP } }];
    expect(await lease(user_id, "a", scopes, 1_000)).toBe("granted");
    await spend(user_id, "a", 1_000);
    await closeLeases(
      env.DB,
      { user_id, thread_id: "t" },
      [{ lease_id: "lease_1_a", spent: tokens(1_000) }],
      Date.now(),
    );
    await client.send("PATCH", "/v1/projects/shop", { max_total_tokens: null });
    await spend(user_id, "b", 8_500);
    await client.send("PATCH", "/v1/projects/shop", { max_total_tokens: CAP });
    expect(await used("project", `${user_id}/shop`)).toEqual({ tokens: 9_500, open_tokens: 0 });
    expect(await lease(user_id, "c", scopes, 1_000)).toBe("refused");
    expect(await lease(user_id, "d", scopes, 400)).toBe("granted");
    await spend(user_id, "d", 300, "running");
    for (const max_total_tokens of [null, CAP]) await client.send("PATCH", "/v1/projects/shop", { max_total_tokens });
    expect(await used("project", `${user_id}/shop`)).toEqual({ tokens: 9_900, open_tokens: 400 });
  });

  it("counts once an admin sets the cap of a user again", async () => {
    const admin = realClient();
    const user_id = "user_cap_again_2";
    await realUser(user_id);
    const set = (caps: object | null) => admin.send("PATCH", `/v1/users/${user_id}`, { caps });
    await set({ day: { max_total_tokens: CAP } });
    const period = new Date().toISOString().slice(0, 10);
    const scopes: BudgetScope[] = [{ scope: "user", id: user_id, period, caps: { max_total_tokens: CAP } }];
    expect(await lease(user_id, "a", scopes, 1_000)).toBe("granted");
    await closeLeases(env.DB, { user_id, thread_id: "t" }, [{ lease_id: "lease_1_a", spent: tokens(0) }], Date.now());
    await set(null);
    await spend(user_id, "b", 9_500);
    await set({ day: { max_total_tokens: CAP } });
    expect(await used("user", user_id)).toEqual({ tokens: 9_500, open_tokens: 0 });
    expect(await lease(user_id, "c", scopes, 1_000)).toBe("refused");
  });
});
