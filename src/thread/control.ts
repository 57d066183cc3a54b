// What doors ask of a thread besides a run: to wait for one, to cancel one, to start or bury a background one.
import { type Result, succeed } from "../protocol/error.ts";
import { isTerminal, type Run } from "../protocol/run.ts";
import { findRun, isoTime, type Life, storeRun, transact } from "./life.ts";
import { drive, ensureRunning } from "./run.ts";
import { endRun, LONGEST_HOLD_MS, releaseRun, syncWithin, tellWaiters } from "./run-end.ts";
import { startRun } from "./run-start.ts";
import { markReleased, type RunRecord } from "./runs.ts";
import { neverStarted, watchIdle } from "./streams.ts";

// A cancel is answered with the ended run, unless what runs takes longer than this to stop.
const CANCEL_WAIT_MS = 5_000;
// Longer than an end is held back.
const BURY_WAIT_MS = 5_000;

export async function getRun(life: Life, invocation_id: string): Promise<Result<Run>> {
  const record = findRun(life, invocation_id);
  return record === null ? unknownRun(invocation_id) : succeed(record.run);
}

/** The run once its end may be seen, or as it is after the time. */
export async function waitForEnd(life: Life, invocation_id: string, timeout_ms: number): Promise<Result<Run>> {
  const record = findRun(life, invocation_id);
  if (record === null) return unknownRun(invocation_id);
  if (!record.released) await untilReleased(life, record, timeout_ms);
  return succeed(record.run);
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
  if (record.run.status === "queued" && life.active?.record !== record) await endQueued(life, record);
  else if (!isTerminal(record.run.status)) {
    ensureRunning(life);
    life.active?.cancel.abort();
  }
  return waitForEnd(life, invocation_id, CANCEL_WAIT_MS);
}

/** `on_busy: "replace"`: ends every run before this one. */
export async function cancelBefore(life: Life, record: RunRecord): Promise<void> {
  for (const earlier of [...life.live.values()]) {
    if (earlier.position >= record.position || isTerminal(earlier.run.status)) continue;
    if (life.active?.record === earlier) life.active.cancel.abort();
    else if (earlier.run.status === "queued") await endQueued(life, earlier);
  }
}

/** A run that was cancelled before it started leaves no event in the log. */
async function endQueued(life: Life, record: RunRecord): Promise<void> {
  transact(life, () => {
    record.run.status = "cancelled";
    record.run.finished_at = isoTime(life);
    record.input = null;
    storeRun(life, record, { input: true });
    markReleased(life.database.sql, record);
  });
  life.live.delete(record.run.invocation_id);
  life.readers.endWaiting(record.run.invocation_id, neverStarted(life, record));
  watchIdle(life);
  await syncWithin(life, LONGEST_HOLD_MS);
  tellWaiters(life, record);
}

/** The queue brought the run's job. */
export function startBackground(life: Life, invocation_id: string): Result<null> {
  const record = life.live.get(invocation_id);
  if (record === undefined) return findRun(life, invocation_id) === null ? unknownRun(invocation_id) : succeed(null);
  if (!record.startable) {
    transact(life, () => {
      record.startable = true;
      storeRun(life, record);
    });
  }
  life.jobs.delete(invocation_id);
  ensureRunning(life);
  return succeed(null);
}

/** The run's job was given up by the queue: the run ends, with its events, unless it has begun. */
export async function buryRun(life: Life, invocation_id: string): Promise<Result<null>> {
  const record = findRun(life, invocation_id);
  if (record === null) return unknownRun(invocation_id);
  if (record.run.status !== "queued" || life.active !== null) return succeed(null);
  drive(life, record, async () => {
    startRun(life, record);
    const message = "The queue could not deliver this background run.";
    endRun(life, record, { status: "failed", error: { code: "dead_letter", message } });
    await releaseRun(life, record);
  });
  await waitForEnd(life, invocation_id, BURY_WAIT_MS);
  return succeed(null);
}

function unknownRun(invocation_id: string): { ok: false; error: { code: "not_found"; detail: string } } {
  return { ok: false, error: { code: "not_found", detail: `The run ${invocation_id} does not exist.` } };
}
