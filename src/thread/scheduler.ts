// Sets the object's one alarm, for the earliest of: the heartbeat of an active run, the next retry of D1, the resend of
// a background run's job that never came, a follower's retry, and the cancellation of a run whose readers have left.
import { withinTime } from "../lib/time-limit.ts";
import { isTerminal } from "../protocol/run.ts";
import { followersDue } from "./follow/followers.ts";
import { type Life, noteError } from "./life.ts";
import { leaveTimes } from "./presence/watched.ts";
import type { RunRecord } from "./rows/runs.ts";

// How long a run can stand still after its life ended and no request came.
const HEARTBEAT_MS = 30_000;
const FIRST_RESEND_MS = 30_000;
const MAX_RESEND_MS = 10 * 60_000;
const SEND_LIMIT_MS = 10_000;

/**
 * Sets the alarm if it is missing or too late. Cheap when nothing is due. The alarm's handler passes `heartbeat`: it
 * does what is due itself, and an alarm set for that work would fire again and again until D1 has answered.
 */
export async function schedule(life: Life, wait: "none" | "heartbeat" = "none"): Promise<void> {
  const now = life.ports.clock.now();
  const due: number[] = [];
  const records = [...life.live.values()];
  // A run that only waits for its job needs no heartbeat.
  if (records.some(({ startable }) => startable)) due.push(now + HEARTBEAT_MS);
  else for (const record of records) due.push(resendAt(life, record) ?? now + HEARTBEAT_MS);
  // The life may end before D1 has answered, and no request may come for long.
  if (life.outbox.isSending) due.push(now + HEARTBEAT_MS);
  else if (life.outbox.retryAt !== null) due.push(life.outbox.retryAt);
  // This alarm is the last one, and its life may end before it has asked.
  else if (wait === "heartbeat" && life.outbox.isUnknown) due.push(now + HEARTBEAT_MS);
  due.push(...followersDue(life, now + HEARTBEAT_MS), ...leaveTimes(life));
  if (due.length === 0) return;
  await wakeBy(life, Math.max(wait === "none" ? now : now + HEARTBEAT_MS, Math.min(...due)));
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

/** When the job of a background run is sent again. Null if this life has not sent it. */
function resendAt(life: Life, { run }: RunRecord): number | null {
  const sent = life.jobs.get(run.invocation_id);
  if (sent === undefined) return null;
  return sent.at + Math.min(FIRST_RESEND_MS * 2 ** Math.max(0, sent.times - 1), MAX_RESEND_MS);
}

/** Sends the job of each background run that still waits for it, with backoff. */
export async function resendJobs(life: Life): Promise<void> {
  const now = life.ports.clock.now();
  const due = [...life.live.values()].filter(
    (record) => !record.startable && !isTerminal(record.run.status) && (resendAt(life, record) ?? 0) <= now,
  );
  await Promise.all(due.map((record) => sendJob(life, record, now)));
}

async function sendJob(life: Life, { run }: RunRecord, now: number): Promise<void> {
  const { user_id, thread_id, invocation_id } = run;
  life.jobs.set(invocation_id, { at: now, times: (life.jobs.get(invocation_id)?.times ?? 0) + 1 });
  try {
    const sent = life.ports.sendJob({ type: "run_agent_background", user_id, thread_id, invocation_id });
    await withinTime(life.ports.clock, SEND_LIMIT_MS, "the queue", sent);
  } catch (error) {
    noteError(life, `a job could not be sent: ${error instanceof Error ? error.message : "unknown"}`);
  }
}
