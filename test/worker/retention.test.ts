// Old threads go, from the object and from D1, whatever dies on the way; nothing else does, and nothing comes back.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sweepOldThreads } from "../../src/retention/routes/sweep.ts";
import { readExpiredCount } from "../../src/store/retention/count.ts";
import { readUsage } from "../../src/store/usage.ts";
import { recordingQueue } from "./account-client.ts";
import { dyingAfter } from "./dying-bindings.ts";
import { killObject, withFaultyObject } from "./faulty-object.ts";
import {
  DAY,
  deploymentWith,
  expectGone,
  forgetWalk,
  isThere,
  keepFor,
  later,
  makeThread,
  sweep,
} from "./old-threads.ts";
import { messagesOf, readUntil, type ThreadClient, threadClient } from "./thread-client.ts";

const patient = { timeout: 60_000 };
let counted = 0;

beforeEach(async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  await forgetWalk();
  counted = (await readExpiredCount(env.DB))?.count ?? 0;
});
afterEach(async () => {
  vi.restoreAllMocks();
  // No rule of one test holds in the next.
  await env.DB.prepare("UPDATE users SET retention_days = NULL").run();
});

async function newCount(): Promise<number> {
  return ((await readExpiredCount(env.DB))?.count ?? 0) - counted;
}

describe("a thread in which nothing has happened for long", patient, () => {
  it("goes with its messages and runs, is counted and audited, and what it used stays in the sums", async () => {
    const client = await makeThread();
    const { user_id } = client.key;
    const used = await readUsage(env.DB, user_id, "2026-01-01T00:00:00.000Z");
    expect(used).toMatchObject([{ runs: 1 }]);
    await keepFor(user_id, 101);
    await sweep();
    expect(await isThere(client)).toBe(true);
    await keepFor(user_id, 99);
    await forgetWalk();
    await sweep();
    await expectGone(client);
    expect(await newCount()).toBe(1);
    expect(await readUsage(env.DB, user_id, "2026-01-01T00:00:00.000Z")).toEqual(used);
    const last =
      "SELECT outcome, details FROM audit_entries WHERE action = 'thread.expire' ORDER BY entry_id DESC LIMIT 1";
    const entry = await env.DB.prepare(last).first<{ outcome: string; details: string }>();
    expect(entry?.outcome).toBe("done");
    expect(JSON.parse(entry?.details ?? "")).toEqual({ deleted: 1, kept: 0, failed: 0 });
    const again = await client.stub.accept(client.input("[[say 1]]"));
    expect(again).toMatchObject({ ok: false, error: { code: "not_found" } });
  });

  it("stays unless somebody says how long threads are kept, for which nothing is read but two index entries", async () => {
    const client = await makeThread();
    await sweep();
    expect(await isThere(client)).toBe(true);
    const state = await env.DB.prepare("SELECT * FROM server_state WHERE name = 'retention'").all();
    expect(state.results).toEqual([]);
  });

  it("goes by the setting, and stays for a user whom an admin allows more", async () => {
    const [usual, allowed, forever] = await Promise.all([makeThread(), makeThread(), makeThread()]);
    await keepFor(allowed.key.user_id, 200);
    await keepFor(forever.key.user_id, 0);
    await sweep(deploymentWith("30"));
    await killObject(usual.key);
    expect(await Promise.all([usual, allowed, forever].map(isThere))).toEqual([false, true, true]);
  });

  it("goes with its receipts, in D1 and in its object", async () => {
    const client = threadClient();
    const checks = [{ type: "person" as const, question: "Is it good?" }];
    const create = { op: "create" as const, section_title: "S", task_contents: [{ content: "A", checks }] };
    await makeThread(client);
    const edit = { request_id: "one", version: null, operations: [create] };
    const plan = await client.stub.editPlan(client.key, edit);
    const check_id = plan.ok ? (plan.value.tasks[0]?.checks?.[0]?.id ?? "") : "";
    const answers = [{ check_id, approved: true, reason: "Yes." }];
    const request = { check_run_id: "checks_1", task_ids: null, answers, key_id: null };
    expect((await client.stub.callChecks(client.key, { kind: "start", request })).ok).toBe(true);
    const { user_id, thread_id } = client.key;
    const count = () =>
      env.DB.prepare("SELECT count(*) AS n FROM receipts WHERE user_id = ? AND thread_id = ?")
        .bind(user_id, thread_id)
        .first("n");
    await expect.poll(async () => (await client.stub.sync(client.key)).ok && (await count())).toBe(1);
    await keepFor(user_id, 1);
    await sweep();
    await expectGone(client);
    expect(await count()).toBe(0);
  });
});

describe("an old thread stays", patient, () => {
  const stays = async (client: ThreadClient) => {
    await keepFor(client.key.user_id, 1);
    await sweep();
    expect(await isThere(client)).toBe(true);
    expect(await newCount()).toBe(0);
  };

  it("while a run of it works", async () => {
    const client = await makeThread();
    const input = client.input("[[pace 20]] [[say 5000]]");
    expect((await client.stub.accept(input)).ok).toBe(true);
    await stays(client);
    expect(await client.stub.getRun(client.key, input.invocation_id)).toMatchObject({ value: { status: "running" } });
    await client.stub.cancel(client.key, input.invocation_id);
  });

  it("while its last run waits for an answer", async () => {
    const client = await makeThread();
    const text = await readUntil(await client.post('[[tool ask {"question":"Which one?"}]]'));
    expect(text).toContain("interrupt");
    await stays(client);
  });

  it("if its metadata says so", async () => {
    const client = await makeThread();
    await client.stub.update(client.key, { metadata: { keep: true } });
    await stays(client);
  });

  it("while threads were made under another JURISDICTION: their objects are elsewhere", async () => {
    const client = await makeThread();
    await env.DB.prepare("INSERT OR REPLACE INTO deployment VALUES ('jurisdiction', 'eu')").run();
    try {
      await stays(client);
    } finally {
      await env.DB.prepare("DELETE FROM deployment").run();
    }
  });

  it("while somebody reads it", async () => {
    const client = await makeThread();
    const stream = await client.events();
    await stays(client);
    await stream.body?.cancel();
  });

  it("if something happened that D1 has not heard of", async () => {
    const client = await makeThread();
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = "rejects";
      const input = client.input("[[say 3]]");
      expect((await object.accept(input)).ok).toBe(true);
      await object.waitForEnd(client.key, input.invocation_id, 20_000);
      // Long before that run, as D1 has it.
      const before = new Date(Date.now() + 100 * DAY).toISOString();
      expect(await object.expire(client.key, before, later())).toEqual({ ok: true, value: false });
      const recent = new Date(Date.now() - DAY).toISOString();
      expect(await object.expire(client.key, recent, later())).toEqual({ ok: true, value: false });
      faults.d1 = "none";
    });
    await killObject(client.key);
    expect(await isThere(client)).toBe(true);
    // It sends what D1 lacks, and only then may go.
    expect(await client.stub.sync(client.key)).toEqual({ ok: true, value: true });
    await keepFor(client.key.user_id, 1);
    await sweep();
    await expectGone(client);
    expect(await readUsage(env.DB, client.key.user_id, "2026-01-01T00:00:00.000Z")).toMatchObject([{ runs: 2 }]);
  });
});

describe("a server that dies while it deletes old threads", patient, () => {
  it("after any of its steps, continues where it was, and counts each thread once", async () => {
    let died = true;
    for (let step = 0; died; step++) {
      const client = await makeThread();
      await keepFor(client.key.user_id, 1);
      await forgetWalk();
      const before = await newCount();
      const dying = dyingAfter(step);
      await sweep(dying.settings);
      died = dying.calls() >= step;
      await sweep({ JOBS: recordingQueue().JOBS }, later() + DAY);
      await expectGone(client);
      expect(await newCount()).toBe(before + 1);
      expect(await readUsage(env.DB, client.key.user_id, "2026-01-01T00:00:00.000Z")).toMatchObject([{ runs: 1 }]);
      if (!died) expect(step).toBeGreaterThan(5);
    }
  });

  it("with the object, between its mark and D1's rows, finds the thread in D1 and finishes it", async () => {
    const client = await makeThread();
    const before = new Date(later()).toISOString();
    await keepFor(client.key.user_id, 1);
    await withFaultyObject(client.key, async ({ object, faults }) => {
      expect(await object.sync(client.key)).toEqual({ ok: true, value: true });
      faults.d1 = "rejects";
      expect(await object.expire(client.key, before, later())).toEqual({ ok: true, value: true });
    });
    await killObject(client.key);
    expect(await messagesOf(client.key)).not.toEqual([]);
    await sweep();
    await expectGone(client);
    expect(await newCount()).toBe(1);
  });
});

describe("an object that can't be asked", patient, () => {
  it("keeps its thread, which goes once it can be", async () => {
    const client = await makeThread();
    await keepFor(client.key.user_id, 1);
    const THREADS = new Proxy(env.THREADS, {
      get: (target, name) => {
        if (name !== "get") return (Reflect.get(target, name) as () => unknown).bind(target);
        return () => ({ expire: () => Promise.reject(new Error("the object is away")) });
      },
    });
    await sweep({ THREADS });
    expect(await isThere(client)).toBe(true);
    await sweep({}, later() + DAY);
    await expectGone(client);
  });
});

describe("one minute", patient, () => {
  it("deletes some of many, and the next one continues behind them", async () => {
    const user_id = threadClient().key.user_id;
    const put = `INSERT INTO threads (user_id, thread_id, project_id, agent_id, version, created_at, updated_at, metadata)
      SELECT ?1, printf('t%03d', value), '', '', 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '{}'
      FROM json_each(?2)`;
    const numbers = JSON.stringify(Array.from({ length: 100 }, (_, n) => n));
    await env.DB.prepare(put).bind(user_id, numbers).run();
    await keepFor(user_id, 1);
    await sweepOldThreads(env, later(), { threads: 60, ms: 60_000 });
    expect(await newCount()).toBe(60);
    // One that has no time left still comes forward.
    await sweepOldThreads(env, later(), { threads: 60, ms: 0 });
    expect(await newCount()).toBe(80);
    await sweep();
    expect(await newCount()).toBe(100);
  });
});
