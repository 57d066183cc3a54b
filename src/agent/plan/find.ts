// Finds the tasks and sections that a call names: by short id, by id, or by what models make of either.
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { readNumber } from "./numbers.ts";
import { describeDue, quote } from "./text.ts";

// An abbreviated id must be longer than the time part that all tasks of one call share.
const MIN_ID_PREFIX = 12;

/** The tasks in the order in which they are named, or the reason why one is not found. */
export function findTasks(plan: Plan, ids: string[]): string | Task[] {
  const found = new Map<string, Task>();
  const unknown: string[] = [];
  for (const id of ids) {
    const task = findById(plan.tasks, id, "task");
    if (task) found.set(task.id, task);
    else unknown.push(quote(id));
  }
  if (unknown.length === 0) return [...found.values()];
  const rest = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
  return `There is no task with the id ${unknown.slice(0, 5).join(", ")}${rest}. Nothing was changed; view_tasks shows all ids. ${describeDue(plan)}`;
}

interface Named {
  id: string;
  number?: number;
  /** Of a section. */
  title?: string;
  /** Of a task. */
  content?: string;
}

/** As a short id is shown, or its number alone. Anything else that names a number may be a text, such as "Section 2". */
const PLAIN = /^(?:task_|sec_|#)?\d+$/i;

/**
 * Finds an item by its id or its number, or by an id without its prefix, in capitals, or cut short where that is still
 * unique.
 */
export function findById<Item extends Named>(items: Item[], id: string, prefix: "task" | "sec"): Item | undefined {
  const exact = items.find((item) => item.id === id);
  if (exact) return exact;
  const number = readNumber(id, prefix);
  const numbered = number === null ? undefined : items.find((item) => item.number === number);
  const text = id.trim().toLowerCase();
  if (numbered) {
    const named = PLAIN.test(text)
      ? []
      : items.filter(({ title, content = title }) => content?.trim().toLowerCase() === text);
    if (named.length > 1) return undefined;
    return named[0] ?? numbered;
  }
  const full = text.startsWith(`${prefix}_`) ? text : `${prefix}_${text}`;
  const fits = items.filter((item) => item.id === full);
  if (fits.length === 1) return fits[0];
  if (full.length < prefix.length + 1 + MIN_ID_PREFIX) return undefined;
  const begin = items.filter((item) => item.id.startsWith(full));
  return begin.length === 1 ? begin[0] : undefined;
}
