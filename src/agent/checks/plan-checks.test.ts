// What must hold for a plan with checks after any sequence of calls of the model and edits of a person.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seeChecks } from "../../../test/fakes/seen-checks.ts";
import { applyPatch } from "../../lib/json/patch.ts";
import { type CheckInput, type CheckResult, MAX_CHECKS_OF_TASK } from "../../protocol/plan/check.ts";
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import { type Plan, planView, type Task } from "../../protocol/plan/task.ts";
import { toPlanContent } from "../../store/shapes/message.ts";
import { diffPlanState } from "../plan/changes.ts";
import { editPlan } from "../plan/edits.ts";
import { numberPlan } from "../plan/numbers.ts";
import { createTasks, deleteTasks, type PlanChange, startDueTask, updateTasks } from "../plan/rules.ts";
import { emptyPlan, planState, viewPlan } from "../plan/view.ts";
import { handOf } from "./make.ts";
import { isSameSpec } from "./spec.ts";
import { verificationOf } from "./verification.ts";
import { weakenings } from "./weakening.ts";

type CheckStep =
  | { kind: "create"; section_title: string; task_contents: (string | { content: string; checks: CheckInput[] })[] }
  | { kind: "update"; task_ids: string[]; status?: Task["status"]; checks?: CheckInput[]; remove_checks?: string[] }
  | { kind: "delete"; task_ids: string[] }
  | { kind: "start" }
  | { kind: "see"; outcomes: CheckResult[] }
  | { kind: "person"; operations: PlanOperation[] };

const spec: fc.Arbitrary<CheckInput> = fc.oneof(
  fc.record({ type: fc.constant("command" as const), run: fc.constantFrom("npm test", "make", "a\nb") }),
  fc.record({
    type: fc.constant("file" as const),
    path: fc.constantFrom("a", "b"),
    contains: fc.constantFrom("x", "y"),
  }),
  fc.record({ type: fc.constant("http" as const), port: fc.constantFrom(80, 3000) }),
  fc.record({ type: fc.constant("git" as const), clean: fc.constant(true) }),
  fc.record({ type: fc.constant("person" as const), question: fc.constantFrom("Good?", "Readable?") }),
);
const specs = fc.array(spec, { minLength: 1, maxLength: 5 });
const ids = fc.subarray(["task_1", "task_2", "task_3", "task_4", "task_5"], { minLength: 1 });
const one = fc.constantFrom("task_1", "task_2", "task_3").map((id) => [id]);
const content = fc.constantFrom("A", "B", "C");
const task_contents = fc.array(fc.oneof(content, fc.record({ content, checks: specs })), {
  minLength: 1,
  maxLength: 3,
});
const section_title = fc.constantFrom("S", "T");
const removed = fc.subarray(["1", "2", "check_1", "check_2", "check_3", "check_4"], { minLength: 1 });
const status = fc.constantFrom("in_progress" as const, "completed" as const, "cancelled" as const);
const result: fc.Arbitrary<CheckResult> = fc.record(
  {
    receipt_id: fc.constantFrom("r1", "r2"),
    outcome: fc.constantFrom("passed" as const, "failed" as const, "not_run" as const),
    at: fc.constant("2026-01-01T00:00:00.000Z"),
    reason: fc.constant("It is so."),
    tree: fc.constantFrom("t1", null),
    stale: fc.constant(true),
    altered: fc.constant(true),
  },
  { requiredKeys: ["receipt_id", "outcome", "at", "reason", "tree"] },
);
const operation = fc.oneof(
  fc.record({ op: fc.constant("create" as const), section_title, task_contents }),
  fc.record(
    { op: fc.constant("update" as const), task_ids: ids, status, checks: specs },
    { requiredKeys: ["op", "task_ids"] },
  ),
  fc.record({ op: fc.constant("update" as const), task_ids: one, remove_checks: removed, checks: specs }),
  fc.record({ op: fc.constant("delete" as const), task_ids: ids }),
);
const step: fc.Arbitrary<CheckStep> = fc.oneof(
  fc.record({ kind: fc.constant("create" as const), section_title, task_contents }),
  fc.record(
    { kind: fc.constant("update" as const), task_ids: ids, status, checks: specs },
    { requiredKeys: ["kind", "task_ids"] },
  ),
  fc.record(
    { kind: fc.constant("update" as const), task_ids: one, remove_checks: removed, checks: specs },
    { requiredKeys: ["kind", "task_ids", "remove_checks"] },
  ),
  fc.record({ kind: fc.constant("delete" as const), task_ids: ids }),
  fc.record({ kind: fc.constant("start" as const) }),
  fc.record({ kind: fc.constant("see" as const), outcomes: fc.array(result, { minLength: 1, maxLength: 4 }) }),
  fc.record({ kind: fc.constant("person" as const), operations: fc.array(operation, { minLength: 1, maxLength: 3 }) }),
);

function newWorld() {
  const counts = { task: 0, sec: 0, check: 0 };
  const makeId = (prefix: "task" | "sec") => `${prefix}_${++counts[prefix]}`;
  const makeCheckId = () => `check_${++counts.check}`;
  const hands = { model: handOf("model", { makeCheckId }), person: handOf("person", { makeCheckId }) };
  const apply = (plan: Plan, given: CheckStep): PlanChange => {
    switch (given.kind) {
      case "create":
        return createTasks(plan, given, makeId, hands.model);
      case "update":
        return updateTasks(plan, given, "free", hands.model);
      case "delete":
        return deleteTasks(plan, given);
      case "start":
        return { ok: true, plan: startDueTask(plan) ?? plan };
      case "see":
        return { ok: true, plan: seeChecks(plan, given.outcomes) };
      case "person":
        return editPlan(plan, given.operations, makeId, hands.person);
    }
  };
  return (plan: Plan, given: CheckStep): Plan => {
    const change = apply(plan, given);
    if (!change.ok) expect(change.message.length).toBeLessThan(3_000);
    return change.ok ? numberPlan(change.plan) : plan;
  };
}

const namesOf = (task?: Task) => JSON.stringify(task?.checks?.map(({ id, author }) => [id, author]));
const checksOf = (plan: Plan) => plan.tasks.flatMap(({ checks = [] }) => checks);
const walk = (steps: CheckStep[], look: (before: Plan, after: Plan, given: CheckStep) => void) => {
  const apply = newWorld();
  steps.reduce<Plan>((before, given) => {
    const copy = structuredClone(before);
    const after = apply(before, given);
    expect(before).toEqual(copy);
    look(before, after, given);
    return after;
  }, emptyPlan);
};

describe("a plan with checks, after any sequence of calls", () => {
  it("stays within its bounds, counts its changes, and says of each task what its checks say", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        walk(steps, (before, after, given) => {
          const isSame = JSON.stringify(planState(after)) === JSON.stringify(planState(before));
          if (given.kind !== "see") expect(after.version).toBe(isSame ? before.version : before.version + 1);
          for (const task of after.tasks) {
            expect(task.checks?.length ?? 1).toBeGreaterThan(0);
            expect(task.checks?.length ?? 0).toBeLessThanOrEqual(MAX_CHECKS_OF_TASK);
            expect(task.verification).toBe(task.checks === undefined ? undefined : verificationOf(task));
            const texts = task.checks ?? [];
            expect(
              texts.some((one, at) => texts.some((other, place) => place < at && isSameSpec(one.spec, other.spec))),
            ).toBe(false);
          }
          const made = checksOf(after).map(({ id }) => id);
          expect(new Set(made).size).toBe(made.length);
          expect(planView().parse(viewPlan(after))).toEqual(viewPlan(after));
        });
      }),
      { numRuns: 200 },
    );
  });

  it("is reproduced by its JSON Patch, and comes back from storage as it was", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), (steps) => {
        walk(steps, (before, after) => {
          const patch = diffPlanState(planState(before), planState(after));
          const state = applyPatch(
            { plan: JSON.parse(JSON.stringify(planState(before))) },
            JSON.parse(JSON.stringify(patch)),
          );
          expect(state).toEqual({ plan: JSON.parse(JSON.stringify(planState(after))) });
          const { sections, tasks } = after;
          const stored = JSON.stringify({ sections, tasks });
          expect(JSON.stringify(toPlanContent(JSON.parse(stored)))).toBe(stored);
        });
      }),
      { numRuns: 150 },
    );
  });

  it("never has a spec that changed, and the model never makes a check a person's", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        walk(steps, (before, after, given) => {
          const former = new Map(checksOf(before).map((check) => [check.id, check]));
          for (const check of checksOf(after)) {
            const was = former.get(check.id);
            if (was !== undefined) expect(check.spec).toEqual(was.spec);
            if (given.kind !== "person") expect(check.author).toBe(was?.author ?? "model");
            else if (was === undefined) expect(check.author).toBe("person");
          }
        });
      }),
      { numRuns: 150 },
    );
  });

  it("has a weakening for every check that the model took, and none where it only added", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        walk(steps, (before, after, given) => {
          if (given.kind === "person" || given.kind === "see") return;
          const found = weakenings(before, after);
          const left = new Set(checksOf(after).map(({ id }) => id));
          const gone = checksOf(before).filter(({ id }) => !left.has(id));
          const taken = found
            .filter(({ kind }) => kind === "removed" || kind === "deleted")
            .map(({ check }) => check.id);
          expect(taken.sort()).toEqual(gone.map(({ id }) => id).sort());
          for (const { kind, task } of found) {
            const now = after.tasks.find(({ id }) => id === task.id);
            if (kind === "removed") expect(now?.weakened).toBe(true);
            if (kind === "cancelled") expect(now?.status).toBe("cancelled");
          }
          for (const task of before.tasks.filter(({ checks }) => checks !== undefined)) {
            const isCancelled =
              task.status !== "cancelled" &&
              after.tasks.some(({ id, status: is }) => id === task.id && is === "cancelled");
            if (isCancelled)
              expect(found.filter(({ task: { id } }) => id === task.id)).toHaveLength(task.checks?.length ?? 0);
          }
        });
      }),
      { numRuns: 200 },
    );
  });

  it("is never verified after the model took a check, until a person changes the checks", () => {
    const passed: CheckStep = {
      kind: "see",
      outcomes: [{ receipt_id: "r", outcome: "passed", at: "", reason: "It is so.", tree: null }],
    };
    let verified = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 20 }), (steps) => {
        const weakened = new Set<string>();
        walk(
          steps.flatMap((each) => [each, passed]),
          (before, after, given) => {
            const isPerson = given.kind === "person";
            if (isPerson)
              for (const task of after.tasks)
                if (namesOf(task) !== namesOf(before.tasks.find(({ id }) => id === task.id))) weakened.delete(task.id);
            if (!isPerson)
              for (const { kind, task } of weakenings(before, after)) if (kind === "removed") weakened.add(task.id);
            for (const task of after.tasks.filter(({ verification }) => verification === "verified")) {
              expect(weakened.has(task.id)).toBe(false);
              expect(task.checks?.every(({ author }) => author === "person")).toBe(true);
              verified++;
            }
          },
        );
      }),
      { numRuns: 200 },
    );
    expect(verified).toBeGreaterThan(0);
  });
});
