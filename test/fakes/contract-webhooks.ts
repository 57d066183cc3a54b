// Webhooks of the one user of a contract's world, and what must hold for their deliveries.
import { expect } from "vitest";
import type { PlanContent } from "../../src/protocol/plan/task.ts";
import type { Run } from "../../src/protocol/run.ts";
import { type WebhookPayload, webhookEvents } from "../../src/protocol/webhook.ts";
import type { SqliteD1 } from "./sqlite-d1.ts";

const on = { enabled: 1, unverified_since: null };
const hooks = [
  { id: "hook_all", ...on, events: [...webhookEvents] },
  { id: "hook_ends", ...on, events: ["run.completed", "run.failed"] },
  { id: "hook_tasks", ...on, events: ["task.updated"] },
];
const silent = [
  { ...on, id: "hook_off", enabled: 0, events: [...webhookEvents] },
  { ...on, id: "hook_unverified", unverified_since: "2026-11-25", events: [...webhookEvents] },
];

export function addWebhooks(d1: SqliteD1): void {
  for (const user_id of ["user_1", "user_2"]) {
    for (const { id, enabled, unverified_since, events } of [...hooks, ...silent]) {
      d1.read(
        "INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url, unverified_since) VALUES (?, ?, ?, '', '', ?, '', ?)",
        user_id,
        id,
        enabled,
        JSON.stringify(events),
        unverified_since,
      );
    }
  }
}

/**
 * Each end is sent once to each webhook that subscribes to it, each task in its current state, nothing to anybody else.
 */
export function expectDeliveries(d1: SqliteD1): void {
  const names = silent.map(({ id }) => `'${id}'`).join();
  expect(d1.read(`SELECT * FROM deliveries WHERE user_id = 'user_2' OR webhook_id IN (${names})`)).toEqual([]);
  const runs = d1.read<{ run: string }>("SELECT run FROM runs").map(({ run }) => JSON.parse(run) as Run);
  const [plan] = d1.read<{ content: string }>("SELECT content FROM messages WHERE type = 'task_list'");
  const { tasks } = plan === undefined ? { tasks: [] } : (JSON.parse(plan.content) as PlanContent);
  for (const { id, events } of hooks) {
    const payloads = readPayloads(d1, id);
    const ends = payloads.filter(({ type }) => type.startsWith("run."));
    const heard = runs.filter(({ status }) => events.includes(`run.${status}` as never));
    expect(ends.map(endOf).toSorted()).toEqual(
      heard.map(({ invocation_id, status }) => `${invocation_id} ${status}`).toSorted(),
    );
    const last = new Map<string, string>();
    for (const { data } of payloads.filter(({ type }) => type === "task.updated")) {
      expect([data.task, data.tasks]).toEqual([data.tasks?.[0], expect.any(Array)]);
      for (const task of data.tasks ?? []) last.set(task.id, task.status);
    }
    const state = events.includes("task.updated") ? tasks.map((task) => [task.id, task.status]) : [];
    expect([...last].filter(([, status]) => status !== "deleted").toSorted()).toEqual(state.toSorted());
  }
}

/** In the order that a receiver derives from their numbers. */
function readPayloads(d1: SqliteD1, webhook_id: string): WebhookPayload[] {
  return d1
    .read<{ payload: string }>(
      "SELECT payload FROM deliveries WHERE webhook_id = ? ORDER BY payload ->> '$.data.seq'",
      webhook_id,
    )
    .map(({ payload }) => JSON.parse(payload) as WebhookPayload);
}

function endOf({ type, data }: WebhookPayload): string {
  expect(type).toBe(`run.${data.status}`);
  return `${data.invocation_id} ${data.status}`;
}
