import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CheckInput } from "../../protocol/plan/check.ts";
import {
  addCheck,
  addSection,
  addTask,
  draftOf,
  isChanged,
  moveTo,
  type PlanDraft,
  type PlanSection,
  problemOf,
  remove,
  removeCheck,
  reword,
  rewordCheck,
  sectionsOf,
  step,
} from "./plan-draft.ts";

const proposed: PlanSection[] = [
  { title: "A", tasks: ["a1", "a2"] },
  { title: "B", tasks: ["b1"] },
];
const draft = draftOf(proposed);

function keyOf({ sections }: PlanDraft, text: string): number {
  const rows = sections.flatMap(({ key, title, tasks }) => [{ key, text: title }, ...tasks]);
  return rows.find((row) => row.text === text)?.key ?? -1;
}

const print = (plan: PlanDraft): string =>
  sectionsOf(plan)
    .map(({ title, tasks }) => `${title}: ${tasks}`)
    .join("; ");

describe("a draft of a plan", () => {
  it("is unchanged until its text changes", () => {
    expect(sectionsOf(draft)).toEqual(proposed);
    expect(isChanged(draft, proposed)).toBe(false);
    expect(isChanged(addTask(draft, keyOf(draft, "A"), "  "), proposed)).toBe(false);
    expect(isChanged(reword(draft, keyOf(draft, "b1"), "b2"), proposed)).toBe(true);
    expect(isChanged(reword(reword(draft, keyOf(draft, "b1"), "b2"), keyOf(draft, "b1"), "b1 "), proposed)).toBe(false);
  });

  it.each<[string, (plan: PlanDraft) => PlanDraft, string]>([
    ["words a task anew", (plan) => reword(plan, keyOf(plan, "a2"), "x"), "A: a1,x; B: b1"],
    ["words a title anew", (plan) => reword(plan, keyOf(plan, "B"), "C"), "A: a1,a2; C: b1"],
    ["adds behind a task", (plan) => addTask(plan, keyOf(plan, "a1"), "x"), "A: a1,x,a2; B: b1"],
    ["adds to a section", (plan) => addTask(plan, keyOf(plan, "B"), "x"), "A: a1,a2; B: b1,x"],
    ["takes a task out", (plan) => remove(plan, keyOf(plan, "a1")), "A: a2; B: b1"],
    ["takes a section out", (plan) => remove(plan, keyOf(plan, "A")), "B: b1"],
    ["leaves out a section without tasks", (plan) => remove(plan, keyOf(plan, "b1")), "A: a1,a2"],
    ["moves a task up", (plan) => step(plan, keyOf(plan, "a2"), -1), "A: a2,a1; B: b1"],
    ["moves a task over the edge", (plan) => step(plan, keyOf(plan, "a2"), 1), "A: a1; B: a2,b1"],
    ["moves a task back over the edge", (plan) => step(plan, keyOf(plan, "b1"), -1), "A: a1,a2,b1"],
    ["keeps the first task first", (plan) => step(plan, keyOf(plan, "a1"), -1), "A: a1,a2; B: b1"],
    ["moves a section", (plan) => step(plan, keyOf(plan, "A"), 1), "B: b1; A: a1,a2"],
    ["moves a task to an earlier place", (plan) => moveTo(plan, keyOf(plan, "b1"), keyOf(plan, "a1")), "A: b1,a1,a2"],
    ["moves a task to a later place", (plan) => moveTo(plan, keyOf(plan, "a1"), keyOf(plan, "b1")), "A: a2; B: b1,a1"],
    ["knows no such key", (plan) => step(remove(reword(plan, 99, "x"), 99), 99, 1), "A: a1,a2; B: b1"],
  ])("%s", (_name, edit, expected) => {
    const before = structuredClone(draft);
    expect(print(edit(draft))).toBe(expected);
    expect(draft).toEqual(before);
  });

  it("keeps, adds, rewords and removes checks, and drops empty ones", () => {
    const file: CheckInput = { type: "file", path: "x" };
    const checked = draftOf([{ title: "A", tasks: ["a1", { content: "a2", checks: [file] }] }]);
    const key = keyOf(checked, "a2");
    const checksOf = (plan: PlanDraft) => sectionsOf(plan)[0]?.tasks[1];
    expect(checksOf(step(checked, key, -1))).toBe("a1");
    expect(checksOf(reword(checked, key, "b"))).toEqual({ content: "b", checks: [file] });
    expect(checksOf(addCheck(checked, key))).toEqual({ content: "a2", checks: [file] });
    const added = addCheck(checked, key, "make");
    expect(checksOf(rewordCheck(added, key, 1, "make test"))).toEqual({
      content: "a2",
      checks: [file, { type: "command", run: "make test" }],
    });
    expect(rewordCheck(added, key, 0, "x")).toEqual(added);
    expect(checksOf(removeCheck(checked, key, 0))).toBe("a2");
    const many = Array.from({ length: 8 }).reduce<PlanDraft>((plan) => addCheck(plan, key, "x"), checked);
    expect(problemOf(many)).toBe("many_checks");
  });

  it("lists what the server would refuse", () => {
    const problem = (sections: PlanSection[]) => problemOf(draftOf(sections));
    expect(problem(proposed)).toBeNull();
    expect(problem([{ title: "A", tasks: [" "] }])).toBe("no_tasks");
    expect(problem([{ title: " ", tasks: ["a"] }])).toBe("no_title");
    expect(problem(Array.from({ length: 51 }, () => ({ title: "A", tasks: ["a"] })))).toBe("many_sections");
    expect(problem([{ title: "A", tasks: Array(501).fill("a") }])).toBe("many_tasks");
    expect(problem([{ title: "A", tasks: Array(500).fill("a") }])).toBeNull();
    expect(problem([{ title: "A", tasks: ["a".repeat(2001)] }])).toBe("long_task");
    expect(problem([{ title: "A".repeat(201), tasks: ["a"] }])).toBe("long_title");
  });

  it("keeps its keys distinct, and loses no task by moving", () => {
    const act = fc.record({ what: fc.nat(5), at: fc.nat(40), to: fc.nat(40), down: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        let plan = draft;
        for (const { what, at, to, down } of acts) {
          const keys = plan.sections.flatMap((section) => [section.key, ...section.tasks.map(({ key }) => key)]);
          const key = keys[at % Math.max(1, keys.length)] ?? 0;
          const before = tasksOf(plan);
          if (what === 0) plan = addTask(plan, key, "x");
          else if (what === 1) plan = addSection(plan, "S");
          else if (what === 2) plan = remove(plan, key);
          else {
            plan = what === 3 ? step(plan, key, down ? 1 : -1) : moveTo(plan, key, keys[to % keys.length] ?? 0);
            expect(tasksOf(plan)).toEqual(before);
          }
          const after = plan.sections.flatMap((section) => [section.key, ...section.tasks.map((task) => task.key)]);
          expect(new Set(after).size).toBe(after.length);
        }
      }),
    );
  });
});

function tasksOf({ sections }: PlanDraft): number[] {
  return sections.flatMap(({ tasks }) => tasks.map(({ key }) => key)).toSorted((one, other) => one - other);
}
