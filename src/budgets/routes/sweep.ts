// The clock's look at leases. A run that ends gives its leases back with the batch that says so. What a crash, a deletion
// or an outage of D1 left open, the objects are asked for: only they know what was spent.
import type { Env } from "../../config.ts";
import { describeError, logError, logWarning } from "../../lib/log.ts";
import { withinTime } from "../../lib/time-limit.ts";
import { closeLeases, listOpenLeases, type OpenLeases } from "../../store/budgets/close.ts";
import { deleteBudgetsOfLostProjects, deleteOldBudgets } from "../../store/budgets/old.ts";
import { clock } from "../../thread/ports.ts";
import { callThread } from "../../thread/stub.ts";

/** A run's batch reaches D1 within seconds, and after an outage within a minute. */
const OPEN_MS = 3 * 60_000;

/** Limits of one sweep. Those left over have their turn in a later one. */
const THREADS_PER_SWEEP = 200;
const THREADS_AT_ONCE = 20;
/** Of an object that does not answer. */
const THREAD_MS = 10_000;

/** A removal that D1 held up is tried again every half minute, and brings what was spent. */
const LOST_MS = 24 * 3_600_000;

/** A transaction of some milliseconds. A day's sweeps delete seven million rows. */
const ROWS_AT_ONCE = 500;
const STEPS = 10;

/** Projects with a budget are looked up once a day, at a quiet time for most. */
const PROJECTS_AT_MINUTE = 4 * 60 + 43;
const MINUTES_OF_DAY = 24 * 60;

export async function sweepLeases(env: Env, now: number): Promise<void> {
  try {
    const threads = await listOpenLeases(env.DB, now - OPEN_MS, THREADS_PER_SWEEP);
    for (let index = 0; index < threads.length; index += THREADS_AT_ONCE) {
      await Promise.all(threads.slice(index, index + THREADS_AT_ONCE).map((thread) => askThread(env, thread, now)));
    }
  } catch (error) {
    logError("lease_sweep_failed", error, {});
  }
}

async function askThread(env: Env, { lease_ids, granted_at, ...key }: OpenLeases, now: number): Promise<void> {
  try {
    const asked = callThread(env, key, (stub) => stub.closeLeases(key, lease_ids));
    const answer = await withinTime(clock, THREAD_MS, "A thread", asked);
    if (answer.ok) {
      const own = answer.value.filter(({ lease_id }) => lease_ids.includes(lease_id));
      await closeLeases(env.DB, key, own, now);
    } else if (answer.error.code === "not_found" && Date.parse(granted_at) < now - LOST_MS) {
      // The thread is gone, and its removal brought no news of them.
      const unknown = lease_ids.map((lease_id) => ({ lease_id }));
      await closeLeases(env.DB, key, unknown, now);
    }
  } catch (error) {
    logWarning("leases_not_closed", { ...key, leases: lease_ids.length, error: describeError(error) });
  }
}

/** Deletes leases and budgets of long ago. */
export async function sweepBudgets(env: Env, now: number): Promise<void> {
  try {
    for (let step = 0; step < STEPS; step++) {
      if ((await deleteOldBudgets(env.DB, now, ROWS_AT_ONCE)) < ROWS_AT_ONCE) break;
    }
    if (Math.floor(now / 60_000) % MINUTES_OF_DAY !== PROJECTS_AT_MINUTE) return;
    await deleteBudgetsOfLostProjects(env.DB, ROWS_AT_ONCE * STEPS);
  } catch (error) {
    logError("budget_sweep_failed", error, {});
  }
}
