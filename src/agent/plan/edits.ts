// A person's edit of the plan: the operations of `PATCH …/tasks`, under the same rules as the model's tools, but with
// tasks in any order.
import type { PlanOperation } from "../../protocol/plan/edit.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { acceptTasks } from "../checks/accept.ts";
import { type Hand, handOf } from "../checks/make.ts";
import { findTasks } from "./find.ts";
import { withNumbersOf, withoutNumbers } from "./numbers.ts";
import { clearAll, createTasks, deleteTasks, type MakeId, type PlanChange, updateTasks } from "./rules.ts";
import { describeDue } from "./text.ts";
import { planState, tasksInOrder } from "./view.ts";

export type PlanEdit = { ok: true; plan: Plan } | { ok: false; message: string };

/**
 * Applies all operations or none; the message then names the first one that a rule refuses. The version grows by one if
 * the plan differs at the end. Otherwise the result is the same plan object.
 */
export function editPlan(
  plan: Plan,
  operations: PlanOperation[],
  makeId?: MakeId,
  hand: Hand = handOf("person"),
): PlanEdit {
  let edited = withoutNumbers(plan);
  for (const [index, operation] of operations.entries()) {
    const change = applyOperation(edited, operation, hand, makeId);
    if (!change.ok)
      return { ok: false, message: `operations[${index}] (${operation.op}): ${withoutAdvice(change, edited)}` };
    edited = change.plan;
  }
  const tasks = tasksInOrder(edited);
  const isSame =
    JSON.stringify({ ...planState(edited), version: 0 }) === JSON.stringify({ ...planState(plan), version: 0 });
  if (isSame) return { ok: true, plan };
  return { ok: true, plan: withNumbersOf(plan, { version: plan.version + 1, sections: edited.sections, tasks }) };
}

function applyOperation(plan: Plan, operation: PlanOperation, hand: Hand, makeId?: MakeId): PlanChange {
  switch (operation.op) {
    case "create":
      return createTasks(plan, operation, makeId, hand);
    case "update":
      return updateAsPerson(plan, operation, hand);
    case "delete":
      return deleteTasks(plan, { ...operation, confirm: true });
    case "clear":
      return clearAll(plan, { confirm: true });
    // It is about the project: whoever stores that changes the plan.
    case "accept_project_checks":
      return { ok: true, plan };
  }
}

/** A tool's refusal ends with advice for a model at work, which a person does not need. */
function withoutAdvice({ message }: { message: string }, plan: Plan): string {
  return message.replace(` ${describeDue(plan)}`, "").replaceAll("view_tasks", "GET …/tasks");
}

/** Updates as the tool does, then moves the tasks to their position. A new position is a change by itself. */
function updateAsPerson(
  plan: Plan,
  { position, accept, ...update }: Extract<PlanOperation, { op: "update" }>,
  hand: Hand,
): PlanChange {
  const { op: _, task_ids: _ids, ...changes } = update;
  const isBare = Object.values(changes).every((change) => change === undefined);
  const isMoveOnly = isBare && (position !== undefined || accept !== undefined);
  const changed = isMoveOnly ? { ok: true as const, plan } : updateTasks(plan, update, "free", hand);
  if (!changed.ok || (position === undefined && accept === undefined)) return changed;
  const named = findTasks(changed.plan, update.task_ids);
  if (typeof named === "string") return { ok: false, message: named };
  const taken = accept ? acceptTasks(changed.plan, new Set(named.map(({ id }) => id))) : changed.plan;
  return position === undefined ? { ok: true, plan: taken } : placeTasks(taken, named, position);
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
