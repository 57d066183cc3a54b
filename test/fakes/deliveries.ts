// A webhook and its deliveries, as the batches of a thread leave them in D1.
import { expect } from "vitest";
import type { Webhook } from "../../src/protocol/webhook.ts";
import type { SecretPorts } from "../../src/secrets/sealed.ts";
import { storeWebhook } from "../../src/secrets/webhook-keys.ts";
import type { SqliteD1 } from "./sqlite-d1.ts";

export const payload = JSON.stringify({ type: "run.completed", data: { thread_id: "电商" } });

export const webhook: Webhook = {
  user_id: "user_1",
  webhook_id: "hook_1",
  url: "https://receiver.example/hook?token=in-the-address",
  events: ["run.completed"],
  enabled: true,
  failing_since: null,
  disabled_at: null,
  disabled_reason: null,
  unverified_since: null,
  created_at: "2026-11-25T00:00:00.000Z",
  updated_at: "2026-11-25T00:00:00.000Z",
  made_by: null,
};

/** Stores the webhook as one whose receiver has answered a ping. */
export async function storeVerified(ports: SecretPorts, d1: SqliteD1, secret: string): Promise<void> {
  expect((await storeWebhook(ports, webhook, secret)).ok).toBe(true);
  d1.read("UPDATE webhooks SET unverified_since = NULL");
  d1.read("DELETE FROM deliveries");
}

/** `due`: when the clock looks after a waiting one, in ms. */
export function insertDelivery(
  d1: SqliteD1,
  delivery_id: string,
  { status = "pending", finished_at = null, due }: { status?: string; finished_at?: string | null; due: number },
): void {
  d1.read(
    `INSERT INTO deliveries (user_id, webhook_id, delivery_id, event, status, attempts, next_attempt_at, created_at, finished_at, payload, tries)
     VALUES ('user_1', 'hook_1', ?, 'run.completed', ?, 0, ?, '', ?, ?, '[]')`,
    delivery_id,
    status,
    status === "pending" ? new Date(due).toISOString() : null,
    finished_at,
    payload,
  );
}
