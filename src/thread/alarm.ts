// What the alarm does: it takes up what stands still, and ends what stands still for too long. The handler returns at once,
// since one that runs for long is killed with its object.
import { isTerminal } from "../protocol/run.ts";
import { ensureFollowing } from "./follow/followers.ts";
import { type ActiveRun, type Life, noteError, storeRun, transact } from "./life.ts";
import { lastMessageTime } from "./rows/messages.ts";
import type { RunRecord } from "./rows/runs.ts";
import { allowStart, requestEnd } from "./run/control.ts";
import { ensureRunning } from "./run/run.ts";
import { resendJobs, schedule } from "./scheduler.ts";

// Longer than the longest command may be waited for and the longest model call after it: what stores nothing for so long
// is not at work.
const MAX_STANDSTILL_MS = 2 * 60 * 60_000;
// What was told to end and has not: its life is ended instead. Tools have a second, an end is held back for two.
const MAX_END_MS = 60_000;
// D1 may take its time; what waits for the queue does not wait for D1 as well.
const SYNC_LIMIT_MS = 3_000;
// A queue that brings no job for so long brings none, and its run waits no longer.
const MAX_QUEUED_MS = 60 * 60_000;

/** The alarm: arms the next one first, since it may be the last thing this life does. */
export async function onAlarm(life: Life): Promise<void> {
  life.alarmAt = null;
  await schedule(life, "heartbeat");
  ensureRunning(life);
  ensureFollowing(life);
  life.platform.waitUntil(tend(life));
}

async function tend(life: Life): Promise<void> {
  if (life.active !== null && !isTerminal(life.active.record.run.status)) tendActive(life, life.active);
  await life.outbox.syncWithin(SYNC_LIMIT_MS);
  startForgotten(life);
  await resendJobs(life);
  // The one that was set first is for a life that ends before this.
  life.alarmAt = null;
  await schedule(life);
}

function tendActive(life: Life, active: ActiveRun): void {
  const now = life.ports.clock.now();
  const { record, endRequestedAt: condemned } = active;
  if (condemned !== null && now - condemned > MAX_END_MS) {
    life.platform.abort("a run that was told to end did not");
    return;
  }
  if (record.requested_end === null && now - lastProgress(life, record) > MAX_STANDSTILL_MS) {
    const hours = MAX_STANDSTILL_MS / 3_600_000;
    const message = `Nothing came of this run for ${hours} hours. Send another message to go on.`;
    requestEnd(life, record, { status: "failed", error: { code: "stalled", message } });
    return;
  }
  life.platform.waitUntil(keepSandboxAlive(life, active));
  // A run at work shows in D1 that it is: the sweeper goes by when its row was last written.
  transact(life, () => storeRun(life, record));
}

/** A failure is no concern of the run: the next use of the sandbox starts it again, or says what is wrong. */
async function keepSandboxAlive(life: Life, { record: { run }, cancel }: ActiveRun): Promise<void> {
  try {
    const sandbox = await life.sandbox;
    await sandbox?.keepAlive?.(Date.parse(run.started_at ?? run.created_at), cancel.signal);
  } catch (error) {
    noteError(life, `the sandbox was not kept alive: ${error instanceof Error ? error.name : "unknown"}`);
  }
}

/** When the run last left something behind: each step and each result is a message. */
function lastProgress(life: Life, { run }: RunRecord): number {
  const times = [run.started_at, lastMessageTime(life.database.sql)].map((at) => (at === null ? 0 : Date.parse(at)));
  // Nobody was at work while the server was away.
  return Math.max(...times, life.bornAt);
}

function startForgotten(life: Life): void {
  const before = life.ports.clock.now() - MAX_QUEUED_MS;
  for (const record of [...life.live.values()]) {
    const waits = record.run.status === "queued" && !record.startable;
    if (waits && Date.parse(record.run.created_at) < before) allowStart(life, record);
  }
}
