import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkExposition } from "../../test/fakes/exposition.ts";
import { type Env, readConfig } from "../config.ts";
import type { Overview } from "../store/monitor/overview.ts";
import { formatMetrics } from "./exposition.ts";
import { describeState } from "./metrics.ts";
import type { DeploymentState } from "./state.ts";

const AT = Date.parse("2026-11-28T12:00:00.000Z");
const none = { count: 0, oldest: null };
const quiet: Overview = {
  ...{ live: {}, failed: [], recent: [], is_recent_complete: true, budgets: [], database_bytes: 4096, rows_read: 12 },
  ...{ deliveries: none, schedules: none, trigger_deliveries: none, leases: none, sandboxes: none },
};

function show(
  overview: Partial<Overview> | null,
  state: Partial<DeploymentState> = {},
  env: Record<string, string> = {},
) {
  const whole = overview === null ? null : { ...quiet, ...overview };
  const of = { at: AT, ms: 25, overview: whole, backlogs: [], failed_queues: [], ...state };
  const { caps } = readConfig(env as unknown as Env);
  return formatMetrics(describeState(of, { version: "0.1.0", caps, database_limit: 10_000_000_000, now: AT + 3_000 }));
}

const read = (...given: Parameters<typeof show>) => checkExposition(show(...given));

describe("the metrics of a deployment", () => {
  it("keep the rules of the text format, and name every code of a failure", () => {
    const samples = read({});
    expect(samples.get('taskloom_failed_runs_hour{code="model_error"}')).toBe(0);
    expect(samples.get('taskloom_runs{status="running"}')).toBe(0);
    expect(samples.get("taskloom_state_age_seconds")).toBe(3);
    expect([...samples.keys()].every((name) => name.startsWith("taskloom_"))).toBe(true);
  });

  it("say no size that D1 did not say", () => {
    expect(read({}).get("taskloom_database_bytes")).toBe(4096);
    expect(read({ database_bytes: 0 }).has("taskloom_database_bytes")).toBe(false);
    expect(read({ database_bytes: 0 }).get("taskloom_database_limit_bytes")).toBe(10_000_000_000);
  });

  it("say what works, waits, failed and was spent", () => {
    const samples = read(
      {
        live: {
          queued: { count: 2, oldest: "2026-11-28T11:59:00.000Z", silent: 0 },
          running: { count: 5, oldest: "2026-11-28T11:00:00.000Z", silent: 3 },
        },
        failed: [
          { code: "model_error", count: 7 },
          { code: "of_a_later_version", count: 1 },
          { code: null, count: 1 },
        ],
        recent: [
          {
            status: "completed",
            count: 9,
            input: 100,
            cached: 40,
            output: 10,
            cost: 1_500_000_000,
            verified: 3,
            failed: 1,
          },
          { status: "failed", count: 1, input: 1, cached: 0, output: 0, cost: 0, failed: 2, not_run: 4 },
        ],
        deliveries: { count: 4, oldest: "2026-11-28T11:50:00.000Z" },
        sandboxes: { count: 6, oldest: null },
      },
      {
        backlogs: [{ queue: "jobs", messages: 8, bytes: 900, oldest_ms: AT - 5_000 }],
        failed_queues: ["dead"],
      },
    );
    expect(Object.fromEntries(samples)).toMatchObject({
      'taskloom_up{part="database"}': 1,
      'taskloom_up{part="queue_jobs"}': 1,
      'taskloom_up{part="queue_dead"}': 0,
      'taskloom_runs{status="queued"}': 2,
      'taskloom_run_oldest_seconds{status="queued"}': 60,
      'taskloom_run_oldest_seconds{status="running"}': 3600,
      taskloom_runs_silent: 3,
      'taskloom_failed_runs_hour{code="model_error"}': 7,
      'taskloom_failed_runs_hour{code="other"}': 2,
      'taskloom_recent_runs{status="completed"}': 9,
      'taskloom_recent_tokens{kind="input"}': 101,
      taskloom_recent_cost_usd: 1.5,
      'taskloom_recent_checked_tasks{verification="verified"}': 3,
      'taskloom_recent_checked_tasks{verification="failed"}': 3,
      'taskloom_recent_checked_tasks{verification="not_run"}': 4,
      'taskloom_recent_checked_tasks{verification="stale"}': 0,
      taskloom_webhook_deliveries_due: 4,
      taskloom_webhook_deliveries_due_oldest_seconds: 600,
      taskloom_sandboxes_running: 6,
      'taskloom_queue_messages{queue="jobs"}': 8,
      'taskloom_queue_oldest_seconds{queue="jobs"}': 5,
    });
  });

  it("have what is spent of the deployment's caps, where one holds", () => {
    const budgets = [{ period: "2026-11-28", cost: 12_000_000_000, tokens: 900, ms: 60_000 }];
    const samples = read({ budgets }, {}, { DEPLOYMENT_DAY_CAPS: "cost_usd=20", DEPLOYMENT_MONTH_CAPS: "minutes=600" });
    expect(samples.get('taskloom_budget_used{period="day",unit="usd"}')).toBe(12);
    expect(samples.get('taskloom_budget_cap{period="day",unit="usd"}')).toBe(20);
    expect(samples.get('taskloom_budget_used{period="month",unit="minutes"}')).toBe(0);
    expect([...read({ budgets }).keys()].filter((name) => name.startsWith("taskloom_budget"))).toEqual([]);
  });

  it("still say that the database fails", () => {
    const samples = read(null);
    expect(samples.get('taskloom_up{part="database"}')).toBe(0);
    expect([...samples.keys()].some((name) => name.startsWith("taskloom_runs"))).toBe(false);
  });

  it("escape what a label or a help must not contain", () => {
    const text = formatMetrics([{ name: "a", help: "b\\\nc", samples: [{ labels: { d: 'e"\\\nf' }, value: 0.5 }] }]);
    expect(text).toBe('# HELP a b\\\\\\nc\n# TYPE a gauge\na{d="e\\"\\\\\\nf"} 0.5\n');
    expect(checkExposition(text).size).toBe(1);
  });

  it("have every name and label that the runbook's alarms ask for", () => {
    const text = readFileSync("docs/operating.md", "utf8");
    const backlog = { queue: "jobs", messages: 1, bytes: 1, oldest_ms: AT - 1 };
    const state = { backlogs: [backlog, { ...backlog, queue: "dead" }] };
    const samples = [...read({}, state, { DEPLOYMENT_DAY_CAPS: "cost_usd=1" }).keys()];
    const asked = [...text.matchAll(/taskloom_[a-z_]+[a-z](?:\{[^}]*\})?/g)].map(([name]) => name);
    expect(asked.length).toBeGreaterThan(15);
    for (const name of asked)
      expect(
        samples.filter((sample) => sample.startsWith(name)),
        name,
      ).not.toEqual([]);
  });
});
