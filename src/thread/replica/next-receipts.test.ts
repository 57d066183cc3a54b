// Receipts on their way to D1.
import { describe, expect, it, vi } from "vitest";
import { MemoryCheckPlace } from "../../../test/fakes/check-place.ts";
import { makeReceipt } from "../../../test/fakes/receipts.ts";
import { call, type Reply, say } from "../../../test/fakes/replies.ts";
import { makeTool } from "../../../test/fakes/scripted-run.ts";
import { openD1 } from "../../../test/fakes/sqlite-d1.ts";
import { FakeThread, type FakeThreadOptions } from "../../../test/fakes/thread.ts";
import type { PlanContent } from "../../protocol/plan/task.ts";
import { syncThread } from "../../store/sync.ts";
import { taskTools } from "../../tools/tasks.ts";
import { transact } from "../life.ts";
import { storeReceipts } from "../rows/receipts.ts";
import { editPlan } from "../run/plan-edit.ts";
import { recordReceipts } from "../run/recorder.ts";

/** Plans one task with a check, completes it, and says so. */
const script: Reply = (request, onDelta, signal) => {
  const made = request.messages.filter((message) => message.role === "assistant" && message.tool_calls).length;
  const checks = [{ type: "command" as const, run: "npm test" }];
  const replies = [
    call({
      id: "c_plan",
      name: "create_tasks",
      input: { sections: [{ title: "S", tasks: [{ content: "A", checks }] }] },
    }),
    call({ id: "c_done", name: "update_tasks", input: { task_ids: ["task_1"], status: "completed" } }),
  ];
  return (replies[made] ?? say("Done."))(request, onDelta, signal);
};

function newThread(options: FakeThreadOptions = {}): FakeThread {
  const place = new MemoryCheckPlace();
  place.deeds.set("npm test", { exit_code: 0, output: "12 passed\n" });
  const tools = [...taskTools, makeTool("execute_command")];
  const thread = new FakeThread({ defaultReply: script, tools, ...options });
  Object.assign(thread.sandbox, { checks: place });
  return thread;
}

const sentOf = ({ batches }: FakeThread) => batches.flatMap(({ receipts = [] }) => receipts);

describe("a receipt", () => {
  it("comes to D1 once, in the batch with the plan that closed on it or before it", async () => {
    const thread = newThread();
    await thread.run("go", { invocation_id: "inv_a" });
    expect(sentOf(thread)).toMatchObject([{ seq: 1, invocation_id: "inv_a", outcome: "passed" }]);
    const closed = thread.batches.findIndex(({ messages }) =>
      messages.some((row) => row.type === "task_list" && row.content.tasks[0]?.status === "completed"),
    );
    expect(thread.batches.slice(0, closed + 1).flatMap(({ receipts = [] }) => receipts)).toHaveLength(1);
    thread.crash();
    await thread.life.outbox.sync({ whole: true });
    expect(sentOf(thread)).toHaveLength(1);
  });

  it("comes again after a batch that D1 did not take", async () => {
    let isAway = true;
    const thread = newThread({
      syncThread: async () => {
        if (isAway) throw new Error("D1 is away");
      },
    });
    await thread.run("go", { invocation_id: "inv_a" });
    thread.crash();
    isAway = false;
    await thread.life.outbox.sync({ whole: true });
    expect(sentOf(thread)).toMatchObject([{ seq: 1, task_id: thread.life.state.plan.tasks[0]?.id }]);
  });

  it("is not asked for in a thread without checks", async () => {
    const thread = newThread({ defaultReply: say("Hello.") });
    const exec = vi.spyOn(thread.life.database.sql, "exec");
    await thread.run("hi");
    await thread.life.outbox.sync({ whole: true });
    expect(exec.mock.calls.length).toBeGreaterThan(0);
    expect(exec.mock.calls.filter(([query]) => query.includes("receipts"))).toEqual([]);
    expect(thread.batches.some(({ receipts }) => receipts !== undefined)).toBe(false);
  });
});

describe("a verified task", () => {
  it("is in D1 with its receipt and one delivery, whichever batch's answer is lost with its life", async () => {
    for (let lost = 1; lost <= 4; lost++) {
      const d1 = openD1();
      d1.read(
        `INSERT INTO webhooks (user_id, webhook_id, enabled, created_at, updated_at, events, url)
         VALUES ('user_1', 'hook_1', 1, '', '', '["task.verified"]', '')`,
      );
      let batches = 0;
      const thread: FakeThread = newThread({
        syncThread: async (batch) => {
          await syncThread(d1.binding, batch);
          batches += 1;
          if (batches === lost) throw new Error("the answer is lost");
        },
      });
      await thread.run("go", { invocation_id: "inv_a" });
      await makePersons(thread);
      thread.crash();
      await thread.life.outbox.sync({ whole: true });
      const rows = d1.read<{ task_id: string; content: string }>("SELECT task_id, content FROM receipts");
      const [plan] = d1.read<{ content: string }>("SELECT content FROM messages WHERE type = 'task_list'");
      const [task] = (JSON.parse(plan?.content ?? "") as PlanContent).tasks;
      expect([lost, task?.verification, rows.length, rows[0]?.task_id]).toEqual([lost, "verified", 1, task?.id]);
      expect(d1.read("SELECT event FROM deliveries")).toEqual([{ event: "task.verified" }]);
    }
  });
});

/** A person writes the check that the model wrote, which makes it theirs. */
async function makePersons(thread: FakeThread): Promise<void> {
  const task_ids = thread.life.state.plan.tasks.map(({ id }) => id);
  const checks = [{ type: "command" as const, run: "npm test" }];
  const operations = [{ op: "update" as const, task_ids, checks }];
  await editPlan(thread.life, { request_id: "persons", version: null, operations });
}

describe("many receipts", () => {
  it("come in batches of a bounded size, and the plan with the last of them", async () => {
    let isAway = false;
    const thread = newThread({
      syncThread: async () => {
        if (isAway) throw new Error("D1 is away");
      },
    });
    await thread.run("go", { invocation_id: "inv_a" });
    isAway = true;
    const long = "x".repeat(60_000);
    transact(thread.life, () => {
      const ids = Array.from({ length: 250 }, (_, place) => `rcpt_more_${place}`);
      storeReceipts(
        thread.life.database.sql,
        ids.map((receipt_id) => makeReceipt({ receipt_id, output_head: long })),
        0,
      );
    });
    const before = thread.batches.length;
    thread.life.outbox.markPlan(null, 0);
    expect(await thread.life.outbox.sync()).toBe(false);
    isAway = false;
    expect(await thread.life.outbox.sync()).toBe(true);
    const later = thread.batches.slice(before);
    const counts = later.map(({ receipts = [] }) => receipts.length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(250);
    expect(Math.max(...counts)).toBeLessThanOrEqual(100);
    for (const { receipts = [] } of later) expect(JSON.stringify(receipts).length).toBeLessThan(600_000);
    expect(new Set(sentOf(thread).map(({ seq }) => seq)).size).toBe(251);
  });

  it("stay in the object until D1 has them, however many come meanwhile, and the oldest go then", async () => {
    let isAway = true;
    const thread = newThread({
      syncThread: async () => {
        if (isAway) throw new Error("database or disk is full");
      },
    });
    await thread.run("go", { invocation_id: "inv_a" });
    const { outbox, database } = thread.life;
    const store = (from: number, count: number) =>
      transact(thread.life, () => {
        const more = Array.from({ length: count }, (_, at) => makeReceipt({ receipt_id: `rcpt_more_${from + at}` }));
        recordReceipts(thread.life, null, more);
      });
    store(0, 2_100);
    const kept = () => database.sql.exec<{ n: number }>("SELECT count(*) AS n FROM receipts").toArray()[0]?.n;
    expect([kept(), outbox.backlog.receipts]).toEqual([2_101, 2_101]);
    isAway = false;
    outbox.markPlan(null, 0);
    await outbox.sync({ whole: true });
    expect(new Set(sentOf(thread).map(({ seq }) => seq)).size).toBe(2_101);
    expect(outbox.backlog.receipts).toBe(0);
    store(2_100, 1);
    expect(kept()).toBe(2_000);
  });

  it("keep the plan back until D1 has those it closed on", async () => {
    let isAway = true;
    const thread = newThread({
      syncThread: async () => {
        if (isAway) throw new Error("D1 is away");
      },
    });
    await thread.run("go", { invocation_id: "inv_a" });
    const more = Array.from({ length: 150 }, (_, place) => makeReceipt({ receipt_id: `rcpt_more_${place}` }));
    transact(thread.life, () => storeReceipts(thread.life.database.sql, more, 0));
    isAway = false;
    await thread.life.outbox.sync({ whole: true });
    const plans = thread.batches.map(({ messages }) => messages.filter(({ type }) => type === "task_list").length);
    expect(plans.indexOf(1)).toBe(thread.batches.length - 1);
    expect(thread.batches.at(-1)?.plan_change).toBeDefined();
    expect(sentOf(thread)).toHaveLength(151);
  });

  it("that can't be read cost only themselves", async () => {
    const thread = newThread();
    await thread.run("go", { invocation_id: "inv_a" });
    thread.life.database.sql.exec("INSERT INTO receipts VALUES (2, 'rcpt_2', 'task_1', '{')");
    transact(thread.life, () => storeReceipts(thread.life.database.sql, [makeReceipt({ receipt_id: "rcpt_3" })], 0));
    thread.life.outbox.markPlan(null, 0);
    await thread.life.outbox.sync();
    expect(sentOf(thread).map(({ seq }) => seq)).toEqual([1, 3]);
    expect(thread.life.outbox.pending).toBe(false);
  });
});
