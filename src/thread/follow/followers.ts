// Followers: a run is shown elsewhere as it happens. Each reads its run and calls Slack, one call at a time; how far it is
// stands in the object's SQLite before each call, so that the next life goes on with the same messages. What can't be said
// now is tried again by the alarm; a run that waits for a person has nothing to show and costs nothing. A run's words come
// after those of the run before it, and its follower knows which messages those are.
import { describeError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import type { Run } from "../../protocol/run.ts";
import type { SlackPlace } from "../../protocol/slack.ts";
import { readAnswered } from "../../slack/run.ts";
import { nextStep } from "../../slack/show/show.ts";
import { applyAnswer, recoverShown, type Step } from "../../slack/show/shown.ts";
import type { ConnectedWorkspace } from "../../slack/workspaces.ts";
import { findRun, type Life, noteError, transact } from "../life.ts";
import {
  deleteFollower,
  type Follower,
  type FollowerRow,
  newFollower,
  saveFollower,
  writeAsked,
  writePlace,
} from "./follower-rows.ts";
import { watchRun } from "./follower-watch.ts";

/** A wait that outlasts its run is the alarm's, so that the object may sleep. */
const LONGEST_TIMER_MS = 5_000;
const RETRY_MS = 30_000;
/** Of our own, or of D1: an hour and more. */
const MOST_FAILURES = 15;
const OPEN_LIMIT_MS = 10_000;
/** Who has not seen the answer by then looks elsewhere. */
const LONGEST_SHOWING_MS = 24 * 60 * 60_000;

/** Those whose turn it is: each after the one before it has said all, in the order of their runs. */
function inTurn({ followers }: Life): Follower[] {
  const all = [...followers.values()];
  const last = all.findIndex(({ row }) => row.is_said !== true);
  return last < 0 ? all : all.slice(0, last + 1);
}

/** From this input on the thread is shown there. Inside a transaction. */
export function followFrom(life: Life, place: SlackPlace | undefined): void {
  if (place === undefined) return;
  life.place = { ...place, newest_ts: newestOf([place.newest_ts, life.place?.newest_ts ?? "0"]) };
  writePlace(life.database.sql, life.place);
}

/** A new run is shown where its thread is. Inside the transaction that stores it. */
export function followRun(life: Life, { invocation_id, metadata }: Run): void {
  if (life.place === null) return;
  // Whoever answers by a button sees to the buttons.
  const row = newFollower(invocation_id, life.place, readAnswered(metadata).size > 0 ? null : life.asked);
  saveFollower(life.database.sql, row);
  if (life.asked !== null) writeAsked(life.database.sql, null);
  life.asked = null;
  life.followers.set(invocation_id, { row, isActive: false });
}

/** Takes up what is to be shown now. Idempotent, called by whatever happens. */
export function ensureFollowing(life: Life): void {
  if (life.removing || life.removed) return;
  for (const follower of inTurn(life)) {
    const isDue = (follower.row.retry_at ?? 0) <= life.ports.clock.now();
    if (follower.isActive || !isDue) continue;
    follower.isActive = true;
    life.platform.waitUntil(follow(life, follower));
  }
}

/** When the alarm has to look after them. */
export function followersDue(life: Life, heartbeat: number): number[] {
  return inTurn(life).map(({ row, isActive }) => (isActive ? heartbeat : (row.retry_at ?? heartbeat)));
}

async function follow(life: Life, follower: Follower): Promise<void> {
  const { row } = follower;
  try {
    const { user_id } = life.thread;
    const opening = life.ports.openSlack(user_id, row.place.team_id);
    const opened = await withinTime(life.ports.clock, OPEN_LIMIT_MS, "D1", opening);
    if (opened.ok) await showRun(life, follower, opened.value);
    else giveUp(life, follower, opened.error.code);
  } catch (error) {
    if (life.removed) return;
    logWarning("follower_failed", { ...nameOf(life, row), error: describeError(error) });
    row.failures += 1;
    if (row.failures > MOST_FAILURES) giveUp(life, follower, "it failed too often");
    else postpone(life, follower, life.ports.clock.now() + RETRY_MS * row.failures);
  } finally {
    follower.isActive = false;
  }
}

async function showRun(life: Life, follower: Follower, { workspace, call }: ConnectedWorkspace): Promise<void> {
  const { row } = follower;
  const { thread_id } = life.thread;
  const { clock } = life.ports;
  const watch = watchRun(life, row.invocation_id);
  row.shown = recoverShown(row.shown);
  await watch.ready;
  for (;;) {
    if (life.removing) return;
    const { view } = watch;
    const run = { thread_id, invocation_id: row.invocation_id };
    const asked = row.asked && { ts: row.asked.ts, run: findRun(life, row.asked.invocation_id)?.run ?? null };
    const { shown, place } = row;
    const step = nextStep({ view, shown, place, asked, bot: workspace.bot_user_id, run }, clock.now());
    if (step.kind === "over") return finish(life, follower);
    if (isTooLate(life, row)) return giveUp(life, follower, "Slack could not be reached for a day");
    if (step.kind === "wait") {
      if (view.end !== null && clock.now() >= shown.blockedUntil) endWords(life, follower);
      const isLong = view.end !== null && step.until !== null && step.until - clock.now() > LONGEST_TIMER_MS;
      if (isLong) return postpone(life, follower, step.until ?? 0);
      await watch.changed(step.until);
      continue;
    }
    const after = await take(life, row, step, call);
    if (after !== null) return giveUp(life, follower, after);
  }
}

/** One call; why there is no use in another, or null. */
async function take(
  life: Life,
  row: FollowerRow,
  step: Exclude<Step, { kind: "wait" | "over" }>,
  call: ConnectedWorkspace["call"],
): Promise<string | null> {
  row.shown = { ...row.shown, doing: { kind: step.kind, page: step.page } };
  transact(life, () => saveFollower(life.database.sql, row));
  const answer = await call(step.method, step.fields);
  if (answer.kind === "unknown") noteError(life, `Slack: ${answer.reason}`);
  if (answer.kind === "refused") noteError(life, `Slack refused ${step.method}: ${answer.error}`);
  const after = applyAnswer(row.shown, step, answer, life.ports.clock.now());
  if (after === null) return `${step.method}: ${answer.kind === "refused" ? answer.error : "refused"}`;
  row.shown = after;
  return null;
}

function isTooLate(life: Life, { invocation_id }: FollowerRow): boolean {
  const finished = findRun(life, invocation_id)?.run.finished_at ?? null;
  return finished !== null && life.ports.clock.now() - Date.parse(finished) > LONGEST_SHOWING_MS;
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
  noteError(life, `a run is no longer shown in Slack: ${reason}`);
  finish(life, follower);
}

/** All that the run says is shown: the next run's words may come, whatever else is left to do. */
function endWords(life: Life, { row }: Follower): void {
  if (row.is_said === true) return;
  row.is_said = true;
  transact(life, () => {
    saveFollower(life.database.sql, row);
    passNewest(life, row);
  });
  ensureFollowing(life);
}

/** What the bot wrote is known from here on, so that nobody takes it for a later run's. Inside a transaction. */
function passNewest(life: Life, { shown }: FollowerRow): void {
  const newest_ts = newestOf([...shown.pages.map(({ ts }) => ts), shown.question ?? "0", shown.control ?? "0"]);
  if (life.place !== null) followFrom(life, { ...life.place, newest_ts });
  for (const { row } of life.followers.values()) {
    row.place = { ...row.place, newest_ts: newestOf([row.place.newest_ts, newest_ts]) };
    saveFollower(life.database.sql, row);
  }
}

function newestOf(times: string[]): string {
  return times.reduce((one, other) => (Number(other) > Number(one) ? other : one));
}

function finish(life: Life, { row }: Follower): void {
  life.followers.delete(row.invocation_id);
  const { question } = row.shown;
  transact(life, () => {
    deleteFollower(life.database.sql, row.invocation_id);
    passNewest(life, row);
    // Where a run has come meanwhile, whoever clicks is told so.
    if (question === null || life.followers.size > 0) return;
    life.asked = { ts: question, invocation_id: row.invocation_id };
    writeAsked(life.database.sql, life.asked);
  });
  ensureFollowing(life);
}

function nameOf(life: Life, { invocation_id }: FollowerRow) {
  const { user_id, thread_id } = life.thread;
  return { user_id, thread_id, invocation_id };
}
