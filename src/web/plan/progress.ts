// The progress of a plan. Cancelled tasks don't count.
import type { PlanState } from "../../protocol/plan/task.ts";

type Task = PlanState["sections"][number]["tasks"][number];

export interface Progress {
  done: number;
  total: number;
  /** The task in progress, else the next one; null where none is left. */
  current: Task | null;
}

export function progressOf({ sections }: PlanState): Progress {
  const tasks = sections.flatMap((section) => section.tasks).filter(({ status }) => status !== "cancelled");
  const current =
    tasks.find(({ status }) => status === "in_progress") ?? tasks.find(({ status }) => status === "pending") ?? null;
  return { done: tasks.filter(({ status }) => status === "completed").length, total: tasks.length, current };
}
