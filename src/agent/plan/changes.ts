// The differences between two plans as the stream sends them: a JSON Patch of the state, and the steps that started and
// finished.
import type { PatchOperation } from "../../protocol/event.ts";
import type { Check } from "../../protocol/plan/check.ts";
import type { Plan, PlanState, TaskState } from "../../protocol/plan/task.ts";
import { tasksInOrder } from "./view.ts";

type SectionState = PlanState["sections"][number];

/**
 * RFC 6902 operations that turn `/plan` from `before` into `after`: single changes, or the whole plan if that is
 * shorter.
 */
export function diffPlanState(before: PlanState, after: PlanState): PatchOperation[] {
  const operations = diffList(before.sections, after.sections, "/plan/sections", diffSection);
  if (before.version !== after.version) operations.push(replace("/plan/version", after.version));
  if (operations.length < 3) return operations;
  const whole = [replace("/plan", after)];
  return JSON.stringify(whole).length < JSON.stringify(operations).length ? whole : operations;
}

function diffSection(before: SectionState, after: SectionState, path: string): PatchOperation[] {
  const title = before.title === after.title ? [] : [replace(`${path}/title`, after.title)];
  return [...title, ...diffList(before.tasks, after.tasks, `${path}/tasks`, diffTask)];
}

function diffTask(before: TaskState, after: TaskState, path: string): PatchOperation[] {
  const content = before.content === after.content ? [] : [replace(`${path}/content`, after.content)];
  const status = before.status === after.status ? [] : [replace(`${path}/status`, after.status)];
  return [
    ...content,
    ...status,
    ...diffChecks(before.checks, after.checks, `${path}/checks`),
    ...diffMember(before.verification, after.verification, `${path}/verification`),
    ...diffMember(before.weakened, after.weakened, `${path}/weakened`),
    ...diffMember(before.waived, after.waived, `${path}/waived`),
  ];
}

/** Where only results are new, the checks themselves are not sent again. */
function diffChecks(before: Check[] | undefined, after: Check[] | undefined, path: string): PatchOperation[] {
  if (before === undefined || after === undefined) return diffMember(before, after, path);
  return diffList(before, after, path, (one, other, place) => {
    const { result: was, ...former } = one;
    const { result: is, ...latter } = other;
    if (!isEqual(former, latter)) return [replace(place, other)];
    return diffMember(was, is, `${place}/result`);
  });
}

function diffMember(before: unknown, after: unknown, path: string): PatchOperation[] {
  if (isEqual(before, after)) return [];
  if (after === undefined) return [{ op: "remove", path }];
  return [before === undefined ? { op: "add", path, value: after } : replace(path, after)];
}

function isEqual(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/**
 * Items with the same id are the same item. `list` is updated with each operation, so every index is valid when its
 * operation is applied.
 */
function diffList<Item extends { id: string }>(
  before: Item[],
  after: Item[],
  path: string,
  diffItem: (before: Item, after: Item, path: string) => PatchOperation[],
): PatchOperation[] {
  const operations: PatchOperation[] = [];
  const kept = new Set(after.map((item) => item.id));
  const list = [...before];
  for (let index = list.length - 1; index >= 0; index--) {
    if (kept.has(list[index]?.id ?? "")) continue;
    list.splice(index, 1);
    operations.push({ op: "remove", path: `${path}/${index}` });
  }
  after.forEach((item, index) => {
    const there = list[index];
    if (there?.id === item.id) {
      operations.push(...diffItem(there, item, `${path}/${index}`));
      return;
    }
    const former = list.findIndex((other) => other.id === item.id);
    if (former >= 0) {
      list.splice(former, 1);
      operations.push({ op: "remove", path: `${path}/${former}` });
    }
    list.splice(index, 0, item);
    operations.push({ op: "add", path: `${path}/${index}`, value: item });
  });
  return operations;
}

/**
 * Ids of tasks that entered and that left `in_progress`, in plan order. A task completed straight from pending is in
 * both lists. Whoever sends the steps first ends those that are in `finished` only, then opens each of `started` and
 * ends it if it is in `finished` too.
 */
export function changedSteps(before: Plan, after: Plan): { started: string[]; finished: string[] } {
  const former = new Map(before.tasks.map((task) => [task.id, task.status]));
  const latter = new Map(after.tasks.map((task) => [task.id, task.status]));
  const started = tasksInOrder(after).filter((task) => {
    const was = former.get(task.id) ?? "pending";
    return was === "pending" && (task.status === "in_progress" || task.status === "completed");
  });
  const left = before.tasks.filter((task) => task.status === "in_progress" && latter.get(task.id) !== "in_progress");
  const passed = started.filter((task) => task.status === "completed");
  return { started: started.map((task) => task.id), finished: [...left, ...passed].map((task) => task.id) };
}

function replace(path: string, value: unknown): PatchOperation {
  return { op: "replace", path, value };
}
