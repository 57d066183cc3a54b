// Accounts that end or pause: a user with a row in every table, the decision as the routes store it, and the jobs.
import { createExecutionContext, createMessageBatch, env, getQueueResult } from "cloudflare:test";
import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect } from "vitest";
import { consumeJobs } from "../../src/jobs.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { Job } from "../../src/protocol/job.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { leases, quota_uses, sandboxes } from "../../src/store/budgets/schema.ts";
import * as people from "../../src/store/people/schema.ts";
import * as projects from "../../src/store/projects/schema.ts";
import * as features from "../../src/store/schema.ts";
import { usageDays } from "../../src/store/server/schema.ts";
import { threadStub } from "../../src/thread/stub.ts";

/** Every table that has rows of users. */
export const tables = Object.values({ ...features, ...projects, ...people, leases, sandboxes, quota_uses, usageDays })
  .filter((each) => each instanceof SQLiteTable)
  .map((table) => getTableConfig(table))
  .filter(({ columns }) => columns.some(({ name }) => name === "user_id"));

const LATER = "2030-01-01T00:00:00.000Z";

/** Values that a column's type alone would not have. */
const values: Record<string, unknown> = {
  "runs.status": "completed",
  "runs.run": "{}",
  "secrets.kind": "git",
  "previews.expires_at": LATER,
  "ssh_accesses.expires_at": LATER,
  "tickets.expires_at": LATER,
  "leases.scope": "project",
  "users.name": "Ada",
  "users.email": "ada@example.com",
  "webhooks.enabled": 1,
  "triggers.enabled": 1,
};

/** Gives the user a row in every table, with ids that hold the user's. */
async function fillTables(user_id: string): Promise<void> {
  const statements = tables.map(({ name: table, columns }) => {
    const row = columns.map((column) => {
      const { name, notNull, dataType } = column;
      if (name === "user_id") return user_id;
      const own = values[`${table}.${name}`];
      if (own !== undefined) return own;
      // A trigger makes the budget of the project.
      if (table === "leases" && name === "id") return `${user_id}/proj`;
      if (!notNull) return null;
      if (name.endsWith("_at")) return new Date().toISOString();
      if (dataType === "json") return "{}";
      return ["integer", "real"].includes(column.getSQLType()) ? 1 : `${name}-${user_id}`;
    });
    const names = columns.map(({ name }) => name).join(", ");
    return env.DB.prepare(`INSERT OR IGNORE INTO ${table} (${names}) VALUES (${row.map(() => "?")})`).bind(...row);
  });
  await env.DB.batch(statements);
  // Its project is gone.
  await env.DB.prepare("INSERT INTO sandboxes VALUES (?, 'gone', '', 1, 1, 1, '2026-01-01T00:00:00.000Z', 'id')")
    .bind(user_id)
    .run();
  await env.DB.batch(
    ["trigger", "webhook", "slack"].map((kind) =>
      env.DB.prepare("INSERT INTO secrets VALUES (?, ?, 'x', 'x', 'x', '', '', 'x')").bind(user_id, kind),
    ),
  );
}

/** A user with a row in every table and a thread that has an object. */
export async function makeAccount(): Promise<string> {
  const user_id = newId("user");
  await fillTables(user_id);
  const key = { user_id, thread_id: "real" };
  const creation = { ...key, request_id: "", agent_id: null, project_id: null, title: "Mine", metadata: {} };
  const made = await threadStub(env, key).create(creation);
  expect(made.ok).toBe(true);
  return user_id;
}

/** The user's rows, by table. Budgets have another key. */
export async function readTables(user_id: string): Promise<Record<string, unknown[]>> {
  const budgets = "SELECT * FROM budgets WHERE id = ?1 OR id GLOB ?1 || '/*'";
  const found = await env.DB.batch([
    ...tables.map(({ name }) => env.DB.prepare(`SELECT * FROM ${name} WHERE user_id = ?`).bind(user_id)),
    env.DB.prepare(budgets).bind(user_id),
  ]);
  const names = [...tables.map(({ name }) => name), "budgets"];
  return Object.fromEntries(names.map((name, place) => [name, found[place]?.results ?? []]));
}

/** Ids that are kept on purpose: in tombstones, and in the audit. */
export async function expectEmptied(user_id: string): Promise<void> {
  const { users, audit_entries, threads, ...others } = await readTables(user_id);
  const left = Object.entries(others).filter(([, rows]) => rows.length > 0);
  expect(left).toEqual([]);
  expect(users).toMatchObject([{ user_id, name: null, email: null, purged_at: expect.any(String) }]);
  for (const thread of threads ?? []) {
    expect(thread).toMatchObject({ deleted_at: expect.any(String), title: null, metadata: "{}" });
  }
  expect(audit_entries?.length ?? 0).toBeLessThanOrEqual(1);
}

/** As the routes store it. `ago` is in milliseconds. */
export async function decide(user_id: string, column: "disabled_at" | "deleted_at", ago = 0): Promise<void> {
  const at = new Date(Date.now() - ago).toISOString();
  await env.DB.prepare(
    `INSERT INTO users (user_id, created_at, ${column}) VALUES (?1, ?2, ?2) ON CONFLICT (user_id) DO UPDATE SET ${column} = ?2`,
  )
    .bind(user_id, at)
    .run();
}

export async function enable(user_id: string): Promise<void> {
  await env.DB.prepare("UPDATE users SET disabled_at = NULL WHERE user_id = ?").bind(user_id).run();
}

export interface SentJob {
  job: Job;
  delay: number | undefined;
}

/** A queue that records what it is sent. */
export function recordingQueue(): { sent: SentJob[]; JOBS: Queue<unknown> } {
  const sent: SentJob[] = [];
  const JOBS = {
    send: async (job: Job, options?: QueueSendOptions) => void sent.push({ job, delay: options?.delaySeconds }),
    sendBatch: async (messages: { body: Job }[]) =>
      void sent.push(...messages.map(({ body }) => ({ job: body, delay: undefined }))),
  } as unknown as Queue<unknown>;
  return { sent, JOBS };
}

/** Delivers a job as the queue does. Returns whether it was acknowledged. */
export async function deliverJob(job: Job, settings: object = {}, queue = "taskloom-jobs"): Promise<boolean> {
  const batch = createMessageBatch(queue, [{ id: "m", timestamp: new Date(), attempts: 1, body: job }]);
  await consumeJobs(batch, { ...env, ...settings } as typeof env);
  return (await getQueueResult(batch, createExecutionContext())).explicitAcks.length === 1;
}

const away = (): Promise<never> => Promise.reject(new Error("the object is away"));

/** The objects, of which one thread's can't be reached, or gives another answer. */
export function objectsWithout(thread: ThreadKey, answer: () => Promise<never> = away): DurableObjectNamespace {
  const lost = env.THREADS.idFromName(`${thread.user_id}/${thread.thread_id}`);
  return new Proxy(env.THREADS, {
    get: (target, name) => {
      if (name === "get") {
        return (id: DurableObjectId) => {
          if (id.equals(lost)) return new Proxy({}, { get: () => answer });
          return target.get(id);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

export const close = (user_id: string, attempt = 1) => ({ type: "close_account", user_id, attempt }) as const;
export const pause = (user_id: string, attempt = 1) => ({ type: "pause_account", user_id, attempt }) as const;
