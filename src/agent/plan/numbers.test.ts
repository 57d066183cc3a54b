import { describe, expect, it } from "vitest";
import type { Plan } from "../../protocol/plan/task.ts";
import { editPlan } from "./edits.ts";
import { findTasks } from "./find.ts";
import { listNumbers, numberPlan, readNumber, withoutNumbers } from "./numbers.ts";
import { createTasks, deleteTasks, updateTasks } from "./rules.ts";
import { emptyPlan } from "./view.ts";

let made = 0;
const makeId = (prefix: string) => `${prefix}_01j${String(++made).padStart(23, "0")}`;

function planOf(...contents: string[]): Plan {
  const change = createTasks(emptyPlan, { section_title: "S", task_contents: contents }, makeId);
  if (!change.ok) throw new Error(change.message);
  return numberPlan(change.plan);
}

const namesOf = ({ tasks }: Plan) => tasks.map(({ number, content }) => `${number} ${content}`);

/** The contents of the tasks that the ids name, or the refusal. */
function find(plan: Plan, ...ids: string[]): string | string[] {
  const found = findTasks(plan, ids);
  return typeof found === "string" ? found : found.map(({ content }) => content);
}

describe("the numbers of a plan", () => {
  it("continue after the last, also if that task is deleted or the plan cleared", () => {
    const plan = planOf("A", "B", "C");
    const deleted = deleteTasks(plan, { task_ids: ["task_3"] });
    const again = createTasks(deleted.ok ? deleted.plan : plan, { section_title: "S", task_contents: ["D"] }, makeId);
    expect(namesOf(numberPlan(again.ok ? again.plan : plan))).toEqual(["1 A", "2 B", "4 D"]);
    const edited = editPlan(plan, [{ op: "clear" }, { op: "create", section_title: "T", task_contents: ["E"] }]);
    expect(edited.ok && namesOf(edited.plan)).toEqual(["4 E"]);
    expect(edited.ok && edited.plan.sections[0]?.number).toBe(2);
  });

  it("stay with their tasks through a person's edits, whose refusals name ids", () => {
    const plan = planOf("A", "B", "C");
    const ids = plan.tasks.map(({ id }) => id);
    const moved = editPlan(plan, [{ op: "update", task_ids: [ids[2] ?? ""], position: 0 }]);
    expect(moved.ok && namesOf(moved.plan)).toEqual(["3 C", "1 A", "2 B"]);
    const refused = editPlan(plan, [{ op: "update", task_ids: [ids[0] ?? ""], content: " " }, { op: "clear" }]);
    expect(refused.ok).toBe(false);
    const unknown = editPlan(plan, [{ op: "update", task_ids: ["task_1"], status: "completed" }]);
    expect(unknown.ok || unknown.message).toContain('There is no task with the id "task_1"');
  });

  it("are given in the order of the plan, the same each time", () => {
    const plan = withoutNumbers(planOf("A", "B", "C"));
    expect(namesOf(numberPlan(plan))).toEqual(["1 A", "2 B", "3 C"]);
    expect(numberPlan(plan)).toEqual(numberPlan(structuredClone(plan)));
    const numbered = numberPlan(plan);
    expect(numberPlan(numbered)).toBe(numbered);
  });
});

describe("what names a task", () => {
  const plan = planOf("A", "B", "C");

  it.each(["task_2", "TASK_2", " task 2 ", "task-2", "Task2", "2", "#2", "任务2", "任务 ２", "task_02"])(
    "%s",
    (text) => {
      expect(find(plan, text)).toEqual(["B"]);
    },
  );

  it.each([
    "task_999",
    "task_0",
    "-2",
    "2.0",
    "2 3",
    "task_2x",
    "0x2",
    "sec_2",
    "２３４５６７８９０１",
    "",
    "__proto__",
    "task_",
  ])("is not %j", (text) => {
    expect(find(plan, text)).toContain("There is no task with the id");
  });

  it("may be its id and its number at once: it is one task", () => {
    const [first] = plan.tasks;
    expect(find(plan, "task_1", first?.id ?? "", "1", "task_1")).toEqual(["A"]);
    const change = updateTasks(
      plan,
      { task_ids: ["task_1", first?.id ?? "", "task_1"], status: "completed" },
      "strict",
    );
    expect(change.ok && change.plan.tasks.map(({ status }) => status)).toEqual(["completed", "pending", "pending"]);
  });

  it("is refused in short ids, each with the next right call", () => {
    expect(find(plan, "task_9")).toContain('call update_tasks with {"task_ids":["task_1"],"status":"completed"}');
    const early = updateTasks(plan, { task_ids: ["task_3"], status: "completed" }, "strict");
    expect(early.ok || early.message).toMatch(/^task_3 \("C"\) is not due yet/);
  });

  it("may be a section's id in place of its title", () => {
    const change = createTasks(plan, { section_title: "sec_1", task_contents: ["D"] }, makeId);
    expect(change.ok && change.plan.sections).toEqual(plan.sections);
    const other = createTasks(plan, { section_title: "sec_9", task_contents: ["D"] }, makeId);
    expect(other.ok && other.plan.sections.map(({ title }) => title)).toEqual(["S", "sec_9"]);
  });

  it("is its text rather than the number of another, where that text is like a short id", () => {
    const sections = [{ title: "Setup", tasks: ["Task 2"] }].concat(
      { title: "Section 1", tasks: ["Task 3"] },
      { title: "Section 2", tasks: ["Task 4", "Task 9", "task 9"] },
    );
    const change = createTasks(emptyPlan, { sections }, makeId);
    const made = change.ok ? numberPlan(change.plan) : emptyPlan;
    expect(find(made, "Task 2", "task 3")).toEqual(["Task 2", "Task 3"]);
    expect(find(made, "task_2", "3", "Task 5")).toEqual(["Task 3", "Task 4", "task 9"]);
    expect(find(made, "Task 9")).toContain("There is no task with the id");
    const deletion = deleteTasks(made, { section_ids: ["section 2"], confirm: true });
    expect(deletion.ok && deletion.plan.sections.map(({ title }) => title)).toEqual(["Setup", "Section 1"]);
  });

  it("never takes the start of an id for a number", () => {
    expect(readNumber("01j00000000000000000000000001", "task")).toBeNull();
    expect(readNumber("1".repeat(12), "task")).toBeNull();
    expect(readNumber("section 3", "sec")).toBe(3);
    expect(readNumber("阶段3", "sec")).toBe(3);
  });
});

it("lists consecutive numbers as ranges", () => {
  const items = [1, 2, 3, 7, 9, 10].map((number) => ({ number }));
  expect(listNumbers(items, "task")).toBe("task_1 to task_3, task_7, task_9 to task_10");
  expect(listNumbers([], "sec")).toBe("");
});
