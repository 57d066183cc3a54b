// Runs every minute: sends due schedules to the queue, whose jobs start their runs. The jobs are sent first and the
// schedules moved afterwards. A due time sent twice is one run, whose id is derived from it. If several due times were
// missed, only the last one is fired.
import { configOf, type Env } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { derivedId } from "../../protocol/ids.ts";
import type { Job } from "../../protocol/job.ts";
import { fixedLimits, quotaOf } from "../../protocol/money/quotas.ts";
import {
  type DueSchedule,
  endRetries,
  type MovedSchedule,
  moveSchedules,
  type ParkedSchedule,
  parkSchedules,
  readDueSchedules,
  readRestingSchedules,
  readWaitingSchedules,
  type WaitingSchedule,
} from "../../store/triggers/due-schedules.ts";
import { findScheduleFault, lastDue, nextTimes } from "../schedule-times.ts";
import { RETRIED_MS, RETRIES_OVER } from "./wait-for-room.ts";

// One sweep takes some seconds for this many. Those left over are still due in the next one, and users take turns. A
// quota keeps one user's jobs from filling the queue for longer than a minute.
const SCHEDULES_PER_SWEEP = 10_000;

/** Sent and moved together, so that a sweep that dies sends few of them twice. */
const SCHEDULES_AT_ONCE = 500;

/** The queue's limit per batch. A hundred of these jobs are 30 KB; the limit is 256 KB. */
const JOBS_PER_BATCH = 100;

const WAITING_SCHEDULES_PER_SWEEP = 2_000;

/** Ended together, by one statement. The rest are ended by the next sweep. */
const ENDED_RETRIES_PER_SWEEP = 5_000;

/** Of users who may not act. Those beyond it are moved on in the next sweep, and fire as little until then. */
const RESTING_SCHEDULES_PER_SWEEP = 2_000;

type FireSchedule = Extract<Job, { type: "fire_schedule" }>;

/** The last and the next due time from now, or why they can't be computed. */
type Times = { last: string | null; next: string | null } | { reason: string };

export async function sweepSchedules(env: Env, now: number): Promise<void> {
  try {
    await sendDue(env, now);
  } catch (error) {
    logError("schedules_failed", error, {});
  }
  try {
    await moveResting(env, now);
  } catch (error) {
    logError("resting_schedules_failed", error, {});
  }
  try {
    await sendWaiting(env, now);
  } catch (error) {
    logError("waiting_schedules_failed", error, {});
  }
}

async function sendDue(env: Env, now: number): Promise<void> {
  // Thousands of schedules share the few crons that people write.
  const known = new Map<string, Times>();
  const limits = { user: fixedLimits.schedules_per_minute.usual, all: SCHEDULES_PER_SWEEP };
  const due = await readDueSchedules(env.DB, now, limits);
  for (let index = 0; index < due.length; index += SCHEDULES_AT_ONCE) {
    await sendPage(env, due.slice(index, index + SCHEDULES_AT_ONCE), now, known);
  }
  if (due.length === SCHEDULES_PER_SWEEP) logWarning("schedules_left", { most: SCHEDULES_PER_SWEEP });
}

async function sendPage(env: Env, page: DueSchedule[], now: number, known: Map<string, Times>): Promise<void> {
  const jobs: FireSchedule[] = [];
  const moved: MovedSchedule[] = [];
  const parked: ParkedSchedule[] = [];
  for (const { user_id, trigger_id, next_at, cron, timezone } of page) {
    const times = readTimes(cron, timezone, now, known);
    const schedule = { user_id, trigger_id, next_at };
    if ("reason" in times) {
      const delivery_id = await derivedId("del", trigger_id, next_at);
      parked.push({ ...schedule, following: null, delivery_id, reason: `The schedule was disabled: ${times.reason}` });
      logWarning("schedule_parked", { user_id, trigger_id, reason: times.reason });
      continue;
    }
    moved.push({ ...schedule, following: times.next });
    // There is no last time if a country has changed its clock rules since: the schedule is then due at another time.
    if (times.last !== null && times.last >= next_at) jobs.push(toJob(user_id, trigger_id, times.last));
  }
  await sendJobs(env, jobs);
  await moveSchedules(env.DB, moved);
  // These schedules are due again in a minute; a failure here does not hold up later pages.
  await parkSchedules(env.DB, parked, now).catch((error: unknown) => logError("parking_failed", error, {}));
}

/** A user who is enabled again continues with the next due time, and gets none of those that were missed. */
async function moveResting(env: Env, now: number): Promise<void> {
  const known = new Map<string, Times>();
  const resting = await readRestingSchedules(env.DB, now, RESTING_SCHEDULES_PER_SWEEP);
  const moved = resting.flatMap(({ user_id, trigger_id, next_at, cron, timezone }): MovedSchedule[] => {
    const times = readTimes(cron, timezone, now, known);
    // One that can't be read is disabled with a reason once its user may act again.
    return "reason" in times ? [] : [{ user_id, trigger_id, next_at, following: times.next }];
  });
  for (let index = 0; index < moved.length; index += SCHEDULES_AT_ONCE) {
    await moveSchedules(env.DB, moved.slice(index, index + SCHEDULES_AT_ONCE));
  }
}

function readTimes(cron: string, timezone: string, now: number, known: Map<string, Times>): Times {
  const name = `${timezone} ${cron}`;
  const found = known.get(name) ?? findTimes(cron, timezone, now);
  known.set(name, found);
  return found;
}

function findTimes(cron: string, timezone: string, now: number): Times {
  try {
    return { last: lastDue(cron, timezone, 0, now), next: nextTimes(cron, timezone, now, 1)[0] ?? null };
  } catch (error) {
    return { reason: findScheduleFault(cron, timezone, now) ?? describeError(error) };
  }
}

/**
 * Sends waiting due times every minute. The job decides whether the turn of a due time has come. Of each user the one
 * that waits for room the longest is among those that are read, so nothing else is asked while no hour is over.
 */
async function sendWaiting(env: Env, now: number): Promise<void> {
  const limits = { runs: quotaOf(configOf(env), null, "runs_per_minute"), all: WAITING_SCHEDULES_PER_SWEEP };
  const waiting = await readWaitingSchedules(env.DB, now, limits);
  const since = new Date(now - RETRIED_MS).toISOString();
  const isOver = ({ retry_at }: WaitingSchedule) => retry_at !== null && retry_at <= since;
  await sendJobs(
    env,
    waiting
      .filter((each) => !isOver(each))
      .map(({ user_id, trigger_id, due_at }) => toJob(user_id, trigger_id, due_at)),
  );
  if (!waiting.some(isOver)) return;
  const ended = await endRetries(env.DB, since, RETRIES_OVER, ENDED_RETRIES_PER_SWEEP);
  logWarning("schedules_not_retried", { ended });
}

function toJob(user_id: string, trigger_id: string, due_at: string): FireSchedule {
  return { type: "fire_schedule", user_id, trigger_id, due_at, attempt: 1 };
}

async function sendJobs(env: Env, jobs: FireSchedule[]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(jobs.length / JOBS_PER_BATCH) }, (_, index) =>
    jobs.slice(index * JOBS_PER_BATCH, (index + 1) * JOBS_PER_BATCH),
  );
  await Promise.all(batches.map((batch) => env.JOBS.sendBatch(batch.map((body) => ({ body })))));
}
