// A due time that comes to a full quota of runs waits in the log, and the clock has it tried again. Only the first
// refusal writes. The row says when it is tried first, so that the hour begins there and survives a restart.
import type { Env } from "../../config.ts";
import type { Failure } from "../../protocol/error.ts";
import type { Trigger } from "../../protocol/trigger.ts";
import {
  type DueTime,
  recordOutcome,
  type StoredOutcome,
  saySuperseded,
} from "../../store/triggers/schedule-firings.ts";
import { lastDue } from "../schedule-times.ts";

/** Schedules that are due in the same second come back one by one, and in another order each time. */
const SPREAD_MS = 60_000;

/** What a refusal without a time means: the quotas of runs count minutes. */
const USUAL_WAIT_SECONDS = 60;

/** From the first of the later tries. With the wait and the spread before it, it is an hour. */
export const RETRIED_MS = 58 * 60_000;

export const RETRIES_OVER = "It was tried again for an hour.";

/** Why the due time waits no longer; null if it may be tried. One that waits in line keeps its place there. */
export function findLater({ settings }: Trigger, due_at: string, now: number): string | null {
  const { cron, timezone, overlap } = settings;
  if (overlap === "queue" || !cron || !timezone) return null;
  const later = lastDue(cron, timezone, Date.parse(due_at), now);
  return later === null ? null : saySuperseded(later);
}

export async function waitForRoom(
  env: Env,
  trigger: Trigger,
  due: DueTime,
  stored: StoredOutcome | null,
  { detail, retry_after_s = USUAL_WAIT_SECONDS }: Failure,
  now: number,
): Promise<void> {
  if (stored !== null && stored.retry_at !== null) return;
  const later = findLater(trigger, due.due_at, now);
  if (later !== null) return await recordOutcome(env.DB, due, { status: "skipped", reason: later, run: null });
  const retry_at = new Date(now + retry_after_s * 1000 + spreadOf(due.delivery_id)).toISOString();
  await recordOutcome(env.DB, due, { status: "waiting", reason: detail, run: null, retry_at });
}

/** The same for each repeat of a job. */
function spreadOf(delivery_id: string): number {
  return [...delivery_id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % SPREAD_MS, 0);
}
