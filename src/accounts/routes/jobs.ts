// The two jobs that carry out what was decided of an account. The row of the user says what that is, so a job that
// comes twice, late or not at all changes nothing: the sweep sends another one.
import { configOf, type Env } from "../../config.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import type { Job } from "../../protocol/job.ts";
import { type AccountEnd, noteLeft, notePurged, readAccountEnd } from "../../store/people/closing.ts";
import { clock } from "../../thread/ports.ts";
import type { AccountPart, AccountScope } from "../part.ts";

export type AccountJob = Extract<Job, { type: "close_account" | "pause_account" }>;

/** A queue consumer has 15 minutes for a batch, which may have other jobs. Pieces take some seconds more. */
const SLICE_MS = 30_000;
/** Of one piece. */
const LIMIT_MS = 15_000;
/** One that continues after its signal, since something never answers, holds up the other parts no longer than this. */
const PATIENCE_MS = LIMIT_MS + 5_000;

/** When the sweep looks. */
export const SWEEP_MS = 15 * 60_000;

/** With these delays about ten minutes. After that the sweep tries each quarter of an hour, with this number. */
export const LAST_ATTEMPT = 8;
const FIRST_DELAY_SECONDS = 5;
const MAX_DELAY_SECONDS = 300;

/** The job is sent before what it carries out is decided, and may come first. */
const EARLY_ATTEMPTS = 3;
const EARLY_DELAY_SECONDS = 5;

// A request that was admitted a moment before, in another isolate's ten seconds, may start a run afterwards. The sweep
// looks after a day too.
const PAUSE_LOOKS_MS = [15_000, 60_000];
const CLOSE_LOOKS_MS = [20_000, 90_000, 20 * 60_000];

/** Rejects only if D1 or the queue fails: the queue then redelivers this message. */
export async function closeAccount(job: AccountJob, env: Env, parts: AccountPart[]): Promise<void> {
  const end = await readAccountEnd(env.DB, job.user_id);
  if (!end?.deleted_at) return await lookLater(job, env);
  const begun = Date.now();
  let failed = false;
  let more = false;
  for (const part of parts) {
    try {
      // Each part gets its turn in each slice: one that has much, or whose own is away, holds up no other.
      const work = () => within(part, part.remove(describeScope(job, env, end.deleted_at ?? "")));
      let isDone = (await work()) === "done";
      while (!isDone && Date.now() - begun < SLICE_MS) isDone = (await work()) === "done";
      more ||= !isDone;
    } catch (error) {
      noteFailure(job, part, error);
      failed = true;
    }
  }
  if (more || failed) {
    if (end.purged_at !== null) await noteLeft(env.DB, job.user_id);
    return more ? await goOn(job, env, begun) : await retry(job, env);
  }
  await notePurged(env.DB, job.user_id, Date.now());
  await lookAgain(job, env, end.deleted_at, CLOSE_LOOKS_MS);
}

/** The same. */
export async function pauseAccount(job: AccountJob, env: Env, parts: AccountPart[]): Promise<void> {
  let failed = false;
  let end: AccountEnd | null = null;
  for (const part of parts.filter(({ pause }) => pause !== undefined)) {
    // The user may be enabled at any time, and what is started then is not to be ended.
    end = await readAccountEnd(env.DB, job.user_id);
    if (end?.deleted_at) return;
    if (!end?.disabled_at) return await lookLater(job, env);
    try {
      await within(part, part.pause?.(describeScope(job, env, end.disabled_at)) ?? Promise.resolve());
    } catch (error) {
      noteFailure(job, part, error);
      failed = true;
    }
  }
  if (failed) return await retry(job, env);
  if (end?.disabled_at) await lookAgain(job, env, end.disabled_at, PAUSE_LOOKS_MS);
}

function within<T>({ name }: AccountPart, work: Promise<T>): Promise<T> {
  return withinTime(clock, PATIENCE_MS, name, work);
}

function describeScope({ user_id }: AccountJob, env: Env, since: string): AccountScope {
  const now = Date.now();
  const isOlderThan = (ms: number) => now - Date.parse(since) > ms;
  return { env, config: configOf(env), user_id, now, isOlderThan, signal: AbortSignal.timeout(LIMIT_MS) };
}

function noteFailure({ type, user_id, attempt }: AccountJob, { name }: AccountPart, error: unknown): void {
  logWarning("account_left", { type, user_id, attempt, part: name, error: describeError(error) });
}

/** Nothing is decided yet, or it was taken back. */
async function lookLater(job: AccountJob, env: Env): Promise<void> {
  if (job.attempt < EARLY_ATTEMPTS) await send(env, { ...job, attempt: job.attempt + 1 }, EARLY_DELAY_SECONDS);
}

/** A large account may take its time: a slice that gets further is no failed attempt. */
async function goOn(job: AccountJob, env: Env, begun: number): Promise<void> {
  const isOver = Math.floor(begun / SWEEP_MS) < Math.floor(Date.now() / SWEEP_MS);
  // The sweep has sent another one meanwhile. Else there would be ever more side by side.
  if (isOver && job.attempt >= LAST_ATTEMPT) return;
  await send(env, job, 0);
}

async function retry(job: AccountJob, env: Env): Promise<void> {
  if (job.attempt >= LAST_ATTEMPT) return;
  const delay = Math.min(FIRST_DELAY_SECONDS * 2 ** (job.attempt - 1), MAX_DELAY_SECONDS);
  await send(env, { ...job, attempt: job.attempt + 1 }, delay);
}

/** Once more at the next of the times since the decision, if one is left. */
async function lookAgain(job: AccountJob, env: Env, since: string, looks: number[]): Promise<void> {
  const now = Date.now();
  const next = looks.map((ms) => Date.parse(since) + ms).find((at) => at > now);
  if (next !== undefined) await send(env, { ...job, attempt: 1 }, Math.ceil((next - now) / 1000));
}

async function send(env: Env, job: AccountJob, delaySeconds: number): Promise<void> {
  await env.JOBS.send(job satisfies Job, { delaySeconds });
}
