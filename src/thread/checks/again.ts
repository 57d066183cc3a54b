// Checks that a person has run again. They belong to no run and need no model: the object runs them, stores what was
// seen in one transaction, and forgets all but the last request. Its row in `meta` is written before anything starts,
// so a life that ends during them is followed by one that continues: checks are idempotent by contract, and a command
// with the same id is attached to. A run comes first: it ends them, since it changes the files that they look at.
import { type PersonAnswer, withAnswers } from "../../agent/checks/people/answers.ts";
import { hasYes, withReceipts, withStaleYeses } from "../../agent/checks/results.ts";
import { END_BUDGET_MS, TASK_BUDGET_MS, type WantedCheck } from "../../agent/checks/runner.ts";
import { describeError, logError } from "../../lib/log.ts";
import { fail, type Result, succeed } from "../../protocol/error.ts";
import type { Receipt } from "../../protocol/plan/check.ts";
import type { CheckRun, CheckRunCall, CheckRunRequest } from "../../protocol/plan/check-run.ts";
import type { Plan, Task } from "../../protocol/plan/task.ts";
import { isTerminal } from "../../protocol/run.ts";
import { isoTime, type Life, noteError, transact } from "../life.ts";
import { findRunning, untilReleased } from "../run/plan-edit.ts";
import { recordPlan, recordReceipts } from "../run/recorder.ts";
import { openSandbox } from "../run/run.ts";
import { sleep } from "../sleep.ts";
import { trimMemory } from "../stream/streams.ts";
import { endChecks, keepChecks, RUN_BEGAN, storeChecks, tracedChecks, traceEnd } from "./check-run-end.ts";
import type { CheckRunRecord } from "./check-run-row.ts";
import { openChecks } from "./open-checks.ts";

/** What ends one life after another is not tried for ever. */
const MAX_LIVES = 3;

export function callChecks(life: Life, call: CheckRunCall): Promise<Result<CheckRun | null>> {
  if (call.kind === "start") return startChecks(life, call.request);
  return call.kind === "wait" ? waitForChecks(life, call.check_run_id, call.timeout_ms) : cancelChecks(life);
}

async function startChecks(life: Life, request: CheckRunRequest): Promise<Result<CheckRun>> {
  await untilReleased(life);
  // From here to the transaction nothing is awaited.
  if (life.removing) return fail("not_found", `The thread ${life.thread.thread_id} was deleted.`);
  const asked = JSON.stringify([request.task_ids, request.answers]);
  const last = life.checked;
  if (last?.run.check_run_id === request.check_run_id) {
    ensureChecking(life);
    if (last.asked === asked) return succeed(life.checked?.run ?? last.run);
    return fail("idempotency_conflict", `The check run ${request.check_run_id} was started with another body.`);
  }
  const busy = [...life.live.values()].find(({ run }) => !isTerminal(run.status));
  if (busy !== undefined) return fail("busy", `The run ${busy.run.invocation_id} is ${busy.run.status}.`);
  if (last?.run.status === "running") return fail("busy", `The checks of ${last.run.check_run_id} are running.`);
  const chosen = chooseTasks(life.state.plan, request);
  if (!chosen.ok) return chosen;
  const run: CheckRun = {
    check_run_id: request.check_run_id,
    thread_id: life.thread.thread_id,
    status: "running",
    reason: null,
    task_ids: chosen.value.map(({ id }) => id),
    receipt_ids: [],
    created_at: isoTime(life),
    finished_at: null,
  };
  const { answers, key_id, hops, traceparent } = request;
  // Nothing is to be seen, and nothing is stored.
  const hasWork = answers.length > 0 || listWanted(life.state.plan, run.task_ids).length > 0;
  if (!hasWork && !looksAtYes(life, run.task_ids))
    return succeed({ ...run, status: "completed", finished_at: run.created_at });
  const more = { ...(hops === undefined ? {} : { hops }), ...(traceparent === undefined ? {} : { traceparent }) };
  storeChecks(life, { run, asked, answers, key_id, lives: 0, ...more });
  ensureChecking(life);
  return succeed(run);
}

function chooseTasks(plan: Plan, { task_ids, answers }: CheckRunRequest): Result<Task[]> {
  const unknown = task_ids?.find((id) => !plan.tasks.some((task) => task.id === id));
  if (unknown !== undefined) return fail("invalid_operation", `The plan has no task ${unknown}.`);
  const named = new Set(task_ids);
  const tasks = plan.tasks.filter(({ id, status, checks = [] }) =>
    task_ids === null ? status !== "cancelled" && checks.length > 0 : named.has(id),
  );
  const checks = tasks.flatMap(({ checks = [] }) => checks);
  const strange = answers.find(
    ({ check_id }) => !checks.some(({ id, spec }) => id === check_id && spec.type === "person"),
  );
  if (strange !== undefined)
    return fail("invalid_operation", `These tasks have no check ${strange.check_id} that asks a person.`);
  return succeed(tasks);
}

async function waitForChecks(life: Life, check_run_id: string, timeout_ms: number): Promise<Result<CheckRun>> {
  const rest = new AbortController();
  const { checking } = life;
  if (life.checked?.run.check_run_id === check_run_id && checking !== null) {
    const late = sleep(life.ports.clock, timeout_ms, rest.signal);
    await Promise.race([checking.done, late]).finally(() => rest.abort());
  }
  return lastOf(life, check_run_id);
}

/** Null where none were run again. */
async function cancelChecks(life: Life): Promise<Result<CheckRun | null>> {
  endChecks(life, "cancelled", "A person ended them.");
  return succeed(life.checked?.run ?? null);
}

function lastOf({ checked }: Life, check_run_id: string): Result<CheckRun> {
  if (checked?.run.check_run_id === check_run_id) return succeed(checked.run);
  return fail("not_found", `The check run ${check_run_id} is not known any more.`);
}

/** Continues with what is stored as running. Idempotent, so anything may call it. */
export function ensureChecking(life: Life): void {
  const { checked, checking } = life;
  if (checked?.run.status !== "running" || checking !== null || life.removing) return;
  if (life.live.size > 0) {
    endChecks(life, "cancelled", RUN_BEGAN);
    return;
  }
  if (checked.lives >= MAX_LIVES) {
    endChecks(life, "failed", `The server ended ${MAX_LIVES} times while they ran.`);
    return;
  }
  storeChecks(life, { ...checked, lives: checked.lives + 1 });
  const cancel = new AbortController();
  const done = Promise.resolve()
    .then(() => look(life, checked, cancel.signal))
    .catch((error: unknown) => {
      if (cancel.signal.aborted) return;
      logError("checks_failed", error, { user_id: life.thread.user_id, thread_id: life.thread.thread_id });
      noteError(life, `checks failed: ${error instanceof Error ? error.name : "unknown"}; see the log`);
      endChecks(life, "failed", "Something went wrong in the server.");
    })
    .catch((error: unknown) => life.platform.abort(`checks can't be ended: ${describeError(error)}`));
  life.checking = { cancel, done };
  life.platform.waitUntil(done);
}

async function look(life: Life, checked: CheckRunRecord, signal: AbortSignal): Promise<void> {
  const { run, answers, lives } = checked;
  const sandbox = await openSandbox(life);
  // An id may come again once another request was the last.
  const scope = `${life.thread.thread_id} again ${run.created_at}`;
  const own = openChecks(life, { scope, attempt: lives + 1, invocation_id: null }, sandbox, signal);
  const runner = life.ports.traces?.wrapCheckRun(own, tracedChecks(life, checked)) ?? own;
  const wanted = listWanted(life.state.plan, run.task_ids);
  const budget_ms = Math.min(END_BUDGET_MS, run.task_ids.length * TASK_BUDGET_MS);
  const options = { call_id: run.check_run_id, budget_ms, is_repeated: lives > 0 };
  // Before a check can change files: what a person has said is about how the run has left them.
  const found = looksAtYes(life, run.task_ids) ? await runner.readTree() : null;
  const receipts = wanted.length === 0 ? [] : await runner.run(wanted, options);
  // A yes is about the files as they are, where there are any: nothing is started to ask that.
  const hasFiles = answers.length > 0 && life.state.knownSandbox !== null;
  const tree = hasFiles ? await runner.readTree() : null;
  signal.throwIfAborted();
  finish(life, receipts, { found, tree });
}

/** A yes is about files, and it can be determined whether they are as they were. */
function looksAtYes({ state: { plan, knownSandbox } }: Life, task_ids: readonly string[]): boolean {
  return knownSandbox !== null && hasYes(plan, task_ids);
}

function listWanted({ tasks }: Plan, task_ids: readonly string[]): WantedCheck[] {
  const named = new Set(task_ids);
  return tasks
    .filter(({ id }) => named.has(id))
    .flatMap(({ id, checks = [] }) => checks.map((check) => ({ task_id: id, check })))
    .filter(({ check }) => check.spec.type !== "person");
}

/**
 * A person may have edited the plan meanwhile: receipts of checks that are gone change nothing, and are not kept.
 * `found`: the files before the checks ran; `tree`: what the answers are about.
 */
function finish(
  life: Life,
  seen: readonly Receipt[],
  { found, tree }: { found: string | null; tree: string | null },
): void {
  const { checked } = life;
  if (checked === null || life.removing) return;
  const { run, hops } = checked;
  transact(life, () => {
    const before = life.state.plan;
    const said = readAnswers(before, checked, tree);
    const now = found === null ? before : withStaleYeses(before, run.task_ids, found);
    const answered = withAnswers(now, said, {
      ...{ invocation_id: null, at: isoTime(life), task_ids: new Set(run.task_ids) },
    });
    const left = seen.filter(({ task_id, check_id }) =>
      before.tasks.some(({ id, checks = [] }) => id === task_id && checks.some((check) => check.id === check_id)),
    );
    const receipts = [...left, ...answered.receipts];
    const plan = withReceipts({ ...answered.plan, version: before.version + 1 }, left, false);
    if (receipts.length > 0 || now !== before) {
      recordReceipts(life, null, receipts);
      recordPlan(life, findRunning(life), plan, hops === undefined ? {} : { hops });
    }
    const receipt_ids = receipts.map(({ receipt_id }) => receipt_id);
    keepChecks(life, { ...checked, run: { ...run, status: "completed", receipt_ids, finished_at: isoTime(life) } });
  });
  life.checking = null;
  traceEnd(life);
  if (life.active === null) trimMemory(life);
}

function readAnswers({ tasks }: Plan, { answers }: CheckRunRecord, tree: string | null): PersonAnswer[] {
  const checks = new Map(tasks.flatMap(({ checks = [] }) => checks.map((check) => [check.id, check])));
  return answers.flatMap(({ check_id, approved, reason = "" }) => {
    const spec = checks.get(check_id)?.spec;
    if (spec?.type !== "person") return [];
    return [{ question: spec.question, outcome: approved ? "passed" : "failed", note: reason, tree }];
  });
}
