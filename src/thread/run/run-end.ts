// The end of a run: closes everything open and stores the terminal event. Nobody sees that event before the run's rows
// are in D1, or two seconds have passed.
import { countCheckedTasks, countUncheckable } from "../../agent/checks/count.ts";
import type { LoopOutcome } from "../../agent/events.ts";
import { openTasks } from "../../agent/plan/view.ts";
import type { Run } from "../../protocol/run.ts";
import type { RunInput } from "../../protocol/thread.ts";
import { newRecord, storeNewRun } from "../inbox/enqueue.ts";
import { dropSteered } from "../inbox/steering.ts";
import { countActive, findRun, isoTime, type Life, storeRun, transact } from "../life.ts";
import { insertMessage } from "../rows/messages.ts";
import { newOwnMessageId } from "../rows/own-ids.ts";
import { markReleased, type RunRecord } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { runEnded } from "../stream/events.ts";
import { neverStarted, watchIdle } from "../stream/streams.ts";
import { pinCaps } from "../usage/pinned.ts";
import { closeStep, dropParts } from "./recorder.ts";
import { addCited, countUnknown } from "./sources.ts";
import { endSpending } from "./spending.ts";

// A client that has seen the end finds the run's rows in D1, unless D1 is too slow for a person to wait.
const MAX_HOLD_MS = 2_000;
// A cancel shows within two seconds, of which the run may take one to stop.
const CANCEL_HOLD_MS = 800;

export function endRun(life: Life, record: RunRecord, outcome: LoopOutcome): void {
  transact(life, () => {
    for (const { message_id } of life.journal.liveParts()) dropParts(life, message_id);
    for (const id of [...life.openSteps]) closeStep(life, record, id);
    life.callTimes.clear();
    countActive(life, record);
    endSpending(record);
    applyOutcome(life, record, outcome);
    const checked_tasks = countCheckedTasks(life.state.plan.tasks);
    if (checked_tasks !== undefined) record.run.checked_tasks = checked_tasks;
    const uncheckable_tasks = countUncheckable(life.state.plan.tasks);
    if (uncheckable_tasks > 0) record.run.uncheckable_tasks = uncheckable_tasks;
    if (record.run.status !== "completed") storeStatus(life, record);
    const pending = outcome.status === "completed" ? outcome.pending_tool_call_ids : [];
    life.journal.hold(life.journal.newest + 1);
    record.end_seq = life.journal.addFact(record.run.invocation_id, runEnded(record.run, pending));
    for (const { input, hash } of dropSteered(life)) {
      enqueueSteered(life, record, input, hash);
    }
    record.input = null;
    storeRun(life, record, { input: true });
  });
}

function applyOutcome(life: Life, record: RunRecord, outcome: LoopOutcome): void {
  const { run } = record;
  run.status = outcome.status;
  run.finished_at = isoTime(life);
  record.started_calls = [];
  if (outcome.status === "completed") applyResult(life, run, outcome);
  if (outcome.status === "failed") run.error = outcome.error;
  if (outcome.status === "interrupted") {
    run.interrupts = outcome.interrupts;
    if (outcome.ended !== undefined) applyResult(life, run, outcome.ended);
  }
}

function applyResult(
  { database: { sql } }: Life,
  run: Run,
  { text, unfinished_tasks }: { text: string; unfinished_tasks: number },
): void {
  const unknown_citations = countUnknown(sql, text);
  run.result = { text, unfinished_tasks, ...(unknown_citations === 0 ? {} : { unknown_citations }) };
  addCited(sql, run, text);
}

/** Stores a row with the reason why the run did not complete, for people. */
function storeStatus(life: Life, record: RunRecord): void {
  const { invocation_id, agent_id, status, error } = record.run;
  insertMessage(life.database.sql, {
    message_id: newOwnMessageId(),
    invocation_id,
    agent_id,
    type: "status",
    is_llm_message: false,
    content: { status, error, unfinished_tasks: openTasks(life.state.plan).length },
    created_at: isoTime(life),
  });
}

/** A message that came too late to steer becomes a run of its own, so that it is not lost. */
function enqueueSteered(life: Life, ended: RunRecord, input: RunInput, hash: string): void {
  if (findRun(life, input.invocation_id) === null) {
    const given = { ...input, background: false, answers_nothing: true };
    const spending = pinCaps(input, ended.agent.config, ended.spending.shared);
    storeNewRun(life, newRecord(life, given, hash, ended.agent, spending));
  }
}

/**
 * Ends a run that has not started, with what else is stored in its transaction. It leaves no event in the journal; a
 * reader that waits for it gets the reason.
 */
export async function endUnstarted(
  life: Life,
  record: RunRecord,
  end: RequestedEnd,
  storeMore: () => void = () => {},
): Promise<void> {
  transact(life, () => {
    storeMore();
    endSpending(record);
    applyOutcome(life, record, end);
    record.input = null;
    storeRun(life, record, { input: true });
    markReleased(life.database.sql, record);
  });
  life.live.delete(record.run.invocation_id);
  life.jobs.delete(record.run.invocation_id);
  life.readers.endWaiting(record.run.invocation_id, neverStarted(life, record));
  watchIdle(life);
  await life.outbox.syncWithin(holdOf(record));
  notifyWaiters(life, record);
}

function holdOf({ run }: RunRecord): number {
  return run.status === "cancelled" ? CANCEL_HOLD_MS : MAX_HOLD_MS;
}

/** Replicates the run's rows to D1, then releases its end. Also for a life that finds an end that was not released. */
export async function releaseRun(life: Life, record: RunRecord): Promise<void> {
  await life.outbox.syncWithin(holdOf(record));
  life.journal.release();
  // Readers write first: a write waits for all that was stored before it. Without the mark, a later life would release
  // the end again.
  await Promise.resolve();
  life.outbox.noteReleased(record.end_seq ?? 0);
  transact(life, () => markReleased(life.database.sql, record));
  life.live.delete(record.run.invocation_id);
  notifyWaiters(life, record);
}

function notifyWaiters(life: Life, record: RunRecord): void {
  for (const notify of life.waiters.get(record.run.invocation_id) ?? []) notify(record.run);
  life.waiters.delete(record.run.invocation_id);
  life.followers.get(record.run.invocation_id)?.onEnd();
}
