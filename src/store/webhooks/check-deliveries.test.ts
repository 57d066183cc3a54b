// Deliveries of what checks say of tasks.
import { beforeEach, describe, expect, it } from "vitest";
import { openD1, type SqliteD1 } from "../../../test/fakes/sqlite-d1.ts";
import type { Check, CheckOutcome, Verification } from "../../protocol/plan/check.ts";
import type { Task } from "../../protocol/plan/task.ts";
import type { WebhookPayload } from "../../protocol/webhook.ts";
import type { ThreadBatch } from "../batch.ts";
import { deleteThread } from "../retention/removal.ts";
import { syncThread } from "../sync.ts";

const at = "2026-11-28T10:00:00.000Z";
const key = { user_id: "user_1", thread_id: "thread_1" };
let d1: SqliteD1;

beforeEach(() => {
  d1 = openD1();
  subscribe("hook_1", ["task.verified", "task.check_failed"]);
});

function subscribe(webhook_id: string, events: string[], user_id = "user_1"): void {
  d1.read(
    `INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url)
     VALUES (?, ?, 1, ?, ?, ?, 'https://x.example')`,
    ...[user_id, webhook_id, at, at, JSON.stringify(events)],
  );
}

const SECRET = "s3cret-in-the-output";

function checkOf(outcome: CheckOutcome | null): Check {
  const result = { receipt_id: "rcpt_1", reason: `It printed ${SECRET}.`, at, tree: null };
  return {
    ...{ id: "chk_1", author: "person", spec: { type: "command", run: `echo ${SECRET}` } },
    ...(outcome === null ? {} : { result: { ...result, outcome } }),
  };
}

const outcomes: Partial<Record<Verification, CheckOutcome>> = { verified: "passed", failed: "failed", stale: "passed" };

function task(id: string, status: Task["status"], verification?: Verification): Task {
  const base = { id, content: `Do ${id}`, status, section_id: "sec_1" };
  if (verification === undefined) return base;
  return { ...base, verification, checks: [checkOf(outcomes[verification] ?? null)] };
}

let version = 0;

/** The next version of the plan. */
function planOf(...tasks: Task[]): ThreadBatch {
  version += 1;
  const row = {
    ...{ ...key, message_id: "msg_plan", project_id: "proj_1", invocation_id: null, agent_id: null },
    ...{ type: "task_list" as const, is_llm_message: false, metadata: {}, seq: 5, created_at: at, version },
    content: { sections: [{ id: "sec_1", title: "S" }], tasks },
  };
  const plan_change = { seq: 10 * version, invocation_id: "inv_1" };
  return { key, project: null, thread: null, messages: [row], runs: [], plan_change };
}

const send = (batch: ThreadBatch) => syncThread(d1.binding, batch);
const payloads = () =>
  d1
    .read<{ payload: string }>(
      "SELECT payload FROM deliveries ORDER BY payload ->> '$.data.seq', payload ->> '$.data.invocation_id'",
    )
    .map(({ payload }) => JSON.parse(payload) as WebhookPayload);
const told = () => payloads().map(({ type, data }) => `${type} ${data.tasks?.map(({ id }) => id).join(" ")}`);
const forget = () => d1.read("DELETE FROM deliveries");

describe("a task's checks", () => {
  it("are reported once it is verified, with what they are and nothing that they hold or saw", async () => {
    await send(planOf(task("a", "in_progress", "not_run"), task("b", "pending")));
    expect(payloads()).toEqual([]);
    const closing = planOf(task("a", "completed", "verified"), task("b", "in_progress"));
    const { made, tasks_subscribed } = await send(closing);
    expect([made.length, tasks_subscribed]).toEqual([1, true]);
    const shown = {
      ...{ id: "a", status: "completed", verification: "verified" },
      checks: [{ id: "chk_1", type: "command", author: "person", outcome: "passed", receipt_id: "rcpt_1" }],
    };
    expect(payloads()).toEqual([
      {
        type: "task.verified",
        timestamp: expect.any(String),
        data: {
          ...{ thread_id: "thread_1", project_id: "proj_1", invocation_id: "inv_1", seq: 10 * version },
          ...{ taskloom_hops: 2, task: shown, tasks: [shown] },
        },
      },
    ]);
    expect(JSON.stringify(payloads())).not.toContain(SECRET);
    // The answer was lost: the same batch comes again.
    expect((await send(closing)).made).toEqual([]);
    expect(d1.read("SELECT DISTINCT delivery_id FROM deliveries")).toEqual([{ delivery_id: made[0]?.delivery_id }]);
  });

  it("are reported once they fail, not with each round, and again after they passed", async () => {
    await send(planOf(task("a", "in_progress", "not_run")));
    for (let round = 0; round < 3; round++) await send(planOf(task("a", "in_progress", "failed")));
    expect(told()).toEqual(["task.check_failed a"]);
    await send(planOf(task("a", "cancelled", "failed")));
    expect(told()).toEqual(["task.check_failed a"]);
    forget();
    await send(planOf(task("b", "in_progress", "failed")));
    await send(planOf(task("b", "completed", "verified")));
    await send(planOf(task("b", "completed", "failed")));
    expect(told()).toEqual(["task.check_failed b", "task.verified b", "task.check_failed b"]);
  });

  it("of all tasks of a batch are one event of each kind, in the plan's order", async () => {
    await send(
      planOf(
        task("c", "completed", "verified"),
        task("x", "in_progress", "failed"),
        task("a", "completed", "verified"),
        task("s", "completed", "stale"),
        task("m", "completed", "self_checked"),
        task("open", "in_progress", "verified"),
      ),
    );
    expect(told().toSorted()).toEqual(["task.check_failed x", "task.verified c a"]);
    forget();
    await send(planOf(task("s", "completed", "verified"), task("c", "completed", "verified")));
    expect(told()).toEqual(["task.verified s"]);
  });

  it("reach the webhooks that take the event, and cost no statement without checks", async () => {
    subscribe("hook_2", ["task.check_failed"]);
    subscribe("hook_3", ["task.updated"]);
    subscribe("hook_4", ["task.verified"], "user_2");
    await send(planOf(task("a", "completed", "verified")));
    const rows = d1.read<{ webhook_id: string; event: string }>("SELECT webhook_id, event FROM deliveries");
    expect(rows.map(({ webhook_id, event }) => `${webhook_id} ${event}`).toSorted()).toEqual([
      "hook_1 task.verified",
      "hook_3 task.updated",
    ]);
    const prepared: string[] = [];
    const binding = new Proxy(d1.binding, {
      get: (target, name) =>
        name === "prepare"
          ? (query: string) => {
              prepared.push(query);
              return target.prepare(query);
            }
          : Reflect.get(target, name).bind(target),
    });
    await syncThread(binding, planOf(task("a", "completed"), task("b", "pending", "not_run")));
    expect(prepared.filter((query) => /task\.(verified|check_failed)'/.test(query))).toEqual([]);
  });

  it("are not reported for a deleted thread, nor of a version that D1 has", async () => {
    const old = planOf(task("a", "in_progress", "failed"));
    await send(planOf(task("a", "completed", "verified")));
    forget();
    await send(old);
    await deleteThread(d1.binding, key, Date.now());
    await send(planOf(task("b", "completed", "verified")));
    expect(payloads()).toEqual([]);
  });
});

it("a run's end says how many tasks have which verification, if any has checks", async () => {
  subscribe("hook_2", ["run.completed"]);
  const run = {
    ...{ ...key, invocation_id: "inv_1", project_id: "proj_1", agent_id: "a", agent_version: 1, model: "m" },
    ...{ instance_id: null, attempt: 1, steps: 1, background: false, resumes: null, metadata: {}, error: null },
    ...{
      usage: { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, cost_usd: null },
      interrupts: [],
      hops: 0,
    },
    ...{ caused_by: [], created_at: at, started_at: at, finished_at: at, status: "completed" as const, version: 1 },
    ...{ result: { text: "Done.", unfinished_tasks: 0 }, checked_tasks: { verified: 2 } },
  };
  const batch = { key, project: null, thread: null, messages: [] };
  await send({ ...batch, runs: [run] });
  const { checked_tasks: _, ...plain } = run;
  await send({ ...batch, runs: [{ ...plain, invocation_id: "inv_2" }] });
  const [first, second] = payloads();
  expect(first?.data.checked_tasks).toEqual({ verified: 2 });
  expect(second?.data).not.toHaveProperty("checked_tasks");
});
