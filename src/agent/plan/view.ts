// What can be derived from a plan: its order, the due task, and the forms in which it is sent (to clients, as the
// stream's state, to the model).
import type { Check } from "../../protocol/plan/check.ts";
import type { Plan, PlanState, PlanView, Section, Task, TaskChecks } from "../../protocol/plan/task.ts";
import { listChecks } from "../checks/describe.ts";
import { sectionId, taskId } from "./numbers.ts";

export const emptyPlan: Plan = { version: 0, sections: [], tasks: [] };

/** Sections with their tasks, in plan order. */
function groupTasks(plan: Plan): { section: Section; tasks: Task[] }[] {
  const groups = plan.sections.map((section) => ({ section, tasks: [] as Task[] }));
  const byId = new Map(groups.map((group) => [group.section.id, group]));
  for (const task of plan.tasks) byId.get(task.section_id)?.tasks.push(task);
  return groups;
}

export function tasksInOrder(plan: Plan): Task[] {
  return groupTasks(plan).flatMap((group) => group.tasks);
}

/** Open tasks in the order in which they are due: the task in progress, then the pending ones. */
export function openTasks(plan: Plan): Task[] {
  if (plan.tasks.length === 0) return [];
  const inOrder = tasksInOrder(plan);
  return [
    ...inOrder.filter((task) => task.status === "in_progress"),
    ...inOrder.filter((task) => task.status === "pending"),
  ];
}

export function dueTask(plan: Plan): Task | null {
  return openTasks(plan)[0] ?? null;
}

export function viewPlan(plan: Plan): PlanView {
  const due = dueTask(plan);
  return {
    version: plan.version,
    sections: groupTasks(plan).map(({ section, tasks }) => ({
      id: section.id,
      title: section.title,
      tasks: tasks.map((task) => {
        const { id, content, status, section_id } = task;
        return { id, content, status, section_id, ...checksOf(task) };
      }),
    })),
    total_sections: plan.sections.length,
    total_tasks: plan.tasks.length,
    completed_tasks: plan.tasks.filter((task) => task.status === "completed").length,
    next_task: due && { id: due.id, content: due.content },
  };
}

export function planState(plan: Plan): PlanState {
  return {
    version: plan.version,
    sections: groupTasks(plan).map(({ section, tasks }) => ({
      id: section.id,
      title: section.title,
      tasks: tasks.map((task) => ({ id: task.id, content: task.content, status: task.status, ...checksOf(task) })),
    })),
  };
}

/** Empty for a task that never had a check. */
export function checksOf({ checks, verification, weakened, waived }: TaskChecks): TaskChecks {
  return {
    ...(checks === undefined ? {} : { checks }),
    ...(verification === undefined ? {} : { verification }),
    ...(weakened === undefined ? {} : { weakened }),
    ...(waived === undefined ? {} : { waived }),
  };
}

/** Where the plan stands, for the model. It has the rest: from its own calls, and from the reminder of each request. */
export function countPlan(plan: Plan) {
  const { version, total_sections, total_tasks, completed_tasks } = viewPlan(plan);
  const due = dueTask(plan);
  const next_task = due && { id: taskId(due), content: due.content };
  return { version, total_sections, total_tasks, completed_tasks, next_task };
}

/** The whole plan, for the model, with the checks of what is open. */
export function describePlan(plan: Plan) {
  const { version, ...counts } = countPlan(plan);
  const sections = groupTasks(plan).map(({ section, tasks }) => ({
    id: sectionId(section),
    title: section.title,
    tasks: tasks.map((task) => ({
      ...{ id: taskId(task), content: task.content, status: task.status },
      ...(task.checks === undefined || task.status === "cancelled" ? {} : describeChecks(task, task.checks)),
    })),
  }));
  return { version, sections, ...counts };
}

/** Of an ended task only what they say: nothing about it can change. */
function describeChecks({ status, verification }: Task, checks: Check[]) {
  return status === "completed" ? { verification } : { checks: listChecks(checks) };
}
