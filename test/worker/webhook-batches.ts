// Helpers for tests of webhooks: a client whose queue records its jobs, and batches of a thread.
import { env } from "cloudflare:test";
import type { Job } from "../../src/protocol/job.ts";
import type { Task } from "../../src/protocol/plan/task.ts";
import type { RunStatus } from "../../src/protocol/run.ts";
import type { ThreadBatch } from "../../src/store/batch.ts";
import { type Answer, createClient } from "./http-client.ts";
import { at, makeRun } from "./http-fake-threads.ts";

export const PATH = "/v1/webhooks";
export const url = "https://receiver.example/hook";
const all = ["run.completed", "run.failed", "run.interrupted", "run.cancelled", "task.updated"];

/** The jobs that the routes sent to the queue. */
export const jobs: Job[] = [];
export const queue = {
  sendBatch: async (messages: { body: Job }[]) => void jobs.push(...messages.map(({ body }) => body)),
} as unknown as Queue<unknown>;
export const settings = { ENCRYPTION_KEY: "a key", JOBS: queue };
export const client = createClient(settings);

let addresses = 0;

/** A new webhook at an address of its own, whose receiver has not answered the ping yet. */
export const makeUnverified = (body: Record<string, unknown> = {}, from = client) =>
  from.send("POST", PATH, { url: addresses++ === 0 ? url : `${url}?${addresses}`, events: all, ...body });

/** A webhook whose receiver has answered, as if there had been no ping. */
export async function make(body: Record<string, unknown> = {}, from = client): Promise<Answer> {
  const made = await makeUnverified(body, from);
  const { webhook_id = "" } = made.body;
  await env.DB.batch([
    env.DB.prepare("UPDATE webhooks SET unverified_since = NULL WHERE webhook_id = ?").bind(webhook_id),
    env.DB.prepare("DELETE FROM deliveries WHERE event = 'webhook.ping' AND webhook_id = ?").bind(webhook_id),
  ]);
  const isPing = (job: Job) => job.type === "deliver_webhook" && job.webhook_id === webhook_id;
  jobs.splice(0, jobs.length, ...jobs.filter((job) => !isPing(job)));
  return made;
}

export async function forgetWebhooks(): Promise<void> {
  jobs.length = 0;
  addresses = 0;
  await env.DB.batch(["webhooks", "deliveries", "secrets"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
}

let threads = 0;

/** Moves on to another thread, since a run ends once. */
export function nextThread(): string {
  threads += 1;
  return `thread-${threads}`;
}

function batchOf(part: Partial<ThreadBatch>, user_id = "user_first"): ThreadBatch {
  return {
    key: { user_id, thread_id: `thread-${threads}` },
    project: null,
    thread: null,
    messages: [],
    runs: [],
    ...part,
  };
}

export function endedBatch(status: RunStatus, version = 2, user_id = "user_first"): ThreadBatch {
  const batch = batchOf({}, user_id);
  const run = makeRun(batch.key, { status, finished_at: status === "running" ? null : at });
  return { ...batch, runs: [{ ...run, version, end_seq: 41 }] };
}

export function planBatch(
  tasks: [id: string, status: Task["status"], content?: string][],
  version: number,
): ThreadBatch {
  const batch = batchOf({ plan_change: { seq: 10 * version, invocation_id: "inv-001" } });
  const content = {
    sections: [{ id: "sec_1", title: "s" }],
    tasks: tasks.map(([id, status, content = "do it"]) => ({ id, status, content, section_id: "sec_1" })),
  };
  const row = {
    ...batch.key,
    message_id: "msg_plan",
    project_id: "proj-001",
    invocation_id: null,
    agent_id: null,
    type: "task_list" as const,
    is_llm_message: false,
    content,
    metadata: {},
    seq: 5,
    created_at: at,
    version,
  };
  return { ...batch, messages: [row] };
}
