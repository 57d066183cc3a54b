// A change of the plan that completes tasks with checks waits for these. The plan tools stay pure: the loop takes the
// changed plan, runs the checks of what it would complete, and makes the change anew on the plan as it is then. Nothing
// is awaited between the last look at the plan and the transaction, so a person's edit in between is kept, and no task
// closes without receipts.
import { isRecord } from "../../lib/is-record.ts";
import type { ProtectedFile, Receipt } from "../../protocol/plan/check.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { withApproved, withNeeds } from "../checks/approval.ts";
import { listNewChecks } from "../checks/change.ts";
import { describeCheck } from "../checks/describe.ts";
import { describeEmptyTests } from "../checks/empty/empty-test.ts";
import type { Applied } from "../checks/project/apply.ts";
import { listUnhashed, withHashes } from "../checks/protect.ts";
import { describeUnprotected } from "../checks/protected-pattern.ts";
import { listClosing, listHopeless, withReceipts } from "../checks/results.ts";
import { TASK_BUDGET_MS, unlessCancelled, type WantedCheck } from "../checks/runner.ts";
import { verificationOf } from "../checks/verification.ts";
import { describeClosed, describeRefusal } from "../checks/words.ts";
import type { RunState } from "../loop-state.ts";
import { findTasks } from "../plan/find.ts";
import type { Tool, ToolResult } from "../tool.ts";
import { readOwed, withOwed } from "./checks/owed.ts";
import { permissionOf } from "./checks/permission.ts";
import { parseJson } from "./leniency.ts";
import { CANCELLED_RESULT } from "./run.ts";

/** A person who adds checks faster than they run would hold the call for ever. What is left then closes as `not_run`. */
const MAX_ROUNDS = 5;

/** Whether a call may have to wait for checks: it is stored as started then, so that a later life knows of it. */
export function mayRunChecks({ kind, read_only }: Tool, input: unknown, { plan, ports }: RunState): boolean {
  if (kind !== "plan" || read_only || !isRecord(input)) return false;
  if (input.status !== "completed" || !Array.isArray(input.task_ids)) return false;
  if (input.checks !== undefined || ports.project?.isThere()) return true;
  if (!plan.tasks.some(({ checks }) => checks !== undefined)) return false;
  const named = findTasks(plan, input.task_ids);
  return typeof named !== "string" && named.some(({ checks = [] }) => checks.length > 0);
}

/** `runAgain`: makes the change on the plan as it is now. */
export async function closeOnChecks(
  first: ToolResult,
  call_id: string,
  runAgain: () => Promise<ToolResult>,
  state: RunState,
): Promise<ToolResult> {
  const closing = (plan: Plan | undefined) => listCompleted(state.plan, plan);
  const owed = await readOwed(call_id, closing(first.plan).size > 0, state);
  if (owed === null) return CANCELLED_RESULT;
  const former = state.plan;
  const files = await hashProtected(planOf(withOwed(first.plan ?? former, owed, closing(first.plan))), state);
  if (files === null) return CANCELLED_RESULT;
  const asked = state.input.grants.get(call_id)?.checks;
  const prepare = (plan: Plan, ids: ReadonlySet<string>): Applied => {
    const applied = withOwed(plan, owed, ids);
    return applied.ok ? { ok: true, plan: withApproved(withHashes(applied.plan, files), asked) } : applied;
  };
  const made = (changed: ToolResult) => withPlan(changed, (plan) => prepare(plan, closing(plan)));
  // A person may have edited the plan while the sandbox was asked.
  let result = made(isBehind(first, state) ? await runAgain() : first);
  const receipts = state.checked.get(call_id) ?? [];
  for (let round = 0; round < MAX_ROUNDS && result.plan !== undefined; round++) {
    const wanted = listClosing(state.plan, result.plan).filter((check) => !isSeen(check, receipts));
    if (wanted.length === 0) break;
    const seen = await run(wanted, call_id, state);
    if (seen === null) return CANCELLED_RESULT;
    if (seen.length === 0) break;
    receipts.push(...seen);
    state.checked.set(call_id, receipts);
    result = made(await runAgain());
  }
  const stays = prepare(state.plan, closing(result.plan));
  const end = receipts.length === 0 ? result : conclude(result, receipts, planOf(stays) ?? state.plan, state);
  const noted = withNotes(withNotes(end, "project_checks", owed.notes), "unprotected", listUnprotected(former, end));
  if (!noted.stays_open && closing(noted.plan).size > 0) state.ports.project?.noteClosed();
  return noted;
}

/** Whether a person has edited the plan since the change was made. */
function isBehind({ plan }: ToolResult, state: RunState): boolean {
  return plan !== undefined && plan.version !== state.plan.version + 1;
}

function listCompleted(before: Plan, after: Plan | undefined): ReadonlySet<string> {
  const former = new Map(before.tasks.map(({ id, status }) => [id, status]));
  const ended = after?.tasks.filter(({ id, status }) => status === "completed" && former.get(id) !== "completed") ?? [];
  return new Set(ended.map(({ id }) => id));
}

function planOf(applied: Applied): Plan | undefined {
  return applied.ok ? applied.plan : undefined;
}

/** A model that writes more of them has read the first ones. */
const MAX_NOTES = 3;

/** For the checks that the call has made. */
function listUnprotected({ tasks }: Plan, { plan }: ToolResult): string[] {
  const made = plan === undefined ? [] : listNewChecks(tasks, plan.tasks);
  return made
    .flatMap((check) => {
      const why = describeUnprotected(check);
      return why === null ? [] : [`No pass of ${describeCheck(check.spec)} will be verified: ${why}`];
    })
    .slice(0, MAX_NOTES);
}

/** A plan tool answers a change with JSON. */
function withNotes(result: ToolResult, name: string, notes: readonly string[]): ToolResult {
  if (notes.length === 0) return result;
  const shown = parseJson(result.content);
  const content = isRecord(shown)
    ? JSON.stringify({ ...shown, [name]: notes.join(" ") })
    : [result.content, ...notes].join("\n");
  return { ...result, content };
}

/**
 * The files of checks that the call makes, as they are now. Those of others were hashed before the model worked
 * (`protect-files`): now it is too late. Null if the run was cancelled meanwhile.
 */
async function hashProtected(plan: Plan | undefined, { ports, plan: before }: RunState): Promise<Files | null> {
  const known = new Set(before.tasks.flatMap(({ checks = [] }) => checks.map(({ id }) => id)));
  const paths = plan === undefined ? [] : listUnhashed(plan, (check) => !known.has(check.id));
  if (paths.length === 0) return new Map();
  return (await unlessCancelled(ports, async () => await ports.checks?.hashProtected(paths))) ?? null;
}

type Files = ReadonlyMap<string, ProtectedFile>;

function withPlan(result: ToolResult, change: (plan: Plan) => Applied): ToolResult {
  if (result.plan === undefined) return result;
  const changed = change(result.plan);
  if (changed.ok) return { ...result, plan: changed.plan };
  return { content: `The project's checks can't be added, so nothing was changed. ${changed.message}`, is_error: true };
}

function isSeen(wanted: WantedCheck, receipts: readonly Receipt[]): boolean {
  return receipts.some((receipt) => isOf(receipt)(wanted));
}

function isOf({ task_id, check_id }: Receipt): (wanted: WantedCheck) => boolean {
  return (wanted) => wanted.task_id === task_id && wanted.check.id === check_id;
}

/** Null if the run was cancelled meanwhile. */
async function run(listed: WantedCheck[], call_id: string, state: RunState): Promise<Receipt[] | null> {
  const { ports, input } = state;
  const wanted = withNeeds(listed, permissionOf(state));
  const tasks = new Set(wanted.map(({ task_id }) => task_id)).size;
  const is_repeated = input.started_calls.includes(call_id);
  const options = { call_id, budget_ms: tasks * TASK_BUDGET_MS, is_repeated };
  return unlessCancelled(ports, async () => (await ports.checks?.run(wanted, options)) ?? []);
}

/** `before`: the plan as it stays if a check fails. */
function conclude(result: ToolResult, receipts: Receipt[], before: Plan, state: RunState): ToolResult {
  if (result.plan === undefined) return { ...result, receipts };
  // A check that a person has taken away meanwhile holds nothing back.
  const wanted = listClosing(before, result.plan);
  const failed = receipts.filter((receipt) => receipt.outcome === "failed" && wanted.some(isOf(receipt)));
  const closing = new Set(wanted.map(({ task_id }) => task_id));
  if (failed.length === 0 || state.input.agent.checks === "advise") {
    const plan = withReceipts(result.plan, receipts);
    const closed = plan.tasks.filter(({ id }) => closing.has(id));
    const empty = describeEmptyTests(closed, state.conversation.rows);
    return { ...result, ...describeResult(result, closed, empty), plan, receipts };
  }
  const seen = withReceipts({ ...before, version: before.version + 1 }, receipts);
  const hopeless = listHopeless(seen, failed);
  return {
    content: describeRefusal(seen, failed, hopeless),
    is_error: true,
    details: { checks_failed: failed.map(({ check_id }) => check_id) },
    plan: hopeless.length === 0 ? seen : giveUp(seen, hopeless),
    receipts,
    stays_open: true,
    ...(hopeless.length === 0 ? {} : { gave_up: hopeless }),
  };
}

/** A plan tool answers a change with JSON, and the model reads in it what was seen. */
function describeResult(
  { content, details }: ToolResult,
  closed: readonly Task[],
  empty: string | null,
): Pick<ToolResult, "content" | "details"> {
  const verification = Object.fromEntries(closed.map((task) => [task.id, verificationOf(task)]));
  const shown = parseJson(content);
  const more = empty === null ? {} : { empty_checks: [empty] };
  return {
    content: isRecord(shown) ? JSON.stringify({ ...shown, checks: describeClosed(closed), ...more }) : content,
    details: { ...details, verification },
  };
}

/** The task ends, and nothing says that it is done. */
function giveUp(plan: Plan, hopeless: readonly Task[]): Plan {
  const ids = new Set(hopeless.map(({ id }) => id));
  const tasks = plan.tasks.map((task) => (ids.has(task.id) ? { ...task, status: "cancelled" as const } : task));
  return { ...plan, tasks };
}
