// Metrics over real D1 and the real queue: what they count, what that reads, and who may ask.
import { createScheduledController, env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import worker from "../../src/index.ts";
import {
  BUDGETS,
  DELIVERIES,
  FAILED,
  LEASES,
  LIVE,
  RECENT,
  readOverview,
  SANDBOXES,
  SCHEDULES,
  WAITING,
} from "../../src/store/monitor/overview.ts";
import { checkExposition } from "../fakes/exposition.ts";
import { createClient } from "./http-client.ts";

const PATH = "/v1/metrics";
const NOW = Date.now();
const ago = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();

interface Seeded {
  user_id?: string;
  status: string;
  created_at: string;
  updated_at?: string;
  code?: string;
  checked_tasks?: object;
  uncheckable_tasks?: number;
}

async function seed(runs: Seeded[]): Promise<void> {
  const statements = runs.map(
    (
      { user_id = "user_first", status, created_at, updated_at = created_at, code, checked_tasks, uncheckable_tasks },
      place,
    ) => {
      const usage = { input_tokens: 100, cached_input_tokens: 10, output_tokens: 5, cost_usd: 0.25 };
      const run = JSON.stringify({
        usage,
        checked_tasks,
        uncheckable_tasks,
        ...(code === undefined ? {} : { error: { code } }),
      });
      return env.DB.prepare(
        `INSERT INTO runs (user_id, thread_id, invocation_id, status, version, created_at, updated_at, run)
       VALUES (?1, 't', ?2, ?3, 1, ?4, ?5, ?6)`,
      ).bind(user_id, `inv_${place}_${user_id}`, status, created_at, updated_at, run);
    },
  );
  await env.DB.batch(statements);
}

async function read(): Promise<Map<string, number>> {
  const answer = await createClient().send("GET", PATH);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  return checkExposition(answer.text);
}

beforeEach(() =>
  env.DB.batch([env.DB.prepare("DELETE FROM runs"), env.DB.prepare("DELETE FROM users WHERE name = 'x'")]),
);
afterEach(() => vi.restoreAllMocks());

describe("GET /v1/metrics", () => {
  it("counts the runs of all users, and names none", async () => {
    await createClient().addUser("user_canary");
    await seed([
      { status: "running", created_at: ago(30) },
      { status: "running", created_at: ago(2), updated_at: ago(0) },
      { status: "queued", created_at: ago(1), updated_at: ago(0), user_id: "user_canary" },
      { status: "failed", created_at: ago(300), updated_at: ago(50), code: "model_error" },
      {
        ...{ status: "failed", created_at: ago(5), code: "budget" },
        ...{ checked_tasks: { verified: 2, not_run: 5 }, uncheckable_tasks: 2 },
      },
      { status: "failed", created_at: ago(300), updated_at: ago(70), code: "model_error" },
      { status: "completed", created_at: ago(10), user_id: "user_canary", checked_tasks: { verified: 3 } },
      { status: "completed", created_at: ago(40), checked_tasks: { failed: 9 } },
    ]);
    const samples = await read();
    expect(Object.fromEntries(samples)).toMatchObject({
      'taskloom_up{part="database"}': 1,
      'taskloom_up{part="queue_jobs"}': 1,
      'taskloom_runs{status="running"}': 2,
      'taskloom_runs{status="queued"}': 1,
      taskloom_runs_silent: 1,
      'taskloom_failed_runs_hour{code="model_error"}': 1,
      'taskloom_failed_runs_hour{code="budget"}': 1,
      'taskloom_recent_runs{status="completed"}': 1,
      'taskloom_recent_runs{status="failed"}': 1,
      'taskloom_recent_tokens{kind="input"}': 400,
      taskloom_recent_cost_usd: 1,
      'taskloom_recent_checked_tasks{verification="verified"}': 5,
      'taskloom_recent_checked_tasks{verification="not_run"}': 2,
      'taskloom_recent_checked_tasks{verification="failed"}': 0,
      'taskloom_queue_messages{queue="jobs"}': 0,
    });
    expect(samples.get('taskloom_run_oldest_seconds{status="running"}')).toBeGreaterThan(1_790);
    expect(samples.get("taskloom_database_bytes")).toBeGreaterThan(4_096);
    expect([...samples.keys()].join()).not.toContain("canary");
  });

  it("says that the numbers of the last minutes are not all, beyond 20,000 users", async () => {
    expect((await readOverview(env.DB, NOW)).is_recent_complete).toBe(true);
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)
       INSERT INTO users (user_id, name, created_at) SELECT 'user_' || i, 'x', ?1 FROM n`,
    )
      .bind(ago(0))
      .run();
    const { is_recent_complete, recent, rows_read } = await readOverview(env.DB, NOW);
    expect([is_recent_complete, recent]).toEqual([false, []]);
    expect(rows_read).toBeLessThan(61_000);
  });

  it("is for admins alone", async () => {
    const client = createClient();
    expect((await client.as(null).send("GET", PATH)).status).toBe(401);
    const ada = await client.addUser("user_metrics");
    expect(await ada.send("GET", PATH)).toMatchObject({ status: 403, body: { code: "forbidden" } });
  });

  it("asks D1 once in a quarter of a minute, and while D1 fails each time", async () => {
    const batch = vi.fn(env.DB.batch.bind(env.DB));
    let fails = true;
    const DB = new Proxy(env.DB, {
      get(target, name) {
        if (name === "batch" && fails) return () => Promise.reject(new Error("D1 is away"));
        const value: unknown = name === "batch" ? batch : Reflect.get(target, name, target);
        return typeof value === "function" && name !== "batch" ? value.bind(target) : value;
      },
    });
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const client = createClient({ DB });
    expect(checkExposition((await client.send("GET", PATH)).text).get('taskloom_up{part="database"}')).toBe(0);
    fails = false;
    for (let scrape = 0; scrape < 3; scrape++) {
      expect(checkExposition((await client.send("GET", PATH)).text).get('taskloom_up{part="database"}')).toBe(1);
    }
    expect(batch).toHaveBeenCalledTimes(1);
  });
});

describe("what a scrape reads", () => {
  it("does not grow with runs that are over", async () => {
    const old = Array.from({ length: 300 }, (): Seeded => ({ status: "completed", created_at: ago(600) }));
    const before = (await readOverview(env.DB, NOW)).rows_read;
    await seed(old);
    expect((await readOverview(env.DB, NOW)).rows_read).toBe(before);
  });

  it.each([
    ["runs_live", LIVE, 1],
    ["runs_failed", FAILED, 1],
    ["runs_by_creation", RECENT, 1],
    ["deliveries_due", DELIVERIES, 1],
    ["triggers_due", SCHEDULES, 1],
    ["trigger_deliveries_waiting", WAITING, 0],
    ["leases_by_time", LEASES, 0],
    ["sandboxes_running", SANDBOXES, 0],
    ["PRIMARY KEY", BUDGETS, 2],
  ])("is by %s", async (index, query, values) => {
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
      .bind(...Array.from({ length: values }, () => ago(0)))
      .all<{ detail: string }>();
    const details = plan.results.map(({ detail }) => detail);
    expect(details.join("; ")).toContain(index);
    const scans = details.filter((detail) =>
      /^SCAN (?:runs|deliveries|triggers|leases|sandboxes|budgets)/.test(detail),
    );
    // A partial index without a bound is read as a whole: its entries are those that count.
    expect(scans.filter((detail) => !detail.includes("INDEX"))).toEqual([]);
  });
});

describe("the clock", () => {
  it("writes one line each minute with the essentials", async () => {
    await seed([{ status: "failed", created_at: ago(5), code: "budget", checked_tasks: { failed: 2 } }]);
    const lines: string[] = [];
    vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
    await worker.scheduled(createScheduledController({ scheduledTime: NOW }), env);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        ...{ level: "info", event: "minute", runs_running: 0, runs_queued: 0, failed_hour: 1, recent_runs: 1 },
        ...{ tasks_failed: 2, tasks_not_run: 0 },
        ...{ queue_jobs: expect.any(Number), database_bytes: expect.any(Number), rows_read: expect.any(Number) },
      }),
    ]);
  });
});
