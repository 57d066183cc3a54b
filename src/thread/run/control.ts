// What doors ask of a thread besides a run: to wait for one, to cancel one, to start or bury a background one, to look
// after those of which D1 has heard nothing.
import { type Result, succeed } from "../../protocol/error.ts";
import { isTerminal, type Run } from "../../protocol/run.ts";
import { findRun, type Life, storeRun, transact } from "../life.ts";
import type { RunRecord } from "../rows/runs.ts";
import type { RequestedEnd } from "../rows/shapes/run-record.ts";
import { ensureRunning } from "./run.ts";
import { endUnstarted } from "./run-end.ts";

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
  cancelRecord(life, record);
  return waitForEnd(life, invocation_id, CANCEL_WAIT_MS);
}

/** `on_busy: "replace"`: ends every run before this one. A life that ends here leaves it to the next (`adoptRun`). */
export function cancelBefore(life: Life, record: RunRecord): void {
  for (const earlier of [...life.live.values()]) if (earlier.position < record.position) cancelRecord(life, earlier);
}

function cancelRecord(life: Life, record: RunRecord): void {
  if (isTerminal(record.run.status)) return;
  if (record.run.status === "running" || life.active?.record === record) {
    condemnRun(life, record, { status: "cancelled" });
  } else life.platform.waitUntil(endUnstarted(life, record, { status: "cancelled" }));
}

/** Stores how the run is to end, then makes it end. The first that is requested stands. */
export function condemnRun(life: Life, record: RunRecord, end: RequestedEnd): void {
  if (record.requested_end === null) {
    transact(life, () => {
      record.requested_end = end;
      storeRun(life, record);
    });
  }
  ensureRunning(life);
  if (life.active?.record !== record) return;
  life.active.condemnedAt ??= life.ports.clock.now();
  life.active.cancel.abort();
}

/** The queue brought the run's job. */
export function startBackground(life: Life, invocation_id: string): Result<null> {
  const record = life.live.get(invocation_id);
  if (record === undefined) return findRun(life, invocation_id) === null ? unknownRun(invocation_id) : succeed(null);
  allowStart(life, record);
  return succeed(null);
}

/** A background run waits for its job no longer. */
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

/** The run's job was given up by the queue: in its turn the run ends, with its events, unless it has begun. */
export async function buryRun(life: Life, invocation_id: string): Promise<Result<null>> {
  const record = findRun(life, invocation_id);
  if (record === null) return unknownRun(invocation_id);
  if (record.run.status !== "queued" || life.active?.record === record) return succeed(null);
  const message = "The queue could not deliver this background run.";
  record.startable = true;
  condemnRun(life, record, { status: "failed", error: { code: "dead_letter", message } });
  await waitForEnd(life, invocation_id, BURY_WAIT_MS);
  return succeed(null);
}

/** D1 has heard nothing of these runs for long: it is told again. Answers the ids that this thread does not know. */
export async function pokeRuns(life: Life, invocation_ids: string[]): Promise<string[]> {
  const unknown: string[] = [];
  for (const id of invocation_ids) {
    const record = findRun(life, id);
    if (record === null) unknown.push(id);
    else life.outbox.markRun(record);
  }
  ensureRunning(life);
  await life.outbox.sync();
  return unknown;
}

function unknownRun(invocation_id: string): { ok: false; error: { code: "not_found"; detail: string } } {
  return { ok: false, error: { code: "not_found", detail: `The run ${invocation_id} does not exist.` } };
}
