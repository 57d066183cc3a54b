// Threads for the clock's work on old ones: by then whatever a test makes is a hundred days old.
import { env, runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import type { Env } from "../../src/config.ts";
import type { ThreadKey } from "../../src/protocol/thread.ts";
import { sweepOldThreads } from "../../src/retention/routes/sweep.ts";
import { ThreadObject } from "../../src/thread/object.ts";
import { objectOf } from "./faulty-object.ts";
import { messagesOf, readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

export const DAY = 24 * 3_600_000;
export const later = () => Date.now() + 100 * DAY;

export const sweep = (settings: object = {}, now = later()) => sweepOldThreads({ ...env, ...settings } as Env, now);

/** The threads of a deployment whose setting says how long they are kept. */
export function deploymentWith(RETENTION_DAYS: string): object {
  const expire = (name: string, key: ThreadKey, before: string, at: number) =>
    runInDurableObject(env.THREADS.get(env.THREADS.idFromName(name)) as unknown as DurableObjectStub, (_own, state) =>
      new ThreadObject(state, { ...env, RETENTION_DAYS } as never).expire(key, before, at),
    );
  const THREADS = {
    idFromName: (name: string) => name,
    get: (name: string) => ({ expire: expire.bind(null, name) }),
  };
  return { RETENTION_DAYS, THREADS };
}

/** The clock begins to go through all threads anew. */
export async function forgetWalk(): Promise<void> {
  await env.DB.prepare("DELETE FROM server_state WHERE name = 'retention'").run();
}

export async function keepFor(user_id: string, days: number | null): Promise<void> {
  const put = `INSERT INTO users (user_id, created_at, retention_days) VALUES (?1, '', ?2)
    ON CONFLICT (user_id) DO UPDATE SET retention_days = ?2`;
  await env.DB.prepare(put).bind(user_id, days).run();
}

/** A thread with a run that has ended, all of it in D1. */
export async function makeThread(client: ThreadClient = threadClient()): Promise<ThreadClient> {
  await readUntil(await client.post("[[say 3]]"));
  expect(await client.stub.sync(client.key)).toEqual({ ok: true, value: true });
  return client;
}

export const isThere = async ({ key, stub }: ThreadClient) => (await stub.readThread(key)).ok;

/** Whether nothing is left but the marks. */
export async function expectGone(client: ThreadClient): Promise<void> {
  const { user_id, thread_id } = client.key;
  expect(await isThere(client)).toBe(false);
  expect(await messagesOf(client.key)).toEqual([]);
  const row = await env.DB.prepare(
    "SELECT deleted_at, title, metadata FROM threads WHERE user_id = ? AND thread_id = ?",
  )
    .bind(user_id, thread_id)
    .first();
  expect(row).toEqual({ deleted_at: expect.any(String), title: null, metadata: "{}" });
  const left = await runInDurableObject(objectOf(client.key), async (_object, { storage }) => ({
    tables: storage.sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'")
      .toArray(),
    meta: storage.sql.exec("SELECT key FROM meta").toArray(),
    alarm: await storage.getAlarm(),
  }));
  expect(left).toEqual({ tables: [{ name: "meta" }], meta: [{ key: "removed" }], alarm: null });
}
