import { describe, expect, it } from "vitest";
import type { TaskStatus } from "../../protocol/plan/task.ts";
import { noState } from "../client/conversation.ts";
import { findBegun, progressOf, withBegun } from "./progress.ts";

const planOf = (...statuses: TaskStatus[]) => ({
  version: 1,
  sections: statuses.map((status, index) => ({
    id: `s${index}`,
    title: "",
    tasks: [{ id: `t${index}`, content: "", status }],
  })),
});

describe("progressOf", () => {
  it("counts completed tasks among those that were not cancelled", () => {
    expect(progressOf(planOf("completed", "cancelled", "pending"))).toMatchObject({ done: 1, total: 2 });
  });

  it("names the task in progress, else the next one, else nothing", () => {
    expect(progressOf(planOf("completed", "pending", "in_progress")).current?.id).toBe("t2");
    expect(progressOf(planOf("cancelled", "pending", "pending")).current?.id).toBe("t1");
    expect(progressOf(planOf("completed", "cancelled")).current).toBeNull();
  });
});

describe("a task whose first call is being written", () => {
  const call = { kind: "tool" as const, id: "c", name: "create_file", arguments: '{"pa', output: "", result: null };
  const view = (plan: ReturnType<typeof planOf>, item = {}, state: "running" | "completed" = "running") => ({
    items: [{ ...call, open: true, ...item }],
    run: { id: "r", state, error: null, unfinished: 0 },
    state: { ...noState, plan },
  });

  it("is under way", () => {
    const plan = planOf("completed", "pending", "pending");
    expect(findBegun(view(plan))).toBe("t1");
    expect(withBegun(plan, "t1")).toEqual(planOf("completed", "in_progress", "pending"));
    expect(withBegun(plan, null)).toBe(plan);
  });

  it.each([
    ["where another is in progress", view(planOf("in_progress", "pending"))],
    ["while the plan itself is changed", view(planOf("pending"), { name: "update_tasks" })],
    ["once the call has its result", view(planOf("pending"), { open: false })],
    ["once the run has ended", view(planOf("pending"), {}, "completed")],
  ])("is not %s", (_where, now) => {
    expect(findBegun(now)).toBeNull();
  });
});
