// The reminder that ends each model call. It is made anew each time and never stored, so it costs the same at the
// thousandth step as at the first, and what stands before it in the prompt stays as the provider cached it.
import type { Plan, Task } from "../protocol/task.ts";
import { quote } from "./plan-text.ts";
import { openTasks } from "./plan-view.ts";

/** A few lines on where the work stands; null where there is no plan. */
export function remindOfPlan(plan: Plan): string | null {
  if (plan.tasks.length === 0) return null;
  const open = openTasks(plan);
  const due = open[0];
  return [
    "<plan_reminder>",
    describeProgress(plan),
    ...(due ? describeNext(due, open[1]) : [closing]),
    "</plan_reminder>",
  ].join("\n");
}

const closing =
  "All tasks have ended. Don't start anything new: tell the person what was made and how to use it, then finish by calling complete.";

function describeProgress(plan: Plan): string {
  const count = (status: Task["status"]) => plan.tasks.filter((task) => task.status === status).length;
  const cancelled = count("cancelled");
  return `Progress: ${count("completed")} of ${plan.tasks.length} tasks completed${cancelled ? `, ${cancelled} cancelled` : ""}.`;
}

function describeNext(due: Task, next: Task | undefined): string[] {
  const now = due.status === "in_progress" ? "In progress" : "Due now";
  return [
    `${now}: ${due.id} ${quoteAsData(due.content)}`,
    ...(next ? [`After it: ${next.id} ${quoteAsData(next.content)}`] : []),
    `Work on this task only. Once you have seen that it is done, call update_tasks with {"task_ids":["${due.id}"],"status":"completed"}.`,
  ];
}

/** A task's text can't end the reminder: no tag survives in it. */
function quoteAsData(text: string): string {
  return quote(text).replaceAll("<", "\\u003c");
}
