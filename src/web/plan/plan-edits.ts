// A person's edits of the plan. An edit is a function of the current plan, so that it can be made again on a changed
// one. It returns null where the plan no longer allows it.
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { PlanState, TaskStatus } from "../../protocol/plan/task.ts";

export type PlanEdit = (plan: PlanState) => PlanOperation[] | null;

export function addTask(section_id: string, text: string): PlanEdit {
  return ({ sections }) =>
    sections.some(({ id }) => id === section_id) ? [{ op: "create", section_id, task_contents: [text] }] : null;
}

/** A section is created with its first task: an empty section is not stored. */
export function addSection(section_title: string, task: string): PlanEdit {
  return () => [{ op: "create", section_title, task_contents: [task] }];
}

export function reword(task: string, content: string): PlanEdit {
  return (plan) => (findTask(plan, task) ? [{ op: "update", task_ids: [task], content }] : null);
}

/** A task that has ended is neither opened again nor ended otherwise. */
export function endTask(task: string, status: "completed" | "cancelled"): PlanEdit {
  return (plan) => {
    const found = findTask(plan, task);
    return found && isOpen(found.status) ? [{ op: "update", task_ids: [task], status }] : null;
  };
}

/** A command that must end with 0, as a check of the task. */
export function addCheck(task: string, run: string): PlanEdit {
  return (plan) =>
    findTask(plan, task) ? [{ op: "update", task_ids: [task], checks: [{ type: "command", run }] }] : null;
}

export function removeCheck(task: string, check: string): PlanEdit {
  return (plan) =>
    findTask(plan, task)?.checks?.some(({ id }) => id === check)
      ? [{ op: "update", task_ids: [task], remove_checks: [check] }]
      : null;
}

/** The checks become the person's, and what the model has weakened counts no more. */
export function acceptChecks(task: string): PlanEdit {
  return (plan) => (findTask(plan, task) ? [{ op: "update", task_ids: [task], accept: true }] : null);
}

export function removeTask(task: string): PlanEdit {
  return (plan) => (findTask(plan, task) ? [{ op: "delete", task_ids: [task] }] : null);
}

export function removeSection(section: string): PlanEdit {
  return ({ sections }) =>
    sections.some(({ id }) => id === section) ? [{ op: "delete", section_ids: [section] }] : null;
}

/** Moves one place up (-1) or down (1), past the edge of a section into the next one. */
export function moveTask(task: string, by: -1 | 1): PlanEdit {
  return ({ sections }) => {
    const home = sections.findIndex(({ tasks }) => tasks.some(({ id }) => id === task));
    const tasks = sections[home]?.tasks ?? [];
    const place = tasks.findIndex(({ id }) => id === task);
    if (home < 0) return null;
    if (tasks[place + by]) return [{ op: "update", task_ids: [task], position: place + by }];
    const next = sections[home + by];
    if (!next) return null;
    return [{ op: "update", task_ids: [task], section_id: next.id, position: by === 1 ? 0 : next.tasks.length }];
  };
}

export function isOpen(status: TaskStatus): boolean {
  return status === "pending" || status === "in_progress";
}

function findTask({ sections }: PlanState, task: string) {
  return sections.flatMap(({ tasks }) => tasks).find(({ id }) => id === task);
}
