// How far a plan is: what was cancelled is no part of it any more.
import type { PlanState } from "../../protocol/plan/task.ts";

type Task = PlanState["sections"][number]["tasks"][number];

export interface Progress {
  done: number;
  total: number;
  /** What is in progress, else what is due next; null where nothing is left. */
  current: Task | null;
}

export function progressOf({ sections }: PlanState): Progress {
  const tasks = sections.flatMap((section) => section.tasks).filter(({ status }) => status !== "cancelled");
  const current =
    tasks.find(({ status }) => status === "in_progress") ?? tasks.find(({ status }) => status === "pending") ?? null;
  return { done: tasks.filter(({ status }) => status === "completed").length, total: tasks.length, current };
}
