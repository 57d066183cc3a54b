// What `updateTasks` changes, in strict and in free order, and what it refuses.
import { describe, expect, it } from "vitest";
import { accepted, refused, shop, statuses } from "../../../test/fakes/plan-changes.ts";
import type { Plan, TaskStatus } from "../../protocol/plan/task.ts";
import { createTasks, updateTasks } from "./rules.ts";
import { dueTask, emptyPlan, viewPlan } from "./view.ts";

describe("updateTasks in strict order", () => {
  const set = (plan: Plan, status: TaskStatus, ...task_ids: string[]) =>
    updateTasks(plan, { task_ids, status }, "strict");

  it("completes the due task straight from pending", () => {
    expect(statuses(accepted(set(shop(), "completed", "task_1")))).toBe("completed pending pending pending");
  });

  it("completes several tasks that follow each other from the due one, in whatever order they are named", () => {
    expect(statuses(accepted(set(shop(), "completed", "task_3", "task_1", "task_2")))).toBe(
      "completed completed completed pending",
    );
  });

  it("names the due task, by id and content, when another is completed first", () => {
    const message = refused(set(shop(), "completed", "task_3"));
    expect(message).toContain('task_3 ("C") is not due yet');
    expect(message).toContain('The task that is due is task_1 ("A"), pending');
    expect(message).toContain('{"task_ids":["task_1"],"status":"completed"}');
  });

  it("refuses several tasks with a gap, and changes nothing", () => {
    const plan = shop();
    expect(refused(set(plan, "completed", "task_1", "task_3"))).toContain("follow it directly");
    expect(statuses(plan)).toBe("pending pending pending pending");
  });

  it("starts the due task, and no other while it is in progress", () => {
    const plan = accepted(set(shop(), "in_progress", "task_1"));
    expect(refused(set(plan, "in_progress", "task_2"))).toContain("One task is in progress at a time");
    expect(refused(set(shop(), "in_progress", "task_2"))).toContain("not due yet");
    expect(refused(set(shop(), "in_progress", "task_1", "task_2"))).toContain("start one with one id");
  });

  it("cancels any task, and the task after a cancelled one is due", () => {
    const plan = accepted(set(shop(), "cancelled", "task_1", "task_4"));
    expect(statuses(plan)).toBe("cancelled pending pending cancelled");
    expect(dueTask(plan)?.id).toBe("task_2");
  });

  it("never reopens an ended task", () => {
    const plan = accepted(set(shop(), "completed", "task_1"));
    for (const status of ["pending", "in_progress", "cancelled"] as const) {
      expect(refused(set(plan, status, "task_1"))).toContain("not opened again");
    }
  });

  it("does not put a started task back to pending", () => {
    const plan = accepted(set(shop(), "in_progress", "task_1"));
    expect(refused(set(plan, "pending", "task_1"))).toContain("can't become pending again");
  });

  it("returns the same plan for a repeated call", () => {
    const plan = accepted(set(shop(), "completed", "task_1"));
    expect(accepted(set(plan, "completed", "task_1"))).toBe(plan);
    expect(statuses(accepted(set(plan, "completed", "task_1", "task_2")))).toBe("completed completed pending pending");
  });

  it("makes a task appended to an earlier section due before a later section", () => {
    let plan = accepted(set(shop(), "completed", "task_1", "task_2"));
    plan = accepted(createTasks(plan, { section_title: "Build", task_contents: ["E"] }, () => "task_5"));
    expect(dueTask(plan)?.content).toBe("E");
    expect(refused(set(plan, "completed", "task_3"))).toContain("task_5");
  });

  it("lets the task in progress end even if an earlier one was added meanwhile", () => {
    let plan = accepted(set(shop(), "completed", "task_1", "task_2"));
    plan = accepted(set(plan, "in_progress", "task_3"));
    plan = accepted(createTasks(plan, { section_title: "Build", task_contents: ["E"] }));
    expect(dueTask(plan)?.id).toBe("task_3");
    expect(accepted(set(plan, "completed", "task_3")).tasks[2]?.status).toBe("completed");
  });

  it("says that nothing is due when all have ended", () => {
    const plan = accepted(set(shop(), "cancelled", "task_1", "task_2", "task_3", "task_4"));
    expect(refused(set(plan, "completed", "task_1"))).toContain("No task is due");
    expect(refused(updateTasks(emptyPlan, { task_ids: ["task_1"], status: "completed" }, "strict"))).toContain("empty");
  });
});

describe("updateTasks in free order", () => {
  it("completes and starts any pending task, one in progress at a time", () => {
    const plan = accepted(updateTasks(shop(), { task_ids: ["task_3"], status: "in_progress" }, "free"));
    expect(dueTask(plan)?.id).toBe("task_3");
    expect(refused(updateTasks(plan, { task_ids: ["task_1"], status: "in_progress" }, "free"))).toContain("task_3");
    const later = accepted(updateTasks(plan, { task_ids: ["task_4", "task_1"], status: "completed" }, "free"));
    expect(statuses(later)).toBe("completed pending in_progress completed");
  });
});

describe("updateTasks on content and section", () => {
  it("changes the content of one task", () => {
    const plan = accepted(updateTasks(shop(), { task_ids: ["task_2"], content: " B2 " }, "strict"));
    expect(plan.tasks[1]?.content).toBe("B2");
    expect(plan.version).toBe(2);
  });

  it("moves tasks to the end of another section, by status and section at once", () => {
    const plan = accepted(
      updateTasks(shop(), { task_ids: ["task_1"], section_id: "sec_2", status: "in_progress" }, "strict"),
    );
    expect(viewPlan(plan).sections[1]?.tasks.map((task) => task.id)).toEqual(["task_3", "task_4", "task_1"]);
    expect(dueTask(plan)?.id).toBe("task_1");
  });

  it("keeps a task in place when it is moved to its own section", () => {
    const plan = shop();
    expect(accepted(updateTasks(plan, { task_ids: ["task_1"], section_id: "sec_1" }, "strict"))).toBe(plan);
  });

  it("refuses as a whole what it can't do", () => {
    const plan = shop();
    const update = (input: Parameters<typeof updateTasks>[1]) => refused(updateTasks(plan, input, "strict"));
    expect(update({ task_ids: ["task_1"] })).toContain("Nothing to change");
    expect(update({ task_ids: ["task_1", "task_2"], content: "x" })).toContain("one task");
    expect(update({ task_ids: ["task_1"], content: "  " })).toContain("not empty");
    expect(update({ task_ids: ["task_1"], section_id: "sec_7" })).toContain("sec_1");
    expect(update({ task_ids: ["task_1", "nope"], status: "completed" })).toContain('"nope"');
    expect(update({ task_ids: ["a", "b", "c", "d", "e", "f"], status: "completed" })).toContain("and 1 more");
    expect(statuses(plan)).toBe("pending pending pending pending");
  });
});
