import { describe, expect, it } from "vitest";
import type { PlanState, TaskStatus } from "../../protocol/plan/task.ts";
import {
  addCheck,
  addSection,
  addTask,
  endTask,
  moveTask,
  removeCheck,
  removeSection,
  removeTask,
  reword,
} from "./plan-edits.ts";

const task = (id: string, status: TaskStatus = "pending") => ({ id, content: id, status });
const plan: PlanState = {
  version: 4,
  sections: [
    { id: "s1", title: "One", tasks: [task("a", "completed"), task("b", "in_progress")] },
    { id: "s2", title: "Two", tasks: [task("c")] },
  ],
};

describe("an edit of the plan", () => {
  it("is the operation that the server takes", () => {
    expect(addTask("s2", "d")(plan)).toEqual([{ op: "create", section_id: "s2", task_contents: ["d"] }]);
    expect(addSection("Three", "e")(plan)).toEqual([{ op: "create", section_title: "Three", task_contents: ["e"] }]);
    expect(reword("c", "C")(plan)).toEqual([{ op: "update", task_ids: ["c"], content: "C" }]);
    expect(endTask("b", "cancelled")(plan)).toEqual([{ op: "update", task_ids: ["b"], status: "cancelled" }]);
    expect(removeTask("a")(plan)).toEqual([{ op: "delete", task_ids: ["a"] }]);
    expect(removeSection("s1")(plan)).toEqual([{ op: "delete", section_ids: ["s1"] }]);
  });

  it("adds a command as a check, and removes a check that is still there", () => {
    const check = { id: "k", author: "model" as const, spec: { type: "file" as const, path: "x" } };
    const checked = { ...plan, sections: [{ id: "s1", title: "One", tasks: [{ ...task("a"), checks: [check] }] }] };
    expect(addCheck("c", "make")(plan)).toEqual([
      { op: "update", task_ids: ["c"], checks: [{ type: "command", run: "make" }] },
    ]);
    expect(removeCheck("a", "k")(checked)).toEqual([{ op: "update", task_ids: ["a"], remove_checks: ["k"] }]);
    expect([removeCheck("a", "k")(plan), addCheck("z", "make")(plan)]).toEqual([null, null]);
  });

  it("moves a task within its section, and past its edge into the next one", () => {
    expect(moveTask("b", -1)(plan)).toEqual([{ op: "update", task_ids: ["b"], position: 0 }]);
    expect(moveTask("b", 1)(plan)).toEqual([{ op: "update", task_ids: ["b"], section_id: "s2", position: 0 }]);
    expect(moveTask("c", -1)(plan)).toEqual([{ op: "update", task_ids: ["c"], section_id: "s1", position: 2 }]);
  });

  it("is null where its task is gone or has ended, and at the plan's edges", () => {
    const edits = [
      addTask("gone", "x"),
      reword("gone", "x"),
      removeTask("gone"),
      removeSection("gone"),
      moveTask("gone", 1),
      endTask("a", "cancelled"),
      moveTask("a", -1),
      moveTask("c", 1),
    ];
    expect(edits.map((edit) => edit(plan))).toEqual(edits.map(() => null));
  });
});
