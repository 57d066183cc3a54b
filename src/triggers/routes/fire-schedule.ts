// Turns a due time of a schedule into a run, or into a row that says why there is none. Every step may be repeated: the
// ids of the run and of the row are derived from the trigger and the due time. Before a run starts, it becomes the
// trigger's newest. So if two due times are processed at once, the second finds a run before it, as it would a minute
// later.
import type { Env } from "../../config.ts";
import { admitRun, checkRun } from "../../http/quotas/runs.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import { fail, type ProblemCode, type Result, succeed } from "../../protocol/error.ts";
import { derivedId } from "../../protocol/ids.ts";
import type { Job } from "../../protocol/job.ts";
import { isTerminal } from "../../protocol/run.ts";
import type { ThreadKey } from "../../protocol/thread.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import {
  claimRun,
  type DueTime,
  listWaiting,
  readOutcome,
  recordOutcome,
  type StoredOutcome,
} from "../../store/triggers/schedule-firings.ts";
import { readActingTrigger } from "../../store/triggers/triggers.ts";
import { callThread } from "../../thread/stub.ts";
import { formatDueTime, lastDue } from "../schedule-times.ts";
import { type Firing, toRunInput } from "../trigger-run.ts";
import { fireTrigger } from "./start-run.ts";
import { findLater, waitForRoom } from "./wait-for-room.ts";

type FireSchedule = Extract<Job, { type: "fire_schedule" }>;
type RunKey = ThreadKey & { invocation_id: string };

/** With the queue's own retries (2½ minutes) and the waits between them, about an hour. */
const MAX_ATTEMPTS = 8;
const DELAY_SECONDS = 300;

/** With more than this the oldest is skipped: after an outage the latest due times count. */
const MAX_WAITING = 20;

// A claimed run that does not exist yet is being started by another job, or that job died.
const STARTING_MS = 30_000;

/** Failures that another try may cure. */
const temporary = new Set<ProblemCode>(["rate_limited", "busy", "internal", "sandbox_failed", "not_configured"]);

/** A failure is temporary: the job must be repeated. */
export async function fireSchedule(job: FireSchedule, env: Env, now: number): Promise<Result<null>> {
  const named = await toDueTime(job);
  const [found, stored] = await Promise.all([
    readActingTrigger(env.DB, named.user_id, named.trigger_id),
    readOutcome(env.DB, named),
  ]);
  if (found === null || (stored !== null && stored.status !== "waiting")) return succeed(null);
  const { trigger, quotas } = found;
  const isQueued = trigger.settings.overlap === "queue";
  const due = isQueued ? named : { ...named, ends_former: trigger.last_fired_at ?? "" };
  const stale = findStale(trigger, due.due_at);
  if (stale !== null) {
    if (stored !== null) await skip(env, due, stale);
    return succeed(null);
  }
  const firing = toFiring(trigger, due.due_at);
  const { thread_id, invocation_id } = await toRunInput(trigger, firing);
  const run: RunKey = { user_id: due.user_id, thread_id, invocation_id };
  const newest = newestRun(trigger);
  // The trigger's thread may have changed since the run started in the former one.
  if (newest?.invocation_id === invocation_id) {
    if (await isKnown(env, newest)) return await accept(env, due, newest);
  } else {
    const later = stored?.retry_at ? findLater(trigger, due.due_at, now) : null;
    if (later !== null) return await giveWay(env, due, run, later);
    // Before an object is asked. What waits for the run before it takes nothing of a quota.
    const holder = { user_id: due.user_id, quotas };
    const early = await checkRun(env, holder, now);
    const before = early === null ? await lookBefore(env, trigger, newest, due, now) : null;
    if (before === "starting") return fail("busy", "The previous run is being started.");
    if (before !== null) return await holdBack(env, trigger, due, run, stored, before.reason);
    const refusal = early ?? (await admitRun(env, holder, now));
    if (refusal !== null) {
      await waitForRoom(env, trigger, due, stored, refusal, now);
      return succeed(null);
    }
  }
  if (!(await claimRun(env.DB, trigger, run, now))) return fail("busy", "The schedule was changed at the same time.");
  return await fire(env, trigger, firing, due);
}

/**
 * Handles a dead letter: tries once more, and then repeats the job for an hour. It gives way to a later due time, or an
 * outage would leave one run for each of its minutes.
 */
export async function retryDeadFiring(job: FireSchedule, env: Env, now: number): Promise<Result<null>> {
  const done = await fireSchedule(job, env, now).catch((error: unknown) => fail("internal", describeError(error)));
  if (done.ok) return done;
  const reason = done.error.detail;
  const due = await toDueTime(job);
  const found = await readLater(env, due, now).catch(() => "unknown" as const);
  // Waiting due times are tried every minute anyway.
  if (found === "waiting") return succeed(null);
  logWarning("schedule_not_fired", { ...due, attempt: job.attempt, reason });
  if (found === "later") {
    await skip(env, due, "It could not be started, and a later time was due by then.");
  } else if (job.attempt < MAX_ATTEMPTS) {
    await env.JOBS.send({ ...job, attempt: job.attempt + 1 } satisfies Job, { delaySeconds: DELAY_SECONDS });
  } else {
    const refusal = "It could not be started within an hour: the thread or the database did not answer.";
    await recordOutcome(env.DB, due, { status: "refused", reason: refusal, run: null });
  }
  return succeed(null);
}

async function readLater(env: Env, due: DueTime, now: number): Promise<"waiting" | "later" | "none"> {
  const [acting, stored] = await Promise.all([
    readActingTrigger(env.DB, due.user_id, due.trigger_id),
    readOutcome(env.DB, due),
  ]);
  if (stored?.status === "waiting") return "waiting";
  const { cron, timezone } = acting?.trigger.settings ?? {};
  return cron && timezone && lastDue(cron, timezone, Date.parse(due.due_at), now) !== null ? "later" : "none";
}

async function toDueTime({ user_id, trigger_id, due_at }: FireSchedule): Promise<DueTime> {
  return { user_id, trigger_id, due_at, delivery_id: await derivedId("del", trigger_id, due_at) };
}

/** A job fires only what the current trigger would fire; returns why it would not. */
function findStale({ enabled, type, settings, created_at }: Trigger, due_at: string): string | null {
  const { cron, timezone } = settings;
  if (type !== "schedule" || !cron || !timezone || due_at < created_at) return "The trigger was replaced.";
  if (!enabled) return "The schedule was paused.";
  const at = Date.parse(due_at);
  try {
    return lastDue(cron, timezone, at - 1, at) === null ? "The schedule was changed." : null;
  } catch {
    return "The schedule can't be read any more.";
  }
}

function toFiring({ prompt, settings }: Trigger, due_at: string): Firing {
  const note = `This run was scheduled for ${formatDueTime(due_at, settings.timezone ?? "UTC")}.`;
  return { id: due_at, key: null, message: `${prompt}\n\n${note}`, metadata: { due_at } };
}

function newestRun({ user_id, last_thread_id, last_invocation_id }: Trigger): RunKey | null {
  if (last_thread_id === null || last_invocation_id === null) return null;
  return { user_id, thread_id: last_thread_id, invocation_id: last_invocation_id };
}

/** What comes before a due time, with a reason for people; null if nothing does. */
async function lookBefore(
  env: Env,
  trigger: Trigger,
  newest: RunKey | null,
  due: DueTime,
  now: number,
): Promise<{ reason: string } | "starting" | null> {
  if (newest !== null) {
    const found = await readRun(env, newest);
    if (found.ok && !isTerminal(found.value.status)) {
      return { reason: `The run ${newest.invocation_id} was ${found.value.status}.` };
    }
    const claimed = Date.parse(trigger.last_fired_at ?? "");
    if (!found.ok && Math.abs(now - claimed) < STARTING_MS) return "starting";
  }
  if (trigger.settings.overlap !== "queue") return null;
  const [first] = await listWaiting(env.DB, due.user_id, due.trigger_id);
  const isFirst = first === undefined || first.due_at >= due.due_at;
  return isFirst ? null : { reason: `The due time ${first.due_at} waited before it.` };
}

async function holdBack(
  env: Env,
  trigger: Trigger,
  due: DueTime,
  run: RunKey,
  stored: StoredOutcome | null,
  reason: string,
): Promise<Result<null>> {
  const { overlap } = trigger.settings;
  // Its row says already that it waits. One that waited for room is late for the run before it: it is skipped.
  if (stored !== null && (overlap === "queue" || stored.retry_at === null)) return succeed(null);
  if (overlap === "skip") return await giveWay(env, due, run, reason);
  // A job that died may have started this run; then somebody ran the trigger by hand.
  if (await isKnown(env, run)) return await accept(env, due, run);
  await recordOutcome(env.DB, due, { status: "waiting", reason, run: null });
  const waiting = await listWaiting(env.DB, due.user_id, due.trigger_id);
  for (const oldest of waiting.slice(0, -MAX_WAITING)) {
    await skip(env, oldest, `More than ${MAX_WAITING} due times waited.`);
  }
  return succeed(null);
}

/** A job that died may have started the run; then somebody ran the trigger by hand, or a later time was due. */
async function giveWay(env: Env, due: DueTime, run: RunKey, reason: string): Promise<Result<null>> {
  if (await isKnown(env, run)) return await accept(env, due, run);
  await skip(env, due, reason);
  return succeed(null);
}

async function fire(env: Env, trigger: Trigger, firing: Firing, due: DueTime): Promise<Result<null>> {
  const fired = await fireTrigger(env, trigger, firing);
  if (fired.ok) return await accept(env, due, fired.value.run);
  const { code, detail } = fired.error;
  if (temporary.has(code)) return fired;
  await recordOutcome(env.DB, due, { status: "refused", reason: detail, run: null });
  return succeed(null);
}

async function accept(env: Env, due: DueTime, { user_id, thread_id, invocation_id }: RunKey): Promise<Result<null>> {
  const run = { user_id, thread_id, invocation_id };
  await recordOutcome(env.DB, due, { status: "accepted", reason: null, run });
  return succeed(null);
}

function skip(env: Env, due: DueTime, reason: string): Promise<void> {
  return recordOutcome(env.DB, due, { status: "skipped", reason, run: null });
}

async function isKnown(env: Env, run: RunKey): Promise<boolean> {
  return (await readRun(env, run)).ok;
}

/** Fails if there is no such run; rejects if the thread's object can't answer. */
function readRun(env: Env, { user_id, thread_id, invocation_id }: RunKey) {
  const key = { user_id, thread_id };
  return callThread(env, key, (stub) => stub.getRun(key, invocation_id));
}
