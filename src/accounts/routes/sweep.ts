// The clock's look at accounts that end or pause: it sends the jobs that a lost queue left out, and those that are due a
// day later.
import type { Env } from "../../config.ts";
import { logError } from "../../lib/log.ts";
import { listDueAccounts, listWorkingUsers, type RestingUser } from "../../store/people/closing.ts";
import { sendJobs } from "../../thread/jobs.ts";
import { type AccountJob, LAST_ATTEMPT, SWEEP_MS } from "./jobs.ts";

/** Those left over come in a later sweep. */
const USERS_PER_SWEEP = 50;

/** Runs every minute. A run of a user who may not act is ended then, whatever became of the job. */
export async function sweepAccounts(env: Env, now: number): Promise<void> {
  try {
    // The table of users is read as a whole, which need not happen each minute.
    const isLook = Math.floor(now / 60_000) % (SWEEP_MS / 60_000) === 0;
    const found = await Promise.all([
      listWorkingUsers(env.DB, USERS_PER_SWEEP),
      isLook ? listDueAccounts(env.DB, now, USERS_PER_SWEEP) : [],
    ]);
    const users = new Map(found.flat().map((user) => [user.user_id, user]));
    await sendJobs(env.JOBS, [...users.values()].map(toJob));
  } catch (error) {
    logError("sweep_of_accounts_failed", error, {});
  }
}

/** It is not sent again when it fails: the next sweep does that. */
function toJob({ user_id, rest }: RestingUser): AccountJob {
  return { type: rest === "deleted" ? "close_account" : "pause_account", user_id, attempt: LAST_ATTEMPT };
}
