// Sets the object's one alarm, for the earliest of: the heartbeat of an active run, the next retry of D1, the resend of
// a background run's job that never came, a follower's retry, and the cancellation of a run whose readers have left.
import type { Backoff } from "../lib/retry.ts";
import { withinTime } from "../lib/time-limit.ts";
import { isTerminal } from "../protocol/run.ts";
import { waitOf } from "./back-off.ts";
import { followersDue } from "./follow/followers.ts";
import { type Life, noteError, transact } from "./life.ts";
import { leaveTimes } from "./presence/watched.ts";
import { writeJobs } from "./rows/job-times.ts";
import type { RunRecord } from "./rows/runs.ts";

// How long a run can stand still after its life ended and no request came.
const HEARTBEAT_MS = 30_000;
/** An alarm is a billed row. One that comes sooner than it has to by less than this stays. */
const EARLY_MS = 15_000;
/** Half of a wait is at least a heartbeat. After an hour the run starts without its job. */
const RESENDS: Backoff = { base_ms: 80_000, cap_ms: 20 * 60_000 };
const SEND_LIMIT_MS = 10_000;

/**
 * Sets the alarm if it is missing or too late. Cheap when nothing is due. The alarm's handler passes `heartbeat`: it
 * does what is due itself, and an alarm set for that work would fire again and again until D1 has answered. Once it is
 * done it passes `settled`: an alarm that is far too early is set anew.
 */
export async function schedule(life: Life, wait: "none" | "heartbeat" | "settled" = "none"): Promise<void> {
  const now = life.ports.clock.now();
  const due: number[] = [];
  const retry = life.outbox.retryAt;
  const records = [...life.live.values()];
  // A run that only waits for its job needs no heartbeat.
  if (records.some(({ startable }) => startable)) due.push(now + HEARTBEAT_MS);
  else for (const record of records) due.push(resendAt(life, record) ?? now + HEARTBEAT_MS);
  // So are checks that a person has run again.
  if (life.checked?.run.status === "running") due.push(now + HEARTBEAT_MS);
  // The life may end before D1 has answered, and no request may come for long.
  if (life.outbox.isSending) due.push(now + HEARTBEAT_MS);
  else if (retry !== null) due.push(retry);
  // This alarm is the last one, and its life may end before it has asked.
  else if (wait === "heartbeat" && life.outbox.isUnknown) due.push(now + HEARTBEAT_MS);
  due.push(...followersDue(life, now + HEARTBEAT_MS), ...leaveTimes(life));
  if (due.length === 0) return;
  // The next try of D1 is behind the one that was counted just now.
  const soonest = retry !== null && retry > now && !life.outbox.isSending ? retry : now + HEARTBEAT_MS;
  const at = Math.max(wait === "heartbeat" ? Math.min(soonest, now + HEARTBEAT_MS) : now, Math.min(...due));
  if (wait === "settled" && life.alarmAt !== null && at - life.alarmAt > EARLY_MS) life.alarmAt = null;
  await wakeBy(life, at);
}

/**
 * Call it before a change that belongs to no run and must reach D1. The life may end right after the change is stored,
 * and no run would wake the thread to send it.
 */
export async function arm(life: Life): Promise<void> {
  await wakeBy(life, life.ports.clock.now() + HEARTBEAT_MS);
}

async function wakeBy(life: Life, at: number): Promise<void> {
  const { alarmAt } = life;
  if (alarmAt !== null && alarmAt > life.ports.clock.now() && alarmAt <= at) return;
  life.alarmAt = at;
  await life.platform.setAlarm(at);
}

/** When the job of a background run is sent again. Null if it was never sent, as far as this life knows. */
function resendAt(life: Life, { run }: RunRecord): number | null {
  const sent = life.jobs.get(run.invocation_id);
  if (sent === undefined) return null;
  return sent.at + waitOf(run.invocation_id, sent.times, RESENDS);
}

/** The background runs whose job is due, from now on as sent. Stored, since the life may end before the next alarm. */
export function takeDueJobs(life: Life): RunRecord[] {
  if (life.removing) return [];
  const due = takeJobs(life);
  if (due.length > 0) transact(life, () => writeJobs(life));
  return due;
}

/** Sends the jobs of runs that were accepted a moment ago. If one is lost, the alarm sends it again. */
export async function sendNewJobs(life: Life): Promise<void> {
  await sendJobs(life, takeJobs(life));
}

function takeJobs(life: Life): RunRecord[] {
  const now = life.ports.clock.now();
  const due = [...life.live.values()].filter(
    (record) => !record.startable && !isTerminal(record.run.status) && (resendAt(life, record) ?? 0) <= now,
  );
  for (const { run } of due) {
    life.jobs.set(run.invocation_id, { at: now, times: (life.jobs.get(run.invocation_id)?.times ?? 0) + 1 });
  }
  return due;
}

export async function sendJobs(life: Life, records: RunRecord[]): Promise<void> {
  await Promise.all(records.map((record) => sendJob(life, record)));
}

async function sendJob(life: Life, { run }: RunRecord): Promise<void> {
  const { user_id, thread_id, invocation_id } = run;
  try {
    const sent = life.ports.sendJob({ type: "run_agent_background", user_id, thread_id, invocation_id });
    await withinTime(life.ports.clock, SEND_LIMIT_MS, "the queue", sent);
  } catch (error) {
    noteError(life, `a job could not be sent: ${error instanceof Error ? error.message : "unknown"}`);
  }
}
