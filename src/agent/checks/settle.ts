// The end of a run that would complete: what was seen of its tasks may no longer hold. Each distinct check that files
// have changed since runs once more. A task that has closed stays closed: what fails now becomes a task of its own.
import { newId } from "../../protocol/ids.ts";
import type { Check, Receipt } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { type RunState, store } from "../loop-state.ts";
import { numberPlan } from "../plan/numbers.ts";
import { MAX_TASK_CHARACTERS, MAX_TASKS } from "../plan/rules.ts";
import { isStale, withReceipts, withStale, withUnseen } from "./results.ts";
import { END_BUDGET_MS, unlessCancelled, type WantedCheck } from "./runner.ts";
import { describeRepairs } from "./words.ts";

const REPAIR = "Repair: ";

/** Of one task. What breaks again after that is not mended by trying once more. */
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
  const tree = await unlessCancelled(ports, async () => await ports.checks?.readTree());
  if (tree == null) return false;
  const wanted = listStale(state.plan, tree, state.fresh);
  if (wanted.length === 0) return false;
  const options = { call_id: `end_${state.steps}`, budget_ms: END_BUDGET_MS };
  const receipts = await unlessCancelled(ports, async () => await ports.checks?.run(wanted, options));
  if (receipts == null) return false;
  state.hasWorked = false;
  for (const { check_id } of receipts) state.fresh.add(check_id);
  // From here to the transaction nothing is awaited: a person may have edited the plan while the checks ran.
  const before = state.plan;
  const seen = withReceipts(withStale(before, tree), receipts);
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

/**
 * The tree shows no change of what is ignored or outside of the project. So a person's and the project's checks run once
 * more after any call that may have changed something: what they verify is how the run leaves it.
 */
function listStale(plan: Plan, tree: string, fresh: ReadonlySet<string>): WantedCheck[] {
  return plan.tasks
    .filter(({ status }) => status === "completed")
    .flatMap(({ id, checks = [] }) => checks.map((check) => ({ task_id: id, check })))
    .filter(
      ({ check }) => isStale(check, tree) || check.result?.stale || (check.author !== "model" && isOld(check, fresh)),
    );
}

function isOld({ id, spec, result }: Check, fresh: ReadonlySet<string>): boolean {
  return result?.outcome === "passed" && spec.type !== "person" && !fresh.has(id);
}

/** One task for each task of which a check fails now, unless its repair is open already. */
function addRepairs(plan: Plan, receipts: readonly Receipt[]): Plan {
  const failed = new Map<string, Set<string>>();
  for (const { task_id, check_id, outcome } of receipts) {
    if (outcome !== "failed") continue;
    failed.set(task_id, (failed.get(task_id) ?? new Set()).add(check_id));
  }
  const tasks = plan.tasks.flatMap((task) => {
    const ids = failed.get(task.id);
    return ids === undefined ? [] : newRepair(task, ids, plan);
  });
  const room = Math.max(0, MAX_TASKS - plan.tasks.length);
  if (tasks.length === 0 || room === 0) return plan;
  return numberPlan({ ...plan, tasks: [...plan.tasks, ...tasks.slice(0, room)] });
}

function newRepair(task: Task, failed: ReadonlySet<string>, plan: Plan): Task[] {
  const content = `${REPAIR}${task.content.replace(REPAIR, "")}`.slice(0, MAX_TASK_CHARACTERS);
  const same = plan.tasks.filter((other) => other.content === content);
  const isOpen = same.some(({ status }) => status === "pending" || status === "in_progress");
  if (isOpen || same.length >= MAX_REPAIRS) return [];
  const checks = (task.checks ?? []).filter(({ id }) => failed.has(id)).map(copyCheck);
  return [
    { id: newId("task"), content, status: "pending", section_id: task.section_id, checks, verification: "not_run" },
  ];
}

function copyCheck({ author, spec, protected: files }: Check): Check {
  return { id: newId("chk"), author, spec, ...(files === undefined ? {} : { protected: files }) };
}
