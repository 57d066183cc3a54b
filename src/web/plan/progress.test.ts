import { describe, expect, it } from "vitest";
import type { TaskStatus } from "../../protocol/plan/task.ts";
import { progressOf } from "./progress.ts";

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
