// What receipts change in a plan: the results of checks, and with them the verification of their tasks. Pure functions.
import type { Check, CheckResult, Receipt } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import type { WantedCheck } from "./runner.ts";
import { verificationOf } from "./verification.ts";

/** A check that fails this often in the same way is not about to pass. */
export const MAX_EQUAL_FAILURES = 3;

/** The checks of the tasks that a change completes. A person is asked about theirs at the end of the run. */
export function listClosing(before: Plan, after: Plan): WantedCheck[] {
  const former = new Map(before.tasks.map(({ id, status }) => [id, status]));
  return after.tasks
    .filter(({ id, status }) => status === "completed" && former.get(id) !== "completed")
    .flatMap(({ id, checks = [] }) => checks.map((check) => ({ task_id: id, check })))
    .filter(({ check }) => check.spec.type !== "person");
}

/** `isTry`: the model has tried to pass them. The same version of the plan with what the receipts say. Those of checks that are gone change nothing. */
export function withReceipts(plan: Plan, receipts: readonly Receipt[], isTry = true): Plan {
  if (receipts.length === 0) return plan;
  const of = new Map(receipts.map((receipt) => [nameCheck(receipt.task_id, receipt.check_id), receipt]));
  const tasks = plan.tasks.map((task) => {
    if (!task.checks?.some(({ id }) => of.has(nameCheck(task.id, id)))) return task;
    const checks = task.checks.map((check) => withReceipt(check, of.get(nameCheck(task.id, check.id)), isTry));
    return { ...task, checks, verification: verificationOf({ ...task, checks }) };
  });
  return { ...plan, tasks };
}

function nameCheck(task_id: string, check_id: string): string {
  return `${task_id} ${check_id}`;
}

function withReceipt(check: Check, receipt: Receipt | undefined, isTry: boolean): Check {
  if (receipt === undefined) return check;
  const { receipt_id, outcome, reason, tree } = receipt;
  const result: CheckResult = { receipt_id, outcome, reason, tree, at: receipt.started_at };
  if ((receipt.altered_files ?? []).length > 0) result.altered = true;
  if (outcome === "failed") result.rounds = countRounds(check.result, reason, isTry);
  return { ...check, result };
}

/**
 * Digits are durations, ports, counts and dates: they differ in what is the same failure. What a person has run again is
 * no try of the model.
 */
function countRounds(former: CheckResult | undefined, reason: string, isTry: boolean): number {
  const isSame = former?.outcome === "failed" && dropDigits(former.reason) === dropDigits(reason);
  if (!isTry) return isSame ? (former.rounds ?? 1) : 0;
  return isSame ? (former.rounds ?? 1) + 1 : 1;
}

function dropDigits(text: string): string {
  return text.replace(/\d+/g, "#");
}

/** Tasks with a check that has failed too often in the same way. */
export function listHopeless(plan: Plan, receipts: readonly Receipt[]): Task[] {
  const failed = new Set(receipts.filter(({ outcome }) => outcome === "failed").map(({ check_id }) => check_id));
  return plan.tasks.filter(({ checks = [] }) =>
    checks.some(({ id, result }) => failed.has(id) && (result?.rounds ?? 0) >= MAX_EQUAL_FAILURES),
  );
}

/** The files as they are now. */
export interface FilesNow {
  /** Null if it can't be read: what was seen of it then holds no longer, and whoever removes it gains nothing. */
  tree: string | null;
  /** Hashes of those that checks name; a file that is missing here could not be read. */
  hashes: ReadonlyMap<string, string | null>;
}

/** Marks passed checks of which what is known may no longer hold. A yes holds again where the files are as they were. */
export function withStale(plan: Plan, now: FilesNow): Plan {
  const tasks = plan.tasks.map((task) => {
    const checks = task.checks?.map((check) => (isStale(check, now) ? markStale(check) : withYes(check)));
    if (checks === undefined || checks.every((check, at) => check === task.checks?.[at])) return task;
    return { ...task, checks, verification: verificationOf({ ...task, checks }) };
  });
  return { ...plan, tasks };
}

function withYes(check: Check): Check {
  if (check.spec.type !== "person" || !check.result?.stale) return check;
  const { stale: _, ...result } = check.result;
  return { ...check, result };
}

/** Whether a person has said yes to files of these tasks. */
export function hasYes({ tasks }: Plan, task_ids: readonly string[]): boolean {
  return tasks.some(({ id, checks = [] }) => task_ids.includes(id) && checks.some(isYes));
}

/** Marks the yes of people about other files than there are now; the same plan if there is none. */
export function withStaleYeses(plan: Plan, task_ids: readonly string[], tree: string): Plan {
  const isOld = (check: Check) => isYes(check) && !check.result?.stale && check.result?.tree !== tree;
  if (!plan.tasks.some(({ id, checks = [] }) => task_ids.includes(id) && checks.some(isOld))) return plan;
  const tasks = plan.tasks.map((task) => {
    if (!task_ids.includes(task.id) || !task.checks?.some(isOld)) return task;
    const checks = task.checks.map((check) => (isOld(check) ? markStale(check) : check));
    return { ...task, checks, verification: verificationOf({ ...task, checks }) };
  });
  return { ...plan, tasks };
}

/** About something else than files it holds whatever becomes of them. */
function isYes({ spec, result }: Check): boolean {
  return spec.type === "person" && result?.outcome === "passed" && result.tree !== null;
}

/** For a run that ends without a look: what passed before its last calls may hold no longer. */
export function withUnseen(plan: Plan, fresh: ReadonlySet<string>): Plan {
  let isSame = true;
  const tasks = plan.tasks.map((task) => {
    if (task.status !== "completed") return task;
    const checks = task.checks?.map((check) => {
      const { result, spec } = check;
      if (result?.outcome !== "passed" || result.stale || fresh.has(check.id)) return check;
      if (spec.type === "person" && result.tree === null) return check;
      isSame = false;
      return markStale(check);
    });
    return checks === undefined ? task : { ...task, checks, verification: verificationOf({ ...task, checks }) };
  });
  return isSame ? plan : { ...plan, tasks };
}

/**
 * A file's check goes stale by its own file, every other by any change. A person's yes without a tree is about something
 * else than files.
 */
export function isStale({ spec, result }: Check, { tree, hashes }: FilesNow): boolean {
  if (result?.outcome !== "passed" || (spec.type === "person" && result.tree === null)) return false;
  return result.tree !== (spec.type === "file" ? hashes.get(spec.path) : tree);
}

function markStale(check: Check): Check {
  return check.result === undefined ? check : { ...check, result: { ...check.result, stale: true } };
}
