// The sentences that the plan's rules return to a model.
import { cutEnd } from "../../lib/truncate.ts";
import type { Plan, Section, Task } from "../../protocol/plan/task.ts";
import { sectionId, taskId } from "./numbers.ts";
import { dueTask } from "./view.ts";

export function describeDue(plan: Plan): string {
  const due = dueTask(plan);
  if (due)
    return `The task that is due is ${nameTask(due)}, ${due.status}; when it is done, call update_tasks with {"task_ids":["${taskId(due)}"],"status":"completed"}.`;
  return plan.tasks.length === 0 ? "The plan is empty; create_tasks makes one." : "No task is due: all have ended.";
}

export function listSections(plan: Plan): string {
  if (plan.sections.length === 0) return "The plan has no sections yet; create_tasks makes them.";
  const shown = plan.sections.slice(0, 10).map(nameSection);
  return `Sections: ${shown.join(", ")}${plan.sections.length > 10 ? ", …; view_tasks shows all" : ""}.`;
}

export function nameTask(task: Task): string {
  return `${taskId(task)} (${quote(task.content)})`;
}

export function nameSection(section: Section): string {
  return `${sectionId(section)} (${quote(section.title)})`;
}

/** A text inside a message: on one line, quoted, and cut short without splitting a surrogate pair. */
export function quote(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return JSON.stringify(line.length > 100 ? `${cutEnd(line, 100)}…` : line);
}

/** A text inside a reminder. It can't contain a tag, so it can't end the reminder. */
export function quoteAsData(text: string): string {
  return quote(text).replaceAll("<", "\\u003c");
}

/** The text as it is stored: well-formed, trimmed, and without control characters other than line breaks and tabs. */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .trim();
}
