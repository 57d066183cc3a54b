// The overdue deliveries that the sweep gives to the queue again.
import { beforeEach, describe, expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import type { Env } from "../../config.ts";
import type { DeliveryName } from "../../protocol/webhook.ts";
import { sweepDeliveries } from "./sweep-deliveries.ts";

const now = Date.parse("2026-11-25T12:00:00Z");

let d1: SqliteD1;

beforeEach(() => {
  d1 = openD1();
});

/** Adds this many deliveries of a webhook, overdue for this long. */
function addOverdue(webhook_id: string, count: number, since_ms: number): void {
  for (let index = 0; index < count; index++) {
    d1.read(
      `INSERT INTO deliveries (user_id, webhook_id, delivery_id, event, status, attempts, next_attempt_at, created_at, payload, tries)
       VALUES ('user_1', ?, ?, 'run.completed', 'pending', 0, ?, '', '{}', '[]')`,
      webhook_id,
      `del_${String(index).padStart(4, "0")}`,
      new Date(now - since_ms + index).toISOString(),
    );
  }
}

async function sweep(): Promise<DeliveryName[]> {
  const sent: DeliveryName[] = [];
  const sendBatch = async (batch: { body: DeliveryName }[]) => void sent.push(...batch.map(({ body }) => body));
  await sweepDeliveries({ DB: d1.binding, JOBS: { sendBatch } } as unknown as Env, now);
  return sent;
}

describe("the sweep of deliveries", () => {
  it("gives the queue the overdue deliveries, the longest overdue first, and no others", async () => {
    addOverdue("hook_1", 3, 60_000);
    addOverdue("hook_2", 1, 70_000);
    addOverdue("hook_3", 5, 5_000);
    const sent = await sweep();
    expect(sent[0]).toMatchObject({ type: "deliver_webhook", user_id: "user_1", webhook_id: "hook_2" });
    expect(sent.slice(1).map(({ delivery_id }) => delivery_id)).toEqual(["del_0000", "del_0001", "del_0002"]);
  });

  it("leaves none behind a webhook with thousands of waiting deliveries", async () => {
    addOverdue("hook_slow", 2_000, 3_600_000);
    addOverdue("hook_other", 3, 60_000);
    const sent = await sweep();
    expect(sent.filter(({ webhook_id }) => webhook_id === "hook_other")).toHaveLength(3);
    expect(sent.filter(({ webhook_id }) => webhook_id === "hook_slow")).toHaveLength(100);
  });
});
