import { beforeEach, describe, expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import type { BudgetEvent, ThreadBatch } from "../batch.ts";
import { deleteThread } from "../retention/removal.ts";
import { syncThread } from "../sync.ts";
import { insertBudgetDeliveries } from "./budget-deliveries.ts";

const at = "2026-11-28T10:00:00.000Z";
let d1: SqliteD1;

beforeEach(() => {
  d1 = openD1();
  subscribe("hook_1", ["budget.warning", "budget.reached"]);
});

function subscribe(webhook_id: string, events: string[], user_id = "user_1"): void {
  d1.read(
    `INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url)
     VALUES (?, ?, 1, ?, ?, ?, 'https://x.example')`,
    ...[user_id, webhook_id, at, at, JSON.stringify(events)],
  );
}

const cap = { scope: "user", name: "max_total_tokens", limit: 100, period: "2026-11" } as const;
const reached: BudgetEvent = { event: "budget.reached", id: "", cap, used: 99, invocation_id: "inv_1", hops: 1 };

function batchOf(budget_events: BudgetEvent[], thread_id = "thread_1", user_id = "user_1"): ThreadBatch {
  const key = { user_id, thread_id };
  const thread = {
    ...{ ...key, project_id: "proj_1", title: null, agent_id: "a", metadata: {}, version: 1 },
    ...{ created_at: at, updated_at: at },
  };
  return { key, project: null, thread, messages: [], runs: [], budget_events };
}
const send = (batch: ThreadBatch) => syncThread(d1.binding, batch);
const ofProject = { scope: "project", name: "max_cost_usd", limit: 5 } as const;
const deliveries = () =>
  d1.read<{ webhook_id: string; delivery_id: string; payload: string }>(
    "SELECT * FROM deliveries ORDER BY delivery_id",
  );

describe("a budget's event", () => {
  it("goes to the webhooks that take it, with its cap and run", async () => {
    subscribe("hook_2", ["budget.warning"]);
    subscribe("hook_3", ["budget.reached"], "user_2");
    const { made } = await send(batchOf([reached]));
    expect(made).toEqual([
      { user_id: "user_1", webhook_id: "hook_1", delivery_id: expect.stringMatching(/^del_\w{26}$/) },
    ]);
    expect(deliveries().map(({ payload }) => JSON.parse(payload))).toEqual([
      {
        type: "budget.reached",
        timestamp: expect.stringMatching(/Z$/),
        data: {
          ...{ thread_id: "thread_1", project_id: "proj_1", invocation_id: "inv_1" },
          ...{ cap, used: 99, taskloom_hops: 3 },
        },
      },
    ]);
  });

  it("is one delivery for a period, however many threads send it and how often", async () => {
    for (const thread of ["thread_1", "thread_2", "thread_1"]) {
      for (const used of [90, 100]) await send(batchOf([{ ...reached, used, invocation_id: `inv_${thread}` }], thread));
    }
    await send(batchOf([{ ...reached, cap: { ...cap, limit: 200 } }], "thread_3"));
    expect(deliveries()).toHaveLength(1);
    const other = { ...cap, name: "max_minutes" } as const;
    await send(batchOf([{ ...reached, cap: other }, { ...reached, event: "budget.warning" }, reached]));
    await send(batchOf([{ ...reached, cap: { ...cap, period: "2026-12" } }]));
    await send(batchOf([{ ...reached, cap: { ...cap, scope: "deployment" } }]));
    expect(deliveries()).toHaveLength(5);
  });

  it("is one for a run's cap, one for each project's, and a new one for a cap that was raised", async () => {
    const ofRun = { scope: "run", name: "max_cost_usd", limit: 5 } as const;
    for (const invocation_id of ["inv_1", "inv_2", "inv_1"]) {
      await send(
        batchOf([
          { ...reached, cap: ofRun, invocation_id },
          { ...reached, cap: ofProject, id: "proj_1", invocation_id },
        ]),
      );
    }
    expect(deliveries()).toHaveLength(3);
    await send(
      batchOf([
        { ...reached, cap: { ...ofRun, limit: 6 } },
        { ...reached, cap: ofProject, id: "proj_2" },
      ]),
    );
    expect(deliveries()).toHaveLength(5);
  });

  it("of a project is one in a month, whenever the runs began that meet its cap", async () => {
    const begin = async (created_at: string) => {
      const batch = batchOf([{ ...reached, cap: ofProject, id: "proj_1" }]);
      const runs = [{ invocation_id: "inv_1", created_at }] as ThreadBatch["runs"];
      await d1.binding.batch(await insertBudgetDeliveries(d1.binding, { ...batch, runs }, Date.parse(at)));
      return deliveries().length;
    };
    expect(await begin("2026-11-01T00:00:00.000Z")).toBe(1);
    expect(await begin("2026-11-30T23:59:59.999Z")).toBe(1);
    expect(await begin("2026-12-01T00:00:00.000Z")).toBe(2);
  });

  it("of the deployment says nothing of amounts", async () => {
    await send(batchOf([{ ...reached, cap: { ...cap, scope: "deployment" } }]));
    expect(deliveries().map(({ payload }) => JSON.parse(payload).data)).toEqual([
      {
        ...{ thread_id: "thread_1", project_id: "proj_1", invocation_id: "inv_1" },
        ...{ cap: { scope: "deployment", name: "max_total_tokens", period: "2026-11" }, taskloom_hops: 3 },
      },
    ]);
  });

  it("has an id that sorts with those of its period", async () => {
    await send(batchOf([reached, { ...reached, cap: { ...cap, period: "2026-11-28" } }]));
    const [older, newer] = deliveries();
    expect(older?.delivery_id).toMatch(/^del_01/);
    expect(older?.payload).toContain('"2026-11"');
    expect(newer?.payload).toContain('"2026-11-28"');
  });

  it("makes nothing for a thread that was deleted", async () => {
    await deleteThread(d1.binding, { user_id: "user_1", thread_id: "thread_1" }, Date.parse(at));
    await send(batchOf([reached]));
    expect(deliveries()).toEqual([]);
  });
});
