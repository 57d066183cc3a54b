import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PatchOperation } from "../../protocol/event.ts";
import { type Plan, type PlanState, taskStatuses } from "../../protocol/plan/task.ts";
import { changedSteps, diffPlanState } from "./changes.ts";

/** RFC 6902 on `{plan}`, for the three operations that are sent. */
function patch(before: PlanState, operations: PatchOperation[]): unknown {
  const state: unknown = { plan: structuredClone(before) };
  for (const operation of operations) {
    const path = operation.path.slice(1).split("/");
    const key = path.pop() ?? "";
    let target = state as Record<string, unknown>;
    for (const step of path) {
      expect(target).toHaveProperty(step);
      target = target[step] as Record<string, unknown>;
    }
    const value = structuredClone(operation.value);
    if (Array.isArray(target)) {
      expect(Number(key)).toBeLessThan(target.length + (operation.op === "add" ? 1 : 0));
      if (operation.op === "add") target.splice(Number(key), 0, value);
      else target.splice(Number(key), 1, ...(operation.op === "replace" ? [value] : []));
    } else {
      expect(operation.op).toBe("replace");
      target[key] = value;
    }
  }
  return (state as { plan: unknown }).plan;
}

const task = fc.record({
  id: fc.constantFrom(..."abcdefgh"),
  content: fc.constantFrom("x", "y"),
  status: fc.constantFrom(...taskStatuses),
});
const section = fc.record({
  id: fc.constantFrom(..."STUV"),
  title: fc.constantFrom("one", "two"),
  tasks: fc.uniqueArray(task, { selector: (item) => item.id }),
});
const state: fc.Arbitrary<PlanState> = fc.record({
  version: fc.nat(3),
  sections: fc.uniqueArray(section, { selector: (item) => item.id }),
});

const one: PlanState = {
  version: 4,
  sections: [
    { id: "S", title: "one", tasks: [{ id: "a", content: "x", status: "pending" }] },
    { id: "T", title: "two", tasks: [{ id: "b", content: "y", status: "pending" }] },
  ],
};

describe("diffPlanState", () => {
  it("returns operations that turn any state into any other", () => {
    fc.assert(
      fc.property(state, state, (before, after) => {
        expect(patch(before, diffPlanState(before, after))).toEqual(after);
      }),
      { numRuns: 500 },
    );
  });

  it("sends only the status and the version for a change of a status", () => {
    const after = structuredClone(one);
    after.version = 5;
    Object.assign(after.sections[1]?.tasks[0] ?? {}, { status: "in_progress" });
    expect(diffPlanState(one, after)).toEqual([
      { op: "replace", path: "/plan/sections/1/tasks/0/status", value: "in_progress" },
      { op: "replace", path: "/plan/version", value: 5 },
    ]);
  });

  it("sends one addition for a new task", () => {
    const after = structuredClone(one);
    after.sections[0]?.tasks.push({ id: "c", content: "z", status: "pending" });
    expect(diffPlanState(one, after)).toEqual([
      { op: "add", path: "/plan/sections/0/tasks/1", value: { id: "c", content: "z", status: "pending" } },
    ]);
  });

  it("is empty if nothing changed, and replaces the whole plan if that is shorter", () => {
    expect(diffPlanState(one, structuredClone(one))).toEqual([]);
    expect(diffPlanState(one, { version: 5, sections: [] })).toEqual([
      { op: "replace", path: "/plan", value: { version: 5, sections: [] } },
    ]);
  });
});

describe("changedSteps", () => {
  const plan = (...statuses: (typeof taskStatuses)[number][]): Plan => ({
    version: 1,
    sections: [{ id: "S", title: "s" }],
    tasks: statuses.map((status, index) => ({ id: `t${index}`, content: "x", status, section_id: "S" })),
  });

  it("names the tasks that entered and left in_progress", () => {
    expect(changedSteps(plan("in_progress", "pending"), plan("completed", "in_progress"))).toEqual({
      started: ["t1"],
      finished: ["t0"],
    });
  });

  it("starts and finishes a task that was completed straight from pending", () => {
    expect(changedSteps(plan("in_progress", "pending", "pending"), plan("completed", "completed", "pending"))).toEqual({
      started: ["t1"],
      finished: ["t0", "t1"],
    });
  });

  it("finishes a deleted or cancelled task that was in progress, and leaves out one cancelled while pending", () => {
    expect(changedSteps(plan("in_progress"), plan())).toEqual({ started: [], finished: ["t0"] });
    expect(changedSteps(plan("in_progress", "pending"), plan("cancelled", "cancelled"))).toEqual({
      started: [],
      finished: ["t0"],
    });
  });
});
