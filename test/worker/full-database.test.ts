// D1 that is full: runs continue and lose nothing, reads answer, and whoever wants to write reads why not.
import { env } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/config.ts";
import { newId } from "../../src/protocol/ids.ts";
import { sweepOldThreads } from "../../src/retention/routes/sweep.ts";
import { collectLogs } from "./audit-entries.ts";
import { withFaultyObject } from "./faulty-object.ts";
import { fullDatabase } from "./full-database.ts";
import { createClient } from "./http-client.ts";
import { messagesOf, readUntil, threadClient } from "./thread-client.ts";

const patient = { timeout: 60_000 };
const DAY = 24 * 3_600_000;
let logged: Record<string, unknown>[] = [];

beforeEach(() => {
  logged = collectLogs();
});
afterEach(() => void vi.restoreAllMocks());

describe("a request to a server whose database is full", patient, () => {
  const settings = () => ({ DB: fullDatabase() }) as Partial<Env>;
  const writes: [string, string, unknown][] = [
    ["POST", "/v1/projects", { name: "Shop" }],
    ["POST", "/v1/agents", { name: "Writer" }],
    ["POST", "/v1/api-keys", { name: "laptop" }],
    ["POST", "/v1/users", { name: "Ada" }],
    ["POST", "/v1/triggers", { type: "webhook", prompt: "Look.", verify: { scheme: "standard" } }],
  ];

  it.each(writes)("%s %s gets 507 with a code and words, and changes nothing", async (method, path, body) => {
    const answer = await createClient({ ...settings(), ENCRYPTION_KEY: "k".repeat(32) }).send(method, path, body);
    expect(answer).toMatchObject({ status: 507, body: { code: "database_full", status: 507 } });
    expect(answer.body.detail).toContain("reading works");
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(logged).toContainEqual(expect.objectContaining({ event: "request_failed", code: "database_full" }));
    expect(logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("reads, changes and deletes what is there", async () => {
    const whole = createClient();
    const ada = await whole.addUser(newId("user"));
    const made = await ada.send("POST", "/v1/projects", { name: "Shop" });
    const path = `/v1/projects/${made.body.project_id}`;
    const key = (await ada.send("POST", "/v1/api-keys", { name: "second" })).body.key;
    const full = createClient(settings()).as(String(key));
    expect((await full.send("GET", path)).body.name).toBe("Shop");
    expect((await full.send("GET", "/v1/threads")).status).toBe(200);
    expect((await full.send("PATCH", path, { name: "Bookshop" })).body.name).toBe("Bookshop");
    expect((await full.send("DELETE", path)).status).toBe(204);
    expect((await full.send("GET", path)).status).toBe(404);
  });
});

describe("a thread whose rows D1 has no room for", patient, () => {
  it("finishes its runs, streams them, answers reads, and brings everything once there is room", async () => {
    const client = threadClient();
    await withFaultyObject(client.key, async ({ object, faults }) => {
      faults.d1 = "full";
      for (const words of ["[[text one]]", "[[text two]]"]) {
        const input = client.input(words);
        const body = JSON.stringify(input);
        const stream = await object.fetch(new Request("https://thread/runs", { method: "POST", body }));
        expect(await readUntil(stream)).toContain("RUN_FINISHED");
        const ended = await object.waitForEnd(client.key, input.invocation_id, 20_000);
        expect(ended).toMatchObject({ ok: true, value: { status: "completed" } });
      }
      expect(await object.sync(client.key)).toEqual({ ok: true, value: false });
      const page = { types: [], after: null, limit: 50, cursor: null };
      expect(await object.readMessages(client.key, page)).toMatchObject({ ok: true, value: { data: { length: 4 } } });
      expect(await object.diagnose(client.key)).toMatchObject({
        value: { d1: { last_error: expect.stringContaining("Exceeded maximum DB size") } },
      });
      expect(await messagesOf(client.key)).toEqual([]);
      faults.d1 = "none";
      // For two seconds after a failure nobody asks D1 again.
      await expect.poll(() => object.sync(client.key)).toEqual({ ok: true, value: true });
    });
    const texts = (await messagesOf(client.key)).map(({ type }) => type);
    expect(texts).toEqual(["user", "assistant", "user", "assistant"]);
  });

  it("runs its checks, takes answers, and brings all receipts once there is room", async () => {
    const client = threadClient();
    const { key } = client;
    await withFaultyObject(key, async ({ object, faults }) => {
      // A sandbox that is there goes on. A first one needs a row.
      const first = client.input('[[tool execute_command {"command":"true"}]] [[then]] [[text Hello.]]');
      expect((await object.accept(first)).ok).toBe(true);
      expect(await object.waitForEnd(key, first.invocation_id, 40_000)).toMatchObject({
        value: { status: "completed" },
      });
      faults.d1 = "full";
      const checks = [{ type: "command" as const, run: "echo 12 passed" }];
      const asked = [{ type: "person" as const, question: "Is it good?" }];
      const task_contents = [
        { content: "A", checks },
        { content: "B", checks: asked },
      ];
      const create = { op: "create" as const, section_title: "S", task_contents };
      const edited = await object.editPlan(key, { request_id: "one", version: null, operations: [create] });
      const tasks = edited.ok ? edited.value.tasks : [];
      const input = client.input(
        '[[tool update_tasks {"task_ids":["task_1","task_2"],"status":"completed"}]] [[then]] [[text Done.]]',
      );
      expect((await object.accept(input)).ok).toBe(true);
      const ended = await object.waitForEnd(key, input.invocation_id, 40_000);
      expect(ended).toMatchObject({ ok: true, value: { status: "interrupted", interrupts: [{ reason: "check" }] } });
      const answers = [{ check_id: tasks[1]?.checks?.[0]?.id ?? "", approved: true }];
      const request = { check_run_id: "again", task_ids: null, answers, key_id: null };
      expect((await object.callChecks(key, { kind: "start", request })).ok).toBe(true);
      const wait = { kind: "wait" as const, check_run_id: "again", timeout_ms: 40_000 };
      expect(await object.callChecks(key, wait)).toMatchObject({ value: { status: "completed" } });
      // The run's, the look again, and the answer.
      expect(await object.readLedger(key, "receipts")).toMatchObject({ value: { receipts: { length: 3 } } });
      expect(await object.diagnose(key)).toMatchObject({ value: { d1: { receipts: 3 } } });
      faults.d1 = "none";
      await expect.poll(() => object.sync(key)).toEqual({ ok: true, value: true });
      expect(await object.diagnose(key)).toMatchObject({ value: { d1: { receipts: 0 } } });
    });
    const { results } = await env.DB.prepare(
      "SELECT content ->> '$.outcome' AS outcome FROM receipts WHERE user_id = ? AND thread_id = ? ORDER BY seq",
    )
      .bind(key.user_id, key.thread_id)
      .all();
    expect(results.map(({ outcome }) => outcome)).toEqual(["passed", "passed", "passed"]);
  });

  it("is deleted when it is old, though its entry of the audit has no room", async () => {
    const client = threadClient();
    await readUntil(await client.post("[[say 1]]"));
    await client.stub.sync(client.key);
    const put = "INSERT INTO users (user_id, created_at, retention_days) VALUES (?, '', 1)";
    await env.DB.prepare(put).bind(client.key.user_id).run();
    await sweepOldThreads({ ...env, DB: fullDatabase() } as Env, Date.now() + 100 * DAY);
    expect(await client.stub.readThread(client.key)).toMatchObject({ ok: false, error: { code: "not_found" } });
    expect(await messagesOf(client.key)).toEqual([]);
    expect(logged).toContainEqual(expect.objectContaining({ event: "audit_without_room" }));
    expect(logged).toContainEqual(expect.objectContaining({ event: "threads_expired", deleted: 1 }));
  });
});
