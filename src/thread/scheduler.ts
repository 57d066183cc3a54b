// When the object's one alarm goes off: this file sets it. It is set for the earliest of what may be due: the heartbeat of a run at
// work, another try of D1, a background run's job that never came.
import { isTerminal } from "../protocol/run.ts";
import type { Life } from "./life.ts";

// How long a run can stand still after its life ended with nobody there to notice.
const HEARTBEAT_MS = 30_000;
const FIRST_RESEND_MS = 30_000;
const LONGEST_RESEND_MS = 10 * 60_000;

/** Sets the alarm where it is missing or too late. Cheap when nothing is due. */
export async function schedule(life: Life): Promise<void> {
  const now = life.ports.clock.now();
  const due: number[] = [];
  if (life.live.size > 0) due.push(now + HEARTBEAT_MS);
  if (life.outbox.retryAt !== null) due.push(life.outbox.retryAt);
  if (due.length === 0) return;
  const at = Math.max(now, Math.min(...due));
  if (life.alarmAt !== null && life.alarmAt > now && life.alarmAt <= at) return;
  life.alarmAt = at;
  await life.platform.setAlarm(at);
}

/** Sends the job of each background run that still waits for it, with back-off. */
export async function resendJobs(life: Life): Promise<void> {
  const now = life.ports.clock.now();
  for (const record of life.live.values()) {
    if (record.startable || isTerminal(record.run.status)) continue;
    const { user_id, thread_id, invocation_id } = record.run;
    const sent = life.jobs.get(invocation_id) ?? { at: 0, times: 0 };
    if (now < sent.at + Math.min(FIRST_RESEND_MS * 2 ** Math.max(0, sent.times - 1), LONGEST_RESEND_MS)) continue;
    life.jobs.set(invocation_id, { at: now, times: sent.times + 1 });
    try {
      await life.ports.sendJob({ type: "run_agent_background", user_id, thread_id, invocation_id });
    } catch (error) {
      life.lastError = `the queue refused a job: ${error instanceof Error ? error.message.slice(0, 200) : "unknown"}`;
    }
  }
}
