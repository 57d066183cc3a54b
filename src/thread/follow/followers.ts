// Followers show runs on other platforms while they happen. Each watches its run and drives the mirror of its place,
// one call at a time. Its progress is stored in the object's SQLite before each call, so that the next life continues
// the same messages. The alarm retries what can't be shown now. A run that waits for a person has nothing to show and
// costs nothing. A run's text is shown after that of the run before it.
import type { MirrorStep, OpenMirror, RunMirror } from "../../agent/mirror.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import type { Backoff } from "../../lib/retry.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { fail, type Result } from "../../protocol/error.ts";
import type { MirrorPlace } from "../../protocol/mirror.ts";
import type { Run } from "../../protocol/run.ts";
import { waitOf } from "../back-off.ts";
import { findRun, type Life, noteError, transact } from "../life.ts";
import {
  type AskedQuestion,
  deleteFollower,
  type Follower,
  type FollowerRow,
  followerOf,
  saveFollower,
  writeAsked,
  writePlace,
} from "./follower-rows.ts";
import { watchRun } from "./follower-watch.ts";

/** After the run has ended, a longer wait is left to the alarm, so that the object may sleep. */
const MAX_TIMER_MS = 5_000;
/** Failures of our own code or of D1. All retries together last for more than an hour. */
const RETRIES: Backoff = { base_ms: 30_000, cap_ms: 10 * 60_000 };
const MAX_FAILURES = 15;
const OPEN_LIMIT_MS = 10_000;
/** After a day, nobody waits for the answer there any more. */
const MAX_SHOWING_MS = 24 * 60 * 60_000;

/**
 * The followers whose turn it is, in the order of their runs: each comes after the former one has shown all its text.
 */
function inTurn({ followers }: Life): Follower[] {
  const all = [...followers.values()];
  const last = all.findIndex(({ row }) => row.is_said !== true);
  return last < 0 ? all : all.slice(0, last + 1);
}

/** Shows the thread's runs in this place from now on. Inside a transaction. */
export function followFrom(life: Life, place: MirrorPlace | undefined): void {
  if (place === undefined) return;
  const former = life.place?.kind === place.kind ? life.place : null;
  // A question stays where it was asked, and another mirror could not read it.
  if (former === null) setAsked(life, null);
  life.place = (former && consult(life, place.kind, (mirror) => mirror.joinPlaces?.(former, place))) ?? place;
  writePlace(life.database.sql, life.place);
}

/** Inside a transaction. */
function setAsked(life: Life, asked: AskedQuestion | null): void {
  if (asked !== null || life.asked !== null) writeAsked(life.database.sql, asked);
  life.asked = asked;
}

/** Shows a new run in its thread's place. Inside the transaction that stores it. */
export function followRun(life: Life, { invocation_id, metadata }: Run): void {
  const { place } = life;
  if (place === null) return;
  const isAnswer = consult(life, place.kind, (mirror) => mirror.isAnswer?.(metadata)) === true;
  const asked = isAnswer ? null : life.asked;
  const shown = mirrorOf(life, place)?.nothing ?? null;
  const row: FollowerRow = { invocation_id, place, asked, shown, retry_at: null, failures: 0 };
  saveFollower(life.database.sql, row);
  setAsked(life, null);
  life.followers.set(invocation_id, followerOf(row));
}

/** Resumes all followers that are due. Idempotent, called on every event. */
export function ensureFollowing(life: Life): void {
  if (life.removing || life.removed) return;
  for (const follower of inTurn(life)) {
    const isDue = (follower.row.retry_at ?? 0) <= life.ports.clock.now();
    if (follower.isActive || !isDue) continue;
    follower.isActive = true;
    life.platform.waitUntil(follow(life, follower));
  }
}

/** When the alarm must resume followers. */
export function followersDue(life: Life, heartbeat: number): number[] {
  return inTurn(life).map(({ row, isActive }) => (isActive ? heartbeat : (row.retry_at ?? heartbeat)));
}

async function follow(life: Life, follower: Follower): Promise<void> {
  const { row } = follower;
  try {
    // Runs behind it would wait for what nobody can show.
    if (findRun(life, row.invocation_id) === null) return giveUp(life, follower, "the run can't be read");
    const opening = openMirror(life, row);
    const opened = await withinTime(life.ports.clock, OPEN_LIMIT_MS, platformOf(life, row), opening);
    if (opened.ok) await showRun(life, follower, opened.value);
    else giveUp(life, follower, opened.error.code);
  } catch (error) {
    if (life.removed) return;
    logWarning("follower_failed", { ...nameOf(life, row), error: describeError(error) });
    row.failures += 1;
    if (row.failures > MAX_FAILURES) giveUp(life, follower, "it failed too often");
    else postpone(life, follower, life.ports.clock.now() + waitOf(row.invocation_id, row.failures, RETRIES));
  } finally {
    follower.isActive = false;
  }
}

async function openMirror(life: Life, row: FollowerRow): Promise<Result<OpenMirror>> {
  const { place } = row;
  const mirror = mirrorOf(life, place);
  if (mirror === null) return fail("not_configured", `This server shows no runs in ${place.kind}.`);
  // The server had no such mirror when the row was stored.
  row.shown ??= mirror.nothing;
  return mirror.open(life.thread.user_id, place);
}

/** Null if the server has no mirror of that kind. */
function mirrorOf({ ports }: Life, { kind }: MirrorPlace): RunMirror | null {
  return ports.mirrors.find((mirror) => mirror.kind === kind) ?? null;
}

/** What the mirror decides, mostly inside a transaction; undefined where it throws, as at what no version of it stored. */
function consult<T>(life: Life, kind: string, decide: (mirror: RunMirror) => T): T | undefined {
  const mirror = mirrorOf(life, { kind });
  try {
    return mirror === null ? undefined : decide(mirror);
  } catch (error) {
    const { user_id, thread_id } = life.thread;
    logError("mirror_failed", error, { user_id, thread_id, kind });
    return undefined;
  }
}

function platformOf(life: Life, { place }: FollowerRow): string {
  return mirrorOf(life, place)?.name ?? place.kind;
}

async function showRun(life: Life, follower: Follower, mirror: OpenMirror): Promise<void> {
  const { row } = follower;
  const { clock } = life.ports;
  const run = { thread_id: life.thread.thread_id, invocation_id: row.invocation_id };
  const watch = watchRun(life, follower);
  try {
    for (;;) {
      if (life.removing) return;
      const view = watch.view();
      const asked = row.asked && { ...row.asked, run: findRun(life, row.asked.invocation_id)?.run ?? null };
      const step = mirror.next({ view, shown: row.shown, place: row.place, run, asked }, clock.now());
      if (step.kind === "over") return finish(life, follower);
      if (isTooLate(life, row)) {
        return giveUp(life, follower, `${platformOf(life, row)} could not be reached for a day`);
      }
      if (step.kind === "call") {
        const gone = await makeCall(life, row, step);
        if (gone !== null) return giveUp(life, follower, gone);
        continue;
      }
      const isOver = view.end !== null;
      if (isOver && step.isSaid) markSaid(life, follower);
      const isLong = isOver && step.until !== null && step.until - clock.now() > MAX_TIMER_MS;
      if (isLong) return postpone(life, follower, step.until ?? 0);
      await watch.changed(step.until);
    }
  } finally {
    watch.stop();
  }
}

/** Makes one call. Returns why no further call makes sense, or null. */
async function makeCall(
  life: Life,
  row: FollowerRow,
  { before, send }: Extract<MirrorStep, { kind: "call" }>,
): Promise<string | null> {
  row.shown = before;
  transact(life, () => saveFollower(life.database.sql, row));
  const sent = await send(() => life.ports.clock.now());
  if (sent.problem !== undefined) noteError(life, sent.problem);
  if ("gone" in sent) return sent.gone;
  row.shown = sent.shown;
  return null;
}

function isTooLate(life: Life, { invocation_id }: FollowerRow): boolean {
  const finished = findRun(life, invocation_id)?.run.finished_at ?? null;
  return finished !== null && life.ports.clock.now() - Date.parse(finished) > MAX_SHOWING_MS;
}

function postpone(life: Life, follower: Follower, until: number): void {
  const { row } = follower;
  row.retry_at = until;
  transact(life, () => saveFollower(life.database.sql, row));
  follower.isActive = false;
  life.onFollowerWaits();
}

function giveUp(life: Life, follower: Follower, reason: string): void {
  logWarning("follower_gave_up", { ...nameOf(life, follower.row), reason });
  noteError(life, `a run is no longer shown in ${platformOf(life, follower.row)}: ${reason}`);
  finish(life, follower);
}

/** Notes that all of the run's text is shown. The next run's text may follow, whatever else is left to do. */
function markSaid(life: Life, { row }: Follower): void {
  if (row.is_said === true) return;
  row.is_said = true;
  transact(life, () => {
    saveFollower(life.database.sql, row);
    passPlace(life, row);
  });
  ensureFollowing(life);
}

/** Updates the place of later runs after what this run has shown there. Inside a transaction. */
function passPlace(life: Life, { place: { kind }, shown }: FollowerRow): void {
  const after = (place: MirrorPlace) => consult(life, kind, (mirror) => mirror.placeAfter?.(place, shown)) ?? place;
  if (mirrorOf(life, { kind })?.placeAfter === undefined) return;
  if (life.place?.kind === kind) {
    life.place = after(life.place);
    writePlace(life.database.sql, life.place);
  }
  for (const { row } of life.followers.values()) {
    if (row.place.kind !== kind) continue;
    row.place = after(row.place);
    saveFollower(life.database.sql, row);
  }
}

function finish(life: Life, { row }: Follower): void {
  life.followers.delete(row.invocation_id);
  const question = consult(life, row.place.kind, (mirror) => mirror.question?.(row.shown)) ?? null;
  transact(life, () => {
    deleteFollower(life.database.sql, row.invocation_id);
    passPlace(life, row);
    // If another run came meanwhile, a click on the question gets an answer that says so.
    if (question === null || life.followers.size > 0 || life.place?.kind !== row.place.kind) return;
    setAsked(life, { ...question, invocation_id: row.invocation_id });
  });
  ensureFollowing(life);
}

function nameOf(life: Life, { invocation_id }: FollowerRow) {
  const { user_id, thread_id } = life.thread;
  return { user_id, thread_id, invocation_id };
}
