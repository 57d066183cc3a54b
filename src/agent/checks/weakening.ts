// What the model has weakened: checks that are gone while their task is not, tasks with checks that were deleted or
// cancelled, and tasks that get the text of one that had checks. Adding a check never weakens.
import type { Check } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { taskId } from "../plan/numbers.ts";
import { hasAll } from "./change.ts";
import { describeCheck } from "./describe.ts";

export interface Weakening {
  kind: "removed" | "deleted" | "cancelled" | "made_anew";
  /** The task that had the check. Its texts are the model's or a person's: they are data. */
  task: Task;
  check: Check;
}

/** One for each check, in plan order. */
export function weakenings(before: Plan, after: Plan): Weakening[] {
  const checked = before.tasks.filter(({ checks }) => checks !== undefined && checks.length > 0);
  if (checked.length === 0) return [];
  const left = new Map(after.tasks.map((task) => [task.id, task]));
  const former = new Map(before.tasks.map((task) => [task.id, textOf(task)]));
  const texts = new Map<string, Task[]>();
  for (const task of after.tasks)
    if (former.get(task.id) !== textOf(task)) texts.set(textOf(task), [...(texts.get(textOf(task)) ?? []), task]);
  return checked.flatMap((task) => {
    const checks = task.checks ?? [];
    const list = (kind: Weakening["kind"], gone = checks) => gone.map((check) => ({ kind, task, check }));
    const now = left.get(task.id);
    if (now === undefined) return list("deleted");
    if (now.status === "cancelled" && task.status !== "cancelled") return list("cancelled");
    const kept = new Set(now.checks?.map(({ id }) => id));
    const removed = list(
      "removed",
      checks.filter(({ id }) => !kept.has(id)),
    );
    const isAnew = (texts.get(textOf(task)) ?? []).some((other) => !hasAll(other, checks));
    return isAnew && removed.length === 0 ? list("made_anew") : removed;
  });
}

/** Whether a new task has the text of another one, and not all of its checks. */
export function isMadeAnew(made: Task, { tasks }: Plan): boolean {
  return tasks.some(
    (task) => (task.checks ?? []).length > 0 && textOf(task) === textOf(made) && !hasAll(made, task.checks ?? []),
  );
}

function textOf({ content }: Task): string {
  return content.replace(/\s+/g, " ").trim().toLowerCase();
}

/** More would not be read. */
const MAX_LINES = 10;

/** For a person who decides, and for the record: one line for each. */
export function describeWeakenings(list: readonly Weakening[], chinese = false): string[] {
  const say = chinese ? chineseWords : english;
  const lines = list.slice(0, MAX_LINES).map(({ kind, task, check }) => {
    const content = task.content.replace(/\s+/g, " ");
    const name = `"${content.length > 60 ? `${content.slice(0, 60).toWellFormed()}…` : content}"`;
    return `${say[kind](name)}: ${describeCheck(check.spec, chinese)}`;
  });
  return list.length > MAX_LINES ? [...lines, say.more(list.length - MAX_LINES)] : lines;
}

const english = {
  removed: (name: string) => `removes a check of ${name}`,
  deleted: (name: string) => `deletes ${name} with its check`,
  cancelled: (name: string) => `cancels ${name} with its check`,
  made_anew: (name: string) => `plans ${name} anew without its check`,
  more: (count: number) => `and ${count} more`,
};
const chineseWords: typeof english = {
  removed: (name) => `移除${name}的一项检查`,
  deleted: (name) => `删除${name}及其检查`,
  cancelled: (name) => `取消${name}及其检查`,
  made_anew: (name) => `重新创建${name}，但没有原来的检查`,
  more: (count) => `以及另外 ${count} 项`,
};

/** As it is recorded with the call that did it. */
export function recordWeakenings(list: readonly Weakening[]) {
  return list.map(({ kind, task, check }) => ({ kind, task: taskId(task), task_id: task.id, check_id: check.id }));
}
