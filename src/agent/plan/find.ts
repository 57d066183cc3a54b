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
  const find = finderOf(plan.tasks, "task");
  for (const id of ids) {
    const task = find(id);
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
 * unique. One finder serves all names of an operation: a request may hold 50,000.
 */
export function finderOf<Item extends Named>(items: Item[], prefix: "task" | "sec"): (id: string) => Item | undefined {
  const byId = new Map(items.map((item) => [item.id, item]));
  const byNumber = new Map(items.map((item) => [item.number, item]));
  let byText: Map<string | undefined, Item[]> | undefined;
  let sorted: string[] | undefined;
  return (id) => {
    const exact = byId.get(id);
    if (exact) return exact;
    const number = readNumber(id, prefix);
    const numbered = number === null ? undefined : byNumber.get(number);
    const text = id.trim().toLowerCase();
    if (numbered) {
      if (PLAIN.test(text)) return numbered;
      byText ??= Map.groupBy(items, ({ title, content = title }) => content?.trim().toLowerCase());
      const [named = numbered, other] = byText.get(text) ?? [];
      return other === undefined ? named : undefined;
    }
    const full = text.startsWith(`${prefix}_`) ? text : `${prefix}_${text}`;
    const whole = byId.get(full);
    if (whole || full.length < prefix.length + 1 + MIN_ID_PREFIX) return whole;
    sorted ??= [...byId.keys()].sort();
    return byId.get(findBegin(sorted, full) ?? "");
  };
}

/** The one of them that begins so. */
function findBegin(sorted: string[], begin: string): string | undefined {
  let [first, end] = [0, sorted.length];
  while (first < end) {
    const middle = (first + end) >> 1;
    if ((sorted[middle] ?? "") < begin) first = middle + 1;
    else end = middle;
  }
  const [one, next] = sorted.slice(first, first + 2);
  return one?.startsWith(begin) && !next?.startsWith(begin) ? one : undefined;
}
