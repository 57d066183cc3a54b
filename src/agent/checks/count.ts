// What a run ended with, in numbers: the plan keeps changing, the run does not.
import type { CheckedTasks } from "../../protocol/plan/check.ts";
import type { Task } from "../../protocol/plan/task.ts";
import { isOpen } from "../plan/rules.ts";
import { verificationOf } from "./verification.ts";

/** Undefined if no task has checks. */
export function countCheckedTasks(tasks: readonly Task[]): CheckedTasks | undefined {
  const counts: CheckedTasks = {};
  for (const task of tasks) {
    const verification = verificationOf(task);
    if (verification !== "none") counts[verification] = (counts[verification] ?? 0) + 1;
  }
  return Object.keys(counts).length === 0 ? undefined : counts;
}

/**
 * Of those, the closed ones with a check that should have run and could not, for operators. A question to a person is
 * none, and an open task may have no look yet.
 */
export function countUncheckable(tasks: readonly Task[]): number {
  return tasks.filter(
    (task) =>
      !isOpen(task) &&
      verificationOf(task) === "not_run" &&
      (task.checks ?? []).some(({ spec, result }) => spec.type !== "person" && result?.outcome === "not_run"),
  ).length;
}
