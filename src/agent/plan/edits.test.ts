import { describe, expect, it } from "vitest";
import { processorTime } from "../../../test/fakes/processor-time.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan, TaskStatus } from "../../protocol/plan/task.ts";
import { editPlan } from "./edits.ts";
import { emptyPlan, viewPlan } from "./view.ts";

const makeId = (prefix: string) => `${prefix}_new`;

/** Two sections: tasks a, b, c in the first, d in the second. */
function plan(...statuses: TaskStatus[]): Plan {
  return {
    version: 4,
    sections: [
      { id: "sec_1", title: "One" },
      { id: "sec_2", title: "Two" },
    ],
    tasks: ["a", "b", "c", "d"].map((name, at) => ({
      id: `task_${name}`,
      content: name.toUpperCase(),
      status: statuses[at] ?? "pending",
      section_id: name === "d" ? "sec_2" : "sec_1",
    })),
  };
}

function edit(before: Plan, ...operations: PlanOperation[]): Plan {
  const edited = editPlan(before, operations, makeId);
  if (!edited.ok) throw new Error(edited.message);
  return edited.plan;
}

function refusal(before: Plan, ...operations: PlanOperation[]): string {
  const edited = editPlan(before, operations, makeId);
  return edited.ok ? "" : edited.message;
}

const order = (of: Plan) =>
  viewPlan(of).sections.map(({ tasks }) => tasks.map(({ id }) => id.replace("task_", "")).join(""));

describe("a person's edit", () => {
  it("applies several operations as one change: the version grows by one", () => {
    const edited = edit(
      plan(),
      { op: "create", section_id: "sec_2", task_contents: ["E"] },
      { op: "update", task_ids: ["task_c"], status: "completed" },
      { op: "update", task_ids: ["task_a"], content: "A2" },
      { op: "delete", task_ids: ["task_b"] },
    );
    expect(edited.version).toBe(5);
    expect(edited.tasks.map(({ content, status }) => `${content} ${status}`)).toEqual([
      "A2 pending",
      "C completed",
      "D pending",
      "E pending",
    ]);
  });

  it("completes, starts and cancels tasks in any order, without confirmation", () => {
    const begun = edit(plan(), { op: "update", task_ids: ["task_d"], status: "in_progress" });
    expect(begun.tasks.at(-1)?.status).toBe("in_progress");
    expect(edit(plan(), { op: "delete", section_ids: ["sec_1"] }).tasks).toHaveLength(1);
    expect(edit(plan(), { op: "clear" })).toEqual({ version: 5, sections: [], tasks: [] });
  });

  it("is refused as a whole, with the operation named in words for a person", () => {
    const cancelA: PlanOperation = { op: "update", task_ids: ["task_a"], status: "cancelled" };
    const message = refusal(plan(), cancelA, { op: "update", task_ids: ["task_x"], status: "completed" });
    expect(message).toMatch(/^operations\[1\] \(update\): There is no task with the id "task_x"/);
    expect(message).toMatch(/Nothing was changed; GET …\/tasks shows all ids\.$/);
    expect(message).not.toContain("task that is due");
    expect(refusal(plan(), { op: "update", task_ids: ["task_a"] })).toMatch(/^operations\[0\] \(update\): Nothing/);
    expect(refusal(plan("completed"), { op: "update", task_ids: ["task_a"], status: "pending" })).toContain(
      "completed",
    );
  });

  it("never leaves two tasks in progress", () => {
    const start: PlanOperation = { op: "update", task_ids: ["task_c"], status: "in_progress" };
    expect(refusal(plan("in_progress"), start)).toMatch(/One task is in progress at a time/);
    const done: PlanOperation = { op: "update", task_ids: ["task_a"], status: "completed" };
    expect(edit(plan("in_progress"), done, start).tasks.map(({ status }) => status)).toEqual([
      "completed",
      "pending",
      "in_progress",
      "pending",
    ]);
  });

  it("returns the same plan if it changes nothing in the end", () => {
    const before = plan();
    expect(edit(before, { op: "update", task_ids: ["task_a"], content: "A" })).toBe(before);
    const away: PlanOperation = { op: "update", task_ids: ["task_a"], position: 2 };
    expect(edit(before, away, { op: "update", task_ids: ["task_a"], position: 0 })).toBe(before);
    expect(edit(before, { op: "create", section_id: "sec_1", task_contents: ["B"] })).toBe(before);
    expect(edit(emptyPlan, { op: "clear" })).toBe(emptyPlan);
  });
});

describe("position", () => {
  it("is the index in the section, for several tasks in the order in which they are named", () => {
    expect(order(edit(plan(), { op: "update", task_ids: ["task_c"], position: 0 }))).toEqual(["cab", "d"]);
    expect(order(edit(plan(), { op: "update", task_ids: ["task_c", "task_a"], position: 1 }))).toEqual(["bca", "d"]);
    expect(order(edit(plan(), { op: "update", task_ids: ["task_a"], position: 99 }))).toEqual(["bca", "d"]);
  });

  it("is the index in the new section if the task moves", () => {
    const move: PlanOperation = { op: "update", task_ids: ["task_b"], section_id: "sec_2", position: 0 };
    expect(order(edit(plan(), move))).toEqual(["ac", "bd"]);
    const all: PlanOperation = { op: "update", task_ids: ["task_d", "task_a"], section_id: "sec_1", position: 1 };
    expect(order(edit(plan(), all))).toEqual(["bdac", ""]);
  });

  it("is refused for tasks of several sections at once, and for an unknown task", () => {
    expect(refusal(plan(), { op: "update", task_ids: ["task_a", "task_d"], position: 0 })).toMatch(/several sections/);
    expect(refusal(plan(), { op: "update", task_ids: ["task_x"], position: 0 })).toMatch(/no task/);
  });
});

describe("an edit made to take long", () => {
  const many: Plan = {
    ...plan(),
    tasks: Array.from({ length: 200 }, (_, at) => ({
      ...{ id: `task_${at}`, content: `${at}`, status: "pending", section_id: "sec_1" },
    })),
  };
  const task_ids = many.tasks.map(({ id }) => id);
  const check = (matches: string, path = "a") => ({ type: "file" as const, path, matches });
  const long = "ab?".repeat(300);
  const edits: [name: string, operations: PlanOperation[], message: RegExp][] = [
    [
      "by an expression that repeats repetitions",
      [{ op: "update", task_ids, checks: [check("((((){1000}){1000}){1000}){1000}")] }],
      /too long when its repetitions are written out/,
    ],
    [
      "by 240,000 checks that are the same",
      Array.from({ length: 60 }, () => ({ op: "update", task_ids, checks: Array(20).fill(check("^ok$")) })),
      /too many checks at once/,
    ],
    [
      "by 40 times the same check",
      Array.from({ length: 40 }, () => ({ op: "update" as const, task_ids, checks: [check("^ok$")] })),
      /^$/,
    ],
    [
      "by 800 long expressions",
      Array.from({ length: 100 }, (_, at) => ({
        ...{ op: "update" as const, task_ids: [`task_${at}`] },
        checks: Array.from({ length: 8 }, (_, each) => check(`${long}${at} ${each}{900}`)),
      })),
      /expressions are too long in all/,
    ],
    [
      "by new tasks with twenty checks each",
      [
        {
          ...{ op: "create", section_title: "S" },
          task_contents: Array.from({ length: 1000 }, (_, at) => ({
            content: `${at}`,
            checks: Array.from({ length: 20 }, (_, each) => check("^ok$", `${each % 8}`)),
          })),
        },
      ],
      /too many checks at once/,
    ],
  ];
  it.each(edits)("is applied or refused at once: %s", async (_, operations, message) => {
    // As it comes: nothing of it is the same object.
    const received = JSON.parse(JSON.stringify(operations)) as PlanOperation[];
    let said = "";
    expect(
      await processorTime(() => {
        said = refusal(many, ...received);
      }),
    ).toBeLessThan(1_000);
    expect(said).toMatch(message);
  });
});
