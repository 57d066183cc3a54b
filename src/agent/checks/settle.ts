// The end of a run that would complete: what was seen of its tasks may no longer hold. Each distinct check that files
// have changed since runs once more. A task that has closed stays closed: what fails now becomes a task of its own.
import { newId } from "../../protocol/ids.ts";
import type { Check, Receipt } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { permissionOf } from "../calls/checks/permission.ts";
import { type RunState, store } from "../loop-state.ts";
import { numberPlan } from "../plan/numbers.ts";
import { MAX_TASK_CHARACTERS, MAX_TASKS } from "../plan/rules.ts";
import { withNeeds } from "./approval.ts";
import { type FilesNow, isStale, withReceipts, withStale, withUnseen } from "./results.ts";
import { END_BUDGET_MS, unlessCancelled, type WantedCheck } from "./runner.ts";
import { describeRepairs } from "./words.ts";

const REPAIR = "Repair: ";

/** Of one task. What breaks again after that is not fixed by trying once more. */
const MAX_REPAIRS = 3;

/** Nothing is asked of a sandbox unless a task has a check that passed, and a call may have changed files since. */
export function maySettle({ hasWorked, ports, plan }: RunState): boolean {
  return ports.checks !== undefined && plan.tasks.some((task) => (hasWorked ? hasPassed(task) : hasStale(task)));
}

/**
 * A run that is cancelled, fails or waits for a person ends at once, and nothing is looked at. What its last calls may
 * have changed is not called verified until the end of a later run has seen it.
 */
export async function noteUnseen(state: RunState): Promise<void> {
  if (!state.hasWorked) return;
  const before = state.plan;
  const plan = withUnseen(before, state.fresh);
  if (plan === before) return;
  await store(state, { type: "checks_settled", receipts: [], plan: { ...plan, version: before.version + 1 } });
}

/** Returns whether there is work again. */
export async function settleChecks(state: RunState): Promise<boolean> {
  state.ports.storeHeld?.();
  const { ports } = state;
  const now = await unlessCancelled(ports, async () => await readFiles(state));
  if (now === null) return false;
  state.tree = now.tree;
  const wanted = withNeeds(listStale(state.plan, now, state.fresh), permissionOf(state));
  // A person is asked anew about work that has changed since their yes: not by the server's look, but after it.
  if (wanted.length === 0 && !state.plan.tasks.some((task) => hasOtherYes(task, now))) {
    // All of it holds, also for a run that ends with a question now.
    state.hasWorked = false;
    return false;
  }
  const is_repeated = state.steps === state.input.steps;
  const options = { call_id: `end_${state.steps}`, budget_ms: END_BUDGET_MS, is_repeated };
  const receipts =
    wanted.length === 0 ? [] : await unlessCancelled(ports, async () => await ports.checks?.run(wanted, options));
  if (receipts == null) return false;
  state.hasWorked = false;
  for (const { check_id } of receipts) state.fresh.add(check_id);
  // From here to the transaction nothing is awaited: a person may have edited the plan while the checks ran.
  const before = state.plan;
  const seen = withReceipts(withStale(before, now), receipts);
  const plan = addRepairs({ ...seen, version: before.version + 1 }, receipts);
  await store(state, { type: "checks_settled", receipts, plan });
  const repairs = plan.tasks.slice(before.tasks.length);
  if (repairs.length === 0) return false;
  state.nudge = describeRepairs(repairs, receipts);
  return true;
}

function hasStale({ status, checks = [] }: Task): boolean {
  return status === "completed" && checks.some(({ result }) => result?.stale === true);
}

function hasPassed({ status, checks = [] }: Task): boolean {
  return status === "completed" && checks.some(({ result }) => result?.outcome === "passed");
}

async function readFiles({ ports: { checks }, plan }: RunState): Promise<FilesNow> {
  const tree = (await checks?.readTree()) ?? null;
  const paths = plan.tasks.filter(hasPassed).flatMap(({ checks: own = [] }) => own.flatMap(pathOf));
  const hashes = paths.length === 0 ? undefined : await checks?.hashFiles([...new Set(paths)]);
  return { tree, hashes: hashes ?? new Map() };
}

function pathOf({ spec, result }: Check): string[] {
  return spec.type === "file" && result?.outcome === "passed" ? [spec.path] : [];
}

/**
 * The tree shows no change of what is ignored or outside of the project. So a person's and the project's checks run
 * once more after any call that may have changed something: what they verify is how the run leaves it.
 */
function listStale(plan: Plan, now: FilesNow, fresh: ReadonlySet<string>): WantedCheck[] {
  return plan.tasks
    .filter(({ status }) => status === "completed")
    .flatMap(({ id, checks = [] }) => checks.map((check) => ({ task_id: id, check })))
    .filter(({ check }) => check.spec.type !== "person")
    .filter(
      ({ check }) => isStale(check, now) || check.result?.stale || (check.author !== "model" && isOld(check, fresh)),
    );
}

function isOld({ id, spec, result }: Check, fresh: ReadonlySet<string>): boolean {
  // A file's own hash says all.
  return result?.outcome === "passed" && spec.type !== "file" && !fresh.has(id);
}

/** A yes that holds no longer, or holds again: a run that was cut has not looked. */
function hasOtherYes({ status, checks = [] }: Task, now: FilesNow): boolean {
  const isNews = (check: Check) =>
    check.spec.type === "person" && (check.result?.stale === true) !== isStale(check, now);
  return status === "completed" && checks.some(isNews);
}

/** One task for each task of which a check fails now, unless its repair is open already. */
export function addRepairs(plan: Plan, receipts: readonly Receipt[]): Plan {
  const failed = new Map<string, Set<string>>();
  for (const { task_id, check_id, outcome } of receipts) {
    if (outcome !== "failed") continue;
    failed.set(task_id, (failed.get(task_id) ?? new Set()).add(check_id));
  }
  const tasks = plan.tasks.flatMap((task) => {
    const ids = failed.get(task.id);
    return ids === undefined ? [] : newRepair(task, ids, plan);
  });
  // A task and its former repair have the same one.
  const distinct = [...new Map(tasks.map((task) => [`${task.section_id} ${task.content}`, task])).values()];
  const room = Math.max(0, MAX_TASKS - plan.tasks.length);
  if (distinct.length === 0 || room === 0) return plan;
  return numberPlan({ ...plan, tasks: [...plan.tasks, ...distinct.slice(0, room)] });
}

function newRepair(task: Task, failed: ReadonlySet<string>, plan: Plan): Task[] {
  const content = `${REPAIR}${task.content.replace(REPAIR, "")}`.slice(0, MAX_TASK_CHARACTERS);
  const same = plan.tasks.filter((other) => other.content === content);
  const isOpen = same.some(({ status }) => status === "pending" || status === "in_progress");
  if (isOpen || same.length >= MAX_REPAIRS) return [];
  const checks = (task.checks ?? []).filter(({ id }) => failed.has(id)).map(copyCheck);
  // What the model took from the task is missing here, too.
  const marks = { verification: "not_run" as const, ...(task.weakened ? { weakened: true } : {}) };
  return [{ id: newId("task"), content, status: "pending", section_id: task.section_id, checks, ...marks }];
}

function copyCheck({ result: _, ...check }: Check): Check {
  return { ...check, id: newId("chk") };
}
