// What can be derived from a plan: its order, the due task, and the two forms in which it is sent (a tool's result, the
// stream's state).
import type { Plan, PlanState, PlanView, Section, Task } from "../../protocol/plan/task.ts";

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
    sections: groupTasks(plan).map(({ section, tasks }) => ({ id: section.id, title: section.title, tasks })),
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
      tasks: tasks.map(({ id, content, status }) => ({ id, content, status })),
    })),
  };
}
