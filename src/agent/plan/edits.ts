// A person's edit of the plan: the operations of `PATCH …/tasks` by the very rules that the model's tools follow, in any
// order of tasks.
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { clearAll, createTasks, deleteTasks, findTasks, type MakeId, type PlanChange, updateTasks } from "./rules.ts";
import { describeDue } from "./text.ts";
import { planState, tasksInOrder } from "./view.ts";

export type PlanEdit = { ok: true; plan: Plan } | { ok: false; message: string };

/**
 * All operations, or none: then the message names the first that a rule refuses. The version grows by one where anything
 * is different in the end; else the plan is the very same.
 */
export function editPlan(plan: Plan, operations: PlanOperation[], makeId?: MakeId): PlanEdit {
  let edited = plan;
  for (const [index, operation] of operations.entries()) {
    const change = applyOperation(edited, operation, makeId);
    if (!change.ok)
      return { ok: false, message: `operations[${index}] (${operation.op}): ${tellPerson(change, edited)}` };
    edited = change.plan;
  }
  const tasks = tasksInOrder(edited);
  const isSame =
    JSON.stringify({ ...planState(edited), version: 0 }) === JSON.stringify({ ...planState(plan), version: 0 });
  return { ok: true, plan: isSame ? plan : { version: plan.version + 1, sections: edited.sections, tasks } };
}

function applyOperation(plan: Plan, operation: PlanOperation, makeId?: MakeId): PlanChange {
  switch (operation.op) {
    case "create":
      return createTasks(plan, operation, makeId);
    case "update":
      return updateAsPerson(plan, operation);
    case "delete":
      return deleteTasks(plan, { ...operation, confirm: true });
    case "clear":
      return clearAll(plan, { confirm: true });
  }
}

/** What a tool's refusal says at its end is advice for a model at work. */
function tellPerson({ message }: { message: string }, plan: Plan): string {
  return message.replace(` ${describeDue(plan)}`, "");
}

/** As the tool does it, and then to its place: to stand elsewhere is a change of its own. */
function updateAsPerson(plan: Plan, { position, ...update }: Extract<PlanOperation, { op: "update" }>): PlanChange {
  const { status, content, section_id } = update;
  const isMoveOnly = status === undefined && content === undefined && section_id === undefined;
  const changed =
    isMoveOnly && position !== undefined ? { ok: true as const, plan } : updateTasks(plan, update, "free");
  if (!changed.ok || position === undefined) return changed;
  const named = findTasks(changed.plan, update.task_ids);
  return typeof named === "string" ? { ok: false, message: named } : placeTasks(changed.plan, named, position);
}

function placeTasks(plan: Plan, named: Task[], position: number): PlanChange {
  const [first] = named;
  if (first === undefined || named.some((task) => task.section_id !== first.section_id)) {
    return {
      ok: false,
      message:
        "Tasks of several sections can't be given a position together; give section_id too, or place them one by one.",
    };
  }
  const ids = new Set(named.map(({ id }) => id));
  const others = tasksInOrder(plan).filter((task) => task.section_id === first.section_id && !ids.has(task.id));
  const section = others.toSpliced(position, 0, ...named);
  const elsewhere = plan.tasks.filter((task) => task.section_id !== first.section_id);
  return { ok: true, plan: { ...plan, tasks: [...elsewhere, ...section] } };
}
