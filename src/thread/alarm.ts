// The alarm resumes runs that stand still, and ends those that stand still for too long or whose readers have left. The
// handler returns at once, since the platform kills a handler that runs for long, together with its object.
import { isTerminal } from "../protocol/run.ts";
import { SIGN_MS } from "../store/signs.ts";
import { ensureChecking } from "./checks/again.ts";
import { ensureFollowing } from "./follow/followers.ts";
import { type ActiveRun, countActive, type Life, noteError, storeRun, storeWork, transact } from "./life.ts";
import { cancelLeft } from "./presence/leave.ts";
import { lastMessageTime } from "./rows/messages.ts";
import type { RunRecord } from "./rows/runs.ts";
import { allowStart, requestEnd } from "./run/control.ts";
import { ensureRunning } from "./run/run.ts";
import { checkTime } from "./run/spending.ts";
import { schedule, sendJobs, takeDueJobs } from "./scheduler.ts";

// Longer than the longest wait for a command and the longest model call after it. A run that stores nothing for so long
// does not work.
const MAX_STANDSTILL_MS = 2 * 60 * 60_000;
// A run that does not end within this time after its end was requested ends its life. Tools have a second to stop, and
// a run's end waits two seconds for D1.
const MAX_END_MS = 60_000;
// D1 may be slow. Jobs that are due do not wait longer for it.
const SYNC_LIMIT_MS = 3_000;
// A run that stores nothing meanwhile, as in a long command, loses no more working time than this if its life ends.
// Each step stores it anyway. Under a cap on minutes each alarm does.
const MAX_UNSTORED_WORK_MS = 2 * 60_000;
// If the queue has not delivered a run's job after this time, the run starts without it.
const MAX_QUEUED_MS = 60 * 60_000;

/** Sets the next alarm first, since the life may end right after: as if what is tried now had failed. */
export async function onAlarm(life: Life): Promise<void> {
  life.alarmAt = null;
  life.outbox.countTry();
  const jobs = takeDueJobs(life);
  await schedule(life, "heartbeat");
  ensureRunning(life);
  ensureFollowing(life);
  ensureChecking(life);
  life.platform.waitUntil(doDueWork(life, jobs));
}

async function doDueWork(life: Life, jobs: RunRecord[]): Promise<void> {
  const wasUnknown = life.outbox.isUnknown;
  cancelLeft(life);
  if (life.active !== null && !isTerminal(life.active.record.run.status)) tendActive(life, life.active);
  // An alarm that came for something else does not ask D1 before its time.
  if (life.outbox.isDue) await life.outbox.syncWithin(SYNC_LIMIT_MS);
  // Stores that D1 has the thread. Without this, lives that store no fact would each set another alarm to ask again.
  if (wasUnknown && !life.outbox.isUnknown && !life.removing) transact(life, () => {});
  startOverdue(life);
  await sendJobs(life, jobs);
  await schedule(life, "settled");
}

function tendActive(life: Life, active: ActiveRun): void {
  const now = life.ports.clock.now();
  const { record, endRequestedAt } = active;
  if (endRequestedAt !== null && now - endRequestedAt > MAX_END_MS) {
    life.platform.abort("a run did not end within a minute of the request");
    return;
  }
  if (record.requested_end === null && now - lastProgress(life, record) > MAX_STANDSTILL_MS) {
    const hours = MAX_STANDSTILL_MS / 3_600_000;
    const message = `This run made no progress for ${hours} hours. Send another message to continue.`;
    requestEnd(life, record, { status: "failed", error: { code: "stalled", message } });
    return;
  }
  countActive(life, record);
  const { isTimed, over } = checkTime(life, record);
  if (over !== null) {
    requestEnd(life, record, over);
    return;
  }
  life.platform.waitUntil(keepSandboxAlive(life, active));
  // The sweep takes a run whose sign of life is overdue.
  const heard = life.outbox.heardAt(record.run.invocation_id) ?? Number.NEGATIVE_INFINITY;
  const isSignDue = now < heard || now - heard >= SIGN_MS;
  // Those that wait behind it have no alarm of their own.
  const waiting = [...life.live.values()].filter(({ run }) => run.status === "queued");
  const isWorkDue = isTimed || now - active.storedAt >= MAX_UNSTORED_WORK_MS;
  if (!isSignDue && !isWorkDue) return;
  transact(life, () => {
    if (!isSignDue) return storeWork(life, record);
    for (const live of new Set([record, ...waiting])) storeRun(life, live);
  });
}

/** A failure does not affect the run: the next use of the sandbox starts it again, or reports what is wrong. */
async function keepSandboxAlive(life: Life, { record: { run }, cancel }: ActiveRun): Promise<void> {
  try {
    const sandbox = await life.sandbox;
    await sandbox?.keepAlive?.(Date.parse(run.started_at ?? run.created_at), cancel.signal);
  } catch (error) {
    noteError(life, `the sandbox was not kept alive: ${error instanceof Error ? error.name : "unknown"}`);
  }
}

/** When the run last stored something: each step and each result is a message. */
function lastProgress(life: Life, { run }: RunRecord): number {
  const times = [run.started_at, lastMessageTime(life.database.sql)].map((at) => (at === null ? 0 : Date.parse(at)));
  // The time in which the server was down does not count.
  return Math.max(...times, life.bornAt);
}

function startOverdue(life: Life): void {
  const before = life.ports.clock.now() - MAX_QUEUED_MS;
  for (const record of [...life.live.values()]) {
    const waits = record.run.status === "queued" && !record.startable;
    if (waits && Date.parse(record.run.created_at) < before) allowStart(life, record);
  }
}
