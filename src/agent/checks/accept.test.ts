import { describe, expect, it } from "vitest";
import type { Check, CheckOutcome } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { editPlan } from "../plan/edits.ts";

function checkOf(outcome: CheckOutcome, author: Check["author"] = "model"): Check {
  const result = { receipt_id: "rcpt_1", outcome, reason: "", at: "", tree: null };
  return { id: "chk_1", author, spec: { type: "git", clean: true }, result };
}

function accept(task: Partial<Task>) {
  const whole: Task = { id: "task_a", content: "A", status: "completed", section_id: "sec_a", ...task };
  const plan: Plan = { version: 1, sections: [{ id: "sec_a", title: "S" }], tasks: [whole] };
  const edited = editPlan(plan, [{ op: "update", task_ids: ["task_a"], accept: true }]);
  if (!edited.ok) throw new Error(edited.message);
  return { version: edited.plan.version, task: edited.plan.tasks[0] };
}

describe("a person who accepts a task's checks", () => {
  it("makes them theirs, so that those which have passed verify the task", () => {
    const { task, version } = accept({ checks: [checkOf("passed")], verification: "self_checked", weakened: true });
    expect(task).toMatchObject({ verification: "verified", checks: [{ author: "person" }] });
    expect(task?.weakened).toBeUndefined();
    expect(version).toBe(2);
  });

  it("gives their word for a closed task whose checks have not all passed", () => {
    for (const outcome of ["failed", "not_run"] as const)
      expect(accept({ checks: [checkOf(outcome)], verification: outcome }).task?.verification).toBe("accepted");
  });

  it("gives no more than their word where one can't fail: it stays the model's", () => {
    const empty: Check = { ...checkOf("passed"), spec: { type: "command", run: "npm test || true" } };
    const checks = [empty, checkOf("passed")];
    const { task } = accept({ checks, verification: "self_checked" });
    expect(task).toMatchObject({ verification: "accepted", checks: [{ author: "model" }, { author: "person" }] });
  });

  it("closes no task that is open", () => {
    const { task } = accept({ status: "pending", checks: [checkOf("failed")], verification: "failed", weakened: true });
    expect(task).toMatchObject({ status: "pending", verification: "failed" });
    expect(task?.weakened).toBeUndefined();
  });

  it("changes nothing of a task without checks, or of one that is theirs and verified", () => {
    expect(accept({}).version).toBe(1);
    expect(accept({ checks: [checkOf("passed", "person")], verification: "verified" }).version).toBe(1);
  });
});
