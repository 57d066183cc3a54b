// A due time of a schedule becomes a run, or a row that says why not. Every step may be repeated: the run's id is derived from
// trigger and due time, and so is the row's. Before it starts, a run is made the trigger's newest; so of two due times that
// are done at once the second finds a run before it, as it would a minute later.
import type { Env } from "../../config.ts";
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
} from "../../store/triggers/schedule-firings.ts";
import { readTrigger } from "../../store/triggers/triggers.ts";
import { callThread } from "../../thread/stub.ts";
import { lastDue, tellDue } from "../schedule-times.ts";
import { type Firing, toRunInput } from "../trigger-run.ts";
import { fireTrigger } from "./start-run.ts";

type FireSchedule = Extract<Job, { type: "fire_schedule" }>;
type RunKey = ThreadKey & { invocation_id: string };

/** With the queue's own tries (2½ minutes) and the waits between them an hour. */
const MOST_ATTEMPTS = 8;
const DELAY_SECONDS = 300;

/** Beyond, the oldest gives way: of much that was missed the latest counts. */
const MOST_WAITING = 20;

// A run that was claimed and is not there yet is being started by another job, or that job died.
const STARTING_MS = 30_000;

/** What another try may mend. */
const passing = new Set<ProblemCode>(["rate_limited", "busy", "internal", "sandbox_failed", "not_configured"]);

/** A failure is passing: the job is to be done again. */
export async function fireSchedule(job: FireSchedule, env: Env, now: number): Promise<Result<null>> {
  const due = await toDueTime(job);
  const [trigger, status] = await Promise.all([
    readTrigger(env.DB, due.user_id, due.trigger_id),
    readOutcome(env.DB, due),
  ]);
  if (trigger === null || (status !== null && status !== "waiting")) return succeed(null);
  const stale = findStale(trigger, due.due_at);
  if (stale !== null) {
    if (status === "waiting") await skip(env, due, stale);
    return succeed(null);
  }
  const firing = toFiring(trigger, due.due_at);
  const { thread_id, invocation_id } = await toRunInput(trigger, firing);
  const run: RunKey = { user_id: due.user_id, thread_id, invocation_id };
  const newest = newestRun(trigger);
  // The trigger may have got another thread since the run was started in the one it had.
  if (newest?.invocation_id === invocation_id) {
    if (await isKnown(env, newest)) return await accept(env, due, newest);
  } else {
    const before = await lookBefore(env, trigger, newest, due, now);
    if (before === "starting") return fail("busy", "The run before is being started.");
    if (before !== null) return await holdBack(env, trigger, due, run, status, before.reason);
  }
  if (!(await claimRun(env.DB, trigger, run, now))) return fail("busy", "The schedule was changed at the same time.");
  return await fire(env, trigger, firing, due);
}

/**
 * A dead letter: tried once more, and then again for an hour. It gives way to a later due time, or an outage would leave one
 * run for each minute that it took.
 */
export async function buryFiring(job: FireSchedule, env: Env, now: number): Promise<Result<null>> {
  const reason = await fireSchedule(job, env, now).then(
    (done) => (done.ok ? null : done.error.detail),
    (error: unknown) => describeError(error),
  );
  if (reason === null) return succeed(null);
  const due = await toDueTime(job);
  const found = await readLater(env, due, now).catch(() => "unknown" as const);
  // What waits is tried each minute anyway.
  if (found === "waiting") return succeed(null);
  logWarning("schedule_not_fired", { ...due, attempt: job.attempt, reason });
  if (found === "later") {
    await skip(env, due, "It could not be started, and a later time was due by then.");
  } else if (job.attempt < MOST_ATTEMPTS) {
    await env.JOBS.send({ ...job, attempt: job.attempt + 1 } satisfies Job, { delaySeconds: DELAY_SECONDS });
  } else {
    const told = "It could not be started within an hour: the thread or the database did not answer.";
    await recordOutcome(env.DB, due, { status: "refused", reason: told, run: null });
  }
  return succeed(null);
}

async function readLater(env: Env, due: DueTime, now: number): Promise<"waiting" | "later" | "none"> {
  const [trigger, status] = await Promise.all([
    readTrigger(env.DB, due.user_id, due.trigger_id),
    readOutcome(env.DB, due),
  ]);
  if (status === "waiting") return "waiting";
  const { cron, timezone } = trigger?.settings ?? {};
  return cron && timezone && lastDue(cron, timezone, Date.parse(due.due_at), now) !== null ? "later" : "none";
}

async function toDueTime({ user_id, trigger_id, due_at }: FireSchedule): Promise<DueTime> {
  return { user_id, trigger_id, due_at, delivery_id: await derivedId("del", trigger_id, due_at) };
}

/** A job fires what the trigger as it is now would fire. */
function findStale({ enabled, type, settings, created_at }: Trigger, due_at: string): string | null {
  const { cron, timezone } = settings;
  if (type !== "schedule" || !cron || !timezone || due_at < created_at) return "The trigger is another one now.";
  if (!enabled) return "The schedule was paused.";
  const at = Date.parse(due_at);
  try {
    return lastDue(cron, timezone, at - 1, at) === null ? "The schedule was changed." : null;
  } catch {
    return "The schedule can't be read any more.";
  }
}

function toFiring({ prompt, settings }: Trigger, due_at: string): Firing {
  const told = `This run was scheduled for ${tellDue(due_at, settings.timezone ?? "UTC")}.`;
  return { id: due_at, key: null, message: `${prompt}\n\n${told}`, metadata: { due_at } };
}

function newestRun({ user_id, last_thread_id, last_invocation_id }: Trigger): RunKey | null {
  if (last_thread_id === null || last_invocation_id === null) return null;
  return { user_id, thread_id: last_thread_id, invocation_id: last_invocation_id };
}

/** What a due time has before it, with a reason for people; null where nothing is. */
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
  status: "waiting" | null,
  reason: string,
): Promise<Result<null>> {
  if (status === "waiting") return succeed(null);
  // A job that died may have started it; then somebody ran the trigger by hand.
  if (await isKnown(env, run)) return await accept(env, due, run);
  if (trigger.settings.overlap === "skip") {
    await skip(env, due, reason);
    return succeed(null);
  }
  await recordOutcome(env.DB, due, { status: "waiting", reason, run: null });
  const waiting = await listWaiting(env.DB, due.user_id, due.trigger_id);
  for (const oldest of waiting.slice(0, -MOST_WAITING)) {
    await skip(env, oldest, `More than ${MOST_WAITING} due times waited.`);
  }
  return succeed(null);
}

async function fire(env: Env, trigger: Trigger, firing: Firing, due: DueTime): Promise<Result<null>> {
  const fired = await fireTrigger(env, trigger, firing);
  if (fired.ok) return await accept(env, due, fired.value.run);
  const { code, detail } = fired.error;
  if (passing.has(code)) return fired;
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

/** Fails where there is no such run; rejects where the thread can't say. */
function readRun(env: Env, { user_id, thread_id, invocation_id }: RunKey) {
  const key = { user_id, thread_id };
  return callThread(env, key, (stub) => stub.getRun(key, invocation_id));
}
