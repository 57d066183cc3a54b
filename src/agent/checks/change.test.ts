// The checks of one task: added, removed, owned and described.
import { describe, expect, it } from "vitest";
import { seeChecks } from "../../../test/fakes/seen-checks.ts";
import { type CheckInput, type CheckResult, MAX_CHECKS_CHARACTERS } from "../../protocol/plan/check.ts";
import type { Plan } from "../../protocol/plan/task.ts";
import { editPlan } from "../plan/edits.ts";
import { numberPlan } from "../plan/numbers.ts";
import { createTasks, type PlanChange, updateTasks } from "../plan/rules.ts";
import { noteEdit } from "../plan/unseen-edits.ts";
import { emptyPlan } from "../plan/view.ts";
import { type Hand, handOf } from "./make.ts";
import { weakenings } from "./weakening.ts";

const checksOf = (plan: Plan) => plan.tasks.flatMap(({ checks = [] }) => checks);

/** S: A with the checks. */
function planWith(checks: CheckInput[], hand: Hand = handOf("model")): Plan {
  const change = createTasks(
    emptyPlan,
    { section_title: "S", task_contents: [{ content: "A", checks }, "B"] },
    (prefix) => (prefix === "sec" ? "sec_1" : `task_${Math.random()}`),
    hand,
  );
  if (!change.ok) throw new Error(change.message);
  return numberPlan(change.plan);
}
const file = (path: string): CheckInput => ({ type: "file", path });

function changed(change: PlanChange): Plan {
  if (!change.ok) throw new Error(change.message);
  return change.plan;
}

describe("checks of a task", () => {
  it("are added to an open task that is planned again with them", () => {
    const plan = planWith([file("a")]);
    const again = { section_title: "S", task_contents: [{ content: "A", checks: [file("a"), file("b")] }, "B"] };
    const after = changed(createTasks(plan, again));
    expect(after.tasks).toHaveLength(2);
    expect(after.tasks[0]?.checks?.map(({ spec }) => spec)).toEqual([file("a"), file("b")]);
    expect(createTasks(after, again)).toEqual({ ok: true, plan: after });
    expect(weakenings(plan, after)).toEqual([]);
  });

  it("become a person's if a person writes the same, and keep their results", () => {
    const plan = seeChecks(planWith([file("a")]), [
      { receipt_id: "r", outcome: "passed", at: "", reason: "", tree: null },
    ]);
    const [task] = plan.tasks;
    const edit = editPlan(plan, [{ op: "update", task_ids: [task?.id ?? ""], checks: [file("a")] }]);
    expect(edit.ok && edit.plan.tasks[0]).toMatchObject({
      verification: "verified",
      checks: [{ id: task?.checks?.[0]?.id, author: "person", result: { outcome: "passed" } }],
    });
  });

  it("stay if the model removes one and adds the same in one call", () => {
    const plan = planWith([file("a")], handOf("person"));
    const change = updateTasks(plan, { task_ids: ["task_1"], checks: [file("a")], remove_checks: ["1"] }, "strict");
    expect(change).toEqual({ ok: true, plan });
  });

  it("are removed by number, id, words or command, and a miss lists them", () => {
    const plan = planWith([file("a"), { type: "command", run: "npm test" }]);
    const id = plan.tasks[0]?.checks?.[0]?.id ?? "";
    const left = (name: string) =>
      changed(updateTasks(plan, { task_ids: ["1"], remove_checks: [name] }, "strict")).tasks[0]?.checks?.map(
        ({ spec }) => spec.type,
      );
    for (const name of ["1", "#1", "check 1", id, "a exists"]) expect(left(name)).toEqual(["command"]);
    for (const name of ["2", "npm test"]) expect(left(name)).toEqual(["file"]);
    const missed = updateTasks(plan, { task_ids: ["1"], remove_checks: ["7"] }, "strict");
    expect(missed).toMatchObject({
      ok: false,
      message: expect.stringContaining('no check "7". Its checks: 1: a exists'),
    });
    const two = updateTasks(plan, { task_ids: ["1", "2"], remove_checks: ["1"] }, "strict");
    expect(two).toMatchObject({ ok: false, message: expect.stringContaining("for one task") });
  });

  it("of an ended task are the model's no longer, and still a person's", () => {
    const plan = changed(updateTasks(planWith([file("a")]), { task_ids: ["1"], status: "completed" }, "strict"));
    for (const change of [{ checks: [file("b")] }, { remove_checks: ["1"] }])
      expect(updateTasks(plan, { task_ids: ["1"], ...change }, "strict")).toMatchObject({
        ok: false,
        message: expect.stringContaining("has ended"),
      });
    const id = plan.tasks[0]?.id ?? "";
    expect(editPlan(plan, [{ op: "update", task_ids: [id], checks: [file("b")] }]).ok).toBe(true);
  });

  it("are eight at most, and bounded in a plan", () => {
    const many = Array.from({ length: 9 }, (_, at) => file(`f${at}`));
    const change = createTasks(emptyPlan, { section_title: "S", task_contents: [{ content: "A", checks: many }] });
    expect(change).toMatchObject({ ok: false, message: expect.stringContaining("at most 8") });
    const long = (at: number) => ({
      content: `T${at}`,
      checks: [{ type: "command", run: `${at} ${"x".repeat(1_900)}` }],
    });
    const tasks = Array.from({ length: 60 }, (_, at) => long(at));
    const large = createTasks(emptyPlan, { section_title: "S", task_contents: tasks });
    expect(large).toMatchObject({ ok: false, message: expect.stringContaining(String(MAX_CHECKS_CHARACTERS)) });
    const fits = createTasks(emptyPlan, { section_title: "S", task_contents: tasks.slice(0, 48) });
    expect(JSON.stringify(checksOf(changed(fits))).length).toBeLessThan(MAX_CHECKS_CHARACTERS);
  });

  it("are accepted with a person's completion, and not with the model's", () => {
    const plan = planWith([file("a")]);
    const [first, second] = plan.tasks.map(({ id }) => id);
    const edit = editPlan(plan, [{ op: "update", task_ids: [first ?? "", second ?? ""], status: "completed" }]);
    expect(edit.ok && edit.plan.tasks.map(({ verification }) => verification)).toEqual(["accepted", undefined]);
    const own = changed(updateTasks(plan, { task_ids: ["1"], status: "completed" }, "strict"));
    expect(own.tasks[0]?.verification).toBe("not_run");
  });

  it("verify no task that lost one to the model, until a person changes them", () => {
    const passed: CheckResult[] = [{ receipt_id: "r", outcome: "passed", at: "", reason: "It is so.", tree: null }];
    const plan = planWith([file("a"), file("b")], handOf("person"));
    const lost = changed(updateTasks(plan, { task_ids: ["1"], remove_checks: ["2"] }, "strict"));
    expect(seeChecks(plan, passed).tasks[0]?.verification).toBe("verified");
    expect(seeChecks(lost, passed).tasks[0]).toMatchObject({ verification: "self_checked", weakened: true });
    const more = changed(updateTasks(lost, { task_ids: ["1"], checks: [file("c")] }, "strict"));
    expect(more.tasks[0]).toMatchObject({ weakened: true });
    const id = plan.tasks[0]?.id ?? "";
    const edit = editPlan(lost, [{ op: "update", task_ids: [id], checks: [file("b")] }]);
    expect(edit.ok && seeChecks(edit.plan, passed).tasks[0]?.verification).toBe("verified");
  });

  it("are weakened by a new task with the same text, unless it has them all", () => {
    const plan = planWith([file("a")]);
    const anew = (checks: CheckInput[]) =>
      weakenings(
        plan,
        changed(createTasks(plan, { section_title: "T", task_contents: [{ content: " a ", checks }] })),
      ).map(({ kind }) => kind);
    expect(anew([file("b")])).toEqual(["made_anew"]);
    expect(anew([file("a"), file("b")])).toEqual([]);
  });

  it("tell the model of a person's edits, one line each", () => {
    const plan = planWith([file("a")]);
    const [task] = plan.tasks;
    const edit = editPlan(plan, [
      { op: "update", task_ids: [task?.id ?? ""], remove_checks: [task?.checks?.[0]?.id ?? ""], checks: [file("b")] },
    ]);
    expect(edit.ok && noteEdit(plan, edit.plan)).toMatchObject([
      { kind: "check_removed", number: 1, content: "a exists" },
      { kind: "check_added", number: 1, content: "b exists" },
    ]);
  });
});
