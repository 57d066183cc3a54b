// Senders of webhooks, with the signature of each scheme, and helpers for a trigger.
import { env } from "cloudflare:test";
import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { expect } from "vitest";
import type { RunInput } from "../../src/protocol/thread.ts";
import type { Client } from "./http-client.ts";

export interface Sender {
  send: Client["send"];
  as(key: string | null): Sender;
}

let count = 0;

/** Headers of a Standard Webhooks delivery, made by the scheme's own library. */
export function signStandard(secret: string, body: string, { id = `msg_${++count}`, at = Date.now() } = {}) {
  const seconds = Math.floor(at / 1000);
  const signature = new Webhook(secret).sign(id, new Date(seconds * 1000), body);
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signature,
  };
}

export function signGithub(secret: string, body: string, { id = `guid-${++count}`, event = "issues" } = {}) {
  return {
    "content-type": "application/json",
    "x-github-delivery": id,
    "x-github-event": event,
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  };
}

export function signBody(secret: string, body: string) {
  return { "x-signature": createHmac("sha256", secret).update(body).digest("hex") };
}

export async function makeHook(from: Sender, part: Record<string, unknown> = {}) {
  const body = { type: "webhook", prompt: "Triage {{$.issue.title}}.", verify: { scheme: "standard" }, ...part };
  const made = await from.send("POST", "/v1/triggers", body);
  expect(made.status).toBe(201);
  return made.body as { trigger_id: string; secret: string };
}

export async function makeTrigger(from: Sender, body: Record<string, unknown>) {
  const made = await from.send("POST", "/v1/triggers", body);
  expect([made.status, made.text]).toEqual([201, made.text]);
  return made.body as Record<string, unknown> & { trigger_id: string; secret: string; next_times: string[] };
}

/** A delivery without a key, as senders send it. */
export function deliverTo(from: Sender, trigger_id: string, body: string, headers: Record<string, string>) {
  return from.as(null).send("POST", `/hooks/${trigger_id}`, body, headers);
}

export async function readLog(from: Sender, trigger_id: string): Promise<Record<string, unknown>[]> {
  return (await from.send("GET", `/v1/triggers/${trigger_id}/deliveries`)).body.data ?? [];
}

/** The three helpers bound to one client. `from` replaces the client of a call. */
export function hooksOf(client: Sender) {
  return {
    make: (part: Record<string, unknown> = {}, from: Sender = client) => makeHook(from, part),
    deliver: (id: string, body: string, headers: Record<string, string>, from: Sender = client) =>
      deliverTo(from, id, body, headers),
    logOf: (trigger_id: string) => readLog(client, trigger_id),
  };
}

/** What threads were asked to run. */
export function inputsOf({ threads }: Client): RunInput[] {
  return threads.asked.filter(({ method }) => method === "accept").map(({ input }) => input as RunInput);
}

export async function clearTriggers(): Promise<void> {
  for (const table of ["triggers", "trigger_deliveries", "secrets"]) await env.DB.prepare(`DELETE FROM ${table}`).run();
}
