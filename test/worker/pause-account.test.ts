// What continues for a user without a request of that user, while the user is disabled and after that.
import { env } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { sweepAccounts } from "../../src/accounts/routes/sweep.ts";
import { newId } from "../../src/protocol/ids.ts";
import type { Job } from "../../src/protocol/job.ts";
import { isTerminal } from "../../src/protocol/run.ts";
import { syncThread } from "../../src/store/sync.ts";
import { recordOutcome } from "../../src/store/triggers/schedule-firings.ts";
import { createTrigger, readTrigger } from "../../src/store/triggers/triggers.ts";
import { claimDelivery, listOverdue } from "../../src/store/webhooks/deliveries.ts";
import { threadStub } from "../../src/thread/stub.ts";
import { sweepSchedules } from "../../src/triggers/routes/due-schedules.ts";
import { decide, deliverJob, enable, objectsWithout, pause, readTables, recordingQueue } from "./account-client.ts";
import { createClient } from "./http-client.ts";
import { makeRun } from "./http-fake-threads.ts";
import {
  deliver,
  makeHook,
  makeLink,
  openSsh,
  opensSsh,
  sandboxPath,
  setScene,
  settings,
  visit,
} from "./revoke-client.ts";
import { threadClient } from "./thread-client.ts";

const scene = setScene("paused");
afterEach(() => void vi.restoreAllMocks());

/** Runs and sandboxes take their time on a busy machine. */
const patient = { timeout: 60_000 };
const QUARTER = Date.parse("2026-11-28T10:15:00Z");
const own = (user_id: string, sent: { job: Job; delay: number | undefined }[]) =>
  sent.filter(({ job }) => job.user_id === user_id).map(({ job, delay }) => [job, delay]);

/** One job, whose delay is counted from the decision, a moment ago. */
function expectSoon(found: unknown[][], job: Job, delay: number): void {
  expect(found).toEqual([[job, expect.any(Number)]]);
  expect(found[0]?.[1]).toBeLessThanOrEqual(delay);
  expect(found[0]?.[1]).toBeGreaterThan(delay - 15);
}

async function statusesOf(user_id: string, thread_id: string): Promise<string[]> {
  const key = { user_id, thread_id };
  const runs = await threadStub(env, key).readRuns(key, { limit: 100, cursor: null });
  return runs.ok ? runs.value.data.map(({ status }) => status) : [];
}

describe("the runs of a user who is disabled", patient, () => {
  it("are cancelled, also those that wait, and nobody else's", async () => {
    const [mine, other] = [threadClient(), threadClient()];
    const { user_id, thread_id } = mine.key;
    for (const { stub, input } of [mine, other]) {
      for (const text of ["[[pace 20]] [[say 2000]]", "and then this"]) {
        expect((await stub.accept(input(text))).ok).toBe(true);
      }
    }
    // As soon as D1 has them.
    await Promise.all([mine, other].map(({ stub, key }) => stub.sync(key)));
    await decide(user_id, "disabled_at");
    const { sent, JOBS } = recordingQueue();
    expect(await deliverJob(pause(user_id), { JOBS })).toBe(true);
    await expect.poll(() => statusesOf(user_id, thread_id)).toEqual(["cancelled", "cancelled"]);
    expect((await statusesOf(other.key.user_id, thread_id)).filter((status) => isTerminal(status as never))).toEqual(
      [],
    );
    expectSoon(own(user_id, sent), pause(user_id), 15);
    await decide(other.key.user_id, "deleted_at");
    await deliverJob({ type: "close_account", user_id: other.key.user_id, attempt: 1 }, { JOBS });
  });

  it("are looked for again after 15 s and a minute, and found each minute if the queue lost that", async () => {
    const client = threadClient();
    const { user_id, thread_id } = client.key;
    await decide(user_id, "disabled_at", 20_000);
    const { sent, JOBS } = recordingQueue();
    await deliverJob(pause(user_id), { JOBS });
    expectSoon(own(user_id, sent), pause(user_id), 40);
    await decide(user_id, "disabled_at", 61_000);
    await deliverJob(pause(user_id), { JOBS });
    expect(own(user_id, sent)).toHaveLength(1);
    // A request that was admitted before.
    expect((await client.stub.accept(client.input("[[pace 20]] [[say 2000]]"))).ok).toBe(true);
    await client.stub.sync(client.key);
    const swept = recordingQueue();
    await sweepAccounts({ ...env, JOBS: swept.JOBS } as never, QUARTER + 60_000);
    expect(own(user_id, swept.sent)).toEqual([[pause(user_id, 8), undefined]]);
    await deliverJob(pause(user_id, 8), { JOBS });
    await expect.poll(() => statusesOf(user_id, thread_id)).toEqual(["cancelled"]);
  });

  it("are tried again while an object is away, and the others' are cancelled meanwhile", async () => {
    const client = threadClient();
    const { user_id } = client.key;
    const beside = threadClient(user_id, "thread-002");
    for (const each of [client, beside]) {
      expect((await each.stub.accept(each.input("[[pace 20]] [[say 2000]]"))).ok).toBe(true);
      await each.stub.sync(each.key);
    }
    await decide(user_id, "disabled_at");
    const { sent, JOBS } = recordingQueue();
    await deliverJob(pause(user_id), { JOBS, THREADS: objectsWithout(client.key) });
    expect(await statusesOf(user_id, "thread-001")).toEqual(["running"]);
    await expect.poll(() => statusesOf(user_id, "thread-002")).toEqual(["cancelled"]);
    expect(own(user_id, sent)).toEqual([[pause(user_id, 2), 5]]);
    await deliverJob(pause(user_id, 2), { JOBS });
    await expect.poll(() => statusesOf(user_id, "thread-001")).toEqual(["cancelled"]);
  });

  it("are left alone once the user is enabled, whatever jobs come late", async () => {
    const client = threadClient();
    const { user_id, thread_id } = client.key;
    await decide(user_id, "disabled_at");
    await enable(user_id);
    expect((await client.stub.accept(client.input("[[pace 20]] [[say 100]]"))).ok).toBe(true);
    await client.stub.sync(client.key);
    const { sent, JOBS } = recordingQueue();
    for (const attempt of [1, 2, 3, 8]) await deliverJob(pause(user_id, attempt), { JOBS });
    expect((await statusesOf(user_id, thread_id)).includes("cancelled")).toBe(false);
    expect(own(user_id, sent).map(([job]) => job)).toEqual([pause(user_id, 2), pause(user_id, 3)]);
  });

  it("are not begun by their jobs while the user is disabled", async () => {
    const client = threadClient();
    const { user_id, thread_id } = client.key;
    const input = client.input("hello", { background: true });
    await decide(user_id, "disabled_at");
    expect((await client.stub.accept(input)).ok).toBe(true);
    const job = { type: "run_agent_background", user_id, thread_id, invocation_id: input.invocation_id } as const;
    expect(await deliverJob(job)).toBe(true);
    expect(await statusesOf(user_id, thread_id)).toEqual(["queued"]);
    await enable(user_id);
    expect(await deliverJob(job)).toBe(true);
    const ended = await client.stub.waitForEnd(client.key, input.invocation_id, 20_000);
    expect(ended).toMatchObject({ ok: true, value: { status: "completed" } });
  });
});

describe("the triggers of a user who is disabled", patient, () => {
  it("refuse deliveries as paused ones do, with the reason in the log, until the user is enabled", async () => {
    const hook = await makeHook(scene.owner);
    await decide(scene.user_id, "disabled_at");
    const refused = await deliver(hook.trigger_id, hook.secret);
    expect(refused).toMatchObject({ status: 403, body: { detail: "The webhook is paused." } });
    expect((await deliver(hook.trigger_id, "whsec_d3Jvbmc=")).status).toBe(401);
    const { trigger_deliveries } = await readTables(scene.user_id);
    expect(trigger_deliveries).toMatchObject([{ reason: "The account is disabled." }, { status: "refused" }]);
    await enable(scene.user_id);
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(202);
    await decide(scene.user_id, "deleted_at");
    expect((await deliver(hook.trigger_id, hook.secret)).status).toBe(404);
  });

  it("fire no schedule, skip what is missed, and continue with the next due time", async () => {
    const user_id = newId("user");
    const trigger = {
      ...{ user_id, trigger_id: newId("trig"), type: "schedule", agent_id: null, project_id: null, thread: "new" },
      ...{ enabled: true, next_at: "2026-11-28T10:00:00.000Z", last_fired_at: null, last_thread_id: null },
      ...{ last_invocation_id: null, created_at: "2026-11-28T09:00:00.000Z", updated_at: "2026-11-28T09:00:00.000Z" },
      ...{ settings: { cron: "*/30 * * * *", timezone: "UTC", overlap: "queue" }, prompt: "Look.", made_by: null },
    } as unknown as Parameters<typeof createTrigger>[1];
    expect(await createTrigger(env.DB, trigger)).toBe("made");
    const due_at = "2026-11-28T09:30:00.000Z";
    const due = { user_id, trigger_id: trigger.trigger_id, due_at, delivery_id: "del_waiting" };
    await recordOutcome(env.DB, due, { status: "waiting", reason: "The run before it.", run: null });
    await decide(user_id, "disabled_at");
    const { sent, JOBS } = recordingQueue();
    const sweepAt = (time: string) => sweepSchedules({ ...env, JOBS } as never, Date.parse(time));
    await sweepAt("2026-11-28T10:10:00Z");
    expect(own(user_id, sent)).toEqual([]);
    const job = {
      type: "fire_schedule",
      user_id,
      trigger_id: trigger.trigger_id,
      due_at: String(trigger.next_at),
      attempt: 1,
    };
    expect(await deliverJob(job as Job, { JOBS })).toBe(true);
    expect((await readTables(user_id)).trigger_deliveries).toHaveLength(1);
    await deliverJob(pause(user_id), { JOBS });
    expect((await readTables(user_id)).trigger_deliveries).toMatchObject([
      { status: "skipped", reason: "The account was disabled." },
    ]);
    await enable(user_id);
    sent.length = 0;
    await sweepAt("2026-11-28T10:20:00Z");
    expect(own(user_id, sent)).toEqual([]);
    expect(await readTrigger(env.DB, user_id, trigger.trigger_id)).toMatchObject({
      next_at: "2026-11-28T10:30:00.000Z",
    });
    await sweepAt("2026-11-28T10:30:00Z");
    expect(own(user_id, sent)).toMatchObject([
      [{ type: "fire_schedule", due_at: "2026-11-28T10:30:00.000Z" }, undefined],
    ]);
    await env.DB.prepare("DELETE FROM triggers WHERE user_id = ?").bind(user_id).run();
  });
});

describe("the webhooks of a user who is disabled", patient, () => {
  it("send nothing, keep what there is to send, and send it once the user is enabled", async () => {
    const user_id = newId("user");
    const key = { user_id, thread_id: "t" };
    const at = new Date(Date.now() - 60_000).toISOString();
    await env.DB.prepare(
      `INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url) VALUES (?1, 'hook', 1, ?2, ?2, '["run.completed"]', 'https://a.example')`,
    )
      .bind(user_id, at)
      .run();
    await decide(user_id, "disabled_at");
    const run = { ...makeRun(key, { status: "completed", finished_at: at }), version: 2, end_seq: 1 };
    const { made } = await syncThread(env.DB, { key, project: null, thread: null, messages: [], runs: [run] });
    expect(made).toHaveLength(1);
    const [name] = made;
    const later = Date.now() + 3_600_000;
    const isListed = async () => (await listOverdue(env.DB, later, 10_000)).some((each) => each.user_id === user_id);
    expect(await claimDelivery(env.DB, name as never, later, 30_000)).toBeNull();
    expect(await isListed()).toBe(false);
    await enable(user_id);
    expect(await isListed()).toBe(true);
    expect(await claimDelivery(env.DB, name as never, later, 30_000)).toMatchObject({ attempts: 1 });
  });
});

describe("the ways into a sandbox of a user who is disabled", patient, () => {
  it("end at the provider, and links under our own domain open again once the user is enabled", async () => {
    const link = await makeLink(scene, scene.owner);
    const token = await openSsh(scene, scene.owner);
    expect(await visit(link)).toBe("nothing_listens");
    await decide(scene.user_id, "disabled_at");
    const { JOBS } = recordingQueue();
    await deliverJob(pause(scene.user_id), { ...settings, JOBS });
    expect(await opensSsh(token)).toBe(false);
    const { previews, ssh_accesses } = await readTables(scene.user_id);
    expect([previews?.length, ssh_accesses?.length]).toEqual([1, 0]);
    // An isolate remembers a link for five seconds.
    await vi.waitFor(async () => expect(await visit(link)).toBe("unknown_link"), { timeout: 20_000, interval: 500 });
    await enable(scene.user_id);
    await vi.waitFor(async () => expect(await visit(link)).toBe("nothing_listens"), { timeout: 20_000, interval: 500 });
  });

  it("end if the provider signed them, and are found by the sweep if the job was lost", async () => {
    const signed = { ...settings, PREVIEW_DOMAIN: undefined };
    const { body } = await scene.owner.send("POST", "/v1/api-keys", {});
    await makeLink(scene, createClient(signed as never).as(String(body.key)));
    await decide(scene.user_id, "disabled_at");
    const { sent, JOBS } = recordingQueue();
    await sweepAccounts({ ...env, JOBS } as never, Math.ceil(Date.now() / 900_000) * 900_000);
    expect(own(scene.user_id, sent)).toEqual([[pause(scene.user_id, 8), undefined]]);
    await deliverJob(pause(scene.user_id, 8), { ...settings, JOBS });
    expect((await readTables(scene.user_id)).previews).toEqual([]);
  });

  it("can't be made by a request that was admitted a moment before", async () => {
    await scene.owner.send("GET", "/v1/users/me");
    await decide(scene.user_id, "disabled_at");
    const answers = [
      await scene.owner.send("POST", sandboxPath(scene, "previews"), { port: 3000 }),
      await scene.owner.send("POST", sandboxPath(scene, "ssh"), {}),
      await scene.owner.send("POST", "/v1/triggers", { type: "webhook", prompt: "x", verify: { scheme: "standard" } }),
      await scene.owner.send("POST", "/v1/webhooks", { url: "https://a.example/paused", events: ["run.completed"] }),
      await scene.owner.send("POST", "/v1/api-keys", {}),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    const { previews, ssh_accesses, triggers, webhooks, api_keys } = await readTables(scene.user_id);
    expect([previews, ssh_accesses, triggers, webhooks].flat()).toEqual([]);
    expect(api_keys).toHaveLength(2);
  });
});
