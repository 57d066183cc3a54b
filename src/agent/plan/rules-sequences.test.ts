// What must hold for the task list after any sequence of calls.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { numbered } from "../../../test/fakes/plan-changes.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import { type Plan, planView, taskStatuses } from "../../protocol/plan/task.ts";
import { editPlan } from "./edits.ts";
import { createTasks, deleteTasks, type PlanChange, type PlanOrder, startDueTask, updateTasks } from "./rules.ts";
import { emptyPlan, openTasks, planState, viewPlan } from "./view.ts";

describe("any sequence of calls", () => {
  const ids = fc.subarray(["task_1", "task_2", "task_3", "task_4", "task_5", "task_6", "task_7"], { minLength: 1 });
  const operation: fc.Arbitrary<PlanOperation> = fc.oneof(
    fc.record({
      op: fc.constant("create" as const),
      section_title: fc.constantFrom("S", "T", "P"),
      task_contents: fc.array(fc.string(), { minLength: 1, maxLength: 2 }),
    }),
    fc.record(
      {
        op: fc.constant("update" as const),
        task_ids: ids,
        status: fc.constantFrom(...taskStatuses),
        section_id: fc.constantFrom("sec_1", "sec_2"),
        position: fc.nat(5),
      },
      { requiredKeys: ["op", "task_ids"] },
    ),
    fc.record({ op: fc.constant("delete" as const), task_ids: ids }),
    fc.record({ op: fc.constant("clear" as const) }),
  );
  const call = fc.oneof(
    fc.record({
      kind: fc.constant("create" as const),
      section_title: fc.constantFrom("S", "T", "U"),
      task_contents: fc.array(fc.string(), { maxLength: 3 }),
    }),
    fc.record(
      {
        kind: fc.constant("update" as const),
        task_ids: ids,
        status: fc.constantFrom(...taskStatuses),
        section_id: fc.constantFrom("sec_1", "sec_2"),
      },
      { requiredKeys: ["kind", "task_ids"] },
    ),
    fc.record({ kind: fc.constant("delete" as const), task_ids: ids }),
    fc.record({ kind: fc.constant("delete_section" as const), section_id: fc.constantFrom("sec_1", "sec_2") }),
    fc.record({ kind: fc.constant("start" as const) }),
    fc.record({
      kind: fc.constant("person" as const),
      operations: fc.array(operation, { minLength: 1, maxLength: 4 }),
    }),
  );

  type Step = typeof call extends fc.Arbitrary<infer Value> ? Value : never;

  function apply(plan: Plan, step: Step, order: PlanOrder, makeId: ReturnType<typeof numbered>): Plan {
    const change = (): PlanChange => {
      switch (step.kind) {
        case "create":
          return createTasks(plan, step, makeId);
        case "update":
          return updateTasks(plan, step, order);
        case "delete":
          return deleteTasks(plan, step);
        case "delete_section":
          return deleteTasks(plan, { section_ids: [step.section_id], confirm: true });
        case "start":
          return { ok: true, plan: startDueTask(plan) ?? plan };
        case "person":
          return editPlan(plan, step.operations, makeId);
      }
    };
    const outcome = change();
    if (!outcome.ok) expect(outcome.message.length).toBeLessThan(2_000);
    return outcome.ok ? outcome.plan : plan;
  }

  const deletes = (step: Step) =>
    step.kind === "delete" ||
    step.kind === "delete_section" ||
    (step.kind === "person" && step.operations.some(({ op }) => op === "delete" || op === "clear"));

  it("keeps undeleted tasks, one task in progress, forward statuses, valid references and a version that counts changes", () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 25 }), fc.constantFrom("strict", "free"), (steps, order) => {
        const makeId = numbered();
        let plan = emptyPlan;
        for (const step of steps) {
          const before = structuredClone(plan);
          const after = apply(plan, step, order, makeId);
          expect(plan).toEqual(before);
          expect(after.version).toBe(
            JSON.stringify(after) === JSON.stringify(before) ? before.version : before.version + 1,
          );
          const sections = new Set(after.sections.map((section) => section.id));
          expect(after.tasks.every((task) => sections.has(task.section_id))).toBe(true);
          expect(new Set(after.tasks.map((task) => task.id)).size).toBe(after.tasks.length);
          expect(after.tasks.filter((task) => task.status === "in_progress").length).toBeLessThanOrEqual(1);
          for (const task of before.tasks) {
            const now = after.tasks.find((other) => other.id === task.id)?.status ?? task.status;
            if (now !== task.status)
              expect(taskStatuses.indexOf(now)).toBeGreaterThan(taskStatuses.indexOf(task.status));
            if (task.status === "completed") expect(now).toBe("completed");
          }
          if (!deletes(step)) {
            const left = new Set(after.tasks.map(({ id }) => id));
            expect(before.tasks.filter(({ id }) => !left.has(id))).toEqual([]);
          }
          expect(planView().parse(viewPlan(after))).toEqual(viewPlan(after));
          expect(planState(after).version).toBe(after.version);
          plan = after;
        }
      }),
      { numRuns: 300 },
    );
  });

  const made = createTasks(emptyPlan, { section_title: "S", task_contents: ["A", "B", "C", "D"] }, numbered());
  const first = made.ok ? made.plan : emptyPlan;

  it("in strict order never completes a task while an earlier one is open", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...taskStatuses), ids), { maxLength: 20 }), (steps) => {
        let plan = first;
        for (const [status, task_ids] of steps) {
          const known = task_ids.filter((id) => plan.tasks.some((task) => task.id === id));
          const outcome = updateTasks(plan, { task_ids: known, status }, "strict");
          if (outcome.ok) plan = outcome.plan;
          const firstOpen = plan.tasks.findIndex((task) => task.status === "pending" || task.status === "in_progress");
          const rest = firstOpen < 0 ? [] : plan.tasks.slice(firstOpen);
          expect(rest.some((task) => task.status === "completed")).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("in strict order lets a model complete due tasks only, whatever a person does in between", () => {
    const turn = fc.oneof(
      fc.record({ by: fc.constant("model" as const), status: fc.constantFrom(...taskStatuses), task_ids: ids }),
      fc.record({ by: fc.constant("person" as const), operation }),
    );
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 25 }), (turns) => {
        const makeId = numbered();
        let plan = first;
        for (const step of turns) {
          if (step.by === "person") {
            const edited = editPlan(plan, [step.operation], (prefix) => `${makeId(prefix)}0`);
            if (edited.ok) plan = edited.plan;
            continue;
          }
          const known = step.task_ids.filter((id) => plan.tasks.some((task) => task.id === id));
          if (known.length === 0) continue;
          const due = new Set(openTasks(plan).map(({ id }) => id));
          const outcome = updateTasks(plan, { task_ids: known, status: step.status }, "strict");
          if (!outcome.ok) continue;
          const ended = openTasks(plan).filter(({ id }) => !openTasks(outcome.plan).some((task) => task.id === id));
          const firsts = [...due].slice(0, ended.length);
          if (step.status === "completed") expect(ended.map(({ id }) => id)).toEqual(firsts);
          plan = outcome.plan;
        }
      }),
      { numRuns: 300 },
    );
  });
});
