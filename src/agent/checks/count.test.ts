import { describe, expect, it } from "vitest";
import type { Check, CheckOutcome, CheckResult } from "../../protocol/plan/check.ts";
import type { Task } from "../../protocol/plan/task.ts";
import { countCheckedTasks, countUncheckable } from "./count.ts";

const result = (outcome: CheckOutcome): CheckResult => ({
  ...{ receipt_id: "rcpt_1", outcome, reason: "", at: "2026-11-25T10:00:00.000Z", tree: null },
});

const checks = (outcome?: CheckOutcome): Check[] => [
  {
    ...{ id: "chk_1", author: "person", spec: { type: "command", run: "npm test" } },
    ...(outcome === undefined ? {} : { result: result(outcome) }),
  },
];

function task(part: Partial<Task>): Task {
  return { id: "task_1", content: "A", status: "completed", section_id: "sec_1", ...part };
}

describe("tasks by verification", () => {
  it("are absent where no task has checks", () => {
    expect(countCheckedTasks([])).toBeUndefined();
    expect(countCheckedTasks([task({}), task({ checks: [] }), task({ verification: "none" })])).toBeUndefined();
  });

  it("leave out what there is none of, and tasks without checks", () => {
    const tasks = [
      task({}),
      task({ checks: checks("passed") }),
      task({ checks: checks("passed") }),
      task({ checks: checks("failed"), status: "cancelled" }),
      task({ checks: checks(), status: "pending" }),
      task({ checks: checks(), verification: "accepted" }),
    ];
    expect(countCheckedTasks(tasks)).toEqual({ verified: 2, failed: 1, not_run: 1, accepted: 1 });
  });
});

describe("tasks that could not be checked", () => {
  const person: Check = { id: "chk_2", author: "person", spec: { type: "person", question: "Is it good?" } };

  it("are closed, with a check that should have run and could not", () => {
    const tasks = [
      task({ checks: checks("not_run") }),
      task({ checks: [...checks("not_run"), person], status: "cancelled" }),
    ];
    expect(countUncheckable(tasks)).toBe(2);
  });

  it("are none that are open, wait for a person, failed, or were accepted", () => {
    const tasks = [
      task({}),
      task({ checks: checks(), status: "pending" }),
      task({ checks: checks("not_run"), status: "in_progress" }),
      task({ checks: [...checks("passed"), person] }),
      task({ checks: [...checks("passed"), { ...person, result: result("not_run") }] }),
      task({ checks: [...checks("not_run"), ...checks("failed")] }),
      task({ checks: checks("not_run"), verification: "accepted" }),
    ];
    expect(countUncheckable(tasks)).toBe(0);
  });
});
