import { describe, expect, it } from "vitest";
import { checkedPlan, commandCheck } from "../../../../test/fakes/check-runner.ts";
import type { CheckInput } from "../../../protocol/plan/check.ts";
import type { Plan } from "../../../protocol/plan/task.ts";
import { editPlan } from "../../plan/edits.ts";
import { changeChecks } from "../change.ts";
import { handOf } from "../make.ts";
import { noneCompleted, type ProjectChecks, withoutFormer, withProjectChecks } from "./apply.ts";

const command = (run: string, more: object = {}): CheckInput => ({ type: "command", run, ...more });
const project: ProjectChecks = {
  checks: [
    { spec: command("build"), paths: ["**"] },
    { spec: command("cart", { protected: ["t.ts"] }), paths: ["shop/**"] },
    { spec: { type: "file", path: "README.md" }, paths: null },
  ],
  files: [{ path: "t.ts", hash: "of the commit" }],
};
const texts = ({ tasks }: Plan) =>
  tasks.map(({ checks = [] }) => checks.map(({ author, spec }) => `${author} ${"run" in spec ? spec.run : spec.type}`));

function apply(plan: Plan, task_ids: string[] = [], changed: string[] | null = [], given = project): Plan {
  const applied = withProjectChecks(plan, given, { task_ids: new Set(task_ids), changed });
  if (!applied.ok) throw new Error(applied.message);
  return applied.plan;
}

describe("checks of the project", () => {
  it("for each task are there while it is open, and those by path when it is completed with such a change", () => {
    const plan = checkedPlan([], []);
    expect(texts(apply(plan))).toEqual([["project file"], ["project file"]]);
    expect(texts(apply(plan, ["task_1"], ["README.md"]))).toEqual([
      ["project build", "project file"],
      ["project file"],
    ]);
    expect(texts(apply(plan, ["task_1"], ["shop/a.js"]))[0]).toEqual(["project build", "project cart", "project file"]);
    expect(texts(apply(plan, ["task_1"], null))[0]).toEqual(["project build", "project cart", "project file"]);
    expect(texts(apply(plan, ["task_1"], []))[0]).toEqual(["project file"]);
  });

  it("come once, under the same ids, and change nothing then", () => {
    const plan = apply(checkedPlan([], []), ["task_1"], null);
    expect(apply(plan, ["task_1"], null)).toBe(plan);
    const ids = plan.tasks.flatMap(({ checks = [] }) => checks.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(apply(checkedPlan([], []), ["task_1"], null)).toEqual(plan);
    expect(apply(plan, [], [], { checks: [], files: [] })).toBe(plan);
    expect(withProjectChecks(checkedPlan([]), { checks: [], files: [] }, noneCompleted).ok).toBe(true);
  });

  it("protect files as they are in the commit, also where the model wrote the same check first", () => {
    const spec = command("cart", { protected: ["t.ts"] });
    const own = { id: "chk_1", author: "model" as const, spec, protected: [{ path: "t.ts", hash: "changed since" }] };
    const [task] = apply(checkedPlan([own]), ["task_1"], ["shop/a"]).tasks;
    expect(task?.checks?.[0]).toEqual({
      ...{ id: "chk_1", author: "project", spec },
      protected: [{ path: "t.ts", hash: "of the commit" }],
    });
    const unknown = { ...project, files: [] };
    expect(apply(checkedPlan([own]), ["task_1"], ["shop/a"], unknown).tasks[0]?.checks?.[0]).not.toHaveProperty(
      "protected",
    );
  });

  it("leave a person's same check as it is", () => {
    const own = commandCheck("build", { author: "person" });
    expect(apply(checkedPlan([own]), ["task_1"], ["x"]).tasks[0]?.checks?.[0]).toBe(own);
  });

  it("find room whatever the model has written, and the model's own stay within theirs", () => {
    const eight = Array.from({ length: 8 }, (_, at) => commandCheck(`own ${at}`));
    const [task] = apply(checkedPlan(eight), ["task_1"], null).tasks;
    expect(task?.checks).toHaveLength(11);
    if (task === undefined) throw new Error("no task");
    expect(changeChecks(task, { add: [command("more")] }, handOf("model"), "A").ok).toBe(false);
    const large = Array.from({ length: 100 }, (_, at) =>
      Array.from({ length: 8 }, (_more, place) => commandCheck(`${at} ${place} ${"x".repeat(1_900)}`)),
    );
    const full = withProjectChecks(checkedPlan(...large), project, { task_ids: new Set(["task_1"]), changed: null });
    expect(full).toMatchObject({ ok: false, message: expect.stringContaining("at most 120000 characters") });
  });

  it("come back when the model removes one, and the task is weakened; a person's removal holds", () => {
    const plan = apply(checkedPlan([]), ["task_1"], null);
    const [task] = plan.tasks;
    if (task === undefined) throw new Error("no task");
    const removed = changeChecks(task, { remove: ["1"] }, handOf("model"), "A");
    if (!removed.ok) throw new Error(removed.message);
    expect(removed.task).toMatchObject({ weakened: true });
    const [again] = apply({ ...plan, tasks: [removed.task] }, ["task_1"], null).tasks;
    expect([again?.checks?.length, again?.weakened]).toEqual([3, true]);

    const edit = editPlan(plan, [{ op: "update", task_ids: ["task_1"], remove_checks: [task.checks?.[0]?.id ?? ""] }]);
    if (!edit.ok) throw new Error(edit.message);
    expect(apply(edit.plan, ["task_1"], null)).toBe(edit.plan);
    const agreed = changeChecks(task, { remove: ["1"] }, handOf("model", { may_weaken: true }), "A");
    if (!agreed.ok) throw new Error(agreed.message);
    expect(texts(apply({ ...plan, tasks: [agreed.task] }, ["task_1"], null))[0]).toHaveLength(2);
  });

  it("go from open tasks when a person accepts a file without them, and stay where they have run", () => {
    const plan = apply(checkedPlan([commandCheck("own")], []), ["task_1"], null);
    const ended: Plan = {
      ...plan,
      tasks: plan.tasks.map((task, at) => (at === 0 ? { ...task, status: "completed" } : task)),
    };
    const now = { checks: [{ spec: command("build"), paths: null }], files: [] };
    const left = withoutFormer(ended, project, now);
    expect(texts(left)).toEqual([texts(plan)[0], []]);
    expect(left.tasks[1]).not.toHaveProperty("waived");
    expect(texts(apply(left, [], [], now))[1]).toEqual(["project build"]);
    expect(withoutFormer(left, now, now)).toBe(left);
    expect(handOf("project").author).toBe("project");
  });
});
