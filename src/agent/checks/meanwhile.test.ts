// What a person does, and what runs out, while the server runs the checks of a task.
import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck, ScriptedChecks } from "../../../test/fakes/check-runner.ts";
import { callsTools, completed, makeTool, ScriptedRun, says, type Turn } from "../../../test/fakes/scripted-run.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { taskTools } from "../../tools/tasks.ts";
import type { LoopFact } from "../events.ts";

const work = makeTool("work");
const finish = (id: string) => ({
  name: "update_tasks",
  arguments: JSON.stringify({ task_ids: [id], status: "completed" }),
});

function newRun(turns: Turn[]) {
  const run = new ScriptedRun(turns, [...taskTools, work]);
  const checks = new ScriptedChecks();
  run.checks = checks;
  return { run, checks };
}

/** A person makes the edit while the checks of the first task run. */
async function edited(operations: PlanOperation[], plan: Plan, failures: Record<string, string> = {}) {
  const { run, checks } = newRun([callsTools(finish("task_1")), says("Done.")]);
  checks.failures = failures;
  let isEdited = false;
  checks.during = () => {
    if (!isEdited) run.edit(operations);
    isEdited = true;
  };
  await run.run({ plan, max_steps: 1 });
  return { run, checks };
}

/** No task closes without a receipt of each of its checks, and none has two of one look. */
function checkReceipts(plan: Plan, facts: readonly LoopFact[]): void {
  const receipts = facts.flatMap((fact) => ("receipts" in fact ? (fact.receipts ?? []) : []));
  expect(new Set(receipts.map(({ receipt_id }) => receipt_id)).size).toBe(receipts.length);
  for (const { status, verification, checks = [] } of plan.tasks) {
    if (status !== "completed" || verification === "accepted") continue;
    for (const { id, result } of checks)
      expect(
        receipts.find(({ receipt_id, check_id }) => receipt_id === result?.receipt_id && check_id === id),
      ).toBeTruthy();
  }
}

describe("a person's edit while checks run", () => {
  const two = () => checkedPlan([commandCheck("a")], [commandCheck("b")]);

  it("that adds a check has it run before the task closes", async () => {
    const added: PlanOperation[] = [
      { op: "update", task_ids: ["task_1"], checks: [{ type: "command", run: "c" }] },
    ] as PlanOperation[];
    const { run, checks } = await edited(added, two());
    expect(checks.ran).toEqual(["a", "c"]);
    expect(run.plan.tasks[0]).toMatchObject({
      status: "completed",
      checks: [{ author: "model" }, { author: "person" }],
    });
    checkReceipts(run.plan, run.facts);
  });

  it("that takes the failing check away closes the task without it", async () => {
    const plan = checkedPlan([commandCheck("a"), commandCheck("b")], []);
    const { run } = await edited([{ op: "update", task_ids: ["task_1"], remove_checks: ["chk_a"] }], plan, {
      a: "No.",
    });
    expect(run.plan.tasks[0]).toMatchObject({
      status: "completed",
      verification: "self_checked",
      checks: [{ id: "chk_b" }],
    });
    checkReceipts(run.plan, run.facts);
  });

  it("that deletes or cancels the task keeps it so", async () => {
    const deleted = await edited([{ op: "delete", task_ids: ["task_1"] }], two());
    expect(deleted.run.plan.tasks.map(({ id }) => id)).toEqual(["task_2"]);
    const cancelled = await edited([{ op: "update", task_ids: ["task_1"], status: "cancelled" }], two());
    expect(cancelled.run.plan.tasks[0]?.status).toBe("cancelled");
    for (const { run } of [deleted, cancelled]) checkReceipts(run.plan, run.facts);
  });

  it("that completes the task is the person's yes, and the order of others is kept", async () => {
    const done = await edited([{ op: "update", task_ids: ["task_1"], status: "completed" }], two(), { a: "No." });
    expect(done.run.plan.tasks[0]).toMatchObject({ status: "completed", verification: "accepted" });
    const moved = await edited([{ op: "update", task_ids: ["task_2"], section_id: "sec_1", position: 0 }], two());
    expect(moved.run.plan.tasks.map(({ id }) => id)).toEqual(["task_2", "task_1"]);
    for (const { run } of [done, moved]) checkReceipts(run.plan, run.facts);
  });
});

describe("a run", () => {
  it("at its last step ends with the repair open, and says that a task is unfinished", async () => {
    const { run, checks } = newRun([callsTools(finish("task_1")), callsTools("work"), says("Done.")]);
    run.onFact = (fact) => {
      if (fact.type !== "tool_finished" || fact.name !== "work") return;
      checks.failures.a = "It broke.";
      checks.tree = "tree_2";
    };
    expect(await run.run({ plan: checkedPlan([commandCheck("a")]), max_steps: 3 })).toEqual(completed("Done.", 1));
    expect(run.plan.tasks).toMatchObject([
      { verification: "failed" },
      { content: "Repair: Task 1", status: "pending" },
    ]);
    checkReceipts(run.plan, run.facts);
  });

  it("that is cancelled during its last checks stores no receipt of half, and is cancelled", async () => {
    const { run, checks } = newRun([callsTools(finish("task_1")), callsTools("work"), says("Done.")]);
    run.onFact = (fact) => {
      if (fact.type !== "tool_finished" || fact.name !== "work") return;
      checks.tree = "tree_2";
      checks.during = () => {
        run.cancel.abort();
        throw run.cancel.signal.reason;
      };
    };
    expect(await run.run({ plan: checkedPlan([commandCheck("a")]) })).toEqual({ status: "cancelled" });
    // What the work may have changed since has not been seen.
    expect(run.facts.filter(({ type }) => type === "checks_settled")).toMatchObject([{ receipts: [] }]);
    expect(run.plan.tasks).toMatchObject([{ status: "completed", verification: "stale" }]);
  });

  it("continues with what a person says while its last checks run", async () => {
    const { run, checks } = newRun([callsTools(finish("task_1"), "work"), says("Done."), says("That, too.")]);
    run.onFact = (fact) => {
      if (fact.type === "tool_finished" && fact.name === "work") checks.tree = "tree_2";
    };
    checks.during = () => {
      if (checks.ran.length > 1) run.steered.push([{ role: "user", content: "And paint it." }]);
    };
    run.steered = [];
    expect(await run.run({ plan: checkedPlan([commandCheck("a")]) })).toEqual(completed("That, too."));
    expect(checks.ran).toEqual(["a", "a"]);
  });
});
