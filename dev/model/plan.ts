// The plan as the script knows it: from its own calls, from what their results say (counts, ids of new tasks, or the
// whole plan), and from the reminder, which says when a person has changed it meanwhile.
import { isRecord } from "./wire.ts";

export interface Task {
  id: string;
  content: string;
  status: string;
}

export interface Plan {
  sections: { title: string; tasks: Task[] }[];
  /** What a result said does not fit what the script knew before it. */
  is_outdated?: boolean;
}

/** A plan tool's result without the plan. */
interface Counts {
  total_tasks: number;
  completed_tasks: number;
  new_ids: string[];
}

// A plan has at most 500 tasks.
const MAX_NEW_IDS = 500;

/** The whole plan in a result; null if the result does not have it. */
export function readPlan(text: string): Plan | null {
  const value = parseRecord(text);
  if (value === null || !Array.isArray(value.sections)) return null;
  const sections = value.sections.filter(isRecord).map((section) => ({
    title: String(section.title ?? ""),
    tasks: (Array.isArray(section.tasks) ? section.tasks : []).flatMap(readTask),
  }));
  return { sections };
}

function readTask(value: unknown): Task[] {
  if (!isRecord(value) || typeof value.id !== "string") return [];
  return [{ id: value.id, content: String(value.content ?? ""), status: String(value.status ?? "pending") }];
}

export function isPlanResult(text: string): boolean {
  return readPlan(text) !== null || readCounts(text) !== null;
}

function readCounts(text: string): Counts | null {
  const value = parseRecord(text);
  if (typeof value?.total_tasks !== "number" || typeof value.completed_tasks !== "number") return null;
  const { total_tasks, completed_tasks, new_tasks } = value;
  return { total_tasks, completed_tasks, new_ids: typeof new_tasks === "string" ? listIds(new_tasks) : [] };
}

/** "task_1, task_3 to task_5" in full. */
function listIds(text: string): string[] {
  const ids: string[] = [];
  for (const [, from = "", to = from] of text.matchAll(/\btask_(\d{1,9})\b(?: to task_(\d{1,9})\b)?/g)) {
    for (let number = Number(from); number <= Number(to) && ids.length < MAX_NEW_IDS; number++)
      ids.push(`task_${number}`);
  }
  return ids;
}

/** The plan after a call, as its arguments and its result tell; the same one if the call changed nothing. */
export function planAfter(plan: Plan | null, name: string, written: string, result: string): Plan | null {
  const whole = readPlan(result);
  if (whole !== null) return whole;
  const counts = readCounts(result);
  if (counts === null) return plan;
  const input = parseRecord(written) ?? {};
  const sections = name === "create_tasks" ? addTasks(plan, input, counts.new_ids) : updateTasks(plan, input);
  const tasks = sections.flatMap((section) => section.tasks);
  const completed = tasks.filter(({ status }) => status === "completed").length;
  const fits = tasks.length === counts.total_tasks && completed === counts.completed_tasks;
  return fits ? { sections } : { sections, is_outdated: true };
}

function addTasks(plan: Plan | null, { sections }: Record<string, unknown>, ids: string[]): Plan["sections"] {
  const list = (plan?.sections ?? []).map((section) => ({ ...section, tasks: [...section.tasks] }));
  const left = [...ids];
  for (const given of Array.isArray(sections) ? sections.filter(isRecord) : []) {
    const title = String(given.title ?? "");
    const section = list.find((known) => known.title === title) ?? { title, tasks: [] };
    if (!list.includes(section)) list.push(section);
    for (const content of Array.isArray(given.tasks) ? given.tasks.map(String) : []) {
      const id = left.shift();
      if (id !== undefined) section.tasks.push({ id, content, status: "pending" });
    }
  }
  return list;
}

function updateTasks(plan: Plan | null, { task_ids, status }: Record<string, unknown>): Plan["sections"] {
  const ids = new Set(Array.isArray(task_ids) ? task_ids : []);
  const update = (task: Task) => (ids.has(task.id) && typeof status === "string" ? { ...task, status } : task);
  return (plan?.sections ?? []).map((section) => ({ ...section, tasks: section.tasks.map(update) }));
}

/** The JSON object in a text, which may have words before or after it. */
function parseRecord(text: string): Record<string, unknown> | null {
  for (const part of [text, text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)]) {
    if (!part.trimStart().startsWith("{")) continue;
    try {
      const value: unknown = JSON.parse(part);
      if (isRecord(value)) return value;
    } catch {}
  }
  return null;
}

export function openTasks(plan: Plan | null): Task[] {
  const tasks = plan?.sections.flatMap((section) => section.tasks) ?? [];
  return tasks.filter((task) => task.status === "pending" || task.status === "in_progress");
}

/** The task in progress, else the first pending one. */
export function dueTask(plan: Plan | null): Task | null {
  const open = openTasks(plan);
  return open.find((task) => task.status === "in_progress") ?? open[0] ?? null;
}

/** Whether the reminder speaks of another plan than the script knows: a person has changed it. */
export function isOutdated(plan: Plan | null, reminder: string): boolean {
  if (plan === null || reminder === "") return false;
  if (plan.is_outdated || reminder.includes("The person changed the plan")) return true;
  const [, due] = /^(?:In progress|Due now): (task_\w+)/m.exec(reminder) ?? [];
  return due !== undefined && due !== dueTask(plan)?.id;
}
