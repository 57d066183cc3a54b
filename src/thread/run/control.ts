// What routes and jobs ask of runs that exist: wait for one, cancel one, start a background run or fail it as a dead
// letter, and resume runs that are stale in D1.
import { type Result, succeed } from "../../protocol/error.ts";
import { isTerminal, type Run } from "../../protocol/run.ts";
import { findRun, type Life, stopActive, storeRequestedEnd, storeRun, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { showReserved } from "../usage/record.ts";
import { ensureRunning } from "./run.ts";
import { endUnstarted } from "./run-end.ts";

// The answer to a cancel is the ended run, unless the run takes longer than this to stop.
const CANCEL_WAIT_MS = 5_000;
// Longer than an end is held back (`MAX_HOLD_MS`).
const DEAD_LETTER_WAIT_MS = 5_000;

export async function getRun(life: Life, invocation_id: string): Promise<Result<Run>> {
  const record = findRun(life, invocation_id);
  return record === null ? unknownRun(invocation_id) : succeed(showReserved(record));
}

/** Returns the run once its end is released, or as it is after `timeout_ms`. */
export async function waitForEnd(life: Life, invocation_id: string, timeout_ms: number): Promise<Result<Run>> {
  const record = findRun(life, invocation_id);
  if (record === null) return unknownRun(invocation_id);
  if (!record.released) await untilReleased(life, record, timeout_ms);
  return succeed(showReserved(record));
}

function untilReleased(life: Life, record: RunRecord, timeout_ms: number): Promise<void> {
  return new Promise((resolve) => {
    const waiters = life.waiters.get(record.run.invocation_id) ?? new Set();
    life.waiters.set(record.run.invocation_id, waiters);
    const finish = (): void => {
      cancel();
      waiters.delete(finish);
      resolve();
    };
    const cancel = life.ports.clock.setTimer(finish, timeout_ms);
    waiters.add(finish);
  });
}

export async function cancelRun(life: Life, invocation_id: string): Promise<Result<Run>> {
  const record = findRun(life, invocation_id);
  if (record === null) return unknownRun(invocation_id);
  cancelRecord(life, record);
  return waitForEnd(life, invocation_id, CANCEL_WAIT_MS);
}

/** `on_busy: "replace"`: cancels every run before this one. If the life ends during this, `wake.ts` does the rest. */
export function cancelBefore(life: Life, record: RunRecord): void {
  for (const earlier of [...life.live.values()]) if (earlier.position < record.position) cancelRecord(life, earlier);
}

export function cancelRecord(life: Life, record: RunRecord): void {
  if (isTerminal(record.run.status)) return;
  if (record.run.status === "running" || life.active?.record === record) {
    requestEnd(life, record, { status: "cancelled" });
  } else life.platform.waitUntil(endUnstarted(life, record, { status: "cancelled" }));
}

/** Stores how the run is to end, then makes it end. Only the first request counts. */
export function requestEnd(life: Life, record: RunRecord, end: RequestedEnd): void {
  storeRequestedEnd(life, record, end);
  ensureRunning(life);
  stopActive(life, record);
}

/** Called when the queue delivers the run's job. */
export function startBackground(life: Life, invocation_id: string): Result<null> {
  const record = life.live.get(invocation_id);
  if (record === undefined) return findRun(life, invocation_id) === null ? unknownRun(invocation_id) : succeed(null);
  allowStart(life, record);
  return succeed(null);
}

/** Lets a background run start without waiting for its job. */
export function allowStart(life: Life, record: RunRecord): void {
  if (!record.startable) {
    transact(life, () => {
      record.startable = true;
      storeRun(life, record);
    });
  }
  life.jobs.delete(record.run.invocation_id);
  ensureRunning(life);
}

/** Called when the queue gave up the run's job: the run fails in its turn, with its events, unless it has started. */
export async function failDeadLetteredRun(life: Life, invocation_id: string): Promise<Result<null>> {
  const record = findRun(life, invocation_id);
  if (record === null) return unknownRun(invocation_id);
  if (record.run.status !== "queued" || life.active?.record === record) return succeed(null);
  const message = "The queue could not deliver this background run.";
  record.startable = true;
  requestEnd(life, record, { status: "failed", error: { code: "dead_letter", message } });
  await waitForEnd(life, invocation_id, DEAD_LETTER_WAIT_MS);
  return succeed(null);
}

/**
 * Sends stale runs to D1 again, and continues the unfinished ones. One that is live gets a new version, without which
 * its row would stay as it is and be stale again in a minute. Returns the ids that this thread does not know.
 */
export async function resumeStaleRuns(life: Life, invocation_ids: string[]): Promise<string[]> {
  const unknown: string[] = [];
  for (const id of invocation_ids) {
    const record = findRun(life, id);
    if (record === null) unknown.push(id);
    else if (isTerminal(record.run.status)) life.outbox.markRun(record);
    else transact(life, () => storeRun(life, record));
  }
  ensureRunning(life);
  await life.outbox.sync({ whole: true });
  return unknown;
}

function unknownRun(invocation_id: string): { ok: false; error: { code: "not_found"; detail: string } } {
  return { ok: false, error: { code: "not_found", detail: `The run ${invocation_id} does not exist.` } };
}
