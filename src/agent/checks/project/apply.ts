// Which checks of the project a task has. Those for each task are there as soon as they are known, so that people see
// them before they run; those by path come when the task is completed, and it is known what has changed. They stay
// within the plan's row like others, and what the model removes comes back. Pure functions.
import type { Check, ProtectedFile } from "../../../protocol/plan/check.ts";
import type { Plan, Task } from "../../../protocol/plan/task.ts";
import { nameTask } from "../../plan/text.ts";
import { changeChecks, findChecksFault } from "../change.ts";
import { handOf, projectCheckId } from "../make.ts";
import { protectedPaths } from "../protect.ts";
import { canonicalSpec } from "../spec.ts";
import type { ProjectCheck } from "./file.ts";
import { matchesAny } from "./globs.ts";

/** What is known of the project's checks. */
export interface ProjectChecks {
  checks: readonly ProjectCheck[];
  /** Their protected files, as they are in the commit. One that is not here is hashed when the check is made. */
  files: readonly ProtectedFile[];
}

export interface Completed {
  task_ids: ReadonlySet<string>;
  /** Files of the checkout that may have changed for them; null: it can't be determined, so any may have. */
  changed: readonly string[] | null;
}

export const noneCompleted: Completed = { task_ids: new Set(), changed: [] };

export type Applied = { ok: true; plan: Plan } | { ok: false; message: string };

/** The same version of the plan; the same object if nothing is added. */
export function withProjectChecks(plan: Plan, project: ProjectChecks, completed: Completed): Applied {
  if (project.checks.length === 0) return { ok: true, plan };
  const everywhere = project.checks.filter(({ paths }) => paths === null);
  const due = project.checks.filter(({ paths }) => paths === null || isTouched(paths, completed.changed));
  const tasks: Task[] = [];
  for (const task of plan.tasks) {
    const isOpen = task.status === "pending" || task.status === "in_progress";
    const wanted = completed.task_ids.has(task.id) ? due : isOpen ? everywhere : [];
    const added = addTo(task, wanted, project.files);
    if (typeof added === "string") return { ok: false, message: added };
    tasks.push(added);
  }
  if (tasks.every((task, at) => task === plan.tasks[at])) return { ok: true, plan };
  const fault = findChecksFault(tasks);
  return fault === null ? { ok: true, plan: { ...plan, tasks } } : { ok: false, message: fault };
}

/** Whether a check that depends on what has changed would be decided by it. */
export function dependsOnChanges({ checks }: ProjectChecks): boolean {
  return checks.some(({ paths }) => paths !== null);
}

function isTouched(globs: readonly string[], changed: readonly string[] | null): boolean {
  return changed === null || (changed.length > 0 && matchesAny(globs, changed));
}

function addTo(task: Task, wanted: readonly ProjectCheck[], files: readonly ProtectedFile[]): Task | string {
  const waived = new Set(task.waived);
  const specs = wanted.map(({ spec }) => spec).filter((spec) => !waived.has(projectCheckId(task.id, spec)));
  const has = new Set(task.checks?.filter(({ author }) => author !== "model").map(({ spec }) => canonicalSpec(spec)));
  const missing = specs.filter((spec) => !has.has(canonicalSpec(spec)));
  if (missing.length === 0) return task;
  const ids = missing.map((spec) => projectCheckId(task.id, spec));
  const hand = handOf("project", { makeCheckId: () => ids.shift() ?? "" });
  const changed = changeChecks(task, { add: missing }, hand, nameTask(task));
  if (!changed.ok) return changed.message;
  const texts = new Set(missing.map(canonicalSpec));
  const checks = changed.task.checks?.map((check) =>
    check.author === "project" && texts.has(canonicalSpec(check.spec)) ? withFiles(check, files) : check,
  );
  return checks === undefined ? changed.task : { ...changed.task, checks };
}

/** As in the commit: the model may have changed them before it planned the task. */
function withFiles(check: Check, known: readonly ProtectedFile[]): Check {
  const files = protectedPaths(check).map((path) => known.find((file) => file.path === path));
  const { protected: _, ...rest } = check;
  const isKnown = files.length > 0 && files.every((file) => file !== undefined);
  return isKnown ? { ...rest, protected: files } : rest;
}

/** A person has accepted another file: open tasks lose what it no longer asks for. */
export function withoutFormer(plan: Plan, former: ProjectChecks, now: ProjectChecks): Plan {
  const kept = new Set(now.checks.map(({ spec }) => canonicalSpec(spec)));
  const gone = new Set(former.checks.map(({ spec }) => canonicalSpec(spec)).filter((text) => !kept.has(text)));
  const tasks = plan.tasks.map((task) => {
    const isOpen = task.status === "pending" || task.status === "in_progress";
    const out = isOpen
      ? (task.checks ?? []).filter(({ author, spec }) => author === "project" && gone.has(canonicalSpec(spec)))
      : [];
    if (out.length === 0) return task;
    const changed = changeChecks(task, { remove: out.map(({ id }) => id) }, handOf("project"), nameTask(task));
    return changed.ok ? changed.task : task;
  });
  return tasks.every((task, at) => task === plan.tasks[at]) ? plan : { ...plan, tasks };
}
