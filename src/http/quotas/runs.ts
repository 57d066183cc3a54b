// Lets a user start a run, whatever starts it. How many start in a minute is counted as other rates are. How many are
// queued or running only D1 knows, for all threads; it hears of a run within two seconds. A start does not wait for D1:
// an isolate asks once it has let some runs start since it last knew, and sooner the less room is left.
import { configOf, type Env } from "../../config.ts";
import { describeError, logWarning } from "../../lib/log.ts";
import { putNewest } from "../../lib/memory/newest.ts";
import { withinTime } from "../../lib/time-limit.ts";
import type { Failure } from "../../protocol/error.ts";
import { quotaOf } from "../../protocol/money/quotas.ts";
import { countLiveRuns } from "../../store/runs.ts";
import { clock } from "../../thread/ports.ts";
import { type Holder, peekOne, refuseOne, takeOne } from "./quotas.ts";

/** What an isolate lets start before it asks. */
const UNASKED_STARTS = 20;
/** A flood at its limit asks once in this time. */
const ASKED_AGAIN_MS = 2_000;
const D1_LIMIT_MS = 1_000;
/** Users for whom this is remembered. Beyond this number the oldest starts anew. */
const MAX_USERS = 5_000;

interface Live {
  /** As D1 last said. */
  runs: number;
  asked_at: number;
  /**
   * The last question. Whoever comes while it is open waits for it, or a burst would start on what is not known yet.
   * The wait has a limit of its own: if the request that asks is cancelled, this never resolves.
   */
  asked: Promise<void>;
  is_asking: boolean;
  /** Let start since then. */
  started: number;
}

const known = new WeakMap<Env, Map<string, Live>>();

/** What `admitRun` would refuse, as far as this isolate knows: without a question, and before a body is read. */
export function peekRun(env: Env, holder: Holder, now = Date.now()): Failure | null {
  const refusal = peekOne(env, holder, "runs_per_minute", now);
  const live = known.get(env)?.get(holder.user_id);
  if (refusal !== null || live === undefined) return refusal;
  const isKnown = !live.is_asking && Math.abs(now - live.asked_at) < ASKED_AGAIN_MS;
  return isKnown ? refuseIfFull(env, holder, live, now) : null;
}

/** Counts a run that is about to start, or returns the refusal. Call it before anything is asked of the thread. */
export async function admitRun(env: Env, holder: Holder, now = Date.now()): Promise<Failure | null> {
  // Whoever finds too many runs at once tries again in a moment, and must not use up the minute with that.
  const refusal = peekOne(env, holder, "runs_per_minute", now) ?? (await admitLive(env, holder, now));
  if (refusal !== null) return refusal;
  const late = await takeOne(env, holder, "runs_per_minute", now);
  if (late !== null) liveOf(env, holder.user_id).started -= 1;
  return late;
}

/** What `admitRun` would refuse, as far as this isolate and D1 know. Takes nothing. */
export async function checkRun(env: Env, holder: Holder, now = Date.now()): Promise<Failure | null> {
  const refusal = peekOne(env, holder, "runs_per_minute", now);
  return refusal ?? refuseIfFull(env, holder, await readLive(env, holder, now), now);
}

async function admitLive(env: Env, holder: Holder, now: number): Promise<Failure | null> {
  const live = await readLive(env, holder, now);
  // Without a wait in between, so that two at once can't both be the last.
  const refusal = refuseIfFull(env, holder, live, now);
  if (refusal === null) live.started += 1;
  return refusal;
}

function refuseIfFull(env: Env, holder: Holder, live: Live, now: number): Failure | null {
  const isFull = live.runs + live.started >= quotaOf(configOf(env), holder.quotas, "runs_at_once");
  return isFull ? refuseOne(env, holder, "runs_at_once", ASKED_AGAIN_MS / 1000, now) : null;
}

/** Asks D1 first where too much may have changed. */
async function readLive(env: Env, holder: Holder, now: number): Promise<Live> {
  const quota = quotaOf(configOf(env), holder.quotas, "runs_at_once");
  const live = liveOf(env, holder.user_id);
  const room = quota - live.runs;
  // The clock may have been set back.
  const isOld = Math.abs(now - live.asked_at) >= ASKED_AGAIN_MS;
  if (live.started >= Math.min(UNASKED_STARTS, room / 2) && isOld) {
    live.asked_at = now;
    live.asked = ask(env, holder.user_id, live);
  }
  const isLost = Math.abs(now - live.asked_at) > D1_LIMIT_MS;
  if (live.is_asking && !isLost) await withinTime(clock, D1_LIMIT_MS, "D1", live.asked).catch(() => undefined);
  return live;
}

function liveOf(env: Env, user_id: string): Live {
  const users = known.get(env) ?? new Map<string, Live>();
  known.set(env, users);
  const [never, done] = [Number.NEGATIVE_INFINITY, Promise.resolve()];
  const live = users.get(user_id) ?? { runs: 0, asked_at: never, asked: done, is_asking: false, started: 0 };
  putNewest(users, user_id, live, MAX_USERS);
  return live;
}

/** While D1 fails nobody is kept out by what is not known. */
async function ask(env: Env, user_id: string, live: Live): Promise<void> {
  const before = live.started;
  live.is_asking = true;
  try {
    live.runs = await withinTime(clock, D1_LIMIT_MS, "D1", countLiveRuns(env.DB, user_id));
  } catch (error) {
    logWarning("live_runs_unknown", { user_id, error: describeError(error) });
    live.runs = 0;
  }
  live.started -= before;
  live.is_asking = false;
}
