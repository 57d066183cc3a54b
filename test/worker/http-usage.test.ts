// Usage by day, from rows in D1 to the answer.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Run } from "../../src/protocol/run.ts";
import { syncThread } from "../../src/store/sync.ts";
import { READ_THREAD, READ_USAGE, READ_USERS } from "../../src/store/usage.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";

const now = Date.parse("2026-11-26T08:00:00.000Z");

afterEach(() => {
  vi.restoreAllMocks();
});

async function storeRuns(user_id: string, thread_id: string, parts: Partial<Run>[]): Promise<void> {
  const key = { user_id, thread_id };
  const runs = parts.map((part, index) => ({
    ...makeRun(key, { invocation_id: `inv-${index}`, ...part }),
    version: 1,
  }));
  await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs });
}

function used(created_at: string, input: number, cached: number, output: number, cost_usd: number | null) {
  const usage = { input_tokens: input, cached_input_tokens: cached, output_tokens: output, cost_usd };
  return { created_at, usage };
}

async function planOf(statement: string, ...values: (string | number)[]): Promise<string> {
  const plan = env.DB.prepare(`EXPLAIN QUERY PLAN ${statement}`).bind(...values);
  const { results } = await plan.all<{ detail: string }>();
  return results.map(({ detail }) => detail).join();
}

describe("GET /v1/usage", () => {
  it("sums the caller's runs of all threads by the day in UTC, newest last, without empty days", async () => {
    vi.spyOn(Date, "now").mockReturnValue(now);
    const client = createClient();
    const ada = await client.addUser("user_usage");
    await storeRuns("user_usage", "t-1", [
      used("2026-11-26T00:00:00.000Z", 100, 40, 10, 0.5),
      used("2026-11-24T23:59:59.999Z", 7, 0, 1, null),
    ]);
    await storeRuns("user_usage", "t-2", [
      used("2026-11-26T07:00:00.000Z", 1, 1, 1, null),
      used("2026-11-24T00:00:00.000Z", 3, 0, 2, null),
      used("2026-10-28T00:00:00.000Z", 5, 0, 5, null),
      used("2026-10-27T23:59:59.999Z", 9, 9, 9, 9),
    ]);
    await storeRuns("user_usage_other", "t-1", [used("2026-11-26T07:00:00.000Z", 1000, 0, 1000, 1)]);
    const answer = await ada.send("GET", "/v1/usage");
    expect(answer.status).toBe(200);
    const day = (date: string, runs: number, sums: Partial<Run>) => ({ date, runs, ...sums.usage });
    expect(answer.body).toEqual({
      data: [
        day("2026-10-28", 1, used("", 5, 0, 5, null)),
        day("2026-11-24", 2, used("", 10, 0, 3, null)),
        day("2026-11-26", 2, used("", 101, 41, 11, 0.5)),
      ],
      total: { runs: 5, ...used("", 116, 41, 19, 0.5).usage },
      caps: [],
    });
    const today = await ada.send("GET", "/v1/usage?days=1");
    expect(today.body.data).toMatchObject([{ date: "2026-11-26" }]);
  });

  it("is empty for a user without runs", async () => {
    const eve = await createClient().addUser("user_usage_none");
    expect((await eve.send("GET", "/v1/usage")).body).toEqual({
      data: [],
      total: { runs: 0, ...used("", 0, 0, 0, null).usage },
      caps: [],
    });
  });

  it.each(["0", "91", "1.5", "many", ""])("refuses %j as a number of days", async (days) => {
    const refused = await createClient().send("GET", `/v1/usage?days=${days}`);
    expect(refused).toMatchObject({ status: 400, body: { code: "invalid_field" } });
  });

  it("sums a thread's and a project's runs alone, money without dust, and what was estimated", async () => {
    vi.spyOn(Date, "now").mockReturnValue(now);
    const client = createClient();
    const ada = await client.addUser("user_usage_sums");
    const at = "2026-11-26T07:00:00.000Z";
    const estimated = { calls: 1, input_tokens: 4, output_tokens: 2, cost_usd: 0.1 };
    const broken = used(at, 5, 0, 2, 0.2);
    await storeRuns("user_usage_sums", "t-1", [
      { ...used(at, 1, 0, 1, 0.1), project_id: "p-1" },
      { ...broken, usage: { ...broken.usage, estimated }, project_id: "p-1" },
    ]);
    await storeRuns("user_usage_sums", "t-2", [
      { ...used("2026-11-25T07:00:00.000Z", 2, 0, 1, 0.7), project_id: "p-1" },
      { ...used(at, 9, 0, 9, 9), project_id: "p-2" },
    ]);
    await storeRuns("user_usage_sums_other", "t-1", [{ ...used(at, 100, 0, 1, 5), project_id: "p-1" }]);
    const total = async (query: string) => (await ada.send("GET", `/v1/usage?${query}`)).body.total;
    const ofThread = { runs: 2, ...used("", 6, 0, 3, 0.3).usage, estimated };
    expect(await total("thread_id=t-1")).toEqual(ofThread);
    expect(await total("project_id=p-1")).toEqual({ runs: 3, ...used("", 8, 0, 4, 1).usage, estimated });
    expect(await total("project_id=p-1&thread_id=t-2")).toEqual({ runs: 1, ...used("", 2, 0, 1, 0.7).usage });
    expect(await total("thread_id=t-9")).toMatchObject({ runs: 0, cost_usd: null });
    const answer = await ada.send("GET", "/v1/usage?thread_id=t-1");
    expect(answer.body.data).toEqual([{ date: "2026-11-26", ...ofThread }]);
  });

  it("says each cap of the caller, what is spent and reserved of it, and when it begins anew", async () => {
    vi.spyOn(Date, "now").mockReturnValue(now);
    const user_id = "user_usage_caps";
    const client = createClient({ USER_DAY_CAPS: "tokens=1000", DEPLOYMENT_DAY_CAPS: "cost_usd=9" });
    const ada = await client.addUser(user_id);
    await client.send("PATCH", `/v1/users/${user_id}`, { caps: { month: { max_cost_usd: 2, max_minutes: 30 } } });
    await ada.send("POST", "/v1/projects", { project_id: "p-1", name: "Shop", max_cost_usd: 1 });
    await storeRuns(user_id, "t-1", [
      { ...used("2026-11-26T07:00:00.000Z", 100, 40, 10, 0.5), worked_ms: 90_000 },
      { ...used("2026-11-02T07:00:00.000Z", 7, 0, 3, 0.25) },
      { ...used("2026-10-31T23:59:59.999Z", 9, 9, 9, 9) },
    ]);
    const capsOf = async (query = "") => (await ada.send("GET", `/v1/usage${query}`)).body.caps;
    const day = { period: "2026-11-26", resets_at: "2026-11-27T00:00:00.000Z" };
    const month = { period: "2026-11", resets_at: "2026-12-01T00:00:00.000Z" };
    const before = [
      { scope: "user", name: "max_total_tokens", limit: 1000, used: 110, reserved: 0, ...day },
      { scope: "user", name: "max_cost_usd", limit: 2, used: 0.75, reserved: 0, ...month },
      { scope: "user", name: "max_minutes", limit: 30, used: 1.5, reserved: 0, ...month },
    ];
    expect(await capsOf("?days=1")).toEqual(before);
    const grant = "INSERT INTO budgets VALUES ('user', ?, ?, ?, ?, ?, ?, ?, ?)";
    await env.DB.prepare(grant).bind(user_id, "2026-11", 1_500_000_000, 500, 600_000, 250_000_000, 100, 60_000).run();
    const [ofDay, cost, minutes] = before;
    const project = { scope: "project", name: "max_cost_usd", limit: 1, used: 0, reserved: 0 };
    expect(await capsOf("?project_id=p-1")).toEqual([
      { ...project, period: null, resets_at: null },
      ofDay,
      { ...cost, used: 1.25, reserved: 0.25 },
      { ...minutes, used: 9, reserved: 1 },
    ]);
    expect(await capsOf("?project_id=nothing-such")).toHaveLength(3);
  });

  it("needs a key", async () => {
    expect((await createClient().as(null).send("GET", "/v1/usage")).status).toBe(401);
  });

  it("reads by the index, and so no run of other days", async () => {
    const since = "2026-11-01T00:00:00.000Z";
    const creation = "runs_by_creation (user_id=? AND created_at>?)";
    expect(await planOf(READ_USAGE, "user_usage", since)).toContain(creation);
    expect(await planOf(READ_THREAD, "user_usage", since, "t-1")).toContain(
      "runs_by_thread (user_id=? AND thread_id=? AND created_at>?)",
    );
    expect(await planOf(READ_USERS, since, 50)).toContain(creation);
  });
});

describe("GET /v1/usage/users", () => {
  it("lists users by cost, unknown costs last, with what running runs may still spend", async () => {
    // No other test has runs on this day.
    vi.spyOn(Date, "now").mockReturnValue(Date.parse("2031-01-02T08:00:00.000Z"));
    const client = createClient();
    for (const name of ["ann", "bob", "cid"]) await client.addUser(`user_by_cost_${name}`);
    const today = "2031-01-02T07:00:00.000Z";
    await storeRuns("user_by_cost_ann", "t-1", [
      used(today, 900, 1, 9, null),
      used("2030-12-31T00:00:00.000Z", 1, 0, 1, 50),
    ]);
    await storeRuns("user_by_cost_bob", "t-1", [used(today, 1, 0, 1, 0.1), used(today, 1, 0, 1, 0.2)]);
    await storeRuns("user_by_cost_cid", "t-1", [used(today, 1, 0, 1, 2)]);
    await storeRuns("user_first", "t-by-cost", [used(today, 1, 0, 1, 1)]);
    const lease = `INSERT INTO leases VALUES (?1, 't-1', ?2, ?3, '2031-01-02', ?1, 'inv', ?4, ?5, 250000000, 60000, 90000)`;
    for (const [id, scope, closed] of [
      ["l-1", "user", null],
      ["l-1", "deployment", null],
      ["l-2", "user", today],
    ]) {
      await env.DB.prepare(lease).bind("user_by_cost_bob", id, scope, today, closed).run();
    }
    const list = await client.send("GET", "/v1/usage/users?days=1");
    const user = (
      user_id: string,
      runs: number,
      sums: Partial<Run>,
      reserved = { cost_usd: 0, tokens: 0, minutes: 0 },
    ) => ({
      ...{ user_id, name: list.body.data?.find((each) => each.user_id === user_id)?.name },
      ...{ runs, ...sums.usage, reserved },
    });
    expect(list.body.data).toEqual([
      user("user_by_cost_cid", 1, used("", 1, 0, 1, 2)),
      user("user_first", 1, used("", 1, 0, 1, 1)),
      user("user_by_cost_bob", 2, used("", 2, 0, 2, 0.3), { cost_usd: 0.25, tokens: 60_000, minutes: 1.5 }),
      user("user_by_cost_ann", 1, used("", 900, 1, 9, null)),
    ]);
    const more = await client.send("GET", "/v1/usage/users?days=3&limit=1");
    expect(more.body.data).toMatchObject([{ user_id: "user_by_cost_ann", runs: 2, cost_usd: 50 }]);
  });

  it("is for admins alone", async () => {
    const eve = await createClient().addUser("user_usage_users");
    expect((await eve.send("GET", "/v1/usage/users")).status).toBe(403);
    expect((await createClient().send("GET", "/v1/usage/users?days=32")).status).toBe(400);
  });
});
